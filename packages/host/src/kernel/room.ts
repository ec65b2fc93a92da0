/**
 * The host's side of one kernel: a fold over its session's records, and what follows from it. What the fold means is packages/kernel's.
 *
 *   K1  Recorded before done: a run is in the journal before it waits, a message before the bridge sees it. A host that dies here is
 *       followed by one that reads the same, and goes on.
 *   K2  A message reaches the bridge whole or is none: of one that was torn (a host died, the floor cut it) the rest is made up of
 *       zeros, which the bridge skips, and a run goes back to the head of the queue. So a kernel has each run at most once.
 *   K3  Nothing is decided while records are read again: effects begin with {@link KernelRoom.goOn}, when the shim is there.
 *   K4  A run whose end may have been missed (a bridge crashed, a kernel threw its own `idle` away) is not waited for for ever: the kernel is asked
 *       something on shell, which it answers after that run, and the fold tells what that means.
 * Elsewhere: who may ask what (call/kernel.ts, call/kernel-run.ts), messages on the pipe (delivery.ts), its frames (session/inputs.ts), how it is started (launch.ts).
 */
import { crc32 } from "node:zlib";
import {
  type Answer,
  apply,
  type BridgeRecord,
  type BridgeWord,
  type Channel,
  channelOf,
  decide,
  encoded,
  executeContent,
  headOf,
  hear,
  type HostWord,
  type KernelEvent,
  type KernelSession,
  loadedKernelSession,
  type Message,
  nextRun,
  openKernelSession,
  parentOf,
  parsed,
  type Prompt,
  RecordDecoder,
  request,
  type Run,
  type SavedKernelSession,
  savedKernelSession,
} from "@holdfast/kernel";
import {
  create,
  EventBody_KernelAskedSchema,
  EventBody_KernelOverSchema,
  EventBody_StartedSchema,
  HoldError,
  InputStatus,
  type KernelRunOptions,
  OperatorKind,
  textOf,
} from "@holdfast/protocol";
import type { Entry } from "../journal/journal.ts";
import type { Actor, ReadItem } from "../session/book.ts";
import { isJournalFault } from "../session/journal-fault.ts";
import type { SessionPorts } from "../session/ports.ts";
import type { Body } from "../session/record.ts";
import type { Saying } from "../session/inputs.ts";
import { Delivery, type Said } from "./delivery.ts";
import { absent, labelOf, refusalOf } from "./refusal.ts";
import { MonotonicMs, type SessionFacts } from "@holdfast/core";

/** A bridge that has ended so often, in so long, is not started again. */
const CRASHES = 5;
const CRASH_WINDOW_MS = 60_000;
/** How long the end of a run may be missing before the kernel is asked. */
const DOUBT_MS = 2_000;
const SIGTERM = 15;
const SIGKILL = 9;
const READ_BYTES = 4 * 1024 * 1024;
const HOST: Actor = { id: "system:host", via: "host" };
/** Of an answer to a prompt; the rest is the prompt's id. */
const REPLY = "reply:";
/** What this asks of its session. */
export interface RoomSession {
  readonly id: string;
  readonly facts: SessionFacts;
  record(actor: Actor, body: Body, payload?: Uint8Array): Entry;
  read(afterSeq: number, maxBytes: number): ReadItem[];
  say(by: Actor, saying: Saying): number;
}

/** Who asks, as the kernel is told, and as it is recorded. */
export interface Asker extends Actor {
  readonly name: string;
  readonly kind: "human" | "service" | "ai";
  readonly onBehalfOf: string;
}

export interface AskedRun {
  readonly id: string;
  readonly code: string;
  readonly options: KernelRunOptions;
  readonly writer: string;
  readonly n: number;
}

