/**
 * Bytes as a person has to see them who decides on them: nothing hides, and two different rows of bytes never look alike.
 *
 *   X1  The result is printable ASCII. Every other byte or character is an escape, a letter that only looks like one of ours too.
 *   X2  A backslash of the bytes is two, so no escape can be typed. What was escaped can be told back letter by letter, but for X3.
 *   X3  More than {@link RUN} blanks in a row are one mark with their number.
 */
const RUN = 8;
const short: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\x1b": "\\e",
  "\0": "\\0",
  "\\": "\\\\",
};

export function shownExactly(bytes: Uint8Array): string {
  let text: string;
  try {
    const characters = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    text = Array.from(characters, (c) => short[c] ?? (isPlain(c) ? c : escaped(c.codePointAt(0)!))).join("");
  } catch {
    // No UTF-8: byte for byte.
    text = Array.from(bytes, (b) => {
      const c = String.fromCharCode(b);
      return short[c] ?? (isPlain(c) ? c : `\\x${b.toString(16).padStart(2, "0")}`);
    }).join("");
  }
  return text.replace(new RegExp(` {${RUN + 1},}`, "g"), (run) => `\\{${run.length} blanks}`);
}

function isPlain(c: string): boolean {
  return c >= " " && c <= "~";
}

function escaped(point: number): string {
  return point < 0x80 ? `\\x${point.toString(16).padStart(2, "0")}` : `\\u{${point.toString(16)}}`;
}
