/**
 * Sessions as most programs want them: {@link SessionHandle} has its methods on the session, an attachment is an async iterable, and a
 * refusal is a value. All of it is {@link HostClient} underneath, and no more may be done here than there.
 *
 *   H1  What acts (types, runs, writes, steers, ends) tells the host's no (the floor is held, a right is missing, the file has changed, …) as
 *       an answer `{ ok: false, code, … }`. What broke or is not there (no host, no such session, a bad request) is thrown, as
 *       {@link HoldError}, and so is every fault of what only looks.
 *   H2  An attachment is read at the pace of its loop: the next piece of output is asked for when the loop comes back for it, so a loop that
 *       waits holds nobody up and costs a window of memory.
 *   H3  Leaving the loop detaches. Nothing else ends.
 */
import { type Code, codes, HoldError, InputStatus } from "@holdfast/protocol";
import type { Exit, Floor, ScreenAnswer, Session, WaitAnswer } from "@holdfast/protocol";
import type {
  AttachedItem,
  AttachedSession,
  AttachHandlers,
  Attachment,
  AttachWish,
  Entry,
  ExecOptions,
  ExecResult,
  HostClient,
  InputOptions,
  InputOutcome,
  ListeningPort,
  PortStream,
  ReadOptions,
  RunOptions,
  RunResult,
  ScreenOptions,
  SendOptions,
  SessionFiles,
  SessionHandle,
  Sessions,
  Told,
  WaitSpec,
} from "./api/index.ts";
import { readJournal } from "./journal.ts";

/** H1: codes that say no, of an exit code of their own (4), and what a shell or a program does not take now. */
const REFUSALS = new Set<Code>([
  "input_blocked",
  "input_void",
  "input_cut",
  "line_too_long",
  "session_ended",
  "session_running",
  "file_changed",
]);
const isRefusal = (code: Code): boolean => codes[code].exit === 4 || REFUSALS.has(code);

/** A call of {@link HostClient}, which throws what the host refuses, with the refusal as a value: `await told(client.approvals.allow(request))`. */
export async function told<T extends object>(asked: Promise<T>): Promise<Told<T>> {
  try {
    return { ok: true, ...(await asked) };
  } catch (fault) {
    if (!(fault instanceof HoldError) || !isRefusal(fault.code)) throw fault;
    return { ok: false, code: fault.code, message: fault.message, details: fault.details };
  }
}

function outcomeTold(outcome: InputOutcome): Told<InputOutcome> {
  if (outcome.status === InputStatus.APPLIED) return { ok: true, ...outcome };
  const { code = "input_void", message = "the input was not applied" } = outcome;
  return { ok: false, code: code as Code, message, details: { bytes: String(outcome.bytes) } };
}

const bytesOf = (input: string | Uint8Array): Uint8Array => (typeof input === "string" ? new TextEncoder().encode(input) : input);

export function sessionsOf(client: HostClient): Sessions {
  return {
    open: async (spec = {}) => new Handle(client, (await client.open(spec)).session),
    list: async (options) => (await client.list(options)).map((info) => new Handle(client, info)),
    get: async (session) => new Handle(client, await client.show(session)),
  };
}

class Handle implements SessionHandle {
  readonly #client: HostClient;
  info: Session;

  constructor(client: HostClient, info: Session) {
    this.#client = client;
    this.info = info;
  }

  get id(): string {
    return this.info.id;
  }

  get name(): string {
    return this.info.name;
  }

  get files(): SessionFiles {
    const files = this.#client.files(this.id);
    return { ...files, write: (...file) => told(files.write(...file)) };
  }

