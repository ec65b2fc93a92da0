/** Whether a terminal that was fed bytes ending in `tail` is between sequences, so that something else may be written to it. */
export function endsInGround(tail: Uint8Array): boolean {
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength).subarray(-4096);
  return wholeCharacter(bytes) && wholeSequence(bytes);
}

function wholeCharacter(bytes: Buffer): boolean {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const b = bytes[bytes.length - back]!;
    if (b < 0x80) return true;
    if (b >= 0xc0) return back >= (b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2);
  }
  return true;
}

function wholeSequence(bytes: Buffer): boolean {
  const at = bytes.lastIndexOf(0x1b);
  if (at < 0) return true;
  const text = bytes.toString("latin1", at);
  if (text.length === 1) return false;
  // The end of a string (ST) is whole; anything else after an open string would have ended it or be inside it.
  if (text[1] === "\\") return true;
  if ("]PX^_".includes(text[1]!)) return text[1] === "]" && text.includes("\x07");
  if (text[1] === "[") return /^\x1b\[[\x20-\x3f]*[\x40-\x7e]/.test(text);
  if (/[\x20-\x2f]/.test(text[1]!)) return /^\x1b[\x20-\x2f]+[\x30-\x7e]/.test(text);
  return true;
}
