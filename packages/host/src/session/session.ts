/**
 * One live session: takes what operators send, what the shim says and what time does, and turns each into a record of the
 * journal, then into effects. Everything that is known about the session is a fold over those records.
 *
 *   H1  Recorded before done: an input is in the journal before the shim sees it; output before a client or the shim's acknowledgement.
 *   H2  One order: a record's seq is given in the turn of the loop in which it is decided; nothing awaits between decision and record.
 *   H3  A frame is answered exactly once a link with what became of it, from the shim's own word.
 *   H4  An attachment that stalls holds nothing up: it has no queue here.
 *   H5  If the journal can't be written, input is refused and output waits in the shim.
 * Elsewhere: opening and adoption (open.ts, adopt.ts), the terminal model (screen.ts), calls (call/).
 */
import { crc32 } from "node:zlib";
import {
  creditWindow,
  floor as floorRoom,
  HOST_ACTOR,
  HOST_RESTART,
  InputLedger,
  MonotonicMs,
  Offset,
  reader,
  Seq,
  session as sessionRoom,
  TERMINAL_ACTOR,
  type Floor,
  type FloorCommand,
  type FloorEvent,
  type FloorRefusal,
  type InputFrame,
  type Operator,
  type Outcome,
  type SessionFacts,
} from "@holdfast/core";
import {
  create,
  encodeHost,
  EventBody_AiPausedSchema,
  EventBody_AttachedSchema,
  EventBody_ClosedSchema,
  EventBody_DetachedSchema,
  EventBody_EndedSchema,
  EventBody_ExitedSchema,
  EventBody_FloorChangedSchema,
  EventBody_GapMarkedSchema,
  EventBody_InputSchema,
  EventBody_InputSettledSchema,
  EventBody_ReplyWrittenSchema,
  EventBody_ResizeAskedSchema,
  EventBody_ResizedSchema,
  EventBody_SignalledSchema,
  ExitSchema,
  HoldError,
  InputStatus,
  limits,
  PresenceSchema,
  type Code,
  type Input,
  type Presence,
  type SessionState,
} from "@holdfast/protocol";
import type { ShimExit, ShimLink, ShimProbe, ShimResult, ShimWelcome } from "@holdfast/shim";
import type { Entry, Gap } from "../journal/journal.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { Shell } from "../shell/index.ts";
import { HOP_BYTES, type HostAttachment } from "./attachment.ts";
import { CommandWatch, type SavedCommands } from "./command-watch.ts";
import { OutputView } from "./output-view.ts";
import type { SessionPorts } from "./ports.ts";
import { decodeBody, encodeBody, folded, kindOf, OUTPUT_BODY, OUTPUT_KIND, wireEvent, type Body } from "./record.ts";
import { isJournalFault, refusalFrom } from "./journal-fault.ts";
import { floorOnWire, kindOnWire } from "./on-wire.ts";
import { Screen } from "./screen.ts";
import { Tail } from "./tail.ts";

const NOTHING = new Uint8Array(0);
/** Bytes of output that may be unsynced before the shim is made to wait (P2: 256 KiB at a power cut). */
const UNSYNCED_BYTES = 256 * 1024;
/** Beyond this much unparsed output the ring's acknowledgements wait (xterm throws data away past 50 MiB). */
const UNPARSED_BYTES = 32 * 1024 * 1024;
/** How long an unsettled input is silent before its writer is told that the program does not read. */
const BLOCKED_MS = 1_000;
/** How soon, and at most how late, a shim that may not go yet is asked again. */
const RELEASE_FIRST_MS = 1_000;
const RELEASE_MOST_MS = 60_000;
/** A query's answer that is older than this would be typing. */
const REPLY_AGE_MS = 1_000;
/** How long the record of an input may wait for output to go out with. */
const LAZY_MS = 5;
/** How long a snapshot waits for a size that is being claimed. */
const SIZE_MS = 100;
/** Frames that may wait for another writer's unit to end; of bytes, as many as the queue holds. */
const WAITING_FRAMES = 512;
/** When a snapshot that failed is asked for again. */
const SNAPSHOT_RETRY_MS = 200;
const JOURNAL_READ_BYTES = 256 * 1024;
const MAX_UNIT_CHARS = 64;
const SMALL_EVENT_BYTES = 8 * 1024;
/** A reader this far behind can't follow. */
const SLOW_BYTES = 1024 * 1024;
/** Who interrupts and is further behind than this is shown the present. */
const INTERRUPT_BEHIND_BYTES = 32 * 1024;
/** How long the answer to an interrupt is waited for before its sender is shown something. */
const HOLD_MS = 250;

const HOST: Actor = { id: HOST_ACTOR, via: "host" };

/** Told of every record, after it was folded. */
export type Listener = (entry: Entry, body: Body | null, payload: Uint8Array) => void;

/** What a restarted host read back from the journal. */
export interface Past {
  readonly facts: SessionFacts;
  readonly input: InputLedger;
  readonly commands: CommandWatch;
}

export interface Actor {
  readonly id: string;
  readonly via: string;
}

/** `offset`: where the terminal took it, once that is known. */
interface PendingResize {
  readonly seq: number;
  readonly cols: number;
  readonly rows: number;
  readonly pinned: boolean;
  offset: number | null;
}
interface Answer {
  readonly n: number;
  readonly durable: boolean;
  tell(outcome: InputReply): void;
}
export interface InputReply {
  readonly n: number;
  readonly seq: number;
  readonly status: InputStatus;
  readonly bytes: number;
  readonly error?: HoldError;
  readonly durable?: boolean /** Output offset at which the program's terminal took it. */;
  readonly outputOffset?: number;
}

