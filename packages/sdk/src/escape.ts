/**
 * Text of others made safe to print: names, commands, titles, journalled input. What a terminal would obey, or what would make a
 * line read differently from what it is, is shown as an escape.
 *   E1  The result holds no C0, DEL, C1, bidi control, zero-width, tag or line separator character.
 */
const hostile =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udc7f\udd00-\uddef]/g;
const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e", "\0": "\\0" };

export function escapeText(text: string): string {
  return text.replace(
    hostile,
    (c) =>
      short[c] ??
      (c.length > 1
        ? `\\u{${c.codePointAt(0)!.toString(16)}}`
        : c.charCodeAt(0) < 0x100
          ? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`
          : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`),
  );
}

/** As {@link escapeText}, keeping line ends and tabs: for text of several lines. */
export function escapeLines(text: string): string {
  return text.replace(hostile, (c) => (c === "\n" || c === "\t" ? c : escapeText(c)));
}

/** Bytes as safe text: UTF-8 where it is, `\xNN` where it is not. */
export function escapeBytes(bytes: Uint8Array): string {
  try {
    return escapeText(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    let text = "";
    for (const b of bytes)
      text +=
        b >= 0x20 && b < 0x7f
          ? String.fromCharCode(b)
          : (short[String.fromCharCode(b)] ?? `\\x${b.toString(16).padStart(2, "0")}`);
    return text;
  }
}
