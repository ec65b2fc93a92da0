/**
 * Cells of many lines in few large buffers.
 *
 * xterm gives each line that scrolls in a buffer of its own, about a kilobyte. glibc keeps such pieces after they are freed, and after
 * a while large ones too, so that a closed model gave nothing back (measured: 0 of 120 MiB). What V8 maps goes back (118 of 120).
 *
 *   A1  A slab belongs to one model: what is closed is free as a whole.
 *   A2  A line in a slab is never resized in place: xterm would take the slab for the line's own buffer.
 */
import type { Core, Line } from "./xterm-internals.ts";

/** At 80 columns 140 lines; only pages that were written count. */
const SLAB_WORDS = 33 * 1024;
const WORDS_PER_CELL = 3;

export class LineSlabs {
  private slab: Uint32Array | undefined;
  private used = 0;

  /** Runs `f`; lines that it adds to the model stand in its slabs. */
  during<T>(f: () => T): T {
    current = this;
    try {
      return f();
    } finally {
      current = undefined;
    }
  }

  /** Rows that stand here and there keep whole slabs alive: puts these together in a new one. */
  gather(lines: Iterable<Line>): void {
    this.slab = undefined;
    for (const line of lines) {
      const data = this.take(line._data.length);
      data.set(line._data);
      line._data = data;
    }
  }

  take(words: number): Uint32Array {
    if (this.slab === undefined || this.used + words > this.slab.length) {
      this.slab = mapped(Math.max(SLAB_WORDS, words));
      this.used = 0;
    }
    const part = this.slab.subarray(this.used, this.used + words);
    this.used += words;
    return part;
  }
}

/** Whose lines are being made: parsing is synchronous, so there is one at a time. */
let current: LineSlabs | undefined;
const patched: WeakSet<object> = new WeakSet();

/** Teaches xterm's line class, which all terminals of a thread share, to take its cells from the current slabs. */
export function useSlabs(core: Core): void {
  const proto = Object.getPrototypeOf(core._bufferService.buffers.normal.lines.get(0)) as Line;
  if (patched.has(proto)) return;
  patched.add(proto);
  const { clone, resize, cleanupMemory } = proto;
  proto.clone = function cloneIntoSlab(this: Line): Line {
    if (current === undefined) return clone.call(this);
    const own = this._data;
    this._data = NONE;
    const line = clone.call(this);
    this._data = own;
    line._data = current.take(own.length);
    line._data.set(own);
    return line;
  };
  proto.resize = function resizeOutOfSlab(this: Line, cols: number, fill: unknown): boolean {
    if (!isInSlab(this)) return resize.call(this, cols, fill);
    if (cols > this.length) this._data = this._data.slice();
    resize.call(this, cols, fill);
    if (current !== undefined && !isInSlab(this)) {
      const data = current.take(cols * WORDS_PER_CELL);
      data.set(this._data);
      this._data = data;
    }
    return false;
  };
  proto.cleanupMemory = function cleanupOwn(this: Line): number {
    return isInSlab(this) ? 0 : cleanupMemory.call(this);
  };
}

/** A buffer that may be resized is mapped by V8 itself, not taken from malloc. Its views cost a fifth of the parser's speed: 98 instead of 138 MB of plain text a CPU second. */
function mapped(words: number): Uint32Array {
  return new Uint32Array(new ArrayBuffer(words * 4, { maxByteLength: words * 4 }), 0, words);
}

const NONE = new Uint32Array(0);
function isInSlab(line: Line): boolean {
  return line._data.buffer.byteLength >= SLAB_WORDS * 4;
}
