/**
 * Lines above the screen, packed: about a tenth of what their cells take in xterm, which has twelve bytes for each of a row's columns.
 *
 *   P1  Exact: what is unpacked has the cells, marks, attributes and wrap flag that were packed.
 *   P2  xterm never meets a packed line's cells. It touches a line above the screen to use the oldest again, which is mended here,
 *       and in a resize, before which all are unpacked.
 *   P3  Reading unpacks beside the list, so nothing grows by being looked at.
 *
 * Layout, for each run of cells that share colours and attributes: count (LEB128), fg, bg (u32, little-endian), place in the line's
 * attributes (LEB128, 0 is none); then its cells. A cell is its code point if that is below 0x80 and one column wide, `SECOND` for the
 * second half of a wide character, else `OTHER` and three bytes of xterm's content word. Empty cells at the end are left out.
 */
import type { ExtendedAttributes, Line, Lines, Screen } from "./xterm-internals.ts";

const OTHER = 0x80;
const SECOND = 0x81;
const COMBINED = 0x200000;
const HAS_EXTENDED = 0x10000000;
const WIDTH_SHIFT = 22;
/** An empty cell's content word: no code, one column. */
const EMPTY = 1 << WIDTH_SHIFT;
/** A run of one cell: 2 + 4 + 4 + 2 bytes before it, and 4 for it. */
const MAX_CELL_BYTES = 16;
/** About two hundred lines of coloured text. */
const BLOCK_BYTES = 32 * 1024;

export interface PackedLine {
  readonly isPacked: true;
  /** Not the model's to write, and xterm does (ED 0 in the last column). */
  isWrapped: boolean;
  readonly length: number;
  /** Those in use, each once; who looks for the links of all rows finds them under this name. */
  readonly _extendedAttrs: readonly ExtendedAttributes[];
  /** Of the combined cells, from left to right. */
  readonly marks: readonly string[];
  readonly block: Uint8Array;
  readonly from: number;
  readonly to: number;
}

const NO_ATTRIBUTES: readonly ExtendedAttributes[] = [];
const NO_MARKS: readonly string[] = [];

/** Where the bytes of one model's packed lines stand; what no line refers to any more is free. */
export class PackedBlocks {
  private block: Uint8Array | undefined;
  private used = 0;

  /** Packs the lines above the screen that are not packed yet, unless they are fewer than `least`. Returns how many. */
  packAbove(screen: Screen, least: number): number {
    const { lines, ybase } = screen;
    let from = ybase;
    while (from > 0 && !isPacked(lines.get(from - 1) as Line)) from--;
    if (ybase - from < least) return 0;
    for (let y = from; y < ybase; y++) lines.set(y, this.pack(lines.get(y) as Line));
    return ybase - from;
  }

  private pack(line: Line): PackedLine {
    const attributes: ExtendedAttributes[] = [];
    const marks: string[] = [];
    const scratch = scratchFor(line.length);
    const size = encode(line, scratch, attributes, marks);
    if (this.block === undefined || this.used + size > this.block.length) {
      // Mapped by V8, not taken from malloc: it goes back (line-slabs.ts).
      const bytes = Math.max(BLOCK_BYTES, size);
      this.block = new Uint8Array(new ArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes);
      this.used = 0;
    }
    const from = this.used;
    this.block.set(scratch.subarray(0, size), from);
    this.used += size;
    return {
      isPacked: true,
      isWrapped: line.isWrapped,
      length: line.length,
      _extendedAttrs: attributes.length === 0 ? NO_ATTRIBUTES : attributes,
      marks: marks.length === 0 ? NO_MARKS : marks,
      block: this.block,
      from,
      to: this.used,
    };
  }
}

function isPacked(line: Line | PackedLine): line is PackedLine {
  return (line as PackedLine).isPacked === true;
}

/** Before a resize, which rewrites every line. `cells` gives room for a line's words. */
export function unpackAll(screen: Screen, cells: (words: number) => Uint32Array): void {
  for (let y = 0; y < screen.ybase; y++) {
    const line = screen.lines.get(y);
    if (line === undefined || !isPacked(line)) continue;
    const own = bareLine(screen);
    unpack(line, own, cells(line.length * 3));
    screen.lines.set(y, own);
  }
}

/** Rows one after the other, packed or not. A row is good until the next but one is asked for. */
export function rowReader(screen: Screen): (y: number) => Line | undefined {
  const spare: Line[] = [];
  let turn = 0;
  return (y) => {
    const line = screen.lines.get(y);
    if (line === undefined || !isPacked(line)) return line;
    turn ^= 1;
    spare[turn] ??= bareLine(screen);
    const into = spare[turn] as Line;
    const { _data: data } = into;
    unpack(line, into, data.length === line.length * 3 ? data : new Uint32Array(line.length * 3));
    return into;
  };
}

