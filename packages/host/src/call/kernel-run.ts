/**
 * `hold run` in a kernel session: queues code, and follows it for one caller until it is over.
 *
 *   R1  (writer, n) is the run: who asks with it again is told of the one that was asked, from where `again` says. Its id follows from
 *       them, so that no code is queued twice.
 *   R2  What a run said goes at the caller's pace: it is read from the journal, not held here.
 *   R3  To an AI no secret is told that is known when it is told.
 * Elsewhere: the queue and what becomes of a run (kernel/room.ts).
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { MonotonicMs, secret } from "@holdfast/core";
import { type Message, type Outcome, MAX_ENDED, parentOf, parsed, headOf, RecordDecoder } from "@holdfast/kernel";
import {
  bytesOf,
  create,
  HoldError,
  type Init,
  KernelRunOptionsSchema,
  type RunAnswer,
  RunAnswerSchema,
} from "@holdfast/protocol";
import type { Act } from "../approval/gate.ts";
import type { AskedRun, KernelRoom } from "../kernel/room.ts";
import { differences } from "../session/masked-records.ts";
import type { LiveSession } from "../session/session.ts";
import { demandMeant } from "./again.ts";
import { type CallContext, demandCaller, type Result, type Verb } from "./context.ts";
import { messageOnWire, piecesOf } from "./kernel.ts";
import { checkWriter } from "./sessions.ts";

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 256 * 1024;
/** Code that one run may have. */
const CODE_BYTES = 16 * 1024 * 1024;
/** Of a client's own header. */
const HEADER_BYTES = 8 * 1024;
/** How soon a caller that does not keep up is looked at again. */
const ROOM_MS = 20;

export async function runInKernel(ctx: CallContext, call: Verb<"run">, session: LiveSession): Promise<Result> {
  const room = session.kernel!;
  if (call.writer) checkWriter(call.writer);
  const writer = `${ctx.operator.id}/${call.writer || ctx.host.ports.newId(16)}`;
  const n = Number(call.n || 1n);
  const id = runIdOf(session.id, writer, n);
  if (room.askedAt(id) === null) await queue(ctx, call, session, { id, writer, n });
  return new KernelRunFollower(ctx, call, session, id).follow();
}

