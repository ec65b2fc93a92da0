/**
 * Output as plain text for a reader that is no terminal and must not be led by one: escapes taken out, carriage returns and
 * backspaces applied, every other control, bidi and invisible character made visible.
 *
 *   T1  Any split of the bytes gives the same pieces.
 *   T2  Pieces stand end to end: each says which bytes of the stream it is made of, and none is left out or told twice.
 *   T3  A piece has at most {@link PIECE_CHARS} cells, so that a program without line ends takes no memory.
 *   T4  No piece holds a C0, C1, bidi or invisible character.
 *   T5  What a program draws on the alternate screen is no text: its bytes are a piece's and are counted, its characters are nowhere. Who
 *       begins to read in the middle of it reads it all the same.
 */
import { escapeText } from "@holdfast/sdk";

const PIECE_CHARS = 1_024;
/** Of a sequence's parameters so many are looked at: enough for every mode that there is. */
const PARAMETER_CHARS = 64;
const alternateModes = new Set(["47", "1047", "1049"]);
type State = "ground" | "escape" | "intermediate" | "csi" | "string" | "string_escape";

export interface Piece {
  readonly text: string;
  /** Where its first byte stands in the stream, and where its last one ends. */
  readonly offset: number;
  readonly end: number;
  /** It ends a line; a line of more cells goes on in the next piece. */
  readonly isLineEnd: boolean;
  /** The journal's position before the event in which it begins. */
  readonly after: number;
}

export class Plain {
  #state: State = "ground";
  #cells: string[] = [];
  #col = 0;
  #bytes: number[] = [];
  #wanted = 0;
  #start: number | null = null;
  #startAfter = 0;
  #at = 0;
  #parameters = "";
  #isDrawing = false;
  #drawnBytes = 0;
  readonly #most: number;

  /** `most`: cells of one piece, for a reader who takes less than T3's at a time. */
  constructor(most = PIECE_CHARS) {
    this.#most = Math.min(most, PIECE_CHARS);
  }

  /**
   * The pieces that these bytes complete. What does not follow the bytes before begins anew. `after`: as in {@link Piece}. `end`: where
   * they end in the stream, which is not where they are counted to when terminal queries were taken out of them.
   */
  feed(offset: number, bytes: Uint8Array, after: number, end = offset + bytes.length): Piece[] {
    const done: Piece[] = [];
    if (offset !== this.#at && this.#start !== null) {
      const open = this.rest();
      if (open) done.push(open);
      this.#restart();
    }
    this.#at = offset;
    for (const byte of bytes) {
      if (this.#start === null) {
        this.#start = this.#at;
        this.#startAfter = after;
      }
      this.#at++;
      if (this.#isDrawing) this.#drawnBytes++;
      const isLineEnd = this.#byte(byte) && !this.#isDrawing;
      if (isLineEnd || this.#cells.length >= this.#most) done.push(this.#cut(isLineEnd));
    }
    this.#at = end;
    const last = done.at(-1);
    if (last && this.#start === null) done[done.length - 1] = { ...last, end };
    return done;
  }

  /** What has come of a line that has not ended; null if nothing. */
  rest(): Piece | null {
    return this.#start === null ? null : this.#made(false);
  }

  /** A sequence or a character has begun and not ended: what it is shows when more has come. */
  get isPending(): boolean {
    return this.#state !== "ground" || this.#wanted > 0;
  }

  /** T5. */
  get drawnBytes(): number {
    return this.#drawnBytes;
  }

  #restart(): void {
    this.#state = "ground";
    this.#isDrawing = false;
    this.#cells = [];
    this.#col = 0;
    this.#bytes = [];
    this.#wanted = 0;
    this.#start = null;
  }

  #cut(isLineEnd: boolean): Piece {
    const piece = this.#made(isLineEnd);
    this.#cells = [];
    this.#col = 0;
    this.#start = null;
    return piece;
  }

  #made(isLineEnd: boolean): Piece {
    const text = this.#cells.join("");
    return {
      text: escapeText(isLineEnd ? text.trimEnd() : text),
      offset: this.#start!,
      end: this.#at,
      isLineEnd,
      after: this.#startAfter,
    };
  }

