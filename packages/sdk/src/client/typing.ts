/**
 * What one attachment types: numbered for its writer, sent on the link that stands, held while there is none, and settled.
 *
 *   P1  Every input's promise is settled: by the host's word, or by the end of the attachment.
 *   P2  What is larger than a chunk goes as one unit in several, no more of it unanswered than the host's queue takes. Its first chunk that is
 *       not applied decides for the rest.
 *   P3  What is typed during that comes after it, but for a key that interrupts it.
 *   P4  What is to be kept of it ({@link TypingPorts.changed}) is told before it is sent.
 * Elsewhere: what is kept over a link's end, and for how long (core/attachment O1 to O3).
 */
import { type Left, type MonotonicMs, Outbox } from "@holdfast/core";
import { type ClientBody, type InputResult, InputStatus } from "@holdfast/protocol";
import type { InputOptions, InputOutcome } from "../api/index.ts";
import type { TypedFrame } from "./kept.ts";

interface Frame extends TypedFrame {
  readonly settle: (o: InputOutcome) => void;
}

export interface TypingPorts {
  readonly writer: string;
  readonly now: () => MonotonicMs;
  /** On the attachment's channel. */
  readonly send: (body: ClientBody) => void;
  /** Not applied, or not yet. */
  readonly refused: (outcome: InputOutcome) => void;
  /** {@link Typing.left} is another. */
  readonly changed: () => void;
}

/** Bytes of one unit's chunk, and how many bytes of chunks may be unanswered: below the host's queue. */
const CHUNK_BYTES = 32 * 1024;
const PASTE_WINDOW_BYTES = 192 * 1024;

export class Typing {
  readonly #ports: TypingPorts;
  readonly #outbox: Outbox<Frame>;
  readonly #sent = new Map<number, Frame>();
  /** Each name of a unit is of at least one number, and none is used twice. */
  #units: number;
  /** What is being offered and waits for room; the next input comes after it. */
  #turn: Promise<void> | null = null;
  #room: (() => void)[] = [];
  #isOver = false;

  /** `left`: by an earlier life of the same writer. */
  constructor(ports: TypingPorts, left: Left<TypedFrame> | null = null) {
    this.#ports = ports;
    this.#outbox = new Outbox(left && unpromised(left));
    this.#units = left?.nextN ?? 0;
  }

  get left(): Left<TypedFrame> {
    return this.#outbox.left;
  }

  /** What the host says of this writer when it is there again: once, before {@link linkBack}. */
  found(lastN: number, isPlaceKept: boolean): void {
    this.#outbox.found(lastN, isPlaceKept);
    this.#units = Math.max(this.#units, lastN);
  }

  get unansweredBytes(): number {
    return this.#outbox.unansweredBytes;
  }

  async input(bytes: Uint8Array, options: InputOptions = {}): Promise<InputOutcome> {
    const one = {
      interrupt: options.interrupt ?? false,
      take: options.take ?? false,
      durable: options.durable ?? false,
      eof: options.eof ?? false,
    };
    // P3
    if (bytes.length <= CHUNK_BYTES && (one.interrupt || (!this.#turn && !this.#outbox.isFull)))
      return this.#offer({ ...one, data: bytes, unit: options.unit ?? "", unitEnd: options.unitEnd ?? false });
    // P2
    const isWhole = bytes.length <= CHUNK_BYTES;
    const unit = options.unit ?? (isWhole ? "" : `${this.#ports.writer.slice(0, 8)}-${++this.#units}`);
    const outcomes: Promise<InputOutcome>[] = [];
    let failed = false;
    const before = this.#turn;
    const offering = async (): Promise<void> => {
      await before;
      for (let at = 0; at === 0 || (at < bytes.length && !failed); at += CHUNK_BYTES) {
        while (
          (this.#outbox.isFull || (!isWhole && this.#outbox.unansweredBytes > PASTE_WINDOW_BYTES)) &&
          !failed &&
          !this.#isOver
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

  #offer(frame: Omit<Frame, "settle">): Promise<InputOutcome> {
    return new Promise((settle) => {
      // A ^C is about now: what was typed into the dead link before it would come too late.
      if (frame.interrupt) this.dropHeld();
      if (this.#isOver) return settle(refused("session_ended", "the attachment is over"));
      const out = this.#outbox.add({ ...frame, settle }, frame.data.length);
      this.#ports.changed();
      if (out) this.#send(out.n, out.frame);
    });
  }

  #send(n: number, f: Frame): void {
    // P4: who could not keep it has ended this.
    if (this.#isOver) return f.settle(refused("session_ended", "the attachment is over"));
    this.#ports.send({
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

  /** The host's word on one of them. */
  answered(r: InputResult): void {
    const n = Number(r.n);
    const outcome: InputOutcome = {
      n,
      seq: Number(r.seq),
      status: r.status,
      bytes: r.bytes,
      ...(r.error ? { code: r.error.code, message: r.error.message } : {}),
    };
    // Not an end: the program does not read, and the frame goes on waiting.
    if (r.status === InputStatus.UNSPECIFIED) return this.#ports.refused(outcome);
    const frame = this.#sent.get(n);
    // With an error, `durable` will not follow: applied, and not known to be on the disk.
    if (!frame || (frame.durable && !r.durable && !r.error && r.status === InputStatus.APPLIED)) return;
    this.#sent.delete(n);
    this.#outbox.answered(n);
    this.#ports.changed();
    frame.settle(outcome);
    if (r.status !== InputStatus.APPLIED) this.#ports.refused(outcome);
    this.#makeRoom();
  }

  // --- links ---

  linkLost(): void {
    this.#outbox.linkLost(this.#ports.now());
  }

  /** Sends what was not answered. Returns how many frames are held until somebody says whether they still go. */
  linkBack(): number {
    const { send, confirm } = this.#outbox.linkBack(this.#ports.now());
    this.#ports.changed();
    for (const out of send) this.#send(out.n, out.frame);
    return confirm;
  }

  flushHeld(): void {
    const sent = this.#outbox.flushHeld();
    this.#ports.changed();
    for (const out of sent) this.#send(out.n, out.frame);
    this.#makeRoom();
  }

  dropHeld(): void {
    const dropped = this.#outbox.dropHeld();
    if (dropped.length > 0) this.#ports.changed();
    for (const frame of dropped) frame.settle(refused("cancelled", "typed while the link was down, and dropped"));
    this.#makeRoom();
  }

  /** The attachment is over: nothing is answered any more. */
  end(code: string, message: string): void {
    this.#isOver = true;
    for (const [n, frame] of this.#sent) frame.settle({ n, seq: 0, status: InputStatus.UNSPECIFIED, bytes: 0, code, message });
    this.#sent.clear();
    this.dropHeld();
  }

  #makeRoom(): void {
    for (const room of this.#room.splice(0)) room();
  }
}

/** Whoever was promised an answer is gone. */
function unpromised({ nextN, unanswered, held }: Left<TypedFrame>): Left<Frame> {
  const again = <T extends { readonly frame: TypedFrame }>(one: T) => ({ ...one, frame: { ...one.frame, settle: () => {} } });
  return { nextN, unanswered: unanswered.map(again), held: held.map(again) };
}

function refused(code: string, message: string): InputOutcome {
  return { n: 0, seq: 0, status: InputStatus.REFUSED, bytes: 0, code, message };
}
