/**
 * An attachment that outlives its links: when one drops, it dials again, resumes strictly after its cursor, sends what was
 * not answered, and goes on. What is typed meanwhile is held, and after 5 s asked about (core/attachment O3).
 *
 *   T1  Handlers see every seq once, in order, or a gap, or a snapshot that stands for what it skipped. Output whose bytes are gone is a gap.
 *   T2  Every input's promise is settled: by the host's word, or by the end of the attachment.
 *   T3  Credit is given for bytes that the handler has used, so an idle handler stalls nobody but itself.
 *   T4  A handler that throws ends its attachment, and nothing else: the link, the program and other attachments go on.
 *   T5  The token that takes this attachment up is the last one that the host gave. Where it is refused, this logs in and attaches anew:
 *       the same writer and cursor, so nothing is lost or doubled; only the place was not kept.
 */
import { type MonotonicMs, Outbox } from "@holdfast/core";
import {
  type Code,
  type Floor,
  FloorVerb,
  HoldError,
  type HostFrame,
  InputStatus,
  type Presence,
  type Session,
} from "@holdfast/protocol";
import type { AttachHandlers, AttachOptions, Attachment, InputOutcome } from "../api/index.ts";
import type { Connection } from "./connection.ts";
import { errorFrom, type ResumeToken } from "./handshake.ts";
import { nextRetryMs, type Redial, RETRIED, RETRY_TOTAL_MS, spreadOf } from "./redial.ts";

interface Frame {
  readonly data: Uint8Array;
  readonly unit: string;
  readonly unitEnd: boolean;
  readonly interrupt: boolean;
  readonly take: boolean;
  readonly durable: boolean;
  readonly eof: boolean;
  readonly settle: (o: InputOutcome) => void;
}
type Body<K> = Extract<HostFrame["body"], { case: K }>["value"];

/** T5: the place is gone, and the login is not. */
const TOKEN_REFUSED = new Set<Code>(["continuity_over", "continuity_unknown", "continuity_copied"]);
/** How long a host may take to answer a detach before the attachment is over without it. */
const DETACH_MS = 2_000;
/** How long a move waits for the token by which it stays the same attachment. */
const TOKEN_MS = 2_000;
/** Bytes of one unit's chunk, and how many bytes of chunks may be unanswered: below the host's queue. */
const CHUNK_BYTES = 32 * 1024;
const PASTE_WINDOW_BYTES = 192 * 1024;
/** Well below the smallest window, so that credit never runs out for want of telling it. */
const CREDIT_BYTES = 4 * 1024;

export class ClientAttachment implements Attachment {
  readonly #options: AttachOptions;
  readonly #handlers: AttachHandlers;
  #redial: Redial;
  readonly #writer: string;
  readonly #outbox = new Outbox<Frame>();
  #connection: Connection;
  /** Dialled for this attachment: nobody else ends it. */
  #isOwnLink = false;
  #token: ResumeToken | null = null;
  #onToken: () => void = () => {};
  /** The token that another way shows is not given up for a newer one meanwhile: acknowledging that would use it up (core/continuity Y3). */
  #isDialling = false;
  #moving: { resolve(): void; reject(e: unknown): void } | null = null;
  #channel = 0;
  #stopWatching: () => void = () => {};
  #state: "attaching" | "attached" | "offline" | "over" = "attaching";
  #size: { readonly cols: number; readonly rows: number } | undefined;
  #cursor = -1;
  #snapshot: Uint8Array[] = [];
  #applied = 0;
  #creditTold = 0;
  #work: Promise<void> = Promise.resolve();
  #busy = 0;
  #units = 0;
  /** What is being offered and waits for room; the next input comes after it. */
  #turn: Promise<void> | null = null;
  #room: (() => void)[] = [];
  #floorAnswers = new Map<bigint, { resolve(f: Floor): void; reject(e: unknown): void }>();
  #nextFloor = 1n;
  #first: { resolve(a: ClientAttachment): void; reject(e: unknown): void } | null;
  #detaching: (() => void) | null = null;
  #leaving: Promise<void> | null = null;
  readonly #over = new AbortController();
  /** What came on an earlier link is credited to nobody. */
  #links = 0;
  /** Until a link has stood: how long the next attempt waits, and since when there is none. */
  #retryMs = 0;
  #offlineSince: MonotonicMs | null = null;
  #resumed = false;
  id = "";
  session!: Session;
  floor!: Floor;
  presence: readonly Presence[] = [];

