/**
 * One live session: takes what operators send, what the shim says and what time does, and turns each into a record of the
 * journal, then into effects. Everything that is known about the session is a fold over those records (book.ts).
 *
 *   H1  Recorded before done: an input is in the journal before the shim sees it; output before a client or the shim's acknowledgement.
 *   H2  One order: a record's seq is given in the turn of the loop in which it is decided; nothing awaits between decision and record.
 *   H3  A frame is answered exactly once a link with what became of it, from the shim's own word.
 *   H4  An attachment that stalls holds nothing up: it has no queue here.
 *   H5  If the journal can't be written, input is refused and output waits in the shim.
 * Its rooms: the line to the shim (shim-line.ts), output.ts, inputs.ts, readers.ts, steering.ts, sizing.ts, the terminal model
 * (screen.ts). Here they meet. Elsewhere: opening and adoption (open.ts, host.ts), calls (call/).
 */
import {
  HOST_ACTOR,
  InputLedger,
  MonotonicMs,
  type Floor,
  type FloorCommand,
  type Operator,
  type SessionFacts,
} from "@holdfast/core";
import {
  create,
  EventBody_AttachedSchema,
  EventBody_BridgeEndedSchema,
  EventBody_ClosedSchema,
  EventBody_DetachedSchema,
  EventBody_EndedSchema,
  EventBody_ExitedSchema,
  EventBody_SignalledSchema,
  EventBody_StartedSchema,
  ExitSchema,
  HoldError,
  type Input,
  type Presence,
  SessionState,
} from "@holdfast/protocol";
import type { ShimExit, ShimLink, ShimProbe, ShimResult, ShimStarted, ShimWelcome } from "@holdfast/shim";
import type { Entry } from "../journal/journal.ts";
import type { KernelRoom, SavedRoom } from "../kernel/room.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { Shell } from "../shell/index.ts";
import { callSeat, type HostAttachment } from "./attachment.ts";
import { Book, type Actor, type Listener, type ReadItem } from "./book.ts";
import { CommandWatch, type SavedCommands } from "./command-watch.ts";
import { Doubt } from "./doubt.ts";
import { Inputs, type Saying, type Tell } from "./inputs.ts";
import { isJournalFault } from "./journal-fault.ts";
import { Output } from "./output.ts";
import type { SessionPorts } from "./ports.ts";
import { Readers } from "./readers.ts";
import type { Body } from "./record.ts";
import { MaskedRecords, maskedScreen } from "./masked-records.ts";
import { Screen } from "./screen.ts";
import { Secrets } from "./secrets.ts";
import { ShimLine } from "./shim-line.ts";
import { Sizing } from "./sizing.ts";
import { Steering } from "./steering.ts";
import type { Letting, TypingGate } from "./typing.ts";

/** What a kill begins with: without a grace nobody is asked. */
const SIGTERM = 15;
const SIGKILL = 9;
const HOST: Actor = { id: HOST_ACTOR, via: "host" };

/** What a restarted host read back from the journal. */
export interface Past {
  readonly facts: SessionFacts;
  readonly input: InputLedger;
  readonly commands: CommandWatch;
  /** Of each operator whose unsettled input was cut, the seq of the change that cut it last. */
  readonly cuts: ReadonlyMap<string, number>;
}

export class LiveSession {
  readonly id: string;
  readonly screen: Screen;
  readonly commands: CommandWatch;
  readonly doubt: Doubt;
  readonly secrets = new Secrets();
  readonly #ports: SessionPorts;
  readonly #book: Book;
  readonly #line: ShimLine;
  readonly #readers: Readers;
  readonly #sizing: Sizing;
  readonly #inputs: Inputs;
  readonly #output: Output;
  readonly #steering: Steering;
  /** The seq of the command that starts a crashed bridge once more. */
  #startsAgainBy: bigint | null = null;
  #wake: { readonly at: MonotonicMs; readonly cancel: () => void } | null = null;
  /** An end that could not be recorded yet. */
  #endLate: { readonly state: SessionState; readonly reason: string } | null = null;

