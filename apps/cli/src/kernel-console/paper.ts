/**
 * The terminal of a kernel's console: what has been shown stays above and scrolls away; what is being written stands below, and is drawn anew
 * after each change. The terminal's own screen and scrollback are used, as by any program that asks for lines.
 */
import { stripVTControlCharacters } from "node:util";
import { cutTo } from "../show/width.ts";
import type { Outer } from "../terminal/outer.ts";
import { coloursOnly, laid, linesIn } from "./layout.ts";

/** What stands below: written by somebody, with what helps under it. */
export interface Below {
  readonly front: string;
  readonly text: string;
  readonly at: number;
  readonly hints: readonly string[];
}

const HINT_ROWS = 6;

export class Paper {
  readonly #outer: Pick<Outer, "write" | "size">;
  readonly #below: () => Below | null;
  /** Of what was printed: the line that has not ended. */
  #open = "";
  /** Rows above the cursor that are to be drawn anew; null: nothing is drawn. */
  #above: number | null = null;
  #isDue = false;
  #isOver = false;

  constructor(outer: Pick<Outer, "write" | "size">, below: () => Below | null) {
    this.#outer = outer;
    this.#below = below;
  }

  /** Of code: its colours stay. */
  print(text: string): void {
    const { whole, open } = linesIn(this.#open, text);
    this.#open = open;
    if (whole.length > 0) this.#write(whole.map((line) => `${coloursOnly(line)}\x1b[0m\r\n`).join(""));
    this.draw();
  }

  /** A line of this program's own. */
  line(text: string): void {
    this.#endOpen();
    this.#write(`${text}\r\n`);
    this.draw();
  }

  /** Exactly these bytes: a picture. */
  raw(sequence: string): void {
    this.#endOpen();
    this.#write(sequence.replaceAll("\n", "\r\n"));
    this.draw();
  }

  draw(): void {
    if (this.#isDue || this.#isOver) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (!this.#isOver) this.#draw();
    });
  }

  /** What is written below goes; what was shown stays. */
  end(): void {
    this.#endOpen();
    this.#write("");
    this.#isOver = true;
  }

  #endOpen(): void {
    if (this.#open !== "") this.#write(`${coloursOnly(this.#open.replace("\r", ""))}\x1b[0m\r\n`);
    this.#open = "";
  }

  #write(text: string): void {
    if (this.#above !== null) this.#outer.write(`${this.#above > 0 ? `\x1b[${this.#above}A` : ""}\r\x1b[J`);
    this.#above = null;
    if (text !== "") this.#outer.write(text);
  }

  #draw(): void {
    const { cols, rows } = this.#outer.size();
    const below = this.#below();
    const open = this.#open === "" ? [] : [cutTo(stripVTControlCharacters(coloursOnly(this.#open.replace("\r", ""))), cols - 1)];
    const hints = (below?.hints ?? []).slice(0, HINT_ROWS).map((hint) => `\x1b[2m${cutTo(hint, cols - 1)}\x1b[0m`);
    const most = Math.max(1, rows - open.length - hints.length - 1);
    const edit = below ? laid(below.front, below.text, below.at, { cols, rows: most }) : { rows: [""], row: 0, col: 0 };
    const all = [...open, ...edit.rows, ...hints];
    const row = open.length + edit.row;
    const up = all.length - 1 - row;
    this.#write(`${all.join("\r\n")}${up > 0 ? `\x1b[${up}A` : ""}\r${edit.col > 0 ? `\x1b[${edit.col}C` : ""}`);
    this.#above = row;
  }
}