export interface SavedRoom {
  readonly state: SavedKernelSession;
  /** Base64: bytes of a record that was not whole yet. */
  readonly held: string;
  readonly said: readonly (readonly [string, Said])[];
  readonly asked: readonly (readonly [string, number])[];
  readonly answered: Prompt | null;
  readonly isEnding: boolean;
  readonly awaitsBridge: boolean;
}

type Waiter<T> = { readonly resolve: (value: T) => void; readonly reject: (fault: HoldError) => void };

export type RoomListener = (event: KernelEvent, seq: number) => void;

export class KernelRoom {
  readonly #session: RoomSession;
  readonly #ports: Pick<SessionPorts, "clock" | "defer" | "log" | "newId" | "wakeAt">;
  readonly #decoder = new RecordDecoder((bytes, before) => crc32(bytes, before));
  #state: KernelSession;
  /** K2. */
  readonly #delivery: Delivery;
  /** Where each run of the state was asked for. */
  readonly #asked: Map<string, number>;
  /** Whose answer is on its way: it is asked again if that never arrives. */
  #answered: Prompt | null;
  readonly #ends = new Map<string, number>();
  readonly #replies = new Map<string, Waiter<Message>>();
  readonly #answers = new Map<string, Waiter<Answer>>();
  readonly #listeners = new Set<RoomListener>();
  /** When bridges have crashed: Unix milliseconds, of their records. */
  readonly #crashes: number[] = [];
  /** Runs whose code was erased from the record before they had their turn. */
  readonly #erased = new Set<string>();
  /** Somebody has ended the session. */
  #isEnding: boolean;
  /** The bridge has crashed, and the next one has not said yet what has become of the kernel: what it was told before would be uncertain. */
  #awaitsBridge: boolean;
  /** K4. */
  #stopDoubt: (() => void) | null = null;
  #isAsking = false;
  /** Until here the bridge's bytes are whole records. */
  #wholeSeq: number;
  /** Whose run it is, of clients of Jupyter: `session` of their header. */
  readonly #clients = new Map<string, string>();
  /** Records after this seq are of this life of the host. */
  readonly beganAt: number;
  #isLive = false;
  #isDue = false;

  /** `past`: null for a session that is being opened. */
  constructor(
    session: RoomSession,
    ports: Pick<SessionPorts, "clock" | "defer" | "log" | "newId" | "wakeAt">,
    past: { readonly saved: SavedRoom | null; readonly savedSeq: number } | null,
  ) {
    this.#session = session;
    this.#ports = ports;
    const saved = past?.saved ?? null;
    this.#state = saved ? loadedKernelSession(saved.state) : openKernelSession();
    const say = (by: Actor, saying: Saying): number => session.say(by, saying);
    const unsaid = (message: string): void => this.#unsaid(message);
    this.#delivery = new Delivery({ say, unsaid, newId: ports.newId, label: () => this.#label }, saved?.said);
    this.#asked = new Map(saved?.asked);
    this.#answered = saved?.answered ?? null;
    this.#isEnding = saved?.isEnding ?? false;
    this.#awaitsBridge = saved?.awaitsBridge ?? false;
    if (saved) this.#decoder.push(Buffer.from(saved.held, "base64"));
    this.#wholeSeq = saved ? past!.savedSeq : 0;
    if (past) this.#readOn(saved ? past.savedSeq : 0);
    this.beganAt = session.facts.seq;
  }

  get state(): KernelSession {
    return this.#state;
  }

  /** Whether a save has all that it needs: one half of a very large message is read again instead. */
  get maySave(): boolean {
    return this.#decoder.heldBytes <= READ_BYTES;
  }

