/**
 * A world for the shim's tests: a run folder, real shims, and taps that record what a link says.
 * Nothing here sleeps for luck: a test waits for a named fact, and fails with that name if it never comes.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { connectShim } from "../src/connect.ts";
import { keeperStatus, startKeeper, startShim } from "../src/keeper.ts";
import type { ShimExit, ShimLink, ShimProbe, ShimResult, ShimSpec, ShimWelcome, Stream } from "../src/link.ts";
import { writeSpec } from "../src/spec.ts";

const packageRoot = join(import.meta.dirname, "..");
const source = join(packageRoot, "src", "c");
const builds = join(packageRoot, "..", "..", ".build", "shim-test");
const faultyRead = join(packageRoot, "test", "faulty-read.c");
export const corpusFolder = join(packageRoot, "test", "corpus");
export const isSoak = process.env.HOLDFAST_SOAK === "1";

/** A binary of the source as it is now, built once. `sanitized`: with ASan and UBSan; `faulty`: see faulty-read.c. */
export function shimBinary(kind: "plain" | "sanitized" | "faulty" = "plain"): string {
  const hash = createHash("sha256").update(readFileSync(faultyRead));
  for (const f of readdirSync(source).sort()) hash.update(f).update(readFileSync(join(source, f)));
  const folder = join(builds, hash.digest("hex").slice(0, 16));
  const file = join(folder, kind);
  if (existsSync(file)) return file;
  const arguments_ = { plain: ["--native", file], sanitized: ["--sanitize", file], faulty: ["--wrap-read", faultyRead, file] }[
    kind
  ];
  const made = spawnSync(process.execPath, [join(packageRoot, "build.mjs"), ...arguments_], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  return file;
}

type Seen<T> = Exclude<T, false | null | undefined>;

/** Waits until `look` gives something true, and returns it. */
export async function fact<T>(name: string, look: () => T | Promise<T>, withinMs = 60_000): Promise<Seen<T>> {
  const deadline = performance.now() + withinMs;
  for (let tries = 0; ; tries++) {
    const seen = await look();
    if (seen) return seen as Seen<T>;
    if (performance.now() > deadline) throw new Error(`never came true: ${name}`);
    await (tries < 100 ? turn() : pause(2));
  }
}

export const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

/** utime + stime of a process, ms. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Everything that one link said. `auto` acknowledges output and results as they come, as a host does. */
export class Tap {
  readonly link: ShimLink;
  welcome?: ShimWelcome;
  readonly results: ShimResult[] = [];
  readonly probes: ShimProbe[] = [];
  readonly started: { pid: number }[] = [];
  readonly closedAt = new Map<Stream, bigint>();
  exit?: ShimExit;
  /** Bytes that had arrived when the exit did. */
  bytesAtExit = -1;
  ended?: { reason: string; detail: string };
  releaseRefused?: number;
  #chunks = new Map<Stream, Buffer[]>();
  #next = new Map<Stream, bigint>();
  bytes = 0;
  /** The first offset that was not the one expected. */
  jump?: string;

  constructor(path: string, options: { auto?: boolean; acked?: { stream: Stream; offset: bigint }[]; keep?: boolean } = {}) {
    const { auto = true, keep = true } = options;
    this.link = connectShim(
      path,
      { ackedOffsets: options.acked ?? [] },
      {
        welcome: (w) => {
          this.welcome = w;
          for (const s of w.streams) this.#next.set(s.stream, s.start);
        },
        output: (stream, offset, _timeNs, bytes) => {
          if (this.#next.get(stream) !== offset) this.jump ??= `stream ${stream}: ${offset} after ${this.#next.get(stream)}`;
          this.#next.set(stream, offset + BigInt(bytes.length));
          this.bytes += bytes.length;
          if (keep) this.#chunks.set(stream, [...(this.#chunks.get(stream) ?? []), Buffer.from(bytes)]);
          if (auto) this.link.ack({ streams: [{ stream, offset: offset + BigInt(bytes.length) }] });
        },
        result: (r) => {
          this.results.push(r);
          if (auto) this.link.ack({ resultSeq: r.seq });
        },
        exited: (e) => {
          this.exit = e;
          this.bytesAtExit = this.bytes;
          if (auto) this.link.ack({ exit: true });
        },
        closed: (stream, end) => void this.closedAt.set(stream, end),
        probe: (p) => void this.probes.push(p),
        started: (s) => void this.started.push(s),
        releaseRefused: (n) => {
          this.releaseRefused = n;
        },
        end: (reason, detail) => {
          this.ended = { reason, detail };
        },
      },
    );
  }

  data(stream: Stream = 0): Buffer {
    const all = Buffer.concat(this.#chunks.get(stream) ?? []);
    this.#chunks.set(stream, [all]);
    return all;
  }
  text(stream: Stream = 0): string {
    return this.data(stream).toString("utf8");
  }
  linked = () => fact("the shim welcomes this link", () => this.welcome);
  says = (text: string, stream: Stream = 0) =>
    fact(`the program prints ${JSON.stringify(text)}`, () => this.text(stream).includes(text));
  exits = () => fact("the exit arrives", () => this.exit);
  result = (seq: bigint) => fact(`the result of ${seq} arrives`, () => this.results.find((r) => r.seq === seq));
  over = () => fact("the link ends", () => this.ended);
  #token = 1_000_000;
  async probe(token = ++this.#token): Promise<ShimProbe> {
    this.link.probe(token);
    return fact(`probe ${token} is answered`, () => this.probes.find((p) => p.token === token));
  }
}

export interface Session {
  readonly shimPid: number;
  readonly socketPath: string;
  tap(options?: ConstructorParameters<typeof Tap>[1]): Tap;
}

export class World implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), "hs-")); // 0700 by mkdtemp
  readonly #sessions: Session[] = [];
  #count = 0;
  #keeperDirs: string[] = [];
  readonly binary: string;

  constructor(binary = shimBinary()) {
    this.binary = binary;
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  spec(argv: readonly string[], more: Partial<ShimSpec> = {}): ShimSpec {
    return {
      mode: "pty",
      argv,
      env: [`PATH=${process.env.PATH}`, "TERM=xterm", "PS1=$ "],
      cwd: "/tmp",
      cols: 80,
      rows: 24,
      umask: 0o022,
      socketPath: this.path(`${this.#count++}.sock`),
      ...more,
    };
  }

  async writeSpec(spec: ShimSpec): Promise<string> {
    const path = `${this.path(`spec-${this.#count++}`)}`;
    await writeSpec(path, spec);
    return path;
  }

  async open(argv: readonly string[], more: Partial<ShimSpec> = {}): Promise<Session> {
    const spec = this.spec(argv, more);
    const { pid } = await startShim(this.binary, await this.writeSpec(spec));
    return this.adopt(pid, spec.socketPath);
  }

  shell(script: string, more: Partial<ShimSpec> = {}): Promise<Session> {
    return this.open(["sh", "-c", script], more);
  }

  adopt(shimPid: number, socketPath: string): Session {
    const session = { shimPid, socketPath, tap: (o?: ConstructorParameters<typeof Tap>[1]) => new Tap(socketPath, o) };
    this.#sessions.push(session);
    return session;
  }

  async keeper(hostArgv: readonly string[], runDir = this.dir) {
    const how = await startKeeper({ binary: this.binary, runDir, logFile: join(runDir, "keeper.log"), hostArgv });
    this.#keeperDirs.push(runDir);
    return how;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const dir of this.#keeperDirs) {
      const pid = await keeperStatus(dir).then(
        (s) => s.keeperPid,
        () => 0,
      );
      if (pid) process.kill(pid, "SIGTERM");
      if (pid) await fact("the keeper ends", () => !isAlive(pid));
    }
    await Promise.all(this.#sessions.map((s) => dispose(s)));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Ends a session's tree and its shim, through the front door, and by force if that does not answer. */
async function dispose(session: Session): Promise<void> {
  if (!isAlive(session.shimPid)) return;
  const tap = session.tap({ keep: false });
  tap.link.endTree(0);
  try {
    await fact(
      "the shim lets go",
      () => {
        tap.link.release();
        return tap.ended;
      },
      10_000,
    );
  } finally {
    if (isAlive(session.shimPid) && tap.ended?.reason !== "closed") process.kill(session.shimPid, "SIGKILL");
  }
}

/** Runs `job` for 0…count-1, `width` at a time. */
export async function inParallel(count: number, width: number, job: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await job(next++);
    }),
  );
}
