/**
 * One attachment of an SSH channel: what the host sends is used in order, one thing at a time, and credit is given for what has been used.
 *
 *   T1  A client that takes nothing is sent no more than its window, and holds up nobody else (core/attachment).
 *   T2  Every input is answered: by the host's word, or by the end of the attachment.
 *   T3  Input waits while much is unanswered: the session's queue is bounded, and refuses what it has no room for. What is told as applied may be
 *       in it for a moment yet.
 */
import {
  type Attach,
  type Event,
  type Floor,
  type FloorVerb,
  HoldError,
  type HostFrame,
  type Init,
  InputStatus,
  type Session,
} from "@holdfast/protocol";
import { type Conversation, errorFrom } from "./inner-link.ts";

/** T1. Enough for a fast client on a long way, little enough for one that stalls. */
const WINDOW_BYTES = 512 * 1024;
const CREDIT_BYTES = 4 * 1024;
/** T3. A quarter of the session's queue. */
const UNANSWERED_BYTES = 64 * 1024;
export const CHUNK_BYTES = 32 * 1024;

export interface Picture {
  readonly cols: number;
  readonly rows: number;
  /** Everything before it is in the picture. */
  readonly offset: number;
  readonly vt: Uint8Array;
}

export interface Output {
  readonly stream: number;
  readonly offset: number;
  readonly end: number;
  /** Not always as many as from `offset` to `end`: queries are out. */
  readonly bytes: Uint8Array;
}

/** What is waited for before the next is heard. */
type Using = void | Promise<void>;

export interface Heard {
  readonly picture?: (picture: Picture) => Using;
  readonly output?: (output: Output) => Using;
  readonly event?: (event: Event) => Using;
  readonly floor?: (floor: Floor) => void;
  readonly refused?: (error: HoldError) => void;
  /** By the host's word, or because the connection is over. Told last, and once. */
  readonly over: (error: HoldError | null) => void;
}

export interface InputOptions {
  readonly unit?: string;
  readonly unitEnd?: boolean;
  readonly interrupt?: boolean;
  readonly eof?: boolean;
}

/** What became of a frame. `code`: of the error, if it was not applied. */
export interface Outcome {
  readonly isApplied: boolean;
  readonly code: string;
}

interface Sent {
  readonly bytes: number;
  readonly settle: (outcome: Outcome) => void;
}

const GONE: Outcome = { isApplied: false, code: "cancelled" };

export class Seat {
  readonly #conversation: Conversation;
  readonly #heard: Heard;
  readonly #channel: number;
  readonly #opened = Promise.withResolvers<void>();
  readonly #sent = new Map<number, Sent>();
  #n = 0;
  #unanswered = 0;
  #room: (() => void)[] = [];
  #parts: Uint8Array[] = [];
  #used = 0;
  #credited = 0;
  readonly #begun = Promise.withResolvers<void>();
  #work: Promise<void> = this.#begun.promise;
  #isOver = false;
  id = "";
  session!: Session;
  floor!: Floor;