  // Set by whoever holds the session; each may stay as it is.
  onWelcome: ((w: ShimWelcome) => void) | null = null;
  /** Told when the journal's fault made this session let go of its shim. */
  onStall: (() => void) | null = null;
  onProbe: ((p: ShimProbe) => void) | null = null;
  onShimEnd: ((reason: string, detail: string) => void) | null = null;
  onOver: (() => void) | null = null;
  /** The operators that the host knows. */
  operatorFor: (id: string) => Operator | null = () => null;
  /** Of a kernel session. */
  kernel: KernelRoom | null = null;
  /** Path of a spec that starts its program once more; null: there is none. */
  specAgain: () => string | null = () => null;
  /** Whose agent the session's stable agent path leads to. */
  agentBy = "";
  /** What an AI may type. Nothing, until whoever holds the session says. */
  gate: TypingGate = () => new HoldError("policy_denied", `nobody judges what AIs may type into session ${this.id}`);

  constructor(id: string, ports: SessionPorts, past: Past | null) {
    this.id = id;
    this.#ports = ports;
    this.commands = past?.commands ?? new CommandWatch(() => ports.clock.wallMs());
    this.doubt = new Doubt(this, ports);
    const { commands, doubt } = this;
    const operatorFor = (operator: string): Operator | null => this.operatorFor(operator);
    const reschedule = (): void => this.#schedule();
    const book = new Book(id, ports, past?.facts ?? null, (entry, body, payload) => this.#recorded(entry, body, payload));
    const line = new ShimLine(book, ports, {
      welcome: (w) => this.#welcome(w),
      output: (stream, offset, timeNs, bytes) => this.#output.came(stream, offset, timeNs, bytes),
      result: (r) => this.#result(r),
      exited: (e) => this.#exited(e),
      closed: (stream, end) => this.#closed(stream, end),
      probed: (p) => this.onProbe?.(p),
      started: (s) => this.#startedAgain(s),
      ended: (reason, detail) => this.onShimEnd?.(reason, detail),
      stalled: () => {
        this.#inputs.stalled();
        this.#sizing.stalled();
        this.#output.stalled();
        this.onStall?.();
      },
      settle: () => ({ resultSeq: this.#inputs.settleNow(), output: this.#output.mayBeAcknowledged }),
    });
    const readers = new Readers(
      book,
      ports,
      this.secrets,
      (seq) => this.#inputs.mayBeSecret(seq),
      async (scrollback) => {
        await sizing.settled();
        return this.screen.snapshot(scrollback);
      },
    );
    const sizing = new Sizing(book, line, ports, () => readers.attachments);
    this.screen = new Screen(screenSource(book, readers), ports);
    this.#steering = new Steering({
      book,
      ports,
      commands,
      knownTo: (by) => this.knownTo(by),
      operatorFor,
      knowLine: () => this.#inputs.knowLine(),
      cut: (isCut) => this.#inputs.cut(isCut),
      seated: (attachment) => {
        const seat = readers.attachments.get(attachment);
        if (seat?.size) sizing.claim(seat, true);
      },
      tellAll: (state, message) => readers.tellAll(state, message),
      reschedule,
    });
    this.#inputs = new Inputs(
      {
        book,
        line,
        ports,
        commands,
        readers,
        sizing,
        doubt,
        operatorFor,
        admit: (typist) => this.#steering.admit(typist),
        gate: (by, via, frame) => this.gate(by, via, frame),
        epoch: () => this.#steering.floor.epoch,
        reschedule,
      },
      past?.input ?? new InputLedger(),
      past?.cuts ?? new Map(),
    );
    this.#output = new Output({ book, line, ports, commands, readers, sizing, screen: this.screen });
    this.#book = book;
    this.#line = line;
    this.#readers = readers;
    this.#sizing = sizing;
    if (past) this.screen.recall();
  }

  /** After a restart: who steered a moment ago does so still. */
  restoreFloor(holder: Operator): void {
    this.#steering.restore(holder);
  }

