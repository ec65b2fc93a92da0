/**
 * Whole characters only: xterm 6.0.0 drops a character that is cut between two writes after a second byte of 0x80, such as any
 * CJK punctuation mark. What a snapshot calls "half a character" is what is kept here.
 */
export class WholeCharacters {
  /** The first bytes of a character whose rest has not come. At most 3. */
  tail: Uint8Array = EMPTY;

  /** The bytes so far held back and these, up to the last whole character. */
  take(bytes: Uint8Array): Uint8Array {
    const all = this.tail.length === 0 ? bytes : joined(this.tail, bytes);
    const end = wholeEnd(all, all.length);
    this.tail = end === all.length ? EMPTY : all.slice(end);
    return end === all.length ? all : all.subarray(0, end);
  }
}

/** The last place up to `end` that is not inside a character. */
export function wholeEnd(bytes: Uint8Array, end: number): number {
  for (let back = 1; back <= 3 && back <= end; back++) {
    const b = bytes[end - back] as number;
    if (b < 0x80) return end;
    if (b >= 0xc0) return (b >= 0xf8 ? 1 : b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2) > back ? end - back : end;
  }
  return end;
}

const EMPTY = new Uint8Array(0);

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
