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
  | "deaf"
  /** An integrated shell with a line editor: it says when it reads, echoes the line, and each line is a command that takes a moment. */
  | "shell";

/** What the terminal gives a program. */
export interface Terminal {
  /** Takes up to `most` bytes that were typed. */
  read(most: number): Uint8Array;
  /** Writes; what the shim has no room for blocks the program, and goes on later. */
  write(bytes: Uint8Array): void;
  readonly isBlocked: boolean;
  /** Wakes the program again. */
  later(us: number, run: () => void): void;
}

/** What a command of the shell prints, piece by piece, and its exit code; without pieces it takes a moment all the same. */
export interface Played {
  readonly pieces: readonly { readonly afterUs: number; readonly text: string }[];
  readonly code: number;
}

export class Program {
  mood: Mood;
  /** Of the shell: what a line does. */
  plays: (line: string) => Played = () => ({ pieces: [], code: 0 });
  /** Lines that the shell has run, in order. */
  readonly ran: string[] = [];
  readonly #random: Random;
  #lines = 0;
  /** It is not asleep waiting for input. */
  isBusy = false;
  /** It has turned echo off, as who asks for a password does. */
  isHiding = false;
  /** All that it read, in order. */
  readonly read: Uint8Array[] = [];

  constructor(mood: Mood, random: Random) {
    this.mood = mood;
    this.#random = random;
  }

  get wouldRead(): boolean {
    return this.mood === "shell" ? this.#reads : this.mood !== "deaf";
  }

  /** Something was typed, or room was made, or a moment passed. */
  wake(terminal: Terminal): void {
    if (this.mood === "shell") return this.#editLine(terminal);
    if (this.mood === "deaf" || terminal.isBlocked) return;
    const bytes = terminal.read(this.mood === "slow" ? this.#random.int(1, 600) : Infinity);
    if (bytes.length === 0) return;
    this.read.push(bytes);
    if (this.mood === "echo") terminal.write(bytes);
  }

  // --- the shell ---

  nonce = "";
  /** The line as the editor has it, and which input each character is of. */
  #line: { readonly text: string; readonly seq: number }[] = [];
  /** What stands on the editor's line. */
  get line(): string {
    return this.#line.map((c) => c.text).join("");
  }

  /** Of which input the byte was that was read last: the terminal's to tell. */
  readSeq = 0;
  /** Each character that went on a line behind one of another input, as the editor saw it. */
  readonly joined: { readonly seq: number; readonly to: number }[] = [];
  #reads = false;
  #marks = 0;

  #mark(kind: string, fields: string): string {
    return `\x1b]633;hold;${kind};${this.nonce};${++this.#marks};${fields}\x07`;
  }

  /** A command ends, or the shell begins: it draws its prompt, and echoes what waited for that a moment later. */
  prompts(terminal: Terminal, code = 0): void {
    this.isBusy = true;
    terminal.write(Buffer.from(`${this.#mark("A", String(code))}$ ${this.#mark("B", "0;")}`));
    terminal.later(this.#random.int(200, 5_000), () => {
      this.#reads = true;
      this.isBusy = false;
      this.wake(terminal);
    });
  }

  #editLine(terminal: Terminal): void {
    while (this.#reads) {
      const key = terminal.read(1);
      if (key.length === 0) return;
      this.read.push(key);
      const [byte] = key as unknown as [number];
      if (byte === 0x15) this.#line = [];
      if (byte === 0x03) {
        this.#line = [];
        this.#reads = false;
        this.prompts(terminal);
      } else if (byte === 0x0d) {
        this.#reads = false;
        this.isBusy = true;
        terminal.write(Buffer.from(`\r\n${this.#mark("C", `;${this.line}`)}`));
        this.ran.push(this.line);
        this.#plays(terminal, this.plays(this.line));
        this.#line = [];
      } else if (byte >= 0x20) {
        const before = this.#line.at(-1);
        if (before && before.seq !== this.readSeq) this.joined.push({ seq: this.readSeq, to: before.seq });
        this.#line.push({ text: String.fromCharCode(byte), seq: this.readSeq });
        terminal.write(key);
      }
    }
  }

  #plays(terminal: Terminal, { pieces: [next, ...rest], code }: Played): void {
    if (next)
      return terminal.later(next.afterUs, () => {
        terminal.write(Buffer.from(next.text));
        this.#plays(terminal, { pieces: rest, code });
      });
    terminal.later(this.#random.pick([100, 1_000, 20_000, 300_000]), () => {
      terminal.write(Buffer.from(this.#mark("D", String(code))));
      this.prompts(terminal, code);
    });
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