  get facts(): SessionFacts {
    return this.#book.facts;
  }
  get floor(): Floor {
    return this.#steering.floor;
  }
  get isOver(): boolean {
    return this.#book.isOver;
  }
  get shimLink(): ShimLink | null {
    return this.#line.link;
  }
  get attachments(): ReadonlyMap<string, HostAttachment> {
    return this.#readers.attachments;
  }
  get shell(): Shell {
    const { shell } = this.facts;
    return shell === "bash" || shell === "zsh" || shell === "fish" ? shell : "other";
  }
  /** Who may have typed on the line that is not finished. */
  get lineDirty(): string | null {
    return this.commands.lineDirty;
  }

  /** What this operator's floor commands depend on: the line for AIs (F5), a person's unwritten input for all programs (F7). */
  knownTo({ kind }: Pick<Operator, "kind">): { readonly lineDirty: string | null; readonly stillAtIt: Operator | null } {
    return {
      lineDirty: kind === "ai" ? this.commands.lineDirty : null,
      stillAtIt: kind === "human" ? null : this.#inputs.personAtIt(),
    };
  }

  // --- records ---

  /** Appends one record, folds it and shows it to whoever is there. Throws the journal's fault; nothing has happened then. */
  record(actor: Actor, body: Body, payload?: Uint8Array): Entry {
    return this.#book.record(actor, body, payload);
  }

