/**
 * What an SSH client types into a session.
 *
 *   Y1  What is sent is what came, in order, less the prefix key and the key behind it.
 *   Y2  A paste is one unit, and is not searched for the prefix key: a read of more than {@link PASTE_BYTES}, and those that follow at once.
 *   Y3  Reports of the terminal (mouse, focus, answers) are of use to who steers, and no reason to take the floor.
 */
import { CHUNK_BYTES, type Seat } from "./seat.ts";

const PASTE_BYTES = 512;
/** How long nothing follows where a paste ends. */
const QUIET_MS = 15;
/** Ctrl-q, as in `hold attach`. */
const PREFIX = 0x11;
const INTERRUPTS = new Set([0x03, 0x1c, 0x1a]);
/** Of the cursor's place only what no key can be: F3 with modifiers is written like row 1. */
const REPORTS =
  /^(?:\x1b\[(?:[IO]|<[\d;]+[Mm]|M[\s\S]{3}|\??(?!1;)\d+;\d+R|[?>][\d;]*[cn])|\x1b[P\]][^\x1b\x07]*(?:\x07|\x1b\\))+$/;

export function isInterrupt(bytes: Uint8Array): boolean {
  return bytes.length === 1 && INTERRUPTS.has(bytes[0]!);
}

export interface TypingParts {
  readonly seat: Seat;
  /** Reports are wanted though somebody else steers: nobody does. */
  readonly isOpen: () => boolean;
  /** A key behind the prefix. */
  readonly command: (key: string) => void;
  /** The session is no terminal: Enter is a line's end. */
  readonly isPipe: boolean;
  newUnit(): string;
  later(ms: number, run: () => void): () => void;
}

export class Typing {
  readonly #o: TypingParts;
  #isPrefixed = false;
  #unit: string | null = null;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #cancel: () => void = () => {};
  /** A paste is being sent: what is typed comes after it. */
  #turn: Promise<void> | null = null;

  constructor(parts: TypingParts) {
    this.#o = parts;
  }

  /** One read. Resolves when there is room for the next. */
  async take(read: Uint8Array): Promise<void> {
    const bytes = this.#o.isPipe ? read.map((byte) => (byte === 0x0d ? 0x0a : byte)) : read;
    if (this.#unit !== null || bytes.length > PASTE_BYTES) return this.#paste(bytes);
    const rest = this.#command(bytes);
    if (rest.length === 0) return;
    if (this.#turn) await this.#turn;
    const { seat } = this.#o;
    const isReport = rest[0] === 0x1b && REPORTS.test(Buffer.from(rest).toString("latin1"));
    if (isReport && !seat.hasFloor && !this.#o.isOpen()) return;
    void seat.input(rest, { interrupt: isInterrupt(rest) });
    await seat.roomForInput();
  }

  /** What is held is sent now: nothing follows. */
  end(): Promise<void> {
    this.#cancel();
    return this.#unit === null ? (this.#turn ?? Promise.resolve()) : this.#flush(true);
  }

  /** Y1: what is left to be typed. */
  #command(bytes: Uint8Array): Uint8Array {
    if (this.#isPrefixed) {
      this.#isPrefixed = false;
      if (bytes[0] === PREFIX) return bytes;
      this.#o.command(String.fromCharCode(bytes[0]!));
      return bytes.subarray(1);
    }
    if (bytes[0] !== PREFIX || bytes.length > 2) return bytes;
    this.#isPrefixed = true;
    return bytes.length === 2 ? this.#command(bytes.subarray(1)) : bytes.subarray(1);
  }

  /** Y2. */
  async #paste(bytes: Uint8Array): Promise<void> {
    this.#cancel();
    this.#unit ??= this.#o.newUnit();
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > CHUNK_BYTES) await this.#flush(false);
    this.#cancel = this.#o.later(QUIET_MS, () => void this.#flush(true));
  }

  #flush(last: boolean): Promise<void> {
    const unit = this.#unit ?? "";
    const bytes = Buffer.concat(this.#held);
    // The newest piece stays: one of a unit is the last, and only what follows tells which.
    const kept = last ? 0 : Math.min(bytes.length, 1);
    const now = bytes.subarray(0, bytes.length - kept);
    this.#held = kept > 0 ? [bytes.subarray(bytes.length - kept)] : [];
    this.#heldBytes = kept;
    if (last) this.#unit = null;
    const turn = (this.#turn ?? Promise.resolve()).then(() => this.#send(now, unit, last));
    this.#turn = turn;
    return turn.finally(() => {
      if (this.#turn === turn) this.#turn = null;
    });
  }

  async #send(bytes: Uint8Array, unit: string, last: boolean): Promise<void> {
    const { seat } = this.#o;
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const end = Math.min(bytes.length, at + CHUNK_BYTES);
      await seat.roomForInput();
      void seat.input(bytes.subarray(at, end), { unit, unitEnd: last && end === bytes.length });
    }
  }
}
