/** What was run before, for the keys up and down. Pure. */
const MOST = 1_000;

export class Past {
  readonly #codes: string[] = [];
  /** Where one looks; the length: at what is being written. */
  #at = 0;
  #draft = "";

  /** `older`: from before what is there. */
  addOlder(older: readonly string[]): void {
    this.#codes.unshift(...older.slice(-MOST));
    this.#at = this.#codes.length;
  }

  add(code: string): void {
    if (code.trim() !== "" && this.#codes.at(-1) !== code) this.#codes.push(code);
    if (this.#codes.length > MOST) this.#codes.shift();
    this.#at = this.#codes.length;
  }

  /** The text of one step back or on; null: there is none. `text`: what stands there now. */
  step(by: -1 | 1, text: string): string | null {
    const to = this.#at + by;
    if (to < 0 || to > this.#codes.length) return null;
    if (this.#at === this.#codes.length) this.#draft = text;
    this.#at = to;
    return this.#codes[to] ?? this.#draft;
  }
}