  private constructor(conversation: Conversation, attach: Init<Attach>, heard: Heard) {
    this.#conversation = conversation;
    this.#heard = heard;
    this.#channel = conversation.open({ hear: (body) => this.#frame(body), over: (error) => this.#end(error) });
    conversation.send(this.#channel, { case: "attach", value: { ...attach, window: WINDOW_BYTES } });
  }

  /** Rejects with why there is no attachment. Nothing of what comes is handed over before {@link begin}. */
  static async open(conversation: Conversation, attach: Init<Attach>, heard: Heard): Promise<Seat> {
    const seat = new Seat(conversation, attach, heard);
    await seat.#opened.promise;
    return seat;
  }

  begin(): void {
    this.#begun.resolve();
  }

  get hasFloor(): boolean {
    return this.floor.seat === this.id;
  }

  /** One frame, {@link CHUNK_BYTES} at most. Rejects never. */
  input(data: Uint8Array, { unit = "", unitEnd = false, interrupt = false, eof = false }: InputOptions = {}): Promise<Outcome> {
    if (this.#isOver) return Promise.resolve(GONE);
    const n = ++this.#n;
    this.#unanswered += data.length;
    return new Promise((settle) => {
      this.#sent.set(n, { bytes: data.length, settle });
      const value = { n: BigInt(n), data, unit, unitEnd, interrupt, eof };
      this.#conversation.send(this.#channel, { case: "input", value });
    });
  }

  /** As many frames as it takes, each when there is room for it. Resolves when all are sent. */
  async feed(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      await this.roomForInput();
      void this.input(bytes.subarray(at, at + CHUNK_BYTES));
    }
  }

  /** T3. */
  async roomForInput(): Promise<void> {
    while (this.#unanswered > UNANSWERED_BYTES && !this.#isOver) await new Promise<void>((go) => this.#room.push(go));
  }

  resize(size: { readonly cols: number; readonly rows: number }): void {
    if (!this.#isOver) this.#conversation.send(this.#channel, { case: "resize", value: { size } });
  }

  changeFloor(verb: FloorVerb): void {
    if (!this.#isOver) this.#conversation.send(this.#channel, { case: "floor", value: { verb, id: 1n } });
  }

  detach(): void {
    if (this.#isOver) return;
    this.#conversation.send(this.#channel, { case: "detach", value: {} });
    this.#end(null);
  }

  #frame(body: HostFrame["body"]): void {
    switch (body.case) {
      case "attached":
        this.id = body.value.attachment;
        this.session = body.value.session!;
        this.floor = this.session.floor!;
        return this.#opened.resolve();
      case "snapshot": {
        const { vt, last, size, offset } = body.value;
        this.#parts.push(vt);
        if (!last) return;
        const whole = this.#parts.length === 1 ? vt : Buffer.concat(this.#parts);
        this.#parts = [];
        const picture = { cols: size?.cols ?? 80, rows: size?.rows ?? 24, offset: Number(offset), vt: whole };
        return this.#use(whole.length, () => this.#heard.picture?.(picture));
      }
      case "event":
        return this.#event(body.value);
      case "inputResult": {
        const { n, status, error } = body.value;
        if (error) this.#heard.refused?.(errorFrom(error));
        // Not an end: the program does not read, and the frame goes on waiting.
        if (status !== InputStatus.UNSPECIFIED)
          this.#answered(Number(n), { isApplied: status === InputStatus.APPLIED, code: error?.code ?? "" });
        return;
      }
      case "floor":
        if (body.value.floor) this.floor = body.value.floor;
        return this.#heard.floor?.(this.floor);
      case "floorAnswer":
        if (body.value.error) this.#heard.refused?.(errorFrom(body.value.error));
        return;
      case "detached":
        return this.#end(body.value.error ? errorFrom(body.value.error) : null);
      default:
        return;
    }
  }

  #event(event: Event): void {
    const { offset, payloadBytes, data, stream } = event;
    if (event.body) return this.#use(data.length, () => this.#heard.event?.(event));
    const from = Number(offset);
    this.#use(data.length, () => this.#heard.output?.({ stream, offset: from, end: from + payloadBytes, bytes: data }));
  }

  #use(bytes: number, run: () => Using): void {
    this.#work = this.#work
      .then(() => (this.#isOver ? undefined : run()))
      .then(
        () => this.#credit(bytes),
        (fault: unknown) => this.#end(fault instanceof HoldError ? fault : new HoldError("internal", String(fault))),
      );
  }

  #credit(bytes: number): void {
    this.#used += bytes;
    if (this.#isOver || this.#used - this.#credited < CREDIT_BYTES) return;
    this.#credited = this.#used;
    this.#conversation.send(this.#channel, { case: "credit", value: { bytes: BigInt(this.#used), window: 0 } });
  }

  #answered(n: number, outcome: Outcome): void {
    const sent = this.#sent.get(n);
    if (!sent) return;
    this.#sent.delete(n);
    this.#unanswered -= sent.bytes;
    sent.settle(outcome);
    for (const go of this.#room.splice(0)) go();
  }

  #end(error: HoldError | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#conversation.close(this.#channel);
    this.#opened.reject(error ?? new HoldError("cancelled", "the attachment is over"));
    // It may have been opened long ago.
    this.#opened.promise.catch(() => {});
    for (const n of [...this.#sent.keys()]) this.#answered(n, GONE);
    for (const go of this.#room.splice(0)) go();
    this.#heard.over(error);
  }
}