  #recorded(entry: Entry, body: Body | null, payload: Uint8Array): void {
    if (body?.case === "opened") this.#steering.opened();
    if (body?.case === "exited" || body?.case === "ended") this.commands.exited(this.facts.exit?.code ?? null);
    const mayQuery = this.#readers.recorded(entry, body, payload);
    this.screen.appended(entry, body, payload, mayQuery);
  }

  listen(listener: Listener): () => void {
    return this.#book.listen(listener);
  }

  /** Records strictly after `afterSeq`, decoded. */
  read(afterSeq: number, maxBytes: number): ReadItem[] {
    return this.#book.read(afterSeq, maxBytes);
  }

  /** For an AI: the records from `seq` on, without secrets. Null: there is nothing to mask. */
  maskedFrom(seq: number): MaskedRecords | null {
    return MaskedRecords.before(seq, this.secrets, (from, to) => this.#book.readRange(from, to));
  }

  /** For an AI: the screen as of `seq`, drawn or as text. */
  maskedScreen(bytes: Uint8Array, seq: number): Uint8Array {
    return maskedScreen(bytes, seq, this.secrets, (from, to) => this.#book.readRange(from, to));
  }

  /** Total output bytes up to and including the record at `seq`. */
  positionAt(seq: number): number {
    return this.#book.positionAt(seq);
  }

  /** A seq with about `bytes` of output after it. */
  seqBefore(bytes: number): number {
    return this.#book.seqBefore(bytes);
  }

  /** The fold, for the journal's cache. */
  saved(): { facts: SessionFacts; input: unknown; commands: SavedCommands; cuts: [string, number][]; kernel?: SavedRoom } {
    const inputs = this.#inputs;
    const kernel = this.kernel ? { kernel: this.kernel.saved() } : {};
    return { facts: this.facts, input: inputs.save(), commands: this.commands.save(), cuts: inputs.saveCuts(), ...kernel };
  }

  // --- the shim ---

  connect(): void {
    this.#line.connect();
  }

  /** The journal can be written again. */
  thawed(): void {
    const late = this.#endLate;
    this.#endLate = null;
    if (late) this.ended(late.state, late.reason);
    else this.#line.thawed();
    // A line that never stalled is not linked anew.
    if (this.#line.live) this.kernel?.goOn();
  }

  #welcome(w: ShimWelcome): void {
    const receivedSeq = Number(w.receivedSeq);
    this.#inputs.welcomed(receivedSeq);
    this.#sizing.welcomed(receivedSeq);
    this.#line.welcomed();
    this.onWelcome?.(w);
    this.#sizing.claimAgain();
    // One whose program has exited tells so next.
    if (w.phase === "running") this.kernel?.goOn();
  }

  #result(r: ShimResult): void {
    if (r.seq === this.#startsAgainBy && r.status === "refused")
      return this.ended(SessionState.LOST, `the bridge to its kernel ended, and its shim would start no other (${r.refusal})`);
    if (!this.#sizing.result(r, this.#inputs.isUnsettled(r.seq))) return this.#inputs.result(r);
    this.#inputs.owe(r);
    this.#line.ackSoon();
  }

  #exited(e: ShimExit): void {
    if (this.#startAgain(e)) return;
    this.#inputs.exited();
    this.#line.ackNow();
    if (!this.isOver) {
      const exit = create(ExitSchema, {
        core: e.core,
        userUs: e.userUs,
        systemUs: e.systemUs,
        maxRssKib: e.maxRssKib,
        atUnixMs: e.wallMs,
        ...(e.code === null ? {} : { code: e.code }),
        ...(e.signal === null ? {} : { signal: e.signal }),
      });
      const outputOffset = BigInt(this.facts.ends[this.#book.streams[0]!]);
      this.record(HOST, { case: "exited", value: create(EventBody_ExitedSchema, { exit, outputOffset }) });
    }
    this.#line.link?.ack({ exit: true });
    this.#over();
  }

  /** The bridge to a kernel has crashed: another takes the kernel up (design, D9). */
  #startAgain({ code, signal }: ShimExit): boolean {
    const path = !this.isOver && this.kernel?.mayStartAgain() ? this.specAgain() : null;
    if (path === null) return false;
    const value = create(EventBody_BridgeEndedSchema, {
      ...(code === null ? {} : { code }),
      ...(signal === null ? {} : { signal }),
    });
    const { seq } = this.record(HOST, { case: "bridgeEnded", value });
    this.#line.link?.ack({ exit: true });
    this.#startsAgainBy = BigInt(seq);
    this.#line.link?.respawn(BigInt(seq), path);
    return true;
  }

  #startedAgain({ pid, pidStart, failure }: ShimStarted): void {
    if (failure)
      return this.ended(
        SessionState.LOST,
        `the bridge to its kernel ended, and no other could be started (${failure.errno} at ${failure.step})`,
      );
    const { shimPid, bootId, incarnation } = this.facts;
    const value = create(EventBody_StartedSchema, { pid, pidStart, shimPid, bootId, incarnation });
    this.record(HOST, { case: "started", value });
    this.kernel?.goOn();
  }

  #closed(stream: 0 | 1 | 2, end: bigint): void {
    if (!this.facts.closed.includes(stream))
      this.record(HOST, { case: "closed", value: create(EventBody_ClosedSchema, { stream, end }) });
    if (!this.#book.streams.every((s) => this.facts.closed.includes(s)) || !this.isOver || !this.#line.link) return;
    // The program is gone and everything that it wrote is here.
    this.onShimEnd = null;
    this.#line.ackNow();
    // Every result of before the exit came before the exit: what is open still was sent after it, and the shim refuses it.
    this.#inputs.voidAll("exited");
    this.#line.release();
  }

  /** Ends the session in the books: the program could not be started, or what held it is gone. */
  ended(state: SessionState, reason: string): void {
    if (this.isOver) return;
    try {
      this.#inputs.voidAll(reason);
      this.record(HOST, { case: "ended", value: create(EventBody_EndedSchema, { state, reason }) });
    } catch (fault) {
      if (!isJournalFault(fault)) throw fault;
      this.#ports.log(`session ${this.id} has ended (${reason}); recorded once the journal can be written: ${String(fault)}`);
      this.#endLate = { state, reason };
      return;
    }
    this.#over();
  }

  #over(): void {
    this.#inputs.over();
    this.#readers.pumpAll();
    this.onOver?.();
  }

  /** The model's worker parsed something of this session. */
  parsed(): void {
    this.#output.parsed();
  }

  /** That worker died, and every model with it. */
  modelsLost(): void {
    this.#output.modelsLost();
  }

  // --- attachments ---

  attach(attachment: HostAttachment, details: { readonly resumed: boolean; readonly client: string }): void {
    // The same writer on a newer link: the older one is gone, whatever the network thinks, and what waited there is sent again here.
    for (const older of this.#readers.olderOf(attachment)) {
      older.channel.send({ case: "detached", value: { reason: "replaced" } });
      this.detach(older.id, "replaced");
    }
    this.#readers.add(attachment);
    if (!attachment.quiet) {
      const { id, observing, size, carrier, plain } = attachment;
      // Who only looks changes nothing: a journal that can't be written keeps nobody from that.
      this.#book.tryRecord(actorOf(attachment), {
        case: "attached",
        value: create(EventBody_AttachedSchema, {
          attachment: id,
          observing,
          carrier,
          plain,
          ...details,
          ...(size ? { size } : {}),
        }),
      });
      this.#readers.tellPresence();
    }
    if (!attachment.observing && attachment.size) this.#sizing.claim(attachment, false);
    attachment.ready = true;
    this.#readers.pump(attachment);
  }

  detach(id: string, reason: string): void {
    const attachment = this.attachments.get(id);
    if (!attachment) return;
    this.#readers.remove(attachment);
    // A link that broke may be back in a moment: its floor then runs out by itself. Who leaves, or is put out, gives it back at once.
    if ((reason === "left" || reason === "revoked" || reason === "policy_denied") && !this.#ports.journal.frozen)
      this.#steering.step({ verb: "leave", seat: id }, actorOf(attachment));
    this.#sizing.left(id);
    if (!attachment.quiet) {
      this.#book.tryRecord(actorOf(attachment), {
        case: "detached",
        value: create(EventBody_DetachedSchema, { attachment: id, reason }),
      });
      this.#readers.tellPresence();
    }
    this.#readers.trim();
  }

  presence(): Presence[] {
    return this.#readers.presence();
  }

  /** The client has used `appliedBytes` since it attached. `maxWindow` above 0: the most that it wants to be under way from now on. */
  credited(attachment: HostAttachment, appliedBytes: number, maxWindow: number): void {
    this.#readers.credited(attachment, appliedBytes, maxWindow);
  }

  /** Sends an attachment what it may have now. */
  pump(attachment: HostAttachment): void {
    this.#readers.pump(attachment);
  }

  // --- input and floor ---

  /** The highest n that this writer has in the books. */
  lastN(writer: string): number {
    return this.#inputs.lastN(writer);
  }

  /** The last frame of every writer that was in the books and is not any more, was at this seq or before it; 0: there is none. */
  get forgottenUpTo(): number {
    return this.#inputs.forgottenUpTo;
  }

  /**
   * One frame of an operator (inputs.ts). `seat`: null for one that comes without an attachment. `letting`: of an AI's; without a
   * pass in it the policy judges the frame as typing.
   */
  offer(
    by: RegisteredOperator,
    via: string,
    seat: HostAttachment | null,
    writer: string,
    frame: Input,
    tell: Tell,
    letting: Letting = {},
  ): void {
    this.#inputs.offer({ by, via, seat, writer, frame, tell, letting });
  }

  /** See {@link Inputs.say}. */
  say(by: Actor, saying: Saying): number {
    return this.#inputs.say(by, saying);
  }

  /** The floor lets this operator act now, as if they typed; throws the refusal. */
  demandTurn(by: RegisteredOperator, via: string): void {
    const grant = this.#steering.admit({ by, via, seat: callSeat(by.id), epoch: undefined, interrupt: false });
    if (grant instanceof HoldError) throw grant;
    grant.make();
  }

  /** The terminal model answers the program's query: never late, never twice. */
  reply(queryOffset: number, bytes: Uint8Array): void {
    if (!this.#output.isStale(queryOffset)) this.#inputs.reply(queryOffset, bytes);
  }

  /** One floor command of an operator; throws the refusal as an error for the caller's answer. */
  changeFloor(command: FloorCommand, actor: Actor): void {
    this.#steering.step(command, actor);
  }

  /** Somebody is about to act beside the terminal (core/floor F8); throws the refusal. `disturbs`: what runs, or who looks at it. */
  refuseBeside(by: Operator, disturbs: boolean): void {
    this.#steering.refuseBeside(by, disturbs);
  }

  /** An operator is out: what it queued is dropped, its floor is free. Its attachments are ended by the caller. */
  revoke(operator: string, by: Actor): void {
    this.drop(operator, new HoldError("revoked", `operator ${operator} was revoked`, { operator }));
    this.#steering.step({ verb: "revoke", operator }, by);
  }

  /** What an operator has under way is not written any more; `error` is what becomes of what waits. */
  drop(operator: string, error: HoldError): void {
    this.#inputs.drop(operator, error);
    this.kernel?.drop(operator, error.message);
  }

  // --- size and signals ---

  /** An attachment's own terminal has another size. */
  resizeFrom(attachment: HostAttachment, size: { cols: number; rows: number }): void {
    this.#sizing.changed(attachment, size);
  }

  resize(size: { cols: number; rows: number }, pinned: boolean, by: Actor): void {
    this.#sizing.resize(size, pinned, by);
  }

  signal(target: "leader" | "foreground" | "tree", signo: number, by: Actor): void {
    if (this.isOver)
      throw new HoldError("session_ended", `session ${this.#book.label} has ended; there is nothing to signal`, {
        session: this.id,
      });
    if (!this.#line.live) throw this.#line.beingTakenUp();
    const value = create(EventBody_SignalledSchema, { target, signal: signo });
    const { seq } = this.record(by, { case: "signalled", value });
    this.#line.inOrder(() => this.#line.live?.signal(BigInt(seq), target, signo));
  }

  /** Ends the whole tree: asks first, forces after `graceMs`. */
  kill(graceMs: number, by: Actor): void {
    if (this.isOver) return;
    const shim = this.#line.live;
    if (!shim) throw this.#line.beingTakenUp();
    const signal = graceMs > 0 ? SIGTERM : SIGKILL;
    this.record(by, { case: "signalled", value: create(EventBody_SignalledSchema, { target: "tree", signal }) });
    shim.endTree(graceMs);
  }

  // --- time ---

  tick(): void {
    this.#steering.tick(HOST);
    this.#inputs.tick(this.#ports.clock.monoMs());
    this.#schedule();
  }

  /** A timer that fires too early looks again: only an earlier time sets a new one, so that a key does not cost a timer. */
  #schedule(): void {
    const floor = this.#steering.nextWake();
    const inputs = this.#inputs.nextWake();
    const at = floor === null ? inputs : inputs === null ? floor : MonotonicMs(Math.min(floor, inputs));
    if (at === null || (this.#wake && this.#wake.at <= at)) return;
    this.#wake?.cancel();
    const cancel = this.#ports.wakeAt(at, () => {
      this.#wake = null;
      this.tick();
    });
    this.#wake = { at, cancel };
  }

  /** Erases payloads, here and wherever they went (screen.ts C6). Returns how many there were. */
  redact(seqs: readonly number[]): readonly number[] {
    const isShown = this.screen.forget(seqs);
    const erased = this.#ports.journal.erase(this.id, seqs);
    this.#readers.forget();
    if (isShown) this.screen.remake();
    return erased;
  }

  /** The host goes: nothing is ended, everything is let go of. */
  leave(): void {
    this.#wake?.cancel();
    this.#wake = null;
    this.#readers.leave();
    this.onShimEnd = null;
    this.#line.leave();
    this.screen.close();
  }
}

function actorOf(attachment: HostAttachment): Actor {
  return { id: attachment.operator.id, via: attachment.via };
}

function screenSource(book: Book, readers: Readers): ConstructorParameters<typeof Screen>[0] {
  return {
    id: book.id,
    get head() {
      return { seq: book.facts.seq, position: book.position };
    },
    get size() {
      return book.facts.size;
    },
    get repliedOffset() {
      return book.facts.repliedOffset;
    },
    get watched() {
      return readers.attachments.size > 0;
    },
    get hasSlowReader() {
      return readers.hasSlow;
    },
    read: (after, maxBytes) => book.read(after, maxBytes),
  };
}
