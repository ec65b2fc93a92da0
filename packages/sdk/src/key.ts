/**
 * Keys by name, as `hold send --key` and the configuration take them: `C-c`, `M-x`, `Enter`, `Up`, `F5`, `C-M-a`, or one character.
 *   K1  A name that is not understood is an error, never sent as text: `C-c` typed letter by letter is how automation goes wrong.
 */
const named: Readonly<Record<string, string>> = {
  enter: "\r",
  return: "\r",
  tab: "\t",
  escape: "\x1b",
  esc: "\x1b",
  space: " ",
  backspace: "\x7f",
  bspace: "\x7f",
  up: "\x1b[A",
  down: "\x1b[B",
  right: "\x1b[C",
  left: "\x1b[D",
  home: "\x1b[H",
  end: "\x1b[F",
  insert: "\x1b[2~",
  delete: "\x1b[3~",
  pageup: "\x1b[5~",
  pagedown: "\x1b[6~",
  btab: "\x1b[Z",
  f1: "\x1bOP",
  f2: "\x1bOQ",
  f3: "\x1bOR",
  f4: "\x1bOS",
  f5: "\x1b[15~",
  f6: "\x1b[17~",
  f7: "\x1b[18~",
  f8: "\x1b[19~",
  f9: "\x1b[20~",
  f10: "\x1b[21~",
  f11: "\x1b[23~",
  f12: "\x1b[24~",
};

export const keyNames: readonly string[] = [
  "Enter",
  "Tab",
  "Escape",
  "Space",
  "Backspace",
  "Up",
  "Down",
  "Left",
  "Right",
  "Home",
  "End",
  "Insert",
  "Delete",
  "PageUp",
  "PageDown",
  "BTab",
  "F1",
  "F2",
  "F3",
  "F4",
  "F5",
  "F6",
  "F7",
  "F8",
  "F9",
  "F10",
  "F11",
  "F12",
  "C-c",
  "C-d",
  "C-z",
  "C-l",
  "C-\\",
];

/** What the key sends, or null if there is no such key. */
export function parseKey(text: string): string | null {
  const found = /^((?:(?:C|Ctrl|M|A|Alt|S)[-+])*)([\s\S]+)$/i.exec(text);
  if (!found) return null;
  const modifiers = new Set(
    (found[1] ?? "")
      .toUpperCase()
      .split(/[-+]/)
      .filter(Boolean)
      .map((m) => m[0]),
  );
  let key = found[2]!;
  if (text.length === 1) return text;
  const caret = /^\^(.)$/.exec(text);
  if (caret) {
    modifiers.add("C");
    key = caret[1]!;
  }
  const name = key.toLowerCase();
  if (named[name] !== undefined) {
    if (modifiers.has("C")) return name === "space" ? "\0" : null;
    if (modifiers.has("S")) return name === "tab" ? "\x1b[Z" : null;
    return modifiers.size > 0 ? `\x1b${named[name]}` : named[name];
  }
  if ([...key].length !== 1 || modifiers.has("S")) return null;
  let bytes = key;
  if (modifiers.has("C")) {
    const code = key.toUpperCase().charCodeAt(0);
    if (key === "?") bytes = "\x7f";
    else if (code >= 0x40 && code <= 0x5f) bytes = String.fromCharCode(code & 0x1f);
    else return null;
  }
  return modifiers.has("M") || modifiers.has("A") ? `\x1b${bytes}` : bytes;
}
