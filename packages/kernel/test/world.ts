/**
 * A world for the bridge's tests: a real kernel, under a real bridge, under a real shim in pipe mode. A {@link Listener} is what a host
 * is to it: it reads records from the shim's stream, folds them, and sends records as numbered inputs.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { build } from "esbuild";
import { connectShim, type ShimLink, type ShimResult, Stream } from "../../shim/src/index.ts";
import { fact, type Session, World } from "../../shim/test/world.ts";
import { type HeaderOperator, headOf, json, type Message, parentOf, parsed, request } from "../src/message/index.ts";
import { type Answer, type BridgeRecord, type BridgeWord, encoded, type HostWord, RecordDecoder } from "../src/record/index.ts";
import { apply, executeContent, hear, type KernelSession, openKernelSession } from "../src/session/index.ts";

export { fact, isAlive, isSoak } from "../../shim/test/world.ts";

export const ana: HeaderOperator = { id: "op-ana", name: "ana", kind: "human", via: "cli" };
const root = join(import.meta.dirname, "..", "..", "..");

/** The bridge of the source as it is now, in one file, as it ships. */
export async function bridgeProgram(): Promise<string> {
  const made = await build({
    entryPoints: [join(root, "packages/kernel/src/bridge/main.ts")],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node22",
    external: ["zeromq"],
    logLevel: "warning",
  });
  const code = made.outputFiles[0]!.contents;
  const folder = join(root, ".build", "kernel-test");
  const file = join(folder, `${createHash("sha256").update(code).digest("hex").slice(0, 16)}.mjs`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.${process.pid}`, code);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}

/** As docs/kernel-bridge.md §1 has it. */
const nodeArguments = ["--expose-gc", "--max-semi-space-size=1"];
const allocator = [
  "MALLOC_ARENA_MAX=2",
  "MALLOC_MMAP_THRESHOLD_=65536",
  "HOLDFAST_BRIDGE_ONLY=MALLOC_ARENA_MAX,MALLOC_MMAP_THRESHOLD_",
];

export interface KernelOptions {
  readonly kernel?: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
}

export class KernelWorld implements AsyncDisposable {
  readonly shims = new World();
  readonly #listeners: Listener[] = [];

  async open(options: KernelOptions = {}): Promise<Listener> {
    const folder = this.shims.path(`kernel-${this.#listeners.length}`);
    const argv = [
      process.execPath,
      ...nodeArguments,
      await bridgeProgram(),
      "--kernel",
      options.kernel ?? "python3",
      "--folder",
      folder,
    ];
    const env = [
      `PATH=${process.env.PATH}`,
      `HOME=${this.shims.dir}`,
      `IPYTHONDIR=${this.shims.path("ipython")}`,
      ...allocator,
      ...(options.env ?? []),
    ];
    const spec = { mode: "pipes" as const, respawn: true, env };
    const session = await this.shims.open([...argv, ...(options.args ?? [])], spec);
    const listener = new Listener(this.shims, session, [...argv, ...(options.args ?? [])], env);
    this.#listeners.push(listener);
    return listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of this.#listeners) listener.reads(true);
    await this.shims[Symbol.asyncDispose]();
  }
}

export class Listener {
  readonly records: BridgeRecord[] = [];
  readonly words: BridgeWord[] = [];
  readonly skipped: number[] = [];
  readonly stderr: Buffer[] = [];
  state: KernelSession = openKernelSession();
  exit: { code: number; signal: number } | undefined;
  bridgePid = 0;
  readonly link: ShimLink;
  readonly #decoder = new RecordDecoder(crc32);
  readonly #shims: World;
  readonly #argv: readonly string[];
  readonly #env: readonly string[];
  readonly #results: ShimResult[] = [];
  #seq = 0n;
  #reads = true;
  #end = 0n;
  /** Keeps no record of output, only its count: for tests of very much. */
  keep = true;
  outputBytes = 0;

  constructor(shims: World, session: Session, argv: readonly string[], env: readonly string[]) {
    this.#shims = shims;
    this.#argv = argv;
    this.#env = env;
    this.link = connectShim(
      session.socketPath,
      { ackedOffsets: [] },
      {
        welcome: (welcome) => {
          this.bridgePid = welcome.pid;
        },
        output: (stream, offset, _time, bytes) => {
          const end = offset + BigInt(bytes.length);
          if (stream === Stream.stdout) {
            this.#end = end;
            if (this.#reads) this.link.ack({ streams: [{ stream, offset: end }] });
            this.#heard(Buffer.from(bytes));
          } else {
            this.stderr.push(Buffer.from(bytes));
            this.link.ack({ streams: [{ stream, offset: end }] });
          }
        },
        result: (result) => {
          this.#results.push(result);
          this.link.ack({ resultSeq: result.seq });
        },
        exited: (exit) => {
          this.exit = { code: exit.code ?? -1, signal: Number(exit.signal ?? 0) };
          this.link.ack({ exit: true });
        },
        closed: () => {},
        probe: () => {},
        started: ({ pid }) => {
          this.bridgePid = pid;
        },
        releaseRefused: () => {},
        end: () => {},
      },
    );
  }

  /** Stops or goes on acknowledging, as a host does whose disk is slow: a full ring stops the bridge's pipe. */
  reads(reads: boolean): void {
    this.#reads = reads;
    if (reads) this.link.ack({ streams: [{ stream: Stream.stdout, offset: this.#end }] });
  }

  #heard(bytes: Buffer): void {
    for (const found of this.#decoder.push(bytes)) {
      if ("skippedBytes" in found) this.skipped.push(found.skippedBytes);
      else this.#take(found.record);
    }
  }

  #take(record: BridgeRecord): void {
    for (const event of hear(this.state, record)) this.state = apply(this.state, event);
    if (record.kind === "word") this.words.push(record.word as BridgeWord);
    if (this.keep || record.kind === "word") this.records.push(record);
    if (record.kind === "message" && headOf(record.message.header)?.msgType === "stream") {
      this.outputBytes += String(parsed(record.message.content)?.text).length;
    }
  }

  send(record: BridgeRecord): void {
    const bytes = Buffer.concat(encoded(record, crc32));
    for (let at = 0; at < bytes.length; at += 65_536) this.link.input(++this.#seq, 1, bytes.subarray(at, at + 65_536));
  }

  message(
    msgType: string,
    content: object,
    more: { parent?: object; channel?: "shell" | "control" | "stdin"; buffers?: Uint8Array[] } = {},
  ): string {
    const msgId = randomUUID();
    const { parent, channel = "shell", buffers } = more;
    const session = "a-host";
    const date = new Date().toISOString();
    const message = request({
      msgId,
      msgType,
      session,
      operator: ana,
      date,
      content,
      ...(parent ? { parent } : {}),
      ...(buffers ? { buffers } : {}),
    });
    this.send({ kind: "message", channel, incarnation: this.state.incarnation, message });
    return msgId;
  }

  /** As a host does: into the queue, and sent at once where nothing runs. */
  execute(code: string, by = ana): string {
    const run = { id: randomUUID(), by, code };
    this.state = apply(apply(this.state, { kind: "queued", run }), { kind: "sent", runId: run.id });
    const message = request({
      msgId: run.id,
      msgType: "execute_request",
      session: "a-host",
      operator: by,
      date: new Date().toISOString(),
      content: executeContent(run),
    });
    this.send({ kind: "message", channel: "shell", incarnation: this.state.incarnation, message });
    return run.id;
  }

  over = (runId: string, withinMs?: number) => fact(`run ${runId} is over`, () => this.state.ended.get(runId)?.outcome, withinMs);

  answerTo(word: HostWord): Promise<Answer> {
    this.send({ kind: "word", word });
    return fact(`${word.word} ${word.id} is answered`, () =>
      this.words.find((said): said is Answer => said.word === "answer" && said.id === word.id),
    );
  }

  says<W extends BridgeWord["word"]>(word: W, nth = 1): Promise<BridgeWord & { word: W }> {
    return fact(`the bridge says ${word} (${nth})`, () => {
      if (this.exit) throw new Error(`the bridge ended: ${JSON.stringify(this.words)} ${Buffer.concat(this.stderr)}`);
      return this.words.filter((said): said is BridgeWord & { word: W } => said.word === word).at(nth - 1);
    });
  }

  ready = (nth = 1) => this.says("ready", nth);

  messages(msgType: string, parent?: string): Message[] {
    return this.records.flatMap((record) =>
      record.kind === "message" &&
      headOf(record.message.header)?.msgType === msgType &&
      (parent === undefined || parentOf(record.message) === parent)
        ? [record.message]
        : [],
    );
  }

  hears = (msgType: string, parent?: string) =>
    fact(`a ${msgType} of ${parent ?? "anybody"} comes`, () => this.messages(msgType, parent)[0]);

  text(parent?: string): string {
    return this.messages("stream", parent)
      .map((message) => String(parsed(message.content)?.text))
      .join("");
  }

  /** What the bridge holds in memory, MiB: private and shared (VmRSS), and the most it ever did (VmHWM). */
  memoryMib(): { now: number; most: number } {
    const status = readFileSync(`/proc/${this.bridgePid}/status`, "utf8");
    const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]) / 1024;
    return { now: of("VmRSS"), most: of("VmHWM") };
  }

  killBridge(): void {
    process.kill(this.bridgePid, "SIGKILL");
  }

  /** As a host does with a bridge that crashed (D9). */
  async respawn(): Promise<void> {
    await fact("the bridge's end is told", () => this.exit);
    this.exit = undefined;
    for (const found of this.#decoder.restart()) {
      if ("skippedBytes" in found) this.skipped.push(found.skippedBytes);
      else this.#take(found.record);
    }
    const spec = this.#shims.spec(this.#argv, { mode: "pipes", respawn: true, env: this.#env });
    this.link.respawn(++this.#seq, await this.#shims.writeSpec(spec));
  }
}

export const jsonBytes = json;
