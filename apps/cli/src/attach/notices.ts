/** Which notice is on the screen: one that passes, over one that stays until what it tells is over. */
export class Notices {
  readonly #show: (text: string | null) => void;
  readonly #flashMs: number;
  #kept: string | null = null;
  #flashed: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(show: (text: string | null) => void, flashMs: number) {
    this.#show = show;
    this.#flashMs = flashMs;
  }

  /** Shown for a while; not at all if the setting is zero. */
  flash(text: string): void {
    if (this.#closed || this.#flashMs === 0) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#flashed = text;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flashed = null;
      this.#show(this.#kept);
    }, this.#flashMs);
    this.#show(text);
  }

  /** Whoever types has seen it, and wants to see what is under it. */
  dismiss(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#flashed === null) return;
    this.#flashed = null;
    this.#show(this.#kept);
  }

  /** Shown until it is taken away by null. */
  keep(text: string | null): void {
    if (this.#closed || text === this.#kept) return;
    this.#kept = text;
    if (this.#flashed === null) this.#show(text);
  }

  /** A new view: what is to be seen is shown on it too. */
  again(): void {
    const text = this.#flashed ?? this.#kept;
    if (text !== null && !this.#closed) this.#show(text);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