  saved(): SavedRoom {
    return {
      state: savedKernelSession(this.#state),
      held: Buffer.from(this.#decoder.held()).toString("base64"),
      said: this.#delivery.saved(),
      asked: [...this.#asked],
      answered: this.#answered,
      isEnding: this.#isEnding,
      awaitsBridge: this.#awaitsBridge,
    };
  }

  /** The seq of the record that asked for this run; null: not known any more. */
  askedAt(runId: string): number | null {
    return this.#asked.get(runId) ?? null;
  }

  /** Reading the record after this seq gives all of what runs and waits, from its asking on, and begins with no half of a message. */
  get followFrom(): number {
    const { current, queue } = this.#state;
    const asked = [...(current ? [current] : []), ...queue].flatMap(({ id }) => this.#asked.get(id) ?? []);
    return Math.min(this.#wholeSeq, ...asked.map((seq) => seq - 1));
  }

  /** What the client that asked for this run calls itself in its header; null: it says nothing, or that is not known any more. */
  clientOf(runId: string): string | null {
    return this.#clients.get(runId) ?? null;
  }

  /** The seq by which all that a run printed until its end is recorded; null: it is not over. */
  endOf(runId: string): number | null {
    return this.#state.ended.has(runId) ? (this.#ends.get(runId) ?? this.#session.facts.seq) : null;
  }

  /** Told of each event, after it was applied. */
  listen(listener: RoomListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // --- what is asked ---

  /** Queues code. Throws the refusal, or the journal's fault. */
  execute(by: Asker, run: AskedRun): void {
    this.#demand({ verb: "execute", run: { id: run.id, by: headerOf(by), code: run.code } });
    const { name, kind, onBehalfOf } = by;
    const value = create(EventBody_KernelAskedSchema, {
      run: run.id,
      name,
      kind: { human: OperatorKind.HUMAN, service: OperatorKind.SERVICE, ai: OperatorKind.AI }[kind],
      onBehalfOf,
      writer: run.writer,
      n: BigInt(run.n),
      options: run.options,
    });
    this.#session.record(by, { case: "kernelAsked", value }, Buffer.from(run.code));
  }

  /** Whether a bridge that has ended is to be started once more. One that could not begin, or crashes again and again, is not. */
  mayStartAgain(): boolean {
    const since = this.#ports.clock.wallMs() - CRASH_WINDOW_MS;
    const { incarnation, phase } = this.#state;
    return incarnation > 0 && phase !== "ended" && !this.#isEnding && this.#crashes.filter((at) => at > since).length < CRASHES;
  }

  /** Takes a run from the queue. */
  cancel(by: Actor, runId: string): void {
    this.#demand({ verb: "cancel", runId });
    this.#over(by, runId, "");
  }

  /** Answers the prompt; resolves when the bridge has it. */
  reply(by: Asker, promptId: string, value: string): Promise<void> {
    const { prompt } = this.#state;
    this.#demand({ verb: "answer", promptId });
    const message = request({
      msgId: this.#ports.newId(32),
      msgType: "input_reply",
      session: this.#session.id,
      operator: headerOf(by),
      date: this.#date(),
      content: { value },
      parent: prompt!.header,
    });
    return this.#tellMessage(by, `${REPLY}${promptId}`, "stdin", message, prompt!.isPassword);
  }

  /** Stops what runs. Where nothing does nothing is sent: a signal may end a kernel that has just started. */
  async interrupt(by: Actor, word: Extract<HostWord, { word: "interrupt" }>): Promise<Answer> {
    await this.#ready();
    if (this.#state.current === null && this.#state.execution === "idle") return { word: "answer", id: word.id, ok: true };
    return this.word(by, word);
  }

  /** A word to the bridge; resolves with its answer. */
  word(by: Actor, word: HostWord): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#answers.set(word.id, { resolve, reject });
      this.#say(by, word.id, { kind: "word", word }, false).catch((fault: HoldError) => {
        this.#answers.delete(word.id);
        reject(fault);
      });
    });
  }

  /** A message as it is; resolves with its reply, or with null when the bridge has it, of one that has none. */
  ask(by: Actor, channel: Channel, message: Message): Promise<Message | null> {
    const head = headOf(message.header)!;
    if (!head.msgType.endsWith("_request")) return this.#tellMessage(by, head.msgId, channel, message, false).then(() => null);
    return new Promise((resolve, reject) => {
      if (this.#replies.has(head.msgId)) throw new HoldError("bad_request", `a request ${head.msgId} is under way already`);
      this.#replies.set(head.msgId, { resolve, reject });
      this.#tellMessage(by, head.msgId, channel, message, false).catch((fault: HoldError) => {
        this.#replies.delete(head.msgId);
        reject(fault);
      });
    });
  }

  /** Nobody waits for this reply any more. */
  forget(msgId: string): void {
    this.#replies.delete(msgId);
  }

  /** An operator is out: what they have waiting is not run. */
  drop(operator: string, why: string): void {
    this.#cancelWhere((run) => run.by.id === operator, why);
  }

  async #tellMessage(by: Actor, id: string, channel: Channel, message: Message, secret: boolean): Promise<void> {
    await this.#ready();
    return this.#say(by, id, { kind: "message", channel, incarnation: this.#state.incarnation, message }, secret);
  }

