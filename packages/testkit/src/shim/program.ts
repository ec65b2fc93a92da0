/** What runs in a simulated session: a program that reads what its terminal took, and writes. It records both exactly. */
import type { Random } from "../clock/index.ts";

export type Mood =
  /** Reads at once and answers with what it read. */
  | "echo"
  /** Reads at once, says nothing. */
  | "sink"
  /** Reads a little now and then. */
  | "slow"
  /** Never reads. */
  | "deaf";

/** What the terminal gives a program. */
export interface Terminal {
  /** Takes up to `most` bytes that were typed. */
  read(most: number): Uint8Array;
  /** Writes; what the shim has no room for blocks the program, and goes on later. */
  write(bytes: Uint8Array): void;
  readonly isBlocked: boolean;
}

export class Program {
  mood: Mood;
  readonly #random: Random;
  #lines = 0;
  /** All that it read, in order. */
  readonly read: Uint8Array[] = [];

  constructor(mood: Mood, random: Random) {
    this.mood = mood;
    this.#random = random;
  }

  /** Something was typed, or room was made, or a moment passed. */
  wake(terminal: Terminal): void {
    if (this.mood === "deaf" || terminal.isBlocked) return;
    const bytes = terminal.read(this.mood === "slow" ? this.#random.int(1, 600) : Infinity);
    if (bytes.length === 0) return;
    this.read.push(bytes);
    if (this.mood === "echo") terminal.write(bytes);
  }

  /** Lines that no two runs of output share, with terminal sequences and queries in between. */
  text(bytes: number): Uint8Array {
    const parts: string[] = [];
    for (let n = 0; n < bytes; ) {
      const line = this.#random.chance(0.15)
        ? this.#random.pick(["\x1b[c", "\x1b[6n", "\x1b[31m", "\x1b]0;title\x07", "\x1b]11;?\x07", "\x1b[?25l", "\x1b"])
        : `out ${this.#lines++} ${"·".repeat(this.#random.int(0, 20))}\r\n`;
      parts.push(line);
      n += line.length;
    }
    const text = Buffer.from(parts.join(""), "utf8").subarray(0, bytes);
    // A colour query without its end would swallow what follows, for longer than a reader looks back.
    const osc = text.lastIndexOf("\x1b]");
    return osc >= 0 && !text.subarray(osc).includes(7) ? text.subarray(0, osc) : text;
  }
}
