/**
 * Many patterns looked for at once (Aho and Corasick, 1975): one step a byte, whatever the number of patterns. It holds no place in any
 * text: who looks keeps a state, a number.
 *
 *   M1  Linear: n bytes take at most 2n moves between states. Those of at most one byte, where ordinary text keeps it, move by a table.
 *   M2  Some 20 bytes of memory a state, and at most one state a byte of the patterns; 1 KiB a table, 257 tables at most.
 */

export const ROOT = 0;
const BYTES = 256;

export class Matcher {
  /** Of the root, and of the states one byte deep: where each byte leads. */
  readonly #tables: Int32Array[] = [new Int32Array(BYTES)];
  readonly #firstChild: Int32Array;
  readonly #nextSibling: Int32Array;
  readonly #byte: Uint8Array;
  /** Where to go on when no child fits: the longest end of what was read that begins a pattern too. */
  readonly #fallback: Int32Array;
  readonly #depth: Uint8Array;
  readonly #ended: Uint8Array;
  #count = 1;

  /** Patterns have at most 255 bytes. */
  constructor(patterns: readonly Uint8Array[]) {
    const most = patterns.reduce((n, p) => n + p.length, 1);
    this.#firstChild = new Int32Array(most);
    this.#nextSibling = new Int32Array(most);
    this.#byte = new Uint8Array(most);
    this.#fallback = new Int32Array(most);
    this.#depth = new Uint8Array(most);
    this.#ended = new Uint8Array(most);
    // First bytes first, so that the states one byte deep are the first ones: a table is found by its state.
    for (const pattern of patterns) this.#add(pattern.subarray(0, 1), false);
    for (const pattern of patterns) this.#add(pattern, true);
    this.#link();
  }

  get isEmpty(): boolean {
    return this.#count === 1;
  }

  step(state: number, byte: number): number {
    while (state >= this.#tables.length) {
      const next = this.#childOf(state, byte);
      if (next !== 0) return next;
      state = this.#fallback[state]!;
    }
    return this.#tables[state]![byte]!;
  }

  /** Bytes read last that begin a pattern, as many as there are. */
  depth(state: number): number {
    return this.#depth[state]!;
  }

  /** The length of the longest pattern that ends here; 0 if none does. */
  ended(state: number): number {
    return this.#ended[state]!;
  }

  #childOf(state: number, byte: number): number {
    let child = this.#firstChild[state]!;
    while (child !== 0 && this.#byte[child] !== byte) child = this.#nextSibling[child]!;
    return child;
  }

  #add(pattern: Uint8Array, isWhole: boolean): void {
    let state = ROOT;
    for (const byte of pattern) {
      let next = state < this.#tables.length ? this.#tables[state]![byte]! : this.#childOf(state, byte);
      if (next === 0) {
        next = this.#count++;
        this.#byte[next] = byte;
        this.#depth[next] = this.#depth[state]! + 1;
        this.#nextSibling[next] = this.#firstChild[state]!;
        this.#firstChild[state] = next;
        if (state < this.#tables.length) this.#tables[state]![byte] = next;
        if (state === ROOT) this.#tables.push(new Int32Array(BYTES));
      }
      state = next;
    }
    if (isWhole) this.#ended[state] = pattern.length;
  }

  /** Level by level, so that a fallback, which is shorter, is known before it is needed. */
  #link(): void {
    const root = this.#tables[ROOT]!;
    for (let level = [ROOT], deeper: number[]; level.length > 0; level = deeper) {
      deeper = [];
      for (const state of level) {
        for (let child = this.#firstChild[state]!; child !== 0; child = this.#nextSibling[child]!) {
          const fallback = state === ROOT ? ROOT : this.step(this.#fallback[state]!, this.#byte[child]!);
          this.#fallback[child] = fallback;
          this.#ended[child] ||= this.#ended[fallback]!;
          deeper.push(child);
        }
        const table = state === ROOT ? null : this.#tables[state];
        if (table) for (let byte = 0; byte < BYTES; byte++) table[byte] ||= root[byte]!;
      }
    }
  }
}