  /** Resolves when there is a kernel that can be asked; rejects where there will be none. */
  #ready(): Promise<void> {
    const { phase } = this.#state;
    if (phase === "ready") return Promise.resolve();
    if (phase === "dead" || phase === "ended") return Promise.reject(this.#absent());
    return new Promise((resolve, reject) => {
      const stop = this.listen(() => {
        if (this.#state.phase === "starting" || this.#state.phase === "restarting") return;
        stop();
        if (this.#state.phase === "ready") resolve();
        else reject(this.#absent());
      });
    });
  }

  #demand(command: Parameters<typeof decide>[1]): void {
    const decision = decide(this.#state, command);
    if (!decision.ok) throw refusalOf(this.#session, this.#state, decision.refusal);
  }

  // --- what is recorded ---

  /** Every record of the session, in order. */
  heard(entry: Entry, body: Body | null, payload: Uint8Array): void {
    this.#fold(entry, body, payload);
    if (this.#isLive) this.#dueSoon();
  }

  #readOn(afterSeq: number): void {
    for (let after = afterSeq; ; ) {
      const items = this.#session.read(after, READ_BYTES);
      if (items.length === 0) return;
      for (const item of items) {
        if (!("gap" in item)) this.#fold(item.entry, item.body, item.entry.payload);
        after = "gap" in item ? item.toSeq : item.entry.seq;
      }
    }
  }

  #fold(entry: Entry, body: Body | null, payload: Uint8Array): void {
    this.#foldBody(entry, body, payload);
    if (this.#decoder.heldBytes === 0) this.#wholeSeq = entry.seq;
  }

  #foldBody(entry: Entry, body: Body | null, payload: Uint8Array): void {
    switch (body?.case) {
      case "output":
        if (entry.stream === 1) this.#foldOutput(entry.seq, payload);
        return;
      case "kernelAsked": {
        const { run, name, kind, onBehalfOf, options } = body.value;
        const by = { id: entry.actor, via: entry.via, name, kind: kindOf(kind), onBehalfOf };
        const asked = { id: run, by: headerOf(by), code: textOf(payload), ...optionsOf(options) };
        this.#asked.set(run, entry.seq);
        if (payload.length < entry.payloadBytes) this.#erased.add(run);
        return this.#apply({ kind: "queued", run: asked }, entry.seq);
      }
      case "kernelOver": {
        const { run, outcome, because } = body.value;
        return this.#apply({ kind: "over", runId: run, outcome: outcome as "cancelled", because }, entry.seq);
      }
      case "redacted":
        for (const { id } of this.#state.queue)
          if (body.value.seqs.includes(BigInt(this.#asked.get(id) ?? 0))) this.#erased.add(id);
        return;
      case "bridgeEnded":
        return this.#foldCrash(entry);
      case "signalled":
        if (body.value.target === "tree" && (body.value.signal === SIGTERM || body.value.signal === SIGKILL))
          this.#isEnding = true;
        return;
      case "input":
        return this.#foldInput(entry, body.value, payload);
      case "inputSettled":
        return this.#delivery.settled(Number(body.value.inputSeq), body.value.status === InputStatus.APPLIED, body.value.bytes);
      case "exited":
      case "ended":
        if (this.#state.phase !== "ended") this.#hear({ kind: "word", word: { word: "bye", reason: "terminated" } }, entry.seq);
        return this.#rejectAll(new HoldError("session_ended", `session ${this.#label} has ended`, { session: this.#session.id }));
    }
  }

  #foldOutput(seq: number, payload: Uint8Array): void {
    for (const found of this.#decoder.push(Uint8Array.from(payload))) {
      if ("record" in found) this.#hear(found.record, seq);
      else this.#ports.log(`session ${this.#session.id}: ${found.skippedBytes} bytes of its bridge are no record`);
    }
  }

  #hear(record: BridgeRecord, seq: number): void {
    for (const event of hear(this.#state, record)) this.#apply(event, seq);
    if (record.kind === "word") this.#heardWord(record.word as BridgeWord);
    else if (record.kind === "message" && record.channel !== "iopub") {
      const id = parentOf(record.message);
      const isReply = headOf(record.message.header)?.msgType.endsWith("_reply") ?? false;
      if (isReply) take(this.#replies, id)?.resolve(record.message);
    }
  }

  #heardWord(word: BridgeWord): void {
    if (word.word === "adopted" || word.word === "started" || word.word === "died" || word.word === "failed")
      this.#awaitsBridge = false;
    if (word.word === "answer") take(this.#answers, word.id)?.resolve(word);
    if (word.word === "refused")
      take(this.#replies, word.msgId)?.reject(
        new HoldError("kernel_dead", `the kernel of session ${this.#label} did not take that: ${word.detail || word.code}`),
      );
    if (word.word === "died" || word.word === "failed" || word.word === "bye") {
      for (const id of [...this.#replies.keys()]) take(this.#replies, id)?.reject(this.#absent());
      this.#answered = null;
    }
    if (word.word === "started" && word.incarnation > this.#session.facts.incarnation && this.#isLive)
      this.#ports.defer(() => this.#recordStarted(word.incarnation));
  }

  /** The kernel's incarnation is the session's: what was allowed for the one before is void. */
  #recordStarted(incarnation: number): void {
    const { pid, pidStart, shimPid, bootId } = this.#session.facts;
    const value = create(EventBody_StartedSchema, { pid, pidStart: BigInt(pidStart), shimPid, bootId, incarnation });
    this.#tryTo(() => this.#session.record(HOST, { case: "started", value }));
  }

  #apply(event: KernelEvent, seq: number): void {
    if (event.kind === "queued" || event.kind === "over") this.#knowClient(event);
    this.#state = apply(this.#state, event);
    if (event.kind === "over") this.#ends.set(event.runId, seq);
    if (event.kind === "over" || event.kind === "queued") this.#trim();
    if (event.kind === "running" && this.#answered?.runId !== event.runId) this.#answered = null;
    for (const listener of this.#listeners) listener(event, seq);
  }

  /** A saved state has the headers of those that are not over. */
  #knowClient(event: Extract<KernelEvent, { kind: "queued" | "over" }>): void {
    const { current, queue } = this.#state;
    const run = event.kind === "queued" ? event.run : [current, ...queue].find((one) => one?.id === event.runId);
    const client = run?.header?.["session"];
    if (run && typeof client === "string") this.#clients.set(run.id, client);
  }

  /** Of what is over long ago nothing is kept. */
  #trim(): void {
    const { current, ended, queue } = this.#state;
    if (this.#asked.size <= ended.size + queue.length + 64) return;
    const known = new Set([...ended.keys(), ...queue.map((run) => run.id), current?.id]);
    for (const id of this.#erased) if (!known.has(id)) this.#erased.delete(id);
    for (const map of [this.#asked, this.#ends, this.#clients])
      for (const id of [...map.keys()]) if (!known.has(id)) map.delete(id);
  }

  // --- to the bridge (K2) ---

  #say(by: Actor, message: string, record: BridgeRecord, secret: boolean): Promise<void> {
    if (this.#state.phase === "ended") return Promise.reject(this.#absent());
    const bytes = Buffer.concat(encoded(record, (part, before) => crc32(part, before)));
    const arrival = this.#delivery.add(by, message, bytes, secret);
    this.#dueSoon();
    return arrival;
  }

  #foldInput({ seq }: Entry, piece: { message: string; unit: string }, payload: Uint8Array): void {
    if (!this.#delivery.recorded(seq, piece, payload)) return;
    const { message } = piece;
    if (this.#state.queue.some((run) => run.id === message)) this.#apply({ kind: "sent", runId: message }, seq);
    if (message === `${REPLY}${this.#state.prompt?.id}`) {
      this.#answered = this.#state.prompt;
      this.#apply({ kind: "answered", promptId: this.#state.prompt!.id }, seq);
    }
  }

  #foldCrash({ seq, wallMs }: Entry): void {
    for (const found of this.#decoder.restart()) if ("record" in found) this.#hear(found.record, seq);
    this.#delivery.crashed();
    for (const id of [...this.#answers.keys()])
      take(this.#answers, id)?.reject(
        new HoldError("draining", `the bridge to the kernel of session ${this.#label} is started again; ask again`),
      );
    this.#awaitsBridge = true;
    this.#crashes.push(wallMs);
  }

  #unsaid(message: string): void {
    const fault = new HoldError("input_void", `that never reached the kernel of session ${this.#label}; ask again`);
    take(this.#replies, message)?.reject(fault);
    take(this.#answers, message)?.reject(fault);
    const { seq } = this.#session.facts;
    if (message === `${REPLY}${this.#answered?.id}` && this.#state.prompt === null)
      this.#apply({ kind: "prompted", prompt: this.#answered! }, seq);
    else this.#apply({ kind: "unsent", runId: message }, seq);
  }

  // --- effects (K3) ---

  /** The shim is there, or the journal can be written again: what is due is done from now on. */
  goOn(): void {
    this.#isLive = true;
    this.#dueSoon();
  }

  #dueSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#ports.defer(() => {
      this.#isDue = false;
      this.#tryTo(() => this.#goOn());
    });
  }

  #goOn(): void {
    if (!this.#isLive || this.#state.phase === "ended") return;
    if (this.#session.facts.aiPaused) this.#cancelWhere((run) => run.by.kind === "ai", "AI operators were paused");
    if (this.#erased.size > 0) this.#cancelWhere((run) => this.#erased.has(run.id), "its code was erased from the record");
    this.#delivery.mend();
    if (this.#awaitsBridge) return;
    this.#doubt();
    const run = nextRun(this.#state);
    if (run && !this.#delivery.has(run.id)) this.#send(run);
    // Nothing is tried again before whoever holds the session says that it can be.
    if (!this.#delivery.sayMore()) this.#isLive = false;
  }

  /** K4. */
  #doubt(): void {
    const isDoubtful = (): boolean => {
      const { current } = this.#state;
      return current !== null && (current.uncertain || (current.replied !== null && !current.idle));
    };
    if (!isDoubtful() || this.#stopDoubt || this.#isAsking) return;
    const { clock, wakeAt } = this.#ports;
    const run = this.#state.current!.id;
    this.#stopDoubt = wakeAt(MonotonicMs(clock.monoMs() + DOUBT_MS), () => {
      this.#stopDoubt = null;
      if (!this.#isLive || !isDoubtful() || this.#state.current?.id !== run) return this.#dueSoon();
      this.#isAsking = true;
      const over = (): void => {
        this.#isAsking = false;
        this.#dueSoon();
      };
      this.ask(HOST, "shell", this.#question()).then(over, over);
    });
  }

  #question(): Message {
    return request({
      msgId: this.#ports.newId(32),
      msgType: "kernel_info_request",
      session: this.#session.id,
      operator: { id: HOST.id, name: "holdfast", kind: "service" },
      date: this.#date(),
      content: {},
    });
  }

  #send(run: Run): void {
    const message = request({
      msgId: run.id,
      msgType: "execute_request",
      session: typeof run.header?.["session"] === "string" ? run.header["session"] : this.#session.id,
      operator: run.by,
      date: this.#date(),
      content: executeContent(run),
      ...(run.header ? { clientHeader: run.header } : {}),
      ...(run.metadata ? { metadata: run.metadata } : {}),
    });
    const { incarnation } = this.#state;
    const by = { id: run.by.id, via: run.by.via ?? "" };
    this.#say(by, run.id, { kind: "message", channel: channelOf("execute_request"), incarnation, message }, false).catch(
      () => {},
    );
  }

  #cancelWhere(isMeant: (run: Run) => boolean, because: string): void {
    this.#tryTo(() => {
      for (const run of this.#state.queue.filter(isMeant)) this.#over(HOST, run.id, because);
    });
  }

  #over(by: Actor, run: string, because: string): void {
    const value = create(EventBody_KernelOverSchema, { run, outcome: "cancelled", because });
    this.#session.record(by, { case: "kernelOver", value });
  }

  /** What can't be recorded now, or said, is due again when the shim is taken up. */
  #tryTo(run: () => void): void {
    try {
      run();
    } catch (fault) {
      if (!isJournalFault(fault) && !(fault instanceof HoldError)) throw fault;
      this.#ports.log(`session ${this.#session.id}: its kernel waits: ${String(fault)}`);
    }
  }

  #rejectAll(fault: HoldError): void {
    this.#isLive = false;
    this.#stopDoubt?.();
    this.#stopDoubt = null;
    this.#delivery.end(fault);
    for (const waiters of [this.#replies, this.#answers])
      for (const id of [...waiters.keys()]) take(waiters as Map<string, Waiter<never>>, id)?.reject(fault);
  }

  // --- words ---

  get #label(): string {
    return labelOf(this.#session);
  }

  #date(): string {
    return new Date(this.#ports.clock.wallMs()).toISOString();
  }

  #absent(): HoldError {
    return absent(this.#session, this.#state.phase === "ended");
  }
}

function headerOf({ id, name, kind, via, onBehalfOf }: Asker) {
  return { id, name, kind, via, ...(onBehalfOf === "" ? {} : { onBehalfOf }) };
}

function kindOf(kind: OperatorKind): Asker["kind"] {
  return kind === OperatorKind.AI ? "ai" : kind === OperatorKind.SERVICE ? "service" : "human";
}

function optionsOf(options: KernelRunOptions | undefined): Partial<Run> {
  if (!options) return {};
  const object = (bytes: Uint8Array) => (bytes.length > 0 ? parsed(bytes) : null);
  const [metadata, header, userExpressions] = [options.metadata, options.header, options.userExpressions].map(object);
  return {
    silent: options.silent,
    ...(options.storeHistory === undefined ? {} : { storeHistory: options.storeHistory }),
    allowStdin: !options.noStdin,
    ...(options.batch === "" ? {} : { batch: options.batch }),
    ...(metadata ? { metadata } : {}),
    ...(header ? { header } : {}),
    ...(userExpressions ? { userExpressions } : {}),
  };
}

function take<T>(waiters: Map<string, Waiter<T>>, id: string): Waiter<T> | undefined {
  const waiter = waiters.get(id);
  waiters.delete(id);
  return waiter;
}
