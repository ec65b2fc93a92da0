/**
 * Output as plain lines: escapes taken out, carriage returns and backspaces applied, as one would read it on paper. It is no
 * terminal: what a full-screen program draws comes out in the order in which it was drawn.
 *   C1  Any split of the bytes gives the same lines.
 *   C2  Lines are cut at `maxLine` characters, so that a program without line ends can't take all memory.
 */
const maxLine = 4096;
const states = { ground: 0, escape: 1, csi: 2, string: 3, stringEscape: 4, intermediate: 5 } as const;
type State = (typeof states)[keyof typeof states];

export interface CleanLine {
  readonly text: string;
  /** Where its first byte stands in the stream. */
  readonly offset: number;
}

export class Cleaner {
  #state: State = states.ground;
  #line: string[] = [];
  #col = 0;
  #start: number;
  #at: number;
  readonly #decoder = new TextDecoder();

  constructor(offset = 0) {
    this.#start = offset;
    this.#at = offset;
  }

  /** The lines that `bytes` completes. */
  feed(bytes: Uint8Array): CleanLine[] {
    const done: CleanLine[] = [];
    const text = this.#decoder.decode(bytes, { stream: true });
    const base = this.#at;
    let consumed = 0;
    for (const char of text) {
      consumed += Buffer.byteLength(char);
      if (this.#put(char)) {
        done.push({ text: this.#line.join("").trimEnd(), offset: this.#start });
        this.#line = [];
        this.#col = 0;
        this.#start = Math.min(base + consumed, base + bytes.length);
      }
    }
    this.#at += bytes.length;
    return done;
  }

  /** The line begun and not ended, with its blanks: more of it may follow. */
  rest(): CleanLine | null {
    const text = this.#line.join("");
    return text === "" ? null : { text, offset: this.#start };
  }

  /** True at a line's end. */
  #put(char: string): boolean {
    const code = char.codePointAt(0)!;
    switch (this.#state) {
      case states.ground:
        return this.#ground(char, code);
      case states.escape:
        this.#state =
          char === "["
            ? states.csi
            : "]PX^_".includes(char)
              ? states.string
              : code >= 0x20 && code <= 0x2f
                ? states.intermediate
                : states.ground;
        return false;
      case states.intermediate:
        if (code < 0x20 || code > 0x2f) this.#state = states.ground;
        return false;
      case states.csi:
        if (code === 0x1b) this.#state = states.escape;
        else if (code === 0x18 || code === 0x1a) this.#state = states.ground;
        else if (code >= 0x40 && code <= 0x7e) {
          this.#state = states.ground;
          if (char === "K") this.#line.length = Math.min(this.#line.length, this.#col);
        }
        return false;
      case states.string:
        if (code === 0x07 || code === 0x18 || code === 0x1a || code === 0x9c) this.#state = states.ground;
        else if (code === 0x1b) this.#state = states.stringEscape;
        return false;
      case states.stringEscape:
        this.#state = char === "\\" ? states.ground : states.escape;
        return char === "\\" ? false : this.#put(char);
    }
  }

  #ground(char: string, code: number): boolean {
    if (code === 0x0a) return true;
    if (code === 0x1b) this.#state = states.escape;
    else if (code === 0x9b) this.#state = states.csi;
    else if (code === 0x0d) this.#col = 0;
    else if (code === 0x08) this.#col = Math.max(0, this.#col - 1);
    else if (code === 0x09) {
      do this.#write(" ");
      while (this.#col % 8 !== 0 && this.#col < maxLine);
    } else if (code >= 0x20 && code !== 0x7f && !(code >= 0x80 && code < 0xa0)) this.#write(char);
    return this.#line.length >= maxLine;
  }

  #write(char: string): void {
    while (this.#line.length < this.#col) this.#line.push(" ");
    this.#line[this.#col++] = char;
  }
}
