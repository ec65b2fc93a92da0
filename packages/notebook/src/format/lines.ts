/** Text and lines as Python's `str.splitlines(True)` has them: eleven characters end a line there, and CRLF is one end. */

const LINE =
  /[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]*(?:\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])|[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+$/g;

/** The lines of `text` with their ends; none of an empty text. */
export function splitLines(text: string): string[] {
  return text.match(LINE) ?? [];
}
