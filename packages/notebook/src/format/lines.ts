/** Text and lines as Python's `str.splitlines(True)` has them: eleven characters end a line there, and CRLF is one end. */

const END = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/g;

/** The lines of `text` with their ends; none of an empty text. */
export function splitLines(text: string): string[] {
  const lines: string[] = [];
  let from = 0;
  for (const end of text.matchAll(END)) {
    const to = end.index + end[0].length;
    lines.push(text.slice(from, to));
    from = to;
  }
  if (from < text.length) lines.push(text.slice(from));
  return lines;
}