export class LiveSession {
  readonly id: string;
  readonly #ports: SessionPorts;
  #facts: SessionFacts;
  #floor: Floor;
  #input: InputLedger;
  readonly #attachments = new Map<string, HostAttachment>();
  readonly #tail = new Tail();
  readonly #view = new OutputView();
  readonly #listeners = new Set<Listener>();
  readonly #answers = new Map<number, Answer[]>();
  readonly #tags = new Map<string, number>();
  readonly screen: Screen;
  readonly commands: CommandWatch;
  #shim: ShimLink | null = null;
  #position = 0;
  #seat: string | null = null;
  #resizes: PendingResize[] = [];
  #settlements: ShimResult[] = [];
  #sendAfterSync: Promise<void> | null = null;
  #acksDue = false;
  #outputWaits = false;
  #lastLsn = 0;
  #blockedSince: { seq: number; at: MonotonicMs; told: boolean } | null = null;
  /** Frames that wait for another writer's unit to end, first in, first out. */
  #waiting: {
    readonly writer: string;
    readonly bytes: number;
    readonly offer: () => void;
    readonly refuse: (error: HoldError) => void;
  }[] = [];
  #wake: (() => void) | null = null;

  constructor(id: string, ports: SessionPorts, past: Past | null) {
    this.id = id;
    this.#ports = ports;
    this.#facts = past?.facts ?? sessionRoom.unopened(id);
    this.#input = past?.input ?? new InputLedger();
    this.#floor = {
      ...floorRoom.openFloor(this.#facts.floorMode),
      epoch: this.#facts.epoch as never,
      aiPaused: this.#facts.aiPaused,
    };
    for (const { operator } of this.#input.unsettled()) this.#tagOf(operator);
    this.#position = this.#facts.ends[0] + this.#facts.ends[1] + this.#facts.ends[2];
    this.commands = past?.commands ?? new CommandWatch(() => ports.clock.wallMs());
    const self = this;
    this.screen = new Screen(
      {
        id,
        get head() {
          return { seq: self.#facts.seq, position: self.#position };
        },
        get size() {
          return self.#facts.size;
        },
        get repliedOffset() {
          return self.#facts.repliedOffset;
        },
        get watched() {
          return self.#attachments.size > 0;
        },
        get hasSlowReader() {
          return self.#hasSlowReader;
        },
        read: (after, maxBytes) => this.read(after, maxBytes),
      },
      ports,
    );
    if (past) this.screen.recall();
  }

  /** After a restart: who steered a moment ago does so still, so that nobody takes it in the gap. */
  restoreFloor(holder: Operator): void {
    const { clock } = this.#ports;
    this.#floor = floorRoom.restored(this.#floor, holder, Math.max(0, clock.wallMs() - this.#facts.heldAt), clock.monoMs());
    this.#schedule();
  }

  get facts(): SessionFacts {
    return this.#facts;
  }
  get floor(): Floor {
    return this.#floor;
  }
  get isOver(): boolean {
    return sessionRoom.isOver(this.#facts);
  }
  get shimLink(): ShimLink | null {
    return this.#shim;
  }
  get attachments(): ReadonlyMap<string, HostAttachment> {
    return this.#attachments;
  }

  // --- records ---

  /** Appends one record, folds it and shows it to whoever is there. Throws the journal's fault; nothing has happened then. */
  record(actor: Actor, body: Body, payload?: Uint8Array, at?: { stream: number; offset: number; monoNs: bigint }): Entry {
    const entry = this.#ports.journal.append({
      session: this.id,
      kind: kindOf(body),
      actor: actor.id,
      via: actor.via,
      meta: encodeBody(body),
      wallMs: this.#ports.clock.wallMs(),
      monoNs: at?.monoNs ?? this.#ports.clock.monoNs(),
      ...(payload ? { payload } : {}),
      ...(at ? { stream: at.stream, offset: at.offset } : {}),
    });
    this.#lastLsn = entry.lsn;
    this.#facts = sessionRoom.fold(this.#facts, folded(entry, body));
    if (body.case === "opened") this.#floor = floorRoom.openFloor(this.#facts.floorMode);
    const isOutput = body.case === "output";
    if (isOutput) this.#position += entry.payloadBytes;
    const shown = isOutput ? this.#view.live(entry, payload!, (seq) => this.read(seq - 1, 1)) : (payload ?? NOTHING);
    if (this.#attachments.size > 0) {
      const message = encodeHost({ case: "event", value: wireEvent(entry, isOutput ? null : body, shown) });
      this.#tail.push({ seq: entry.seq, position: this.#position, message, dataBytes: isOutput ? shown.length : 0, isOutput });
      if (body.case === "input" || body.case === "inputSettled") this.#pumpSoon();
      else this.#pumpAll();
    }
    this.screen.appended(entry, body, payload ?? NOTHING, isOutput && this.#view.sawQuery);
    for (const listener of this.#listeners) listener(entry, body, payload ?? NOTHING);
    return entry;
  }

  #tryRecord(actor: Actor, body: Body): void {
    try {
      this.record(actor, body);
    } catch (fault) {
      if (!isJournalFault(fault)) throw fault;
      this.#ports.log(`session ${this.id}: a ${body.case} is not recorded: ${String(fault)}`);
    }
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Records strictly after `afterSeq`, decoded. */
  read(afterSeq: number, maxBytes: number): ({ readonly entry: Entry; readonly body: Body | null } | Gap)[] {
    return this.#ports.journal
      .read(this.id, afterSeq, maxBytes)
      .map((item) => ("gap" in item ? item : { entry: item, body: decodeBody(item.kind, item.meta) }));
  }

  /** The highest n that this writer has in the books. */
  lastN(writer: string): number {
    return this.#input.lastN(writer);
  }

  /** Total output bytes up to and including the record at `seq`: exact where the tail or the journal's offsets say so. */
  positionAt(seq: number): number {
    if (seq >= this.#facts.seq) return this.#position;
    if (seq === 0) return 0;
    let position = 0;
    for (const stream of this.#streams) position += this.#endAt(stream, seq);
    return position;
  }

  /** End offset of a stream's output as of `seq`: the next output record's offset, or the end. */
  #endAt(stream: number, seq: number): number {
    for (let after = seq; after < this.#facts.seq; ) {
      const items = this.read(after, 64 * 1024);
      if (items.length === 0) break;
      for (const item of items) {
        if ("gap" in item) after = item.toSeq;
        else {
          if (item.entry.kind === OUTPUT_KIND && item.entry.stream === stream) return item.entry.offset;
          after = item.entry.seq;
        }
      }
    }
    return this.#facts.ends[stream as 0 | 1 | 2];
  }

  /** A seq with about `bytes` of output after it. */
  seqBefore(bytes: number): number {
    const stream = this.#facts.kind === "pty" ? 0 : 1;
    const seq = this.#ports.journal.seqAtOffset(this.id, stream, Math.max(0, this.#facts.ends[stream] - bytes));
    return seq === null ? 0 : Math.max(0, seq - 1);
  }

  /** The fold, for the journal's cache. */
  saved(): { facts: SessionFacts; input: unknown; commands: SavedCommands } {
    return { facts: this.#facts, input: this.#input.save(), commands: this.commands.save() };
  }

  // --- the shim ---

  connect(): void {
    this.#stalled = false;
    this.#linked = false;
    const link: ShimLink = this.#ports.connectShim(this.#facts.socketPath, this.#journalled(), {
      welcome: (w) => this.#recording(() => this.#welcome(w)),
      output: (stream, offset, timeNs, bytes) => this.#recording(() => this.#output(stream, Number(offset), timeNs, bytes)),
      result: (r) => this.#recording(() => this.#result(r)),
      exited: (e) => this.#recording(() => this.#exited(e)),
      closed: (stream, end) => this.#recording(() => this.#closed(stream, end)),
      probe: (p) => this.onProbe?.(p),
      releaseRefused: () => this.#releaseLater(),
      end: (reason, detail) => {
        // The end of a link that was let go of, or replaced, is no news.
        if (this.#shim !== link) return;
        this.#shim = null;
        this.#linked = false;
        this.onShimEnd?.(reason, detail);
      },
    });
    this.#shim = link;
  }

  /**
   * H5: what can't be recorded is left with the shim. The link is let go of, so that nothing is acknowledged; the shim keeps
   * output, results and exit, and the program blocks when its ring is full. {@link thawed} takes it up again.
   */
  #recording(run: () => void): void {
    if (this.#stalled) return;
    try {
      run();
    } catch (fault) {
      if (!isJournalFault(fault)) throw fault;
      this.#ports.log(`session ${this.id}: ${String(fault)}; its output waits in the shim`);
      this.#stalled = true;
      this.#shim?.close();
      this.#shim = null;
      this.#settlements = [];
      this.#resizes = [];
      this.#outputWaits = false;
      this.#modelLags = false;
      this.#linked = false;
      this.onStall?.();
    }
  }
  #stalled = false;
  /** The shim has said what it has received: nothing is sent before that (I1). */
  #linked = false;

  /** The journal can be written again. */
  thawed(): void {
    const late = this.#endLate;
    this.#endLate = null;
    if (late) this.ended(late.state, late.reason);
    else if (this.#stalled) this.connect();
  }

  #exited(e: ShimExit): void {
    this.#dropUnsent(() => true);
    this.#settleNow();
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
      this.record(HOST, {
        case: "exited",
        value: create(EventBody_ExitedSchema, { exit, outputOffset: BigInt(this.#facts.ends[this.#streams[0]!]) }),
      });
    }
    this.#shim?.ack({ exit: true });
    this.#over();
  }

  #closed(stream: 0 | 1 | 2, end: bigint): void {
    if (!this.#facts.closed.includes(stream))
      this.record(HOST, { case: "closed", value: create(EventBody_ClosedSchema, { stream, end }) });
    if (this.#streams.every((s) => this.#facts.closed.includes(s)) && this.isOver) this.#letGo();
  }

  get #streams(): readonly (0 | 1 | 2)[] {
    return this.#facts.kind === "pty" ? [0] : [1, 2];
  }

  /** What the journal has of each stream. */
  #journalled(): { readonly stream: 0 | 1 | 2; readonly offset: bigint }[] {
    return this.#streams.map((stream) => ({ stream, offset: BigInt(this.#facts.ends[stream]) }));
  }

  onWelcome: ((w: ShimWelcome) => void) | null = null;
  /** Told by whoever read the records back: changes of the floor and pauses, and whose unsettled input each cut. */
  cutBefore: readonly { readonly seq: number; readonly operators: readonly string[] }[] = [];
  /** Told when the journal's fault made this session let go of its shim. */
  onStall: (() => void) | null = null;
  onProbe: ((p: ShimProbe) => void) | null = null;
  onShimEnd: ((reason: string, detail: string) => void) | null = null;

  #welcome(w: ShimWelcome): void {
    for (const seq of this.#input.neverSent(Seq(Number(w.receivedSeq)))) {
      this.#settle({ seq, status: "void", bytes: 0, refusal: HOST_RESTART }, false, 0);
      // Whoever sent it on a link that still stands has no reason to send it again: they are told, and decide.
      for (const a of this.#answers.get(seq) ?? [])
        a.tell({
          n: a.n,
          seq,
          status: InputStatus.VOID,
          bytes: 0,
          error: new HoldError(
            "input_void",
            `input ${seq} of session ${this.#label()} never reached the program: the link to it broke; send it again`,
          ),
        });
      this.#answers.delete(seq);
    }
    this.#unsent.clear();
    this.#resizes = this.#resizes.filter((r) => r.seq <= Number(w.receivedSeq));
    // What the floor's change had cut, and the host that recorded it may not have lived to tell the shim. Commands reach it in order.
    for (const { seq, operators } of this.cutBefore)
      if (seq > Number(w.receivedSeq)) for (const operator of operators) this.#shim?.cancel(this.#tagOf(operator));
    this.cutBefore = [];
    this.#linked = true;
    this.onWelcome?.(w);
    // A size that was claimed while nothing was there to take it.
    const seat = this.#seat === null ? undefined : this.#attachments.get(this.#seat);
    if (seat?.size && !this.isOver) this.#claimSize(seat, false);
  }

  #output(stream: 0 | 1 | 2, offset: number, timeNs: bigint, bytes: Uint8Array): void {
    const have = this.#facts.ends[stream];
    if (offset + bytes.length <= have) return this.#ackLater();
    if (offset < have) {
      bytes = bytes.subarray(have - offset);
      offset = have;
    }
    if (offset > have) {
      this.record(HOST, {
        case: "gap",
        value: create(EventBody_GapMarkedSchema, { reason: "shim", fromOffset: BigInt(have), toOffset: BigInt(offset) }),
      });
    }
    while (bytes.length > 0) {
      let take = Math.min(bytes.length, this.#eventBytes());
      // A resize stands at its exact place in the output: cut there.
      const resize = stream === 0 ? this.#resizes.find((r) => r.offset !== null) : undefined;
      if (resize && resize.offset! > offset && resize.offset! < offset + take) take = resize.offset! - offset;
      const piece = bytes.subarray(0, take);
      this.record({ id: "program", via: "shim" }, OUTPUT_BODY, piece, { stream, offset, monoNs: timeNs });
      if (stream !== 2)
        for (const mark of this.commands.output(piece, offset)) this.record({ id: "program", via: "shell" }, mark);
      offset += take;
      bytes = bytes.subarray(take);
      if (stream === 0) this.#placeResizes();
    }
    if (stream === 0) this.#noteEnd();
    this.#jumpWhereInterrupted();
    this.#ackLater();
    this.#holdOutputIfDue();
  }

  /** Where the output stood, a few times in the last second: what came before that is too old to be answered. */
  #noteEnd(): void {
    const at = this.#ports.clock.monoMs();
    const last = this.#ends.at(-1);
    if (last && at - last.at < REPLY_AGE_MS / 4) return;
    this.#ends.push({ at, end: this.#facts.ends[0] });
    if (this.#ends.length > 8) this.#ends.shift();
  }
  readonly #ends: { readonly at: number; readonly end: number }[] = [];

  #endAsOf(at: number): number {
    let end = 0;
    for (const e of this.#ends) if (e.at <= at) end = e.end;
    return end;
  }

  /** Small events while somebody reads through a small window: one event is the least that is under way (half a second at 100 KB/s). */
  #eventBytes(): number {
    for (const a of this.#attachments.values())
      if (a.reader.window < limits.outputEventBytes * 2 && !a.noOutput) return SMALL_EVENT_BYTES;
    return limits.outputEventBytes;
  }

  /** Acknowledges to the shim in one frame a turn of the loop, after clients were served. */
  #ackLater(): void {
    if (this.#acksDue) return;
    this.#acksDue = true;
    this.#ports.defer(() => {
      this.#acksDue = false;
      this.#recording(() => {
        this.#settleNow();
        if (!this.#modelLags) this.#shim?.ack({ streams: this.#journalled() });
      });
    });
  }

  /** P2: beyond 256 KiB unsynced, output waits for the disk; beyond 32 MiB unparsed, for the model. */
  #holdOutputIfDue(): void {
    if (this.#ports.journal.unsyncedBytes > UNSYNCED_BYTES / 2) {
      const synced = this.#ports.journal.durable(this.#lastLsn);
      if (this.#ports.journal.unsyncedBytes > UNSYNCED_BYTES && !this.#outputWaits) {
        this.#outputWaits = true;
        this.#shim?.pause();
        const goOn = (): void => {
          this.#outputWaits = false;
          this.#shim?.resume();
        };
        synced.then(goOn, goOn);
      } else {
        synced.catch(() => {});
      }
    }
    // The link stays open for answers: without acknowledgements the shim's ring fills, and the program waits.
    if (this.screen.isOpen && this.screen.unparsedBytes > this.#mayLagBytes) this.#modelLags = true;
  }
  #modelLags = false;

  /** How far the model may be behind. A reader that can't follow lives on its snapshots: they must not be seconds old. */
  get #mayLagBytes(): number {
    return this.#hasSlowReader ? UNPARSED_BYTES / 8 : UNPARSED_BYTES;
  }

  get #hasSlowReader(): boolean {
    for (const { reader: r } of this.#attachments.values())
      if (r.mode === "snapshot" && this.#position - r.position > SLOW_BYTES) return true;
    return false;
  }

  /** The model's worker parsed something of this session. */
  parsed(): void {
    this.screen.parsed();
    if (this.#modelLags && this.screen.unparsedBytes < this.#mayLagBytes / 2) {
      this.#modelLags = false;
      this.#ackLater();
    }
  }

  #result(r: ShimResult): void {
    const seq = Number(r.seq);
    const resize = this.#resizes.find((x) => x.seq === seq) ?? this.#resizeOfBefore(r);
    if (resize) {
      if (r.status === "applied") resize.offset = Number(r.outputOffset);
      else this.#resizes = this.#resizes.filter((x) => x !== resize);
      this.#placeResizes();
      this.#settlements.push(r);
      return this.#ackLater();
    }
    const status = onWireStatus(r.status);
    for (const answer of this.#answers.get(seq) ?? []) {
      answer.tell({
        n: answer.n,
        seq,
        status,
        bytes: r.bytes,
        outputOffset: Number(r.outputOffset),
        ...(r.status === "applied" ? {} : { error: settledError(this.#facts, r) }),
      });
      if (answer.durable) this.#tellDurable(answer.tell, { n: answer.n, seq, status, bytes: r.bytes });
    }
    this.#answers.delete(seq);
    const seat = this.#interrupts.get(seq);
    if (seat) {
      this.#interrupts.delete(seq);
      this.#interrupted.push({ seat, offset: Number(r.outputOffset) });
      this.#jumpWhereInterrupted();
    }
    this.#settlements.push(r);
    this.commands.settled(seq, r.status === "applied", Number(r.outputOffset));
    this.#ackLater();
  }

  #tellDurable(tell: (reply: InputReply) => void, reply: InputReply): void {
    this.#ports.journal.durable(this.#lastLsn).then(
      () => tell({ ...reply, durable: true }),
      (fault: unknown) =>
        tell({
          ...reply,
          error: new HoldError(
            "journal_frozen",
            `input ${reply.seq} of session ${this.#label()} was applied and recorded, and whether the record is on the disk is not known: ${fault instanceof Error ? fault.message : String(fault)}`,
          ),
        }),
    );
  }

  /** A size that was asked for before this link: by a host that died, or before the journal froze. What became of it is told now. */
  #resizeOfBefore(r: ShimResult): PendingResize | undefined {
    const seq = Number(r.seq);
    if (r.status !== "applied" || this.#input.isUnsettled(Seq(seq))) return undefined;
    const item = this.read(seq - 1, 1)[0];
    if (!item || "gap" in item || item.entry.seq !== seq || item.body?.case !== "resizeAsked" || !item.body.value.size)
      return undefined;
    const { size, pinned } = item.body.value;
    // One that is recorded already is told again, and does no harm.
    if (size.cols === this.#facts.size.cols && size.rows === this.#facts.size.rows && pinned === this.#facts.sizePinned)
      return undefined;
    const resize: PendingResize = { seq, cols: size.cols, rows: size.rows, pinned, offset: null };
    this.#resizes = [...this.#resizes, resize].sort((a, b) => a.seq - b.seq);
    return resize;
  }

  /** Settlements are recorded after the echo has gone out: the shim keeps them until then. */
  #settleNow(): void {
    if (this.#settlements.length === 0) return;
    const settlements = this.#settlements;
    this.#settlements = [];
    for (const r of settlements)
      this.#settle(
        { seq: Seq(Number(r.seq)), status: r.status, bytes: r.bytes, refusal: r.refusal === "none" ? "" : r.refusal },
        r.secret,
        Number(r.outputOffset),
      );
    this.#lastResult = settlements.reduce((most, r) => (r.seq > most ? r.seq : most), this.#lastResult);
    this.#shim?.ack({ resultSeq: this.#settledUpTo() });
    this.#offerWaiting();
  }

  /** A resize overtakes queued input, so results may be out of order: acknowledged is only what has nothing unsettled below it. */
  #settledUpTo(): bigint {
    let upTo = this.#lastResult;
    for (const { seq } of this.#input.unsettled()) if (BigInt(seq) <= upTo) upTo = BigInt(seq - 1);
    for (const r of this.#resizes) if (BigInt(r.seq) <= upTo) upTo = BigInt(r.seq - 1);
    return upTo;
  }
  #lastResult = 0n;

  #settle(outcome: Outcome, secret: boolean, outputOffset: number): void {
    if (!this.#input.isUnsettled(outcome.seq)) return;
    // Each before what follows can fail: a secret is gone before its result is acknowledged, and what is not recorded is not settled.
    if (secret) this.#ports.journal.erase(this.id, [outcome.seq]);
    this.record(
      { id: HOST_ACTOR, via: "shim" },
      {
        case: "inputSettled",
        value: create(EventBody_InputSettledSchema, {
          inputSeq: BigInt(outcome.seq),
          status: onWireStatus(outcome.status),
          bytes: outcome.bytes,
          refusal: outcome.refusal,
          secret,
          outputOffset: BigInt(outputOffset),
        }),
      },
    );
    this.#input.settle(outcome);
    this.commands.settled(outcome.seq, outcome.status === "applied", outputOffset);
  }

  #placeResizes(): void {
    while (this.#resizes.length > 0) {
      const first = this.#resizes[0]!;
      if (first.offset === null || first.offset > this.#facts.ends[0]) return;
      this.#resizes.shift();
      this.record(
        { id: HOST_ACTOR, via: "shim" },
        {
          case: "resized",
          value: create(EventBody_ResizedSchema, {
            size: { cols: first.cols, rows: first.rows },
            pinned: first.pinned,
            outputOffset: BigInt(first.offset),
          }),
        },
      );
    }
  }

  /** The program is gone and everything that it wrote is here: the shim may go too, with the last process of the session. */
  #letGo(): void {
    const shim = this.#shim;
    if (!shim) return;
    this.onShimEnd = null;
    this.#settleNow();
    // Every result of before the exit came before the exit: what is open still was sent after it, and the shim refuses it.
    for (const { seq } of [...this.#input.unsettled()])
      this.#settle({ seq, status: "void", bytes: 0, refusal: "exited" }, false, 0);
    shim.ack({ streams: this.#journalled(), exit: true });
    shim.release();
  }

  /** A daemon of the session still lives: its shim stays to be its parent, and is asked again. */
  #releaseLater(): void {
    this.#stopRelease = this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + this.#releaseMs), () =>
      this.#shim?.release(),
    );
    this.#releaseMs = Math.min(RELEASE_MOST_MS, this.#releaseMs * 2);
  }
  #releaseMs = RELEASE_FIRST_MS;
  #stopRelease: (() => void) | null = null;

  /** Ends the session in the books: the program could not be started, or what held it is gone. */
  ended(state: SessionState, reason: string): void {
    if (this.isOver) return;
    try {
      for (const entry of [...this.#input.unsettled()])
        this.#settle({ seq: entry.seq, status: "void", bytes: 0, refusal: reason }, false, 0);
      this.record(HOST, { case: "ended", value: create(EventBody_EndedSchema, { state, reason }) });
    } catch (fault) {
      if (!isJournalFault(fault)) throw fault;
      this.#ports.log(`session ${this.id} has ended (${reason}); recorded once the journal can be written: ${String(fault)}`);
      this.#endLate = { state, reason };
      return;
    }
    this.#over();
  }
  /** An end that could not be recorded yet. */
  #endLate: { readonly state: SessionState; readonly reason: string } | null = null;

  #over(): void {
    for (const answers of this.#answers.values())
      for (const a of answers)
        a.tell({
          n: a.n,
          seq: 0,
          status: InputStatus.VOID,
          bytes: 0,
          error: new HoldError("session_ended", `session ${this.#label()} has ended`),
        });
    this.#answers.clear();
    for (const { offer } of this.#waiting.splice(0)) offer();
    this.#pumpAll();
    this.onOver?.();
  }
  onOver: (() => void) | null = null;

  // --- attachments ---

  attach(attachment: HostAttachment, details: { readonly resumed: boolean; readonly client: string }): void {
    // The same writer on a newer link: the older one is gone, whatever the network thinks, and what waited there is sent again here.
    for (const older of [...this.#attachments.values()].filter((a) => a.writer === attachment.writer)) {
      older.channel.send({ case: "detached", value: { reason: "replaced" } });
      this.detach(older.id, "replaced");
    }
    this.#attachments.set(attachment.id, attachment);
    if (!attachment.quiet) {
      // Who only looks changes nothing: a journal that can't be written keeps nobody from that.
      this.#tryRecord(
        { id: attachment.operator.id, via: attachment.via },
        {
          case: "attached",
          value: create(EventBody_AttachedSchema, {
            attachment: attachment.id,
            observing: attachment.observing,
            resumed: details.resumed,
            client: details.client,
            ...(attachment.size ? { size: attachment.size } : {}),
          }),
        },
      );
      this.#tellPresence();
    }
    if (!attachment.observing && attachment.size) this.#claimSize(attachment, false);
    attachment.ready = true;
    this.pump(attachment);
  }

  detach(id: string, reason: string): void {
    const attachment = this.#attachments.get(id);
    if (!attachment) return;
    attachment.over = true;
    attachment.channel.end();
    this.#attachments.delete(id);
    // A link that broke may be back in a moment: its floor then runs out by itself. Who leaves gives it back at once.
    if (reason === "left" && !this.#ports.journal.frozen)
      this.#floorStep({ verb: "leave", seat: id }, { id: attachment.operator.id, via: attachment.via });
    if (this.#seat === id) {
      this.#seat = null;
      const others = [...this.#attachments.values()].filter((a) => !a.observing && a.size);
      if (others.length === 1) this.#claimSize(others[0]!, false);
    }
    if (!attachment.quiet) {
      this.#tryRecord(
        { id: attachment.operator.id, via: attachment.via },
        { case: "detached", value: create(EventBody_DetachedSchema, { attachment: id, reason }) },
      );
      this.#tellPresence();
    }
    if (this.#attachments.size === 0) this.#tail.clear();
  }

  presence(): Presence[] {
    return [...this.#attachments.values()]
      .filter((a) => !a.quiet)
      .map((a) =>
        create(PresenceSchema, {
          operator: a.operator.id,
          name: a.operator.name,
          kind: kindOnWire(a.operator.kind),
          via: a.via,
          attachment: a.id,
          observing: a.observing,
        }),
      );
  }

  #tellPresence(): void {
    this.#tellAll(encodeHost({ case: "presence", value: { operators: this.presence() } }));
  }

  #tellAll(message: Uint8Array): void {
    for (const a of this.#attachments.values()) if (!a.quiet) a.channel.sendMessage(message);
  }

  /** The client has used `appliedBytes` since it attached. `maxWindow` above 0: the most that it wants to be under way from now on. */
  credited(attachment: HostAttachment, appliedBytes: number, maxWindow: number): void {
    const { sent, applied } = attachment.reader;
    if (maxWindow > 0) attachment.maxWindow = Math.min(limits.windowMax, Math.max(limits.windowMin, maxWindow));
    const used = Math.min(sent, appliedBytes) - applied;
    if (used > 0) attachment.window = creditWindow.applied(attachment.window, used, sent - applied, this.#ports.clock.monoMs());
    attachment.reader = reader.credited(attachment.reader, appliedBytes, Math.min(attachment.maxWindow, attachment.window.bytes));
    this.pump(attachment);
  }

  #pumpAll(): void {
    for (const attachment of this.#attachments.values()) this.pump(attachment);
  }

  /** The record of a key is no news to who pressed it: it goes out with the echo, or a moment later by itself. */
  #pumpSoon(): void {
    this.#pumpDue ??= this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + LAZY_MS), () => {
      this.#pumpDue = null;
      this.#pumpAll();
    });
  }
  #pumpDue: (() => void) | null = null;

  /** Sends an attachment what it may have now (R1 to R4). */
  pump(attachment: HostAttachment): void {
    while (attachment.ready && !attachment.isHeld && !attachment.over && attachment.channel.buffered < HOP_BYTES) {
      const step = reader.next(attachment.reader, { seq: this.#facts.seq, position: Offset(this.#position) }, limits.behindBytes);
      if (step.do === "nothing") return;
      if (step.do === "snapshot") return this.#sendSnapshot(attachment, step.why);
      const event = this.#tail.at(attachment.reader.cursor + 1);
      if (event) {
        attachment.filter = null;
        const shown = !(attachment.noOutput && event.isOutput);
        if (shown) attachment.channel.sendMessage(event.message);
        attachment.reader = reader.sent(attachment.reader, Seq(event.seq), Offset(event.position), shown ? event.dataBytes : 0);
      } else if (!this.#sendFromJournal(attachment, Math.min(step.maxBytes, JOURNAL_READ_BYTES))) {
        return;
      }
    }
  }

  #sendFromJournal(attachment: HostAttachment, maxBytes: number): boolean {
    const after = attachment.reader.cursor;
    const items = this.read(after, maxBytes);
    if (items.length === 0) return false;
    if (attachment.filter?.nextSeq !== after + 1)
      attachment.filter = this.#view.filterAt(after + 1, (seq) => this.read(seq - 1, 1));
    let { cursor, position } = attachment.reader;
    let bytes = 0;
    for (const item of items) {
      if ("gap" in item) {
        cursor = Seq(item.toSeq);
        attachment.channel.send({
          case: "event",
          value: {
            seq: BigInt(item.toSeq),
            actor: HOST_ACTOR,
            via: "host",
            body: {
              kind: { case: "gap", value: { fromSeq: BigInt(item.fromSeq), toSeq: BigInt(item.toSeq), reason: item.reason } },
            },
          },
        });
        continue;
      }
      const isOutput = item.entry.kind === OUTPUT_KIND;
      cursor = Seq(item.entry.seq);
      if (isOutput) position = Offset(position + item.entry.payloadBytes);
      if (isOutput && attachment.noOutput) continue;
      const shown =
        isOutput && item.entry.stream === 0 ? attachment.filter.queries.filter(item.entry.payload) : item.entry.payload;
      bytes += shown.length;
      attachment.channel.send({ case: "event", value: wireEvent(item.entry, isOutput ? null : item.body, shown) });
    }
    attachment.filter.nextSeq = cursor + 1;
    attachment.reader = reader.sent(attachment.reader, cursor, position, bytes);
    return true;
  }

  /** A size that is just being claimed comes first: the first thing drawn is then right. */
  #sizeSettled(): Promise<void> {
    if (this.#resizes.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        stop();
        late();
        resolve();
      };
      const stop = this.listen((_entry, body) => {
        if (body?.case === "resized" || this.#resizes.length === 0) done();
      });
      const late = this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + SIZE_MS), done);
    });
  }

  #sendSnapshot(attachment: HostAttachment, why: string): void {
    attachment.reader = reader.snapshotAsked(attachment.reader);
    this.#sizeSettled()
      .then(() => this.screen.snapshot(attachment.scrollback))
      .then(
        ({ seq, position, snapshot }) => {
          if (attachment.over) return;
          const size = { cols: snapshot.cols, rows: snapshot.rows };
          const base = { seq: BigInt(seq), size, offset: BigInt(snapshot.offset), why, title: snapshot.title };
          const part = 256 * 1024;
          for (let at = 0; at === 0 || at < snapshot.vt.length; at += part) {
            attachment.channel.send({
              case: "snapshot",
              value: { ...base, vt: snapshot.vt.subarray(at, at + part), last: at + part >= snapshot.vt.length },
            });
          }
          attachment.reader = reader.snapshotSent(attachment.reader, Seq(seq), Offset(position), snapshot.vt.length);
          if (attachment.jumpsAgain) this.#showPresent(attachment);
          this.pump(attachment);
        },
        (fault: unknown) => {
          if (attachment.over) return;
          this.#ports.log(`session ${this.id}: no snapshot for ${attachment.id}: ${String(fault)}`);
          // R1: no silence. The model's worker died, or a model was closed: a new one is asked, a moment later.
          this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + SNAPSHOT_RETRY_MS), () => {
            if (!attachment.over) this.#sendSnapshot(attachment, why);
          });
        },
      );
  }

  // --- input ---

  /**
   * One frame of an operator. The answer comes through `tell`: at once for refusals and duplicates, else when the shim has
   * settled it. Rights were checked by the caller; the floor is checked here, where input is written.
   */
  offer(
    by: RegisteredOperator,
    via: string,
    seat: HostAttachment | null,
    writer: string,
    frame: Input,
    tell: (reply: InputReply) => void,
  ): void {
    if (seat?.over) return;
    const n = Number(frame.n);
    const offered: InputFrame = {
      writer,
      n,
      bytes: frame.data.length,
      unit: frame.unit,
      unitEnd: frame.unitEnd,
      interrupt: frame.interrupt,
    };
    const refuse = (error: HoldError): void => {
      this.#input.refused(offered);
      tell({ n, seq: 0, status: InputStatus.REFUSED, bytes: 0, error });
      // A chunk that is refused closes its unit: who waited for that goes on.
      if (this.#waiting.length > 0) this.#ports.defer(() => this.#offerWaiting());
    };
    const wait = (): void => {
      if (
        this.#waiting.length >= WAITING_FRAMES ||
        this.#waiting.reduce((n, w) => n + w.bytes, frame.data.length) > limits.inputQueueBytes
      )
        return refuse(this.#inputRefusal("input_blocked"));
      this.#waiting.push({
        writer,
        bytes: frame.data.length,
        offer: () => this.offer(by, via, seat, writer, frame, tell),
        refuse,
      });
      this.#schedule();
    };
    if (frame.data.length > limits.inputFrameBytes)
      return refuse(
        new HoldError("bad_request", `an input frame of ${frame.data.length} bytes; ${limits.inputFrameBytes} at most`),
      );
    if (frame.interrupt && frame.data.length !== 1) return refuse(new HoldError("bad_request", "an interrupt is one byte"));
    if (frame.unit.length > MAX_UNIT_CHARS)
      return refuse(new HoldError("bad_request", `a unit's name has ${MAX_UNIT_CHARS} characters at most`));
    const decision = this.#input.decide(offered);
    switch (decision.kind) {
      case "settled":
        if (frame.durable && decision.outcome.status === "applied")
          this.#tellDurable(tell, { n, seq: decision.outcome.seq, status: InputStatus.APPLIED, bytes: decision.outcome.bytes });
        return tell({
          n,
          seq: decision.outcome.seq,
          status: onWireStatus(decision.outcome.status),
          bytes: decision.outcome.bytes,
          ...(decision.outcome.status === "applied"
            ? {}
            : {
                error: new HoldError(
                  "input_void",
                  `input ${decision.outcome.seq} of session ${this.#label()}: ${decision.outcome.status} (${decision.outcome.refusal || "dropped"})`,
                ),
              }),
        });
      case "pending":
        this.#answers.set(decision.seq, [...(this.#answers.get(decision.seq) ?? []), { n, durable: frame.durable, tell }]);
        return;
      case "refuse":
        return refuse(this.#inputRefusal(decision.code));
      case "wait":
        return wait();
      case "accept":
        // Behind what waits already of the same writer; an interrupt waits for nothing.
        if (!frame.interrupt && this.#waiting.some((w) => w.writer === writer)) return wait();
        break;
    }
    if (this.isOver)
      return refuse(
        new HoldError(
          "session_ended",
          `session ${this.#label()} has ended; hold log ${this.#facts.name || this.id} shows what it did`,
        ),
      );
    if (this.#ports.journal.frozen || this.#stalled)
      return refuse(
        new HoldError(
          "journal_frozen",
          `the journal can't be written (${this.#ports.journal.frozen?.message ?? "going on in a moment"}): nothing runs unrecorded; free some space, hold doctor tells more`,
        ),
      );
    if (!this.#shim || !this.#linked) return refuse(this.#beingTakenUp());
    const now = this.#ports.clock.monoMs();
    const command: FloorCommand = {
      verb: "type",
      by: operatorOf(by),
      seat: seat?.id ?? writer,
      lineDirty: this.commands.lineDirty,
      ...(frame.epoch === undefined ? {} : { epoch: Number(frame.epoch) as never }),
    };
    const ruling = floorRoom.decide(this.#floor, command, now);
    if (!ruling.ok) return refuse(this.#floorError(ruling.refusal));
    try {
      for (const event of ruling.events) this.#applyFloor(event, { id: by.id, via });
      const tag = this.#tagOf(by.id);
      const entry = this.record(
        { id: by.id, via },
        {
          case: "input",
          value: create(EventBody_InputSchema, {
            writer,
            n: BigInt(n),
            epoch: BigInt(this.#floor.epoch),
            unit: frame.unit,
            unitEnd: frame.unitEnd,
            interrupt: frame.interrupt,
            eof: frame.eof,
            tag,
          }),
        },
        frame.data,
      );
      if (frame.interrupt) this.#input.cut();
      this.#input.accepted(offered, by.id, Seq(entry.seq), now);
      this.#answers.set(entry.seq, [{ n, durable: frame.durable, tell }]);
      this.commands.input(entry.seq, by.id, frame.data);
      if (frame.interrupt) this.#dropUnsent(() => true);
      this.#send(entry, frame, tag);
      if (frame.interrupt && seat) {
        this.#interrupts.set(entry.seq, seat);
        this.#holdForInterrupt(seat);
      }
    } catch (fault) {
      return refuse(refusalFrom(fault));
    }
    this.#blockedSince ??= { seq: this.#facts.seq, at: now, told: false };
    this.#offerWaiting();
    this.#schedule();
  }

  /** H1: with `--sync-input` the record is on the disk before the program sees it; order is kept by one chain of promises. */
  #send(entry: Entry, frame: Input, tag: number): void {
    const go = (): void => {
      // On a link that is not up yet it would be received and, by the welcome under way, be settled as never sent (I1).
      if (!this.#linked) return;
      const seq = BigInt(entry.seq);
      if (frame.eof) this.#shim?.eof(seq);
      else if (frame.interrupt) this.#shim?.interrupt(seq, interruptKey(frame.data[0]!), frame.data[0]!);
      else this.#shim?.input(seq, tag, frame.data);
    };
    if (!this.#facts.syncInput && !this.#sendAfterSync) return go();
    this.#unsent.set(entry.seq, entry.actor);
    this.#behind(
      this.#ports.journal.durable(entry.lsn).then(
        () => () => {
          if (this.#unsent.delete(entry.seq)) go();
        },
        (fault: unknown) => () => {
          if (!this.#unsent.delete(entry.seq)) return;
          this.#ports.log(`session ${this.id}: input ${entry.seq} was not sent: ${String(fault)}`);
          this.#settle({ seq: Seq(entry.seq), status: "void", bytes: 0, refusal: "journal_frozen" }, false, 0);
        },
      ),
    );
  }
  /** Recorded and waiting for the disk, with who typed it: not at the shim yet. */
  readonly #unsent = new Map<number, string>();

  /** What goes to the shim goes in the order of seq (K1): behind inputs that wait for the disk, if there are any. */
  #inOrder(send: () => void): void {
    const go = (): void => {
      if (this.#linked) send();
    };
    if (this.#sendAfterSync) this.#behind(Promise.resolve(go));
    else go();
  }

  #behind(ready: Promise<() => void>): void {
    const mine: Promise<void> = Promise.all([ready, this.#sendAfterSync])
      .then(([go]) => this.#recording(go))
      .finally(() => {
        if (this.#sendAfterSync === mine) this.#sendAfterSync = null;
      });
    this.#sendAfterSync = mine;
  }

  /** What waits for the disk is cut as what waits in the shim. */
  #dropUnsent(isCut: (operator: string) => boolean): void {
    for (const [seq, operator] of [...this.#unsent]) {
      if (!isCut(operator)) continue;
      this.#unsent.delete(seq);
      this.#result({
        seq: BigInt(seq),
        status: "void",
        refusal: "none",
        bytes: 0,
        secret: false,
        outputOffset: BigInt(this.#facts.ends[this.#streams[0]!]),
        timeNs: 0n,
      });
    }
  }

  /** The terminal model answers the program's query: bytes into the session, under their own name, never late. */
  reply(queryOffset: number, bytes: Uint8Array): void {
    if (this.isOver || !this.#live || queryOffset <= this.#facts.repliedOffset || this.#input.unitOpen()) return;
    if (queryOffset <= this.#endAsOf(this.#ports.clock.monoMs() - REPLY_AGE_MS)) return;
    const writer = TERMINAL_ACTOR;
    const n = this.#input.lastN(writer) + 1;
    const actor = { id: TERMINAL_ACTOR, via: "host" };
    try {
      this.record(actor, {
        case: "replyWritten",
        value: create(EventBody_ReplyWrittenSchema, { queryOffset: BigInt(queryOffset) }),
      });
      const entry = this.record(
        actor,
        { case: "input", value: create(EventBody_InputSchema, { writer, n: BigInt(n), epoch: BigInt(this.#floor.epoch) }) },
        bytes,
      );
      this.#input.accepted(
        { writer, n, bytes: bytes.length, unit: "", unitEnd: false, interrupt: false },
        TERMINAL_ACTOR,
        Seq(entry.seq),
        this.#ports.clock.monoMs(),
      );
      this.#unsent.set(entry.seq, TERMINAL_ACTOR);
      this.#inOrder(() => {
        if (this.#unsent.delete(entry.seq)) this.#shim?.input(BigInt(entry.seq), 0, bytes);
      });
    } catch (fault) {
      this.#ports.log(`session ${this.id}: a terminal query stays unanswered: ${String(fault)}`);
    }
  }

  /**
   * Ctrl-C is leave to drop what its sender has not read yet: it wants the present. A flood goes on until the interrupt has
   * reached the program, so its sender is shown nothing more of it and then, from there, the screen as it is.
   */
  #holdForInterrupt(seat: HostAttachment): void {
    if (!this.#isFarBehind(seat)) return;
    seat.isHeld = true;
    this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + HOLD_MS), () => {
      if (seat.isHeld) this.#showPresent(seat);
    });
  }

  #isFarBehind({ reader: r }: HostAttachment): boolean {
    return r.mode === "snapshot" && this.#position - r.position + r.sent - r.applied > INTERRUPT_BEHIND_BYTES;
  }

  #showPresent(seat: HostAttachment): void {
    seat.isHeld = false;
    // One that is being taken may be of before the interrupt: another follows it.
    seat.jumpsAgain = seat.reader.phase === "awaits_snapshot";
    seat.reader = reader.jump(seat.reader, "interrupt");
    this.pump(seat);
  }

  #jumpWhereInterrupted(): void {
    if (this.#interrupted.length === 0) return;
    const due = this.#interrupted.filter((i) => i.offset <= this.#facts.ends[0]);
    this.#interrupted = this.#interrupted.filter((i) => i.offset > this.#facts.ends[0]);
    for (const { seat } of due) if (seat.isHeld || this.#isFarBehind(seat)) this.#showPresent(seat);
  }
  /** Interrupts on their way, and who sent them. */
  readonly #interrupts = new Map<number, HostAttachment>();
  #interrupted: { readonly seat: HostAttachment; readonly offset: number }[] = [];

  #tagOf(operator: string): number {
    let tag = this.#tags.get(operator);
    if (tag === undefined) this.#tags.set(operator, (tag = crc32(operator) || 1));
    return tag;
  }

  #inputRefusal(code: "input_blocked" | "input_cut" | "bad_request" | "superseded"): HoldError {
    switch (code) {
      case "input_blocked":
        return new HoldError(
          "input_blocked",
          `the program of session ${this.#label()} is not reading: ${this.#input.unsettledBytes} bytes wait; interrupt it, or send less at a time`,
        );
      case "input_cut":
        return new HoldError(
          "input_cut",
          `the rest of this paste into session ${this.#label()} was cut off by a change of the floor or an interrupt`,
        );
      case "superseded":
        return new HoldError(
          "input_void",
          `that frame of session ${this.#label()} was refused before, and later ones were accepted since`,
        );
      case "bad_request":
        return new HoldError("bad_request", "frames are numbered from 1");
    }
  }

  #offerWaiting(): void {
    if (this.#waiting.length === 0 || this.#input.unitOpen()) return;
    for (const { offer } of this.#waiting.splice(0)) offer();
  }

  // --- the floor ---

  /** One floor command of an operator; throws the refusal as an error for the caller's answer. */
  changeFloor(command: FloorCommand, actor: Actor): void {
    this.#floorStep(command, actor);
  }

  get shell(): Shell {
    const { shell } = this.#facts;
    return shell === "bash" || shell === "zsh" || shell === "fish" ? shell : "other";
  }

  /** What a floor command needs to know of the line. */
  get lineDirty(): string | null {
    return this.commands.lineDirty;
  }

  #floorStep(command: FloorCommand, actor: Actor): void {
    const ruling = floorRoom.decide(this.#floor, command, this.#ports.clock.monoMs());
    if (!ruling.ok) throw this.#floorError(ruling.refusal);
    for (const event of ruling.events) this.#applyFloor(event, actor);
    this.#schedule();
  }

  #applyFloor(event: FloorEvent, actor: Actor): void {
    const before = this.#floor;
    const next = floorRoom.apply(before, event, this.#ports.clock.monoMs());
    switch (event.kind) {
      case "granted":
        this.record(actor, {
          case: "floorChanged",
          value: create(EventBody_FloorChangedSchema, {
            holder: event.to.id,
            seat: event.seat,
            epoch: BigInt(next.epoch),
            reason: event.reason,
            from: event.from ?? "",
          }),
        });
        break;
      case "freed":
        if (event.reason !== "idle")
          this.record(actor, {
            case: "floorChanged",
            value: create(EventBody_FloorChangedSchema, { epoch: BigInt(next.epoch), reason: event.reason, from: event.from }),
          });
        break;
      case "ai_paused":
      case "ai_resumed":
        this.record(actor, { case: "aiPaused", value: create(EventBody_AiPausedSchema, { paused: event.kind === "ai_paused" }) });
        break;
      default:
        break;
    }
    this.#floor = next;
    // A floor that ran out while its holder's input waited is free, and a person who takes it means to steer at once.
    if (floorRoom.cutsQueue(event) || (event.kind === "granted" && event.reason === "taken" && event.to.kind === "human")) {
      const unitOf = this.#input.unitWriter();
      if (unitOf !== null && this.#mustCut(event, operatorOfWriter(unitOf))) this.#input.cut();
      for (const [operator, tag] of this.#tags) if (this.#mustCut(event, operator)) this.#shim?.cancel(tag);
      this.#dropUnsent((operator) => this.#mustCut(event, operator));
      this.#offerWaiting();
    }
    if (event.kind === "granted") {
      const seat = this.#attachments.get(event.seat);
      if (seat?.size) this.#claimSize(seat, true);
    }
    if (event.kind !== "renewed") {
      this.#tellAll(
        encodeHost({
          case: "floor",
          value: {
            floor: floorOnWire(this.#floor, this.#ports.clock),
            why: event.kind === "granted" || event.kind === "freed" ? event.reason : event.kind,
            by: actor.id,
          },
        }),
      );
    }
  }

  /** Whose queued input goes when the floor changes. `isAi` is set by the host, which knows the operators. */
  #mustCut(event: FloorEvent, operator: string): boolean {
    if (event.kind === "granted") return operator !== event.to.id;
    if (event.kind === "ai_paused") return this.isAi(operator);
    return event.kind === "freed" && operator === event.from;
  }
  isAi: (operator: string) => boolean = () => false;
  /** Whose agent the session's stable agent path leads to. */
  agentBy = "";

  /** For an AI that is about to steer beside the terminal. */
  refusePaused(): void {
    if (this.#floor.aiPaused) throw this.#floorError({ code: "ai_paused" });
  }

  #floorError(refusal: FloorRefusal): HoldError {
    const session = this.#facts.name || this.id;
    switch (refusal.code) {
      case "floor_held": {
        const until = new Date(this.#ports.clock.wallMs() + (refusal.expiresAt - this.#ports.clock.monoMs())).toISOString();
        return new HoldError(
          "floor_held",
          `session ${session} is steered by ${refusal.holder.name} until ${until}; ask for it (Ctrl-q a, or hold take ${session} once it is free)`,
          { session: this.id, holder: refusal.holder.id, until },
        );
      }
      case "floor_not_yours":
        return new HoldError(
          "floor_not_yours",
          `session ${session} is steered by ${refusal.holder?.name ?? "nobody"}, not by you`,
          { session: this.id },
        );
      case "ai_paused":
        return new HoldError(
          "ai_paused",
          `AI operators are paused in session ${session}; a person ends that with: hold ai resume ${session}`,
          { session: this.id },
        );
      case "line_not_empty":
        return new HoldError(
          "line_not_empty",
          `somebody has half a line typed in session ${session}; wait for it to be sent or cleared`,
          { session: this.id },
        );
      case "fenced":
        return new HoldError("fenced", `the floor of session ${session} has moved on (epoch ${refusal.epoch})`, {
          session: this.id,
          epoch: String(refusal.epoch),
        });
    }
  }

  /** An operator is out: what it queued is dropped, its floor is free, its attachments end. */
  revoke(operator: string, by: Actor): void {
    const tag = this.#tags.get(operator);
    if (tag !== undefined) this.#shim?.cancel(tag);
    this.#dropUnsent((o) => o === operator);
    const theirs = this.#waiting.filter((w) => operatorOfWriter(w.writer) === operator);
    this.#waiting = this.#waiting.filter((w) => !theirs.includes(w));
    for (const w of theirs) w.refuse(new HoldError("revoked", `operator ${operator} was revoked`, { operator }));
    this.#floorStep({ verb: "revoke", operator }, by);
  }

  // --- size and signals ---

  /** The seat's size is the session's, unless it is pinned. `moved`: the floor came to this seat. */
  #claimSize(attachment: HostAttachment, moved: boolean): void {
    const seatThere = this.#seat !== null && this.#attachments.has(this.#seat);
    if (!moved && seatThere && this.#seat !== attachment.id) return;
    this.#seat = attachment.id;
    if (!attachment.size || this.#facts.sizePinned) return;
    try {
      this.resize(attachment.size, false, { id: attachment.operator.id, via: attachment.via });
    } catch (fault) {
      // Coming, going and steering do not depend on a size; it is claimed again with the next link or key.
      if (!isJournalFault(fault)) throw fault;
      this.#ports.log(`session ${this.id}: the size of ${attachment.id} is not taken: ${String(fault)}`);
    }
  }

  resizeFrom(attachment: HostAttachment, size: { cols: number; rows: number }): void {
    attachment.size = size;
    if (!attachment.observing && (this.#seat === attachment.id || this.#seat === null || !this.#attachments.has(this.#seat)))
      this.#claimSize(attachment, false);
  }

  resize(size: { cols: number; rows: number }, pinned: boolean, by: Actor): void {
    if (this.isOver || !this.#live || this.#facts.kind !== "pty") return;
    const latest = this.#resizes.at(-1) ?? { ...this.#facts.size, pinned: this.#facts.sizePinned };
    if (latest.cols === size.cols && latest.rows === size.rows && latest.pinned === pinned) return;
    const entry = this.record(by, { case: "resizeAsked", value: create(EventBody_ResizeAskedSchema, { size, pinned }) });
    this.#resizes.push({ seq: entry.seq, ...size, pinned, offset: null });
    this.#inOrder(() => this.#shim?.resize(BigInt(entry.seq), size.cols, size.rows, 0, 0));
  }

  signal(target: "leader" | "foreground" | "tree", signo: number, by: Actor): void {
    if (this.isOver) throw new HoldError("session_ended", `session ${this.#label()} has ended; there is nothing to signal`);
    if (!this.#live) throw this.#beingTakenUp();
    const entry = this.record(by, { case: "signalled", value: create(EventBody_SignalledSchema, { target, signal: signo }) });
    this.#inOrder(() => this.#shim?.signal(BigInt(entry.seq), target, signo));
  }

  /** Ends the whole tree: asks first, forces after `graceMs`. */
  kill(graceMs: number, by: Actor): void {
    if (this.isOver) return;
    const shim = this.#live;
    if (!shim) throw this.#beingTakenUp();
    this.record(by, { case: "signalled", value: create(EventBody_SignalledSchema, { target: "tree", signal: 15 }) });
    shim.endTree(graceMs);
  }

  /** The shim, once it has said what it has received. */
  get #live(): ShimLink | null {
    return this.#linked ? this.#shim : null;
  }

  #beingTakenUp(): HoldError {
    return new HoldError("draining", `session ${this.#label()} is being taken up again; try again in a moment`);
  }

  // --- time ---

  tick(): void {
    const now = this.#ports.clock.monoMs();
    for (const event of floorRoom.tick(this.#floor, now)) this.#applyFloor(event, HOST);
    if (this.#input.tick(now)) this.#offerWaiting();
    if (this.#blockedSince && this.#input.unsettledCount === 0) this.#blockedSince = null;
    const oldest = this.#input.unsettled()[Symbol.iterator]().next().value;
    if (oldest && this.#blockedSince && oldest.seq !== this.#blockedSince.seq)
      this.#blockedSince = { seq: oldest.seq, at: now, told: this.#blockedSince.told && oldest.seq === this.#blockedSince.seq };
    else if (oldest && this.#blockedSince && !this.#blockedSince.told && now - this.#blockedSince.at >= BLOCKED_MS) {
      this.#blockedSince.told = true;
      const error = this.#inputRefusal("input_blocked");
      for (const a of this.#answers.get(oldest.seq) ?? [])
        a.tell({ n: a.n, seq: oldest.seq, status: InputStatus.UNSPECIFIED, bytes: 0, error });
    }
    this.#schedule();
  }

  #schedule(): void {
    const times = [
      floorRoom.nextWake(this.#floor),
      this.#input.nextWake(),
      this.#blockedSince && !this.#blockedSince.told ? MonotonicMs(this.#blockedSince.at + BLOCKED_MS) : null,
    ].filter((t) => t !== null);
    this.#wake?.();
    this.#wake = times.length === 0 ? null : this.#ports.wakeAt(MonotonicMs(Math.min(...times)), () => this.tick());
  }

  /** The host goes: nothing is ended, everything is let go of. */
  leave(): void {
    this.#wake?.();
    this.#pumpDue?.();
    this.#stopRelease?.();
    this.onShimEnd = null;
    this.#recording(() => {
      this.#settleNow();
      this.#shim?.ack({ streams: this.#journalled() });
    });
    this.#shim?.close();
    this.#shim = null;
    this.#linked = false;
    this.screen.close();
  }

  #label(): string {
    return this.#facts.name ? `${this.#facts.name} (${this.id})` : this.id;
  }
}

/** Writers are named `OPERATOR/…` by the host. */
export function operatorOfWriter(writer: string): string {
  const slash = writer.indexOf("/");
  return slash < 0 ? writer : writer.slice(0, slash);
}

export function operatorOf(o: RegisteredOperator): Operator {
  return { id: o.id, name: o.name, kind: o.kind };
}

function onWireStatus(status: "applied" | "refused" | "void" | "cut"): InputStatus {
  return { applied: InputStatus.APPLIED, refused: InputStatus.REFUSED, void: InputStatus.VOID, cut: InputStatus.CUT }[status];
}

function interruptKey(byte: number): "intr" | "quit" | "susp" {
  return byte === 0x1c ? "quit" : byte === 0x1a ? "susp" : "intr";
}

function settledError(facts: SessionFacts, r: ShimResult): HoldError {
  const session = facts.name || facts.id;
  if (r.status === "void")
    return new HoldError(
      "input_void",
      `input ${r.seq} of session ${session} was dropped unwritten: the floor changed hands or an interrupt passed it`,
    );
  if (r.status === "cut")
    return new HoldError(
      "input_cut",
      `only ${r.bytes} bytes of input ${r.seq} of session ${session} were written: the floor changed hands or an interrupt passed it`,
    );
  const codes: Partial<Record<string, Code>> = {
    line_too_long: "line_too_long",
    queue_full: "input_blocked",
    exited: "session_ended",
  };
  const text =
    r.refusal === "line_too_long"
      ? `a line of more than ${limits.canonicalLineBytes} bytes would be cut by the terminal of session ${session}; send it in shorter lines, or through a file`
      : `the shim of session ${session} refused input ${r.seq}: ${r.refusal}`;
  return new HoldError(codes[r.refusal] ?? "internal", text);
}
