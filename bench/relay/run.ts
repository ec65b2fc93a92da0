/** One run of the relay's bench: what was asked for, its folder, its processes, and the relay under test. */
import { mkdtempSync, readFileSync } from "node:fs";
import { get } from "node:https";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { text as collected } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { askRelay } from "@holdfast/relay";
import { certificateIn, holdPath } from "./box.ts";
import { Talking } from "./talking.ts";

export const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "1000" },
    operators: { type: "string", default: "10000" },
    megabytes: { type: "string", default: "400" },
    keys: { type: "string", default: "300" },
    rounds: { type: "string", default: "5" },
    idle: { type: "string", default: "20" },
    /** Of echo, ls, pour, crowd; what is left out has no figure. */
    only: { type: "string", default: "echo,ls,pour,crowd" },
    "no-storm": { type: "boolean", default: false },
    out: { type: "string", default: ".build/bench/relay.json" },
    /** Also two relays that meet at a nats-server: a host at one, operators at the other. */
    nats: { type: "boolean", default: false },
    /** The program whose relay is measured. */
    hold: { type: "string", default: holdPath },
    /** Puts the tables into docs/benchmarks.md and the figures into the model of docs/scale.md, measures NATS for it, and writes that page anew. */
    record: { type: "boolean", default: false },
  },
});
export const root = fileURLToPath(new URL("../..", import.meta.url));
export const of = (name: "hosts" | "operators" | "megabytes" | "keys" | "rounds" | "idle"): number => Number(values[name]);
export const wants = (part: string): boolean => values.only.split(",").includes(part);
export const say = (text: string): void => void process.stderr.write(`${text}\n`);
export const load = (): string =>
  loadavg()
    .map((n) => n.toFixed(2))
    .join(" ");

export const folder = mkdtempSync(join(tmpdir(), "hold-bench-relay-"));
export const children: Talking[] = [];
export const started = (talking: Talking): Talking => {
  children.push(talking);
  return talking;
};
export const ends = (role: string, url = ""): Talking =>
  started(new Talking(process.execPath, ["--max-old-space-size=8192", join(root, "bench", "relay", "ends.ts"), role, url]));

/** The relay under test, as a program, with TLS. */
export class RelayProcess {
  readonly #folder: string;
  readonly #more: readonly string[];
  #process!: Talking;
  url = "";
  #metrics = "";

  constructor(name = "relay", more: readonly string[] = []) {
    this.#folder = join(folder, name);
    this.#more = more;
  }

  async start(): Promise<void> {
    const listen = this.url === "" ? "127.0.0.1:0" : new URL(this.url).host;
    const { cert, key } = certificateIn(folder);
    const args = ["--listen", listen, "--tls-cert", cert, "--tls-key", key, "--web", "127.0.0.1:0", "--folder", this.#folder];
    this.#process = started(new Talking(values.hold, ["relay", ...args, ...this.#more, "--json"]));
    const { url, web } = await this.#process.hear<{ url: string; web: string }>();
    this.url = url;
    this.#metrics = `${web.replace(/^ws/, "http").replace(/#.*/, "")}/metrics`;
  }

  get pssKib(): number {
    return this.#process.pssKib;
  }

  get cpuMs(): number {
    return this.#process.cpuSeconds * 1000;
  }

  kill(): Promise<void> {
    return this.#process.end();
  }

  async tokens(n: number): Promise<string[]> {
    const made: string[] = [];
    while (made.length < n) {
      const { token } = await askRelay(join(this.#folder, "relay.sock"), "invite", { fleet: "bench", ttlMs: 3_600_000n });
      made.push(Buffer.from(token).toString("hex"));
    }
    return made;
  }

  /** Both ways. */
  async passedBytes(): Promise<number> {
    const ca = readFileSync(certificateIn(folder).cert);
    const text = await new Promise<string>((resolve, reject) => {
      get(this.#metrics, { ca }, (answer) => void collected(answer).then(resolve, reject)).on("error", reject);
    });
    return [...text.matchAll(/^holdfast_relay_passed_bytes_total\{.*\} (\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
  }
}

/** What the relay's time went into while something was done. */
export async function timed<T>(
  relay: { readonly cpuMs: number },
  act: () => Promise<T>,
): Promise<{ value: T; cpuMs: number; seconds: number }> {
  const [cpuMs, began] = [relay.cpuMs, performance.now()];
  const value = await act();
  return { value, cpuMs: relay.cpuMs - cpuMs, seconds: (performance.now() - began) / 1000 };
}