  /** UTF-8, a byte at a time; true at a line's end. */
  #byte(byte: number): boolean {
    if (this.#wanted > 0 && (byte & 0xc0) === 0x80) {
      this.#bytes.push(byte);
      if (--this.#wanted > 0) return false;
      const text = Buffer.from(this.#bytes).toString("utf8");
      this.#bytes = [];
      // More than one character: no UTF-8, and each byte of it is one U+FFFD.
      for (const char of text) this.#put(char);
      return false;
    }
    if (this.#wanted > 0) {
      this.#wanted = 0;
      this.#bytes = [];
      this.#put("\ufffd");
    }
    if (byte < 0x80) return this.#put(String.fromCharCode(byte));
    this.#wanted = byte >= 0xf0 && byte < 0xf5 ? 3 : byte >= 0xe0 ? (byte < 0xf0 ? 2 : 0) : byte >= 0xc2 ? 1 : 0;
    if (this.#wanted > 0) this.#bytes = [byte];
    else this.#put("\ufffd");
    return false;
  }

  #put(char: string): boolean {
    const code = char.codePointAt(0)!;
    switch (this.#state) {
      case "ground":
        return this.#ground(char, code);
      case "escape":
        if (code === 0x0a) return this.#leave(char, code);
        this.#parameters = "";
        this.#state =
          char === "["
            ? "csi"
            : "]PX^_".includes(char)
              ? "string"
              : code >= 0x20 && code <= 0x2f
                ? "intermediate"
                : code === 0x1b
                  ? "escape"
                  : "ground";
        return false;
      case "intermediate":
        if (code < 0x20 || code > 0x2f) this.#state = "ground";
        return code === 0x0a;
      case "csi":
        // A terminal obeys a control inside a sequence, and so do we the line end.
        if (code === 0x0a) return true;
        if (code === 0x1b) this.#state = "escape";
        else if (code === 0x18 || code === 0x1a) this.#state = "ground";
        else if (code >= 0x40 && code <= 0x7e) {
          this.#state = "ground";
          if (char === "K" && !this.#isDrawing) this.#cells.length = Math.min(this.#cells.length, this.#col);
          if (char === "h" || char === "l") this.#switch(char === "h");
        } else if (this.#parameters.length < PARAMETER_CHARS) this.#parameters += char;
        return false;
      case "string":
        if (code === 0x07 || code === 0x18 || code === 0x1a || code === 0x9c) this.#state = "ground";
        else if (code === 0x1b) this.#state = "string_escape";
        return false;
      case "string_escape":
        if (char === "\\") this.#state = "ground";
        else {
          this.#state = "escape";
          return this.#put(char);
        }
        return false;
    }
  }

  /** T5: a private mode, alone or among others. */
  #switch(isOn: boolean): void {
    if (!this.#parameters.startsWith("?")) return;
    const modes = this.#parameters.slice(1).split(";");
    if (modes.some((mode) => alternateModes.has(mode))) this.#isDrawing = isOn;
  }

  #leave(char: string, code: number): boolean {
    this.#state = "ground";
    return this.#ground(char, code);
  }

  #ground(char: string, code: number): boolean {
    if (code === 0x0a) return true;
    if (code === 0x1b) this.#state = "escape";
    else if (code === 0x9b) {
      this.#parameters = "";
      this.#state = "csi";
    } else if (code === 0x90 || code === 0x98 || (code >= 0x9d && code <= 0x9f)) this.#state = "string";
    else if (this.#isDrawing) return false;
    else if (code === 0x0d) this.#col = 0;
    else if (code === 0x08) this.#col = Math.max(0, this.#col - 1);
    else if (code === 0x09) {
      do this.#cell(" ");
      while (this.#col % 8 !== 0);
    } else if (code >= 0x20 && code !== 0x7f && !(code >= 0x80 && code < 0xa0)) this.#cell(char);
    return false;
  }

  #cell(char: string): void {
    while (this.#cells.length < this.#col) this.#cells.push(" ");
    this.#cells[this.#col++] = char;
  }
}