/** R1. Kernels and their clients take any text; most make a UUID. */
export function runIdOf(session: string, writer: string, n: number): string {
  const hex = createHash("sha256").update(`${session}/${writer}/${n}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

async function queue(
  ctx: CallContext,
  call: Verb<"run">,
  session: LiveSession,
  of: Pick<AskedRun, "id" | "writer" | "n">,
): Promise<void> {
  demandMeant(session, call.again, ctx.host.ports);
  if (call.again && session.kernel!.state.ended.size >= MAX_ENDED)
    throw new HoldError(
      "code_unknown",
      `what became of that run in session ${session.facts.name} (${session.id}) is not known any more; hold log ${session.id} shows what ran`,
      { session: session.id },
    );
  const code = call.words.length > 0 ? call.words.join(" ") : call.text;
  await queueRun(ctx, session, { ...of, code, options: call.kernel ?? create(KernelRunOptionsSchema) });
}

/** Puts code into the kernel's queue, if the policy lets it in; nothing, where a run of that id was asked for already. */
export async function queueRun(
  { host, operator, via, signal }: Pick<CallContext, "host" | "operator" | "via" | "signal">,
  session: LiveSession,
  run: AskedRun,
): Promise<void> {
  const room = session.kernel!;
  const { code, options } = run;
  const bytes = Buffer.byteLength(code);
  if (bytes > CODE_BYTES) throw new HoldError("bad_request", `code of ${bytes} bytes; ${CODE_BYTES} at most`);
  for (const what of ["metadata", "header", "userExpressions"] as const)
    if (options[what].length > 0 && !parsed(options[what]))
      throw new HoldError("bad_request", `the ${what} of a run is a JSON object`);
  if (options.header.length > HEADER_BYTES)
    throw new HoldError("bad_request", `a header of ${options.header.length} bytes; ${HEADER_BYTES} at most`);
  const act: Act = {
    deed: "run",
    session,
    what: `runs code in the kernel ${session.facts.kernel}`,
    data: bytesOf(code),
    command: null,
  };
  const pass = await host.gate.admit(operator, via, act, signal);
  if (room.askedAt(run.id) !== null) return;
  demandCaller(signal);
  const gone = pass.use();
  if (gone) throw gone;
  session.demandTurn(operator, via);
  room.execute(askerOf({ operator, via }), run);
}

export function askerOf({ operator, via }: Pick<CallContext, "operator" | "via">) {
  const { id, name, kind, onBehalfOf } = operator;
  return { id, via, name, kind, onBehalfOf };
}

class KernelRunFollower {
  readonly #ctx: CallContext;
  readonly #session: LiveSession;
  readonly #room: KernelRoom;
  readonly #id: string;
  readonly #maxBytes: number;
  readonly #timeoutMs: number | null;
  readonly #decoder = new RecordDecoder((bytes, before) => crc32(bytes, before));
  #cursor: number;
  /** Offset of stream 1 behind the last record that was looked at; -1: before the first. */
  #at = -1;
  readonly #toldTo: number;
  #sentBytes: number;
  #omitted = 0;
  #masked = 0;
  #count = 0;
  /** Its end, and the seq by which all of it is recorded. */
  #ended: { readonly outcome: Outcome; readonly seq: number } | null = null;
  #stopLater: (() => void) | null = null;
  #over: (then: () => void) => void = () => {};
  #finish: (result: Result) => void = () => {};

  constructor(ctx: CallContext, call: Verb<"run">, session: LiveSession, id: string) {
    this.#ctx = ctx;
    this.#session = session;
    this.#room = session.kernel!;
    this.#id = id;
    this.#maxBytes = Number(call.maxBytes) || DEFAULT_MAX_BYTES;
    this.#timeoutMs = call.timeoutMs === undefined ? null : Number(call.timeoutMs);
    this.#toldTo = Number(call.again?.offset ?? 0n);
    this.#sentBytes = Number(call.again?.bytes ?? 0n);
    this.#cursor = Math.max(0, (this.#room.askedAt(id) ?? session.facts.seq) - 1);
  }

  follow(): Promise<Result> {
    const { signal, host } = this.#ctx;
    this.#ctx.more({ case: "run", value: create(RunAnswerSchema, { state: "queued", run: this.#id }) });
    return new Promise<Result>((resolve, reject) => {
      const stops: (() => void)[] = [];
      let isOver = false;
      this.#over = (then) => {
        if (isOver) return;
        isOver = true;
        for (const stop of stops) stop();
        this.#stopLater?.();
        then();
      };
      this.#finish = resolve;
      const { ended } = this.#room.state;
      const before = ended.get(this.#id);
      if (before) this.#ended = { outcome: before.outcome, seq: this.#room.endOf(this.#id)! };
      stops.push(
        this.#room.listen((event, seq) => {
          if (event.kind === "over" && event.runId === this.#id) this.#ended ??= { outcome: event.outcome, seq };
        }),
      );
      stops.push(
        this.#session.listen((_entry, body) => {
          if (body?.case === "output" || body?.case === "kernelOver" || body?.case === "exited" || body?.case === "ended")
            host.ports.defer(() => this.#hand());
        }),
      );
      if (this.#timeoutMs !== null)
        stops.push(host.ports.wakeAt(MonotonicMs(host.ports.clock.monoMs() + this.#timeoutMs), () => this.#end("timed_out")));
      const gone = (): void => this.#over(() => reject(new HoldError("cancelled", "the caller left; the run goes on")));
      signal.addEventListener("abort", gone, { once: true });
      stops.push(() => signal.removeEventListener("abort", gone));
      if (signal.aborted) return gone();
      this.#hand();
    });
  }

  /** R2. */
  #hand(): void {
    const ended = this.#ended;
    for (;;) {
      if (ended && this.#cursor >= ended.seq) return this.#end(stateOf(ended.outcome), ended.outcome);
      if (!this.#ctx.hasRoom()) return this.#later();
      const items = this.#session.read(this.#cursor, READ_BYTES);
      if (items.length === 0) return;
      for (const item of items) {
        if (ended && this.#cursor >= ended.seq) break;
        if ("gap" in item) {
          this.#cursor = item.toSeq;
          this.#at = -1;
          continue;
        }
        const { entry } = item;
        this.#cursor = entry.seq;
        if (item.body?.case !== "output" || entry.stream !== 1) continue;
        if (this.#at < 0) this.#at = entry.offset;
        this.#read(entry.payload, entry.payloadBytes);
      }
    }
  }

  #read(payload: Uint8Array, payloadBytes: number): void {
    if (payload.length < payloadBytes) this.#omitted += payloadBytes;
    for (const found of this.#decoder.push(Uint8Array.from(payload))) {
      this.#at += "record" in found ? found.bytes : found.skippedBytes;
      if (!("record" in found) || found.record.kind !== "message" || this.#at <= this.#toldTo) continue;
      const { channel, incarnation, message } = found.record;
      if (parentOf(message) !== this.#id) continue;
      this.#countIn(message);
      this.#tell(channel, incarnation, message, found.bytes);
    }
  }

  #countIn(message: Message): void {
    const type = headOf(message.header)?.msgType;
    if (type !== "execute_input" && type !== "execute_reply") return;
    const count = parsed(message.content)?.["execution_count"];
    if (typeof count === "number") this.#count = count;
  }

  #tell(channel: string, incarnation: number, message: Message, bytes: number): void {
    if (this.#sentBytes + bytes > this.#maxBytes) {
      this.#omitted += bytes;
      return;
    }
    this.#sentBytes += bytes;
    const { message: shown, masked } = this.#shown(message);
    this.#masked += masked;
    const whole = messageOnWire(channel, incarnation, shown);
    const place = { state: "output", toOffset: BigInt(this.#at), maskedBytes: BigInt(masked) };
    const pieces = piecesOf(whole);
    if (!pieces) return this.#part({ ...place, message: whole });
    for (const piece of pieces) this.#part({ state: "output", piece, ...(piece.last ? place : {}) });
  }

  /** R3. */
  #shown(message: Message): { readonly message: Message; readonly masked: number } {
    return shownTo(this.#ctx.operator, this.#session, message);
  }

  #part(part: Init<RunAnswer>): void {
    this.#ctx.more({ case: "run", value: create(RunAnswerSchema, { run: this.#id, ...part }) });
  }

  #later(): void {
    this.#stopLater?.();
    const { clock, wakeAt } = this.#ctx.host.ports;
    this.#stopLater = wakeAt(MonotonicMs(clock.monoMs() + ROOM_MS), () => this.#hand());
  }

  #end(state: string, outcome?: Outcome): void {
    const last = create(RunAnswerSchema, {
      state,
      run: this.#id,
      seq: BigInt(this.#session.facts.seq),
      toOffset: BigInt(Math.max(0, this.#at)),
      executionCount: BigInt(this.#count),
      omittedBytes: BigInt(this.#omitted),
      maskedBytes: BigInt(this.#masked),
      ...(state === "ended" ? { outcome: outcome!, code: outcome === "ok" ? 0 : 1 } : {}),
    });
    this.#over(() => this.#finish({ case: "run", value: last }));
  }
}

function stateOf(outcome: Outcome): string {
  return outcome === "ok" || outcome === "error" || outcome === "aborted" ? "ended" : outcome;
}

/** To an AI no secret is told that is known now. `masked`: how many bytes are hidden. */
export function shownTo(
  { kind }: Pick<CallContext["operator"], "kind">,
  { secrets: { matcher } }: Pick<LiveSession, "secrets">,
  message: Message,
): { readonly message: Message; readonly masked: number } {
  if (kind !== "ai" || !matcher) return { message, masked: 0 };
  let masked = 0;
  const mask = (bytes: Uint8Array): Uint8Array => {
    const shown = secret.maskWhole(matcher, bytes);
    masked += differences(bytes, shown);
    return shown;
  };
  const { parent, metadata, content, buffers } = message;
  const hidden = {
    ...message,
    parent: mask(parent),
    metadata: mask(metadata),
    content: mask(content),
    buffers: buffers.map(mask),
  };
  return { message: hidden, masked };
}
