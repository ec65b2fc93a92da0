/**
 * Text that may hold any bytes: arguments, variables and paths are bytes to the system, and mostly UTF-8.
 *
 *   T1  Valid UTF-8 is itself. Each byte that belongs to no character is a lone low surrogate, U+DC00 + byte, which no valid text
 *       holds (as Python's `surrogateescape` has it).
 *   T2  `bytesOf(textOf(b))` is `b`, whatever the bytes. Cutting such a text at ASCII characters cuts the bytes there.
 */

const ESCAPE = 0xdc00;

/** Whether the text stands for bytes that are no UTF-8. */
export function isOdd(text: string): boolean {
  return /[\uDC80-\uDCFF]/u.test(text);
}

export function textOf(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = characterBytes(bytes, at);
    if (size === 0) parts.push(String.fromCharCode(ESCAPE + bytes[at++]!));
    else {
      let point = size === 1 ? bytes[at]! : bytes[at]! & (0xff >> (size + 1));
      for (let i = 1; i < size; i++) point = point * 64 + (bytes[at + i]! & 0x3f);
      parts.push(String.fromCodePoint(point));
      at += size;
    }
  }
  return parts.join("");
}

/** Other lone surrogates than those of T1 are U+FFFD, as everywhere. */
export function bytesOf(text: string): Uint8Array {
  const out: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0)!;
    if (point < 0x80) out.push(point);
    else if (point >= ESCAPE + 0x80 && point <= ESCAPE + 0xff) out.push(point - ESCAPE);
    else if (point >= 0xd800 && point < 0xe000) out.push(0xef, 0xbf, 0xbd);
    else if (point < 0x800) out.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point < 0x10000) out.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    else out.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
  }
  return Uint8Array.from(out);
}

/** The length of the well-formed character at `at` (Unicode, table 3-7), 0 if there is none. */
function characterBytes(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1];
  if (second === undefined || second < low || second > high) return 0;
  for (let i = 2; i < size; i++) {
    const next = bytes[at + i];
    if (next === undefined || (next & 0xc0) !== 0x80) return 0;
  }
  return size;
}