  private constructor(
    connection: Connection,
    redial: Redial,
    options: AttachOptions,
    handlers: AttachHandlers,
    first: { resolve(a: ClientAttachment): void; reject(e: unknown): void },
  ) {
    this.#connection = connection;
    this.#redial = redial;
    this.#options = options;
    this.#handlers = handlers;
    this.#writer = redial.newId();
    this.#size = options.size;
    this.#first = first;
    if (options.mode === "replay" && options.after !== undefined) this.#cursor = options.after;
  }

  static open(
    connection: Connection,
    redial: Redial,
    options: AttachOptions,
    handlers: AttachHandlers,
  ): Promise<ClientAttachment> {
    return new Promise((resolve, reject) =>
      new ClientAttachment(connection, redial, options, handlers, { resolve, reject }).#attach(connection),
    );
  }

  get observing(): boolean {
    return this.#options.observe ?? false;
  }

  get unansweredBytes(): number {
    return this.#outbox.unansweredBytes;
  }

  /** What the journal has been followed to. */
  get cursor(): number {
    return Math.max(0, this.#cursor);
  }

  // --- input ---

  async input(
    bytes: Uint8Array,
    options: { interrupt?: boolean; take?: boolean; durable?: boolean; unit?: string; unitEnd?: boolean; eof?: boolean } = {},
  ): Promise<InputOutcome> {
    const one = {
      interrupt: options.interrupt ?? false,
      take: options.take ?? false,
      durable: options.durable ?? false,
      eof: options.eof ?? false,
    };
    // What is typed while a paste is on its way comes after it (I4), but for a key that interrupts it.
    if (bytes.length <= CHUNK_BYTES && (one.interrupt || (!this.#turn && !this.#outbox.isFull)))
      return this.#offer({ ...one, data: bytes, unit: options.unit ?? "", unitEnd: options.unitEnd ?? false });
    // One unit in several chunks, under the host's queue: its first chunk that is not applied decides for the rest.
    const isWhole = bytes.length <= CHUNK_BYTES;
    const unit = options.unit ?? (isWhole ? "" : `${this.#writer.slice(0, 8)}-${++this.#units}`);
    const outcomes: Promise<InputOutcome>[] = [];
    let failed = false;
    const before = this.#turn;
    const offering = async (): Promise<void> => {
      await before;
      for (let at = 0; at === 0 || (at < bytes.length && !failed); at += CHUNK_BYTES) {
        while (
          (this.#outbox.isFull || (!isWhole && this.#outbox.unansweredBytes > PASTE_WINDOW_BYTES)) &&
          !failed &&
          !this.#isOver()
        )
          await new Promise<void>((resolve) => this.#room.push(resolve));
        const end = Math.min(bytes.length, at + CHUNK_BYTES);
        const unitEnd = end === bytes.length && (options.unitEnd ?? (!isWhole && options.unit === undefined));
        const outcome = this.#offer({ ...one, data: bytes.subarray(at, end), unit, unitEnd });
        outcomes.push(outcome);
        void outcome.then((o) => {
          failed ||= o.status !== InputStatus.APPLIED;
        });
      }
    };
    const mine = offering();
    this.#turn = mine;
    await mine;
    if (this.#turn === mine) this.#turn = null;
    // A refusal comes at once, while chunks before it still wait for the program: what was written is known when all are answered.
    const all = await Promise.all(outcomes);
    const deciding = all.find((o) => o.status !== InputStatus.APPLIED) ?? all.at(-1)!;
    return { ...deciding, bytes: all.reduce((n, o) => n + o.bytes, 0) };
  }

  #isOver(): boolean {
    return this.#state === "over";
  }

  #offer(frame: Omit<Frame, "settle">): Promise<InputOutcome> {
    return new Promise((settle) => {
      // A ^C is about now: what was typed into the dead link before it would come too late.
      if (frame.interrupt) this.dropHeld();
      if (this.#isOver())
        return settle({
          n: 0,
          seq: 0,
          status: InputStatus.REFUSED,
          bytes: 0,
          code: "session_ended",
          message: "the attachment is over",
        });
      const out = this.#outbox.add({ ...frame, settle }, frame.data.length);
      if (out) this.#sendFrame(out.n, out.frame);
    });
  }

  #sendFrame(n: number, f: Frame): void {
    this.#connection.send(this.#channel, {
      case: "input",
      value: {
        n: BigInt(n),
        data: f.data,
        unit: f.unit,
        unitEnd: f.unitEnd,
        interrupt: f.interrupt,
        take: f.take,
        durable: f.durable,
        eof: f.eof,
      },
    });
    this.#sent.set(n, f);
  }
  readonly #sent = new Map<number, Frame>();

  #result(r: Body<"inputResult">): void {
    const n = Number(r.n);
    const outcome: InputOutcome = {
      n,
      seq: Number(r.seq),
      status: r.status,
      bytes: r.bytes,
      ...(r.error ? { code: r.error.code, message: r.error.message } : {}),
    };
    if (r.status === InputStatus.UNSPECIFIED) {
      // Not an end: the program does not read, and the frame goes on waiting.
      this.#tell(() => this.#handlers.refused?.(outcome));
      return;
    }
    const frame = this.#sent.get(n);
    // With an error, `durable` will not follow: applied, and not known to be on the disk.
    if (!frame || (frame.durable && !r.durable && !r.error && r.status === InputStatus.APPLIED)) return;
    this.#sent.delete(n);
    this.#outbox.answered(n);
    frame.settle(outcome);
    if (r.status !== InputStatus.APPLIED) this.#tell(() => this.#handlers.refused?.(outcome));
    for (const room of this.#room.splice(0)) room();
  }

  flushHeld(): void {
    for (const out of this.#outbox.flushHeld()) this.#sendFrame(out.n, out.frame);
    for (const room of this.#room.splice(0)) room();
  }

  dropHeld(): void {
    for (const frame of this.#outbox.dropHeld())
      frame.settle({
        n: 0,
        seq: 0,
        status: InputStatus.REFUSED,
        bytes: 0,
        code: "cancelled",
        message: "typed while the link was down, and dropped",
      });
    for (const room of this.#room.splice(0)) room();
  }

  // --- steering ---

  resize(size: { readonly cols: number; readonly rows: number }, options: { pin?: boolean; unpin?: boolean } = {}): void {
    if (!options.pin && !options.unpin) this.#size = size;
    if (this.#state === "attached")
      this.#connection.send(this.#channel, {
        case: "resize",
        value: { size, pin: options.pin ?? false, unpin: options.unpin ?? false },
      });
  }

  take(): Promise<Floor> {
    return this.#floorVerb(FloorVerb.TAKE);
  }
  release(): Promise<Floor> {
    return this.#floorVerb(FloorVerb.RELEASE);
  }
  pass(operator: string): Promise<Floor> {
    return this.#floorVerb(FloorVerb.PASS, operator);
  }
  ask(): Promise<Floor> {
    return this.#floorVerb(FloorVerb.ASK);
  }
  aiPause(): Promise<Floor> {
    return this.#floorVerb(FloorVerb.AI_PAUSE);
  }
  aiResume(): Promise<Floor> {
    return this.#floorVerb(FloorVerb.AI_RESUME);
  }

  #floorVerb(verb: FloorVerb, to = ""): Promise<Floor> {
    if (this.#state !== "attached")
      return Promise.reject(new HoldError("unreachable", "the link is down; try again when it is back"));
    const id = this.#nextFloor++;
    return new Promise((resolve, reject) => {
      this.#floorAnswers.set(id, { resolve, reject });
      this.#connection.send(this.#channel, { case: "floor", value: { verb, to, id } });
    });
  }

  detach(): Promise<void> {
    if (this.#isOver()) return Promise.resolve();
    return (this.#leaving ??= new Promise((resolve) => {
      this.#detaching = resolve;
      if (this.#state !== "attached") return this.#finish("left");
      this.#connection.send(this.#channel, { case: "detach", value: {} });
      // A host that is stopped answers nothing; it learns of it with the link's end.
      this.#redial.wait(DETACH_MS, this.#over.signal).then(
        () => this.#finish("left"),
        () => {},
      );
    }));
  }

  // --- links ---

  #attach(connection: Connection): void {
    this.#connection = connection;
    this.#channel = connection.openChannel((body) => this.#frame(body));
    const stopEnd = connection.onEnd((error) => this.#linkLost(error));
    const stopApprovals = connection.onApprovals((waiting, own) => this.#handlers.approvals?.(waiting, own));
    this.#stopWatching = () => {
      stopEnd();
      stopApprovals();
    };
    const { session, observe, take, scrollback, mode, noOutput, quiet } = this.#options;
    const resuming = this.#cursor >= 0;
    this.#links++;
    this.#applied = 0;
    this.#creditTold = 0;
    // Parts of a snapshot whose rest the old link took with it.
    this.#snapshot = [];
    connection.send(this.#channel, {
      case: "attach",
      value: {
        // By id once it is known: a name may have moved on.
        session: this.id ? this.session.id : session,
        observe: observe ?? false,
        take: (take ?? false) && !this.#resumed,
        writer: this.#writer,
        replay: mode === "replay",
        noOutput: noOutput ?? false,
        quiet: quiet ?? false,
        scrollback: scrollback ?? 0,
        fromStart: !resuming && mode === "replay",
        continuity: !(quiet ?? false) && this.#options.reconnect !== false,
        attachment: this.id !== "" && connection.welcome.resumed === this.id ? this.id : "",
        ...(this.#size ? { size: this.#size } : {}),
        ...(resuming ? { cursor: BigInt(this.#cursor) } : {}),
      },
    });
  }

  /**
   * Goes on over another way to the same host: nothing is lost, doubled or named otherwise, and this stays the same attachment.
   * Resolves when it is attached there. Rejects, and stays where it is, if that way does not lead to the host.
   */
  async moveTo(way: Redial): Promise<void> {
    if (this.#state !== "attached" || this.#moving || this.#isDialling)
      throw new HoldError("unreachable", "only an attachment that stands is moved; wait until its link is back");
    await this.#firstToken();
    if (this.#state !== "attached" || this.#isDialling)
      throw new HoldError("unreachable", "the link broke, or another move began, while this one waited for its token; try again");
    this.#isDialling = true;
    const connection = await way.connect(this.#token).finally(() => {
      this.#isDialling = false;
    });
    // Its link may have broken meanwhile: then it comes back by itself, and the way is kept for later.
    this.#redial = way;
    if (this.#state !== "attached") return connection.close();
    const moved = new Promise<void>((resolve, reject) => {
      this.#moving = { resolve, reject };
    });
    this.#leaveLink(new HoldError("unreachable", "the attachment moved to another link; ask again"));
    this.#state = "offline";
    this.#outbox.linkLost(this.#redial.now());
    this.#resumed = true;
    this.#isOwnLink = true;
    this.#attach(connection);
    await moved;
  }

  /** A token comes when the host's disk has it: a moment after the attachment, or never where its session keeps no place. */
  async #firstToken(): Promise<void> {
    if (this.#token) return;
    const given = new Promise<void>((told) => {
      this.#onToken = told;
    });
    const enough = new AbortController();
    const late = this.#redial.wait(TOKEN_MS, AbortSignal.any([enough.signal, this.#over.signal])).catch(() => {});
    await Promise.race([given, late]);
    enough.abort();
  }

  /** Hears nothing of the link any more. */
  #leaveLink(error: HoldError): void {
    this.#stopWatching();
    for (const a of this.#floorAnswers.values()) a.reject(error);
    this.#floorAnswers.clear();
    this.#connection.closeChannel(this.#channel);
    if (this.#isOwnLink) this.#connection.close();
  }

  #linkLost(error: HoldError): void {
    if (this.#isOver()) return;
    this.#leaveLink(error);
    if (this.#detaching) return this.#finish("left");
    const isOut = error.code === "revoked" || error.code === "key_revoked";
    const final = isOut || error.code === "unknown_credential" || error.code === "cancelled" || error.code === "version_mismatch";
    if (this.#first && this.#state === "attaching") {
      this.#first.reject(error);
      this.#first = null;
      return this.#finish("refused", error);
    }
    if (final || this.#options.reconnect === false) return this.#finish(isOut ? "revoked" : "link lost", error);
    if (this.#state === "attached") {
      this.#state = "offline";
      this.#outbox.linkLost(this.#redial.now());
      this.#tell(() => this.#handlers.link?.("offline", { resumed: false, unanswered: this.#outbox.unansweredBytes }));
    }
    void this.#dialAgain();
  }

  async #dialAgain(): Promise<void> {
    this.#offlineSince ??= this.#redial.now();
    // At once the first time; after that also when a link was had and was gone before it stood.
    for (let tookMs = 0; !this.#isOver(); ) {
      const wait = this.#retryMs * spreadOf(this.#writer) - tookMs;
      this.#retryMs = nextRetryMs(this.#retryMs);
      if (wait > 0) await this.#redial.wait(wait, this.#over.signal).catch(() => {});
      if (this.#isOver()) return;
      const from = this.#redial.now();
      try {
        const connection = await this.#redial.connect(this.#token);
        if (this.#isOver()) return connection.close();
        this.#resumed = true;
        this.#isOwnLink = true;
        return this.#attach(connection);
      } catch (fault) {
        tookMs = this.#redial.now() - from;
        const error = fault instanceof HoldError ? fault : new HoldError("internal", String(fault));
        if (TOKEN_REFUSED.has(error.code)) {
          this.#token = null;
          continue;
        }
        if (!RETRIED.has(error.code)) return this.#finish(error.code, error);
        if (this.#redial.now() - this.#offlineSince > RETRY_TOTAL_MS) return this.#finish("unreachable", error);
      }
    }
  }

  // --- what the host says ---

  #frame(body: HostFrame["body"]): void {
    switch (body.case) {
      case "attached":
        return this.#attached(body.value);
      case "snapshot":
        return this.#snapshotPart(body.value);
      case "event":
        return this.#event(body.value);
      case "inputResult":
        return this.#result(body.value);
      case "floor":
        if (body.value.floor) this.floor = body.value.floor;
        return this.#tell(() => this.#handlers.floor?.(this.floor, body.value.why, body.value.by));
      case "presence":
        this.presence = body.value.operators;
        return this.#tell(() => this.#handlers.presence?.(this.presence));
      case "continuity": {
        const { handle, n, secret } = body.value;
        if (this.#isDialling) return;
        this.#token = { handle, n, secret };
        this.#onToken();
        return this.#connection.send(this.#channel, { case: "continuityAck", value: { n } });
      }
      case "floorAnswer": {
        const waiting = this.#floorAnswers.get(body.value.id);
        this.#floorAnswers.delete(body.value.id);
        if (body.value.error) waiting?.reject(errorFrom(body.value.error));
        else if (body.value.floor) waiting?.resolve(body.value.floor);
        return;
      }
      case "detached": {
        const error = body.value.error ? errorFrom(body.value.error) : undefined;
        if (this.#first) {
          this.#first.reject(error ?? new HoldError("internal", "not attached"));
          this.#first = null;
        }
        // The record was rolled back under us: what is on the screen no longer follows from it. Start from a snapshot.
        if (error?.code === "gap" && this.#options.mode !== "replay") {
          this.#cursor = -1;
          this.#connection.closeChannel(this.#channel);
          this.#stopWatching();
          return this.#attach(this.#connection);
        }
        return this.#finish(body.value.reason, error);
      }
      default:
        return;
    }
  }

  #attached(a: Body<"attached">): void {
    this.id = a.attachment;
    this.session = a.session!;
    this.floor = a.session!.floor!;
    this.presence = a.session!.operators;
    if (!a.snapshotFollows && this.#cursor < 0) this.#cursor = Number(a.cursor);
    this.#state = "attached";
    const { send, confirm } = this.#outbox.linkBack(this.#redial.now());
    for (const out of send) this.#sendFrame(out.n, out.frame);
    this.#retryMs = 0;
    this.#offlineSince = null;
    this.#moving?.resolve();
    this.#moving = null;
    this.#tell(() => this.#handlers.link?.("attached", { resumed: this.#resumed, unanswered: this.#outbox.unansweredBytes }));
    if (confirm > 0) this.#tell(() => this.#handlers.held?.(confirm));
    this.#first?.resolve(this);
    this.#first = null;
  }

  #snapshotPart(s: Body<"snapshot">): void {
    this.#snapshot.push(s.vt);
    if (!s.last) return;
    const vt = concat(this.#snapshot);
    this.#snapshot = [];
    this.#cursor = Number(s.seq);
    this.#use(vt.length, () =>
      this.#handlers.snapshot?.({
        seq: Number(s.seq),
        offset: Number(s.offset),
        cols: s.size?.cols ?? 80,
        rows: s.size?.rows ?? 24,
        vt,
        title: s.title,
        why: s.why,
      }),
    );
  }

  #event(e: Body<"event">): void {
    const seq = Number(e.seq);
    if (seq <= this.#cursor) return;
    this.#cursor = seq;
    if (e.body) {
      const { kind } = e.body;
      this.#use(e.data.length, () => {
        if (kind.case === "gap" && this.#handlers.gap)
          return this.#handlers.gap({
            fromSeq: Number(kind.value.fromSeq),
            toSeq: Number(kind.value.toSeq),
            reason: kind.value.reason,
          });
        return this.#handlers.event?.(e);
      });
      return;
    }
    const offset = Number(e.offset);
    const end = offset + e.payloadBytes;
    if (e.payload !== "")
      return this.#use(0, () =>
        this.#handlers.gap?.({ fromSeq: seq, toSeq: seq, reason: e.payload, lost: { stream: e.stream, offset, end } }),
      );
    this.#use(e.data.length, () =>
      this.#handlers.output?.({
        seq,
        stream: e.stream,
        offset,
        end,
        bytes: e.data,
        masked: e.masked,
        atUnixMs: Number(e.atUnixMs),
      }),
    );
  }

  /** Runs a handler in its turn and gives credit when it is done (T1, T3). Without anything waiting, it runs at once. */
  #use(bytes: number, run: () => void | Promise<void>): void {
    const link = this.#links;
    if (this.#busy === 0) {
      let working: void | Promise<void>;
      try {
        working = run();
      } catch (fault) {
        return this.#handlerFailed(fault);
      }
      if (!(working instanceof Promise)) return this.#credit(bytes, link);
      this.#busy++;
      this.#work = working.then(
        () => this.#used(bytes, link),
        (fault: unknown) => this.#handlerFailed(fault),
      );
      return;
    }
    this.#busy++;
    this.#work = this.#work
      .then(() => (this.#isOver() ? undefined : run()))
      .then(
        () => this.#used(bytes, link),
        (fault: unknown) => this.#handlerFailed(fault),
      );
  }

  #used(bytes: number, link: number): void {
    this.#busy--;
    this.#credit(bytes, link);
  }

  #tell(run: () => void): void {
    try {
      run();
    } catch (fault) {
      this.#handlerFailed(fault);
    }
  }

  /** T4. */
  #handlerFailed(fault: unknown): void {
    if (this.#isOver()) return;
    if (this.#state === "attached") this.#connection.send(this.#channel, { case: "detach", value: {} });
    this.#finish(
      "handler failed",
      new HoldError(
        "internal",
        `a handler of this attachment threw: ${fault instanceof Error ? fault.message : String(fault)}`,
        {},
        { cause: fault },
      ),
    );
  }

  /** The host measures by these how much may be under way; small sums wait, unless nothing else is to come. */
  #credit(bytes: number, link: number): void {
    if (bytes === 0 || link !== this.#links) return;
    this.#applied += bytes;
    if (this.#applied - this.#creditTold < CREDIT_BYTES) return;
    this.#creditTold = this.#applied;
    if (this.#state === "attached")
      this.#connection.send(this.#channel, {
        case: "credit",
        value: { bytes: BigInt(this.#applied), appliedSeq: BigInt(this.cursor), window: 0 },
      });
  }

  #finish(reason: string, error?: HoldError): void {
    if (this.#isOver()) return;
    this.#state = "over";
    this.#over.abort();
    this.#first?.reject(error ?? new HoldError("cancelled", "the attachment is over"));
    this.#first = null;
    this.#moving?.reject(error ?? new HoldError("cancelled", "the attachment is over"));
    this.#moving = null;
    // On a link of its own that nobody ended the host would go on sending.
    this.#leaveLink(error ?? new HoldError("cancelled", "the attachment is over"));
    const outcome = {
      seq: 0,
      status: InputStatus.UNSPECIFIED,
      bytes: 0,
      code: error?.code ?? "cancelled",
      message: error?.message ?? "the attachment ended before this was answered",
    };
    for (const [n, frame] of this.#sent) frame.settle({ n, ...outcome });
    this.#sent.clear();
    this.dropHeld();
    for (const room of this.#room.splice(0)) room();
    void this.#work.then(() => {
      try {
        this.#handlers.detached?.(reason, error && { code: error.code, message: error.message });
      } finally {
        this.#detaching?.();
      }
    });
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
