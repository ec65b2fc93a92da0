/**
 * An attachment that outlives its links: when one drops, it dials again, resumes strictly after its cursor, sends what was
 * not answered, and goes on. What is typed meanwhile is held, and after 5 s asked about (core/attachment O3).
 *
 *   T1  Handlers see every seq once, in order, or a gap, or a snapshot that stands for what it skipped. Output whose bytes are gone is a gap.
 *   T4  A handler that throws ends its attachment, and nothing else: the link, the program and other attachments go on.
 *   T5  The token that takes this attachment up is the last one that the host gave. Where it is refused, this logs in and attaches anew:
 *       the same writer and cursor, so nothing is lost or doubled; only the place was not kept.
 *   T6  What is kept for another life of this client is told before what makes it true: a token is kept before it is acknowledged, an input before it is sent.
 * Elsewhere: what it types (typing.ts), what is kept (kept.ts), how its handlers run and pace the host (pace.ts), when it dials again (redial.ts).
 */
import { type Floor, FloorVerb, HoldError, type HostFrame, type Presence, type Session } from "@holdfast/protocol";
import type { AttachHandlers, AttachOptions, Attachment, InputOptions, InputOutcome } from "../api/index.ts";
import type { Connection } from "./connection.ts";
import { errorFrom, type ResumeToken } from "./handshake.ts";
import { type KeptPlace, keptFrom, keptText, takeUp, TOKEN_REFUSED } from "./kept.ts";
import { Pace } from "./pace.ts";
import { type Redial, Retries } from "./redial.ts";
import { Typing } from "./typing.ts";

type Body<K> = Extract<HostFrame["body"], { case: K }>["value"];

