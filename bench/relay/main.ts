/**
 * `npm run bench:relay`: one relay process with simulated hosts and operators: how many it holds and in how much memory, how many bytes pass, and what a key
 * waits for it; beside `ssh -J` through a jump host, in the same run. docs/benchmarks.md says how to read it.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "1000" },
    operators: { type: "string", default: "10000" },
    megabytes: { type: "string", default: "400" },
    keys: { type: "string", default: "2000" },
  },
});
const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hold-bench-relay-"));
const children: Talking[] = [];

class Talking {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #said: unknown[] = [];
  #next: ((value: unknown) => void) | null = null;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.#child = spawn(command, args, {
      stdio: ["pipe", "pipe", process.env["BENCH_VERBOSE"] ? 2 : "ignore"],
      env,
    } as never) as never;
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#lines.on("line", (line) => {
      const value = JSON.parse(line) as unknown;
      if (this.#next) this.#next(value);
      else this.#said.push(value);
      this.#next = null;
    });
    children.push(this);
  }
  get pid(): number {
    return this.#child.pid!;
  }
  say(value: unknown): void {
    this.#child.stdin.write(`${JSON.stringify(value)}\n`);
  }
  hear<T>(): Promise<T> {
    if (this.#said.length > 0) return Promise.resolve(this.#said.shift() as T);
    return new Promise((resolve) => (this.#next = resolve as (value: unknown) => void));
  }
  async ask<T>(value: unknown): Promise<T> {
    this.say(value);
    return this.hear<T>();
  }
  async end(): Promise<void> {
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}

function pssMib(pid: number): number {
  const [, kib = "0"] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
  return Number(kib) / 1024;
}

/** Of user and system together. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const hold = (args: readonly string[]): readonly string[] => [...args, "--folder", folder];
const end = (name: string, args: readonly string[]): Talking =>
  new Talking(process.execPath, [join(root, "bench", "relay", "ends.ts"), name, ...args]);

async function tokens(n: number): Promise<string[]> {
  const made: string[] = [];
  for (let i = 0; i < n; i++) {
    const child = new Talking(join(root, "bin", "hold"), hold(["relay", "invite", "--ttl", "1h", "--json"]));
    made.push(Buffer.from((await child.hear<{ token: string }>()).token, "base64url").toString("hex"));
  }
  return made;
}

try {
  const relay = new Talking(join(root, "bin", "hold"), hold(["relay", "--listen", "127.0.0.1:0", "--json"]));
  const { url, pid } = await relay.hear<{ url: string; pid: number }>();
  const operator = end("operator", [url]);
  const { keyId } = await operator.hear<{ keyId: string }>();
  const one = end("host", [url, (await tokens(1)).join(","), keyId, "0"]);
  await one.hear();
  const echo = await operator.ask<{ p50: number; p99: number }>({ verb: "echo", host: "h0", n: Number(values.keys) });
  const cpu = cpuSeconds(pid);
  const pour = await operator.ask<{ mbps: number }>({ verb: "pour", host: "h0", n: Number(values.megabytes) * 1e6 });
  console.log({ echo, pour, mbPerCpuSecond: Number(values.megabytes) / (cpuSeconds(pid) - cpu), relayMib: pssMib(pid) });
  // all hosts are one process, all operators another
  const n = Number(values.hosts);
  const more = await tokens(n - 1);
  const hosts = end("host", [url, more.join(","), keyId, "1"]);
  console.log(await hosts.hear());
  const before = pssMib(pid);
  const held = await operator.ask<{ held: number; ms: number }>({ verb: "hold", n: Number(values.operators), hosts: n });
  const after = pssMib(pid);
  console.log({ held, before, after, kibEach: ((after - before) * 1024) / held.held });
  console.log(await operator.ask({ verb: "echo", host: "h0", n: Number(values.keys) }));
} finally {
  for (const child of children) await child.end().catch(() => {});
  rmSync(folder, { recursive: true, force: true });
}