/** Teaches xterm's list of lines, which all terminals of a thread share, to use a packed line's place again (P2). */
export function usePackedLines(screen: Screen): void {
  const proto = Object.getPrototypeOf(screen.lines) as Lines;
  if (patched.has(proto)) return;
  patched.add(proto);
  const { recycle } = proto;
  proto.recycle = function recycleUnpacked(this: Lines): Line {
    const oldest: Line | PackedLine = recycle.call(this);
    if (!isPacked(oldest)) return oldest;
    // Above it is the screen's last row until now: a line of the same kind, whose cells the caller writes over.
    const line = (this.get(this.length - 2) as Line).clone();
    this.set(this.length - 1, line);
    return line;
  };
}
const patched: WeakSet<object> = new WeakSet();

/** With no cells yet. The last row of the screen is never packed. */
function bareLine(screen: Screen): Line {
  const some = screen.lines.get(screen.lines.length - 1) as Line;
  return new (some.constructor as new (cols: number) => Line)(0);
}

let scratchBytes = new Uint8Array(0);
function scratchFor(cells: number): Uint8Array {
  if (scratchBytes.length < cells * MAX_CELL_BYTES) scratchBytes = new Uint8Array(cells * MAX_CELL_BYTES);
  return scratchBytes;
}

function encode(line: Line, out: Uint8Array, attributes: ExtendedAttributes[], marks: string[]): number {
  const { _data: data, _combined: combined, _extendedAttrs: extended } = line;
  let end = line.length;
  while (end > 0 && data[end * 3 - 3] === EMPTY && data[end * 3 - 2] === 0 && data[end * 3 - 1] === 0) end--;
  let at = 0;
  for (let x = 0; x < end; ) {
    const fg = data[x * 3 + 1] as number;
    const bg = data[x * 3 + 2] as number;
    const own = bg & HAS_EXTENDED ? extended[x] : undefined;
    let to = x + 1;
    while (to < end && data[to * 3 + 1] === fg && data[to * 3 + 2] === bg && (!(bg & HAS_EXTENDED) || extended[to] === own)) to++;
    at = putNumber(out, at, to - x);
    at = putWord(out, at, fg);
    at = putWord(out, at, bg);
    at = putNumber(out, at, own === undefined ? 0 : placeOf(own, attributes));
    for (; x < to; x++) {
      const content = data[x * 3] as number;
      const code = content ^ EMPTY;
      if (code < 0x80) out[at++] = code;
      else if (content === 0) out[at++] = SECOND;
      else {
        if (content & COMBINED) marks.push(combined[x] ?? "");
        out[at++] = OTHER;
        out[at++] = content;
        out[at++] = content >>> 8;
        out[at++] = content >>> 16;
      }
    }
  }
  return at;
}

function unpack(packed: PackedLine, line: Line, data: Uint32Array): void {
  const { block, marks, _extendedAttrs: attributes } = packed;
  line._data = data;
  line.length = packed.length;
  line.isWrapped = packed.isWrapped;
  line._combined = {};
  line._extendedAttrs = {};
  let x = 0;
  let mark = 0;
  for (let at = packed.from; at < packed.to; ) {
    let count: number;
    [count, at] = number(block, at);
    const fg = word(block, at);
    const bg = word(block, at + 4);
    let place: number;
    [place, at] = number(block, at + 8);
    for (const to = x + count; x < to; x++) {
      const code = block[at++] as number;
      let content = code | EMPTY;
      if (code === SECOND) content = 0;
      else if (code === OTHER) {
        content = (block[at] as number) | ((block[at + 1] as number) << 8) | ((block[at + 2] as number) << 16);
        at += 3;
        if (content & COMBINED) line._combined[x] = marks[mark++] ?? "";
      }
      data[x * 3] = content;
      data[x * 3 + 1] = fg;
      data[x * 3 + 2] = bg;
      if (place > 0) line._extendedAttrs[x] = attributes[place - 1];
    }
  }
  for (let i = x * 3; i < data.length; i += 3) {
    data[i] = EMPTY;
    data[i + 1] = 0;
    data[i + 2] = 0;
  }
}

function placeOf(own: ExtendedAttributes, attributes: ExtendedAttributes[]): number {
  const known = attributes.lastIndexOf(own);
  return known >= 0 ? known + 1 : attributes.push(own);
}

function putNumber(out: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) out[at++] = rest | 0x80;
  out[at++] = rest;
  return at;
}

function number(bytes: Uint8Array, from: number): [value: number, next: number] {
  let at = from;
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at];
  }
}

function putWord(out: Uint8Array, at: number, word: number): number {
  out[at] = word;
  out[at + 1] = word >>> 8;
  out[at + 2] = word >>> 16;
  out[at + 3] = word >>> 24;
  return at + 4;
}

function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}