/** How long a host may take to answer a detach before the attachment is over without it. */
const DETACH_MS = 2_000;
/** How long a move waits for the token by which it stays the same attachment. */
const TOKEN_MS = 2_000;
export class ClientAttachment implements Attachment {
  readonly #options: AttachOptions;
  readonly #handlers: AttachHandlers;
  #redial: Redial;
  readonly #writer: string;
  readonly #typing: Typing;
  readonly #pace: Pace;
  #connection: Connection;
  /** Dialled for this attachment: nobody else ends it. */
  #isOwnLink: boolean;
  #token: ResumeToken | null;
  /** Of an earlier life, until this one is attached. */
  #place: KeptPlace | null;
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
  #floorAnswers = new Map<bigint, { resolve(f: Floor): void; reject(e: unknown): void }>();
  #nextFloor = 1n;
  #first: { resolve(a: ClientAttachment): void; reject(e: unknown): void } | null;
  #detaching: (() => void) | null = null;
  #leaving: Promise<void> | null = null;
  readonly #over = new AbortController();
  readonly #retries: Retries;
  #resumed: boolean;
  /** As it was asked for; its id once that is known: a name may move on. */
  #sessionId: string;
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
    place: KeptPlace | null,
    isOwnLink: boolean,
  ) {
    this.#connection = connection;
    this.#redial = redial;
    this.#options = options;
    this.#handlers = handlers;
    this.#place = place;
    this.#isOwnLink = isOwnLink;
    this.#resumed = isOwnLink;
    this.#sessionId = options.session;
    this.#token = place?.token ?? null;
    if (place && connection.welcome.resumed === place.attachment) this.id = place.attachment;
    this.#writer = place?.writer ?? redial.newId();
    this.#retries = new Retries(redial, this.#writer);
    this.#size = options.size;
    this.#first = first;
    this.#typing = new Typing(
      {
        writer: this.#writer,
        now: () => this.#redial.now(),
        send: (body) => this.#connection.send(this.#channel, body),
        refused: (outcome) => this.#pace.tell(() => this.#handlers.refused?.(outcome)),
        changed: () => this.#keep(),
      },
      place?.left,
    );
    this.#pace = new Pace({
      isOver: () => this.#isOver(),
      credit: (bytes) => this.#credit(bytes),
      failed: (fault) => this.#handlerFailed(fault),
    });
    if ((options.mode === "replay" || options.resume !== undefined) && options.after !== undefined) this.#cursor = options.after;
  }

  static async open(
    connection: Connection,
    redial: Redial,
    options: AttachOptions,
    handlers: AttachHandlers,
  ): Promise<ClientAttachment> {
    const { resume, session } = options;
    const kept = resume === undefined ? null : keptFrom(resume, { host: connection.hostId, session });
    const { link, place } = kept ? await takeUp(redial, kept) : { link: null, place: null };
    const on = link ?? connection;
    return new Promise((resolve, reject) =>
      new ClientAttachment(on, redial, options, handlers, { resolve, reject }, place, link !== null).#attach(on),
    );
  }

  /** T6. */
  #keep(): void {
    if (!this.#handlers.kept || this.id === "" || this.#isOver()) return;
    const place = { host: this.#connection.hostId, session: this.#sessionId, attachment: this.id, writer: this.#writer };
    const kept = keptText({ ...place, token: this.#token, left: this.#typing.left }, this.#options.keepsInput ?? true);
    try {
      this.#handlers.kept(kept);
    } catch (fault) {
      this.#handlerFailed(fault);
    }
  }

  get observing(): boolean {
    return this.#options.observe ?? false;
  }

  get unansweredBytes(): number {
    return this.#typing.unansweredBytes;
  }

  /** What the journal has been followed to. */
  get cursor(): number {
    return Math.max(0, this.#cursor);
  }

  // --- input ---

  input(bytes: Uint8Array, options: InputOptions = {}): Promise<InputOutcome> {
    return this.#typing.input(bytes, options);
  }

  flushHeld(): void {
    this.#typing.flushHeld();
  }

  dropHeld(): void {
    this.#typing.dropHeld();
  }

  #isOver(): boolean {
    return this.#state === "over";
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
    const { observe, take, scrollback, mode, noOutput, quiet } = this.#options;
    const resuming = this.#cursor >= 0;
    this.#pace.linkBegins();
    // Parts of a snapshot whose rest the old link took with it.
    this.#snapshot = [];
    connection.send(this.#channel, {
      case: "attach",
      value: {
        session: this.#sessionId,
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
    this.#typing.linkLost();
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
      this.#typing.linkLost();
      this.#pace.tell(() => this.#handlers.link?.("offline", { resumed: false, unanswered: this.#typing.unansweredBytes }));
    }
    void this.#dialAgain();
  }

  async #dialAgain(): Promise<void> {
    this.#retries.lost();
    while (!this.#isOver()) {
      await this.#retries.due(this.#over.signal).catch(() => {});
      if (this.#isOver()) return;
      try {
        const connection = await this.#redial.connect(this.#token);
        if (this.#isOver()) return connection.close();
        this.#resumed = true;
        this.#isOwnLink = true;
        return this.#attach(connection);
      } catch (fault) {
        const error = fault instanceof HoldError ? fault : new HoldError("internal", String(fault));
        if (TOKEN_REFUSED.has(error.code)) {
          this.#token = null;
          continue;
        }
        if (!Retries.mayPass(error)) return this.#finish(error.code, error);
        if (this.#retries.leftMs <= 0) return this.#finish("unreachable", error);
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
        return this.#typing.answered(body.value);
      case "floor":
        if (body.value.floor) this.floor = body.value.floor;
        return this.#pace.tell(() => this.#handlers.floor?.(this.floor, body.value.why, body.value.by));
      case "presence":
        this.presence = body.value.operators;
        return this.#pace.tell(() => this.#handlers.presence?.(this.presence));
      case "continuity": {
        const { handle, n, secret } = body.value;
        if (this.#isDialling) return;
        this.#token = { handle, n, secret };
        this.#onToken();
        this.#keep();
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
    this.#sessionId = this.session.id;
    this.floor = a.session!.floor!;
    this.presence = a.session!.operators;
    if (!a.snapshotFollows && this.#cursor < 0) this.#cursor = Number(a.cursor);
    this.#state = "attached";
    if (this.#place) this.#typing.found(Number(a.lastN), this.id === this.#place.attachment);
    this.#place = null;
    const confirm = this.#typing.linkBack();
    this.#retries.stood();
    this.#moving?.resolve();
    this.#moving = null;
    this.#pace.tell(() =>
      this.#handlers.link?.("attached", { resumed: this.#resumed, unanswered: this.#typing.unansweredBytes }),
    );
    if (confirm > 0) this.#pace.tell(() => this.#handlers.held?.(confirm));
    this.#first?.resolve(this);
    this.#first = null;
  }

  #snapshotPart(s: Body<"snapshot">): void {
    this.#snapshot.push(s.vt);
    if (!s.last) return;
    const vt = concat(this.#snapshot);
    this.#snapshot = [];
    this.#cursor = Number(s.seq);
    this.#pace.use(vt.length, () =>
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
      this.#pace.use(e.data.length, () => {
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
      return this.#pace.use(0, () =>
        this.#handlers.gap?.({ fromSeq: seq, toSeq: seq, reason: e.payload, lost: { stream: e.stream, offset, end } }),
      );
    this.#pace.use(e.data.length, () =>
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

  #credit(bytes: number): void {
    if (this.#state === "attached")
      this.#connection.send(this.#channel, {
        case: "credit",
        value: { bytes: BigInt(bytes), appliedSeq: BigInt(this.cursor), window: 0 },
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
    this.#typing.end(error?.code ?? "cancelled", error?.message ?? "the attachment ended before this was answered");
    this.#pace.afterAll(() => {
      try {
        this.#handlers.kept?.(null);
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