  async ports(): Promise<readonly ListeningPort[]> {
    return (await this.#client.ports(this.id)).ports;
  }

  connectPort(port: number): Promise<Told<{ readonly stream: PortStream }>> {
    return told(this.#client.connectPort(this.id, port).then((stream) => ({ stream })));
  }

  async look(): Promise<Session> {
    this.info = await this.#client.show(this.id);
    return this.info;
  }

  attach(wish: AttachWish = {}): AttachedSession {
    return new Attached(this.#client, this.id, wish);
  }

  send(input: string | Uint8Array, options?: SendOptions): Promise<Told<InputOutcome>> {
    return told(this.#client.send(this.id, bytesOf(input), options));
  }

  async run(
    command: string | readonly string[],
    options: Omit<RunOptions, "output"> = {},
  ): Promise<Told<RunResult & { readonly output: Uint8Array }>> {
    const kept = new Tail(options.maxBytes ?? 1024 * 1024);
    const asked = this.#client.run(this.id, typeof command === "string" ? { text: command } : { words: command }, {
      ...options,
      output: (bytes) => kept.add(bytes),
    });
    return told(asked.then((result) => ({ ...result, output: kept.bytes() })));
  }

  async exec(
    argv: readonly string[],
    options: Omit<ExecOptions, "output"> = {},
  ): Promise<Told<ExecResult & { readonly stdout: Uint8Array; readonly stderr: Uint8Array }>> {
    const streams = { 1: new Tail(Infinity), 2: new Tail(Infinity) };
    const asked = this.#client.exec(this.id, argv, { ...options, output: (stream, bytes) => streams[stream].add(bytes) });
    return told(asked.then((result) => ({ ...result, stdout: streams[1].bytes(), stderr: streams[2].bytes() })));
  }

  wait(spec: WaitSpec, signal?: AbortSignal): Promise<WaitAnswer> {
    return this.#client.wait(this.id, spec, signal);
  }

  screen(options?: ScreenOptions): Promise<ScreenAnswer> {
    return this.#client.screen(this.id, options);
  }

  log(options?: ReadOptions): AsyncIterable<Entry> {
    return readJournal(this.#client, this.id, options);
  }

  takeFloor(): Promise<Told<{ readonly floor: Floor }>> {
    return this.#floor("take");
  }

  releaseFloor(): Promise<Told<{ readonly floor: Floor }>> {
    return this.#floor("release");
  }

  passFloor(operator: string): Promise<Told<{ readonly floor: Floor }>> {
    return this.#floor("pass", operator);
  }

  #floor(verb: "take" | "release" | "pass", to?: string): Promise<Told<{ readonly floor: Floor }>> {
    return told(this.#client.floor(this.id, verb, to).then((floor) => ({ floor })));
  }

  kill(graceMs?: number): Promise<Told<{ readonly exit: Exit | undefined }>> {
    return told(
      this.#client.kill(this.id, graceMs).then((info) => {
        this.info = info;
        return { exit: info.exit };
      }),
    );
  }
}

/** The last bytes of what is added. */
class Tail {
  readonly #most: number;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    while (this.#length - (this.#parts[0]?.length ?? 0) >= this.#most) this.#length -= this.#parts.shift()!.length;
  }

  bytes(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole.length > this.#most ? whole.subarray(whole.length - this.#most) : whole;
  }
}

class Attached implements AttachedSession {
  readonly ready: Promise<Attachment>;
  #queue: { readonly item: AttachedItem; readonly used: () => void }[] = [];
  #wake: (() => void) | null = null;
  #over: { readonly error: HoldError | null } | null = null;

  constructor(client: HostClient, session: string, { from = "now", signal, ...wish }: AttachWish) {
    const mode = from === "now" ? {} : { mode: "replay" as const, after: Number(from) };
    this.ready = client.attach({ session, ...wish, ...mode }, this.#handlers());
    // Who only loops is told there.
    this.ready.catch((fault: unknown) =>
      this.#end(fault instanceof HoldError ? fault : new HoldError("internal", String(fault), {}, { cause: fault })),
    );
    if (signal?.aborted) void this.detach();
    else signal?.addEventListener("abort", () => void this.detach(), { once: true });
  }

  #handlers(): AttachHandlers {
    return {
      snapshot: (s) => this.#push({ type: "snapshot", ...s }),
      output: (o) => this.#push({ type: "output", ...o }),
      event: (event) => this.#push({ type: "event", event }),
      gap: (g) => this.#push({ type: "gap", ...g }),
      // These are about now, and wait for nothing.
      floor: (floor, why, by) => void this.#push({ type: "floor", floor, why, by }),
      presence: (operators) => void this.#push({ type: "presence", operators }),
      link: (state, { resumed }) => void this.#push({ type: "link", state, resumed }),
      detached: (reason, error) => this.#end(error ? new HoldError(error.code as Code, error.message, { reason }) : null),
    };
  }

  /** H2: resolves when the loop comes back for the next. */
  #push(item: AttachedItem): Promise<void> {
    if (this.#over) return Promise.resolve();
    return new Promise((used) => {
      this.#queue.push({ item, used });
      this.#wake?.();
    });
  }

  #end(error: HoldError | null): void {
    this.#over ??= { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AttachedItem> {
    try {
      for (;;) {
        const next = this.#queue.shift();
        if (next) {
          try {
            yield next.item;
          } finally {
            next.used();
          }
        } else if (this.#over) {
          if (this.#over.error) throw this.#over.error;
          return;
        } else {
          await new Promise<void>((wake) => {
            this.#wake = wake;
          });
        }
      }
    } finally {
      await this.detach();
    }
  }

  async send(input: string | Uint8Array, options?: InputOptions): Promise<Told<InputOutcome>> {
    const attachment = await this.ready;
    return outcomeTold(await attachment.input(bytesOf(input), options));
  }

  async detach(): Promise<void> {
    const attachment = await this.ready.catch(() => null);
    const leaving = attachment?.detach();
    // Whoever waits for the loop waits for nothing more.
    this.#end(null);
    for (const { used } of this.#queue.splice(0)) used();
    await leaving;
  }
}
