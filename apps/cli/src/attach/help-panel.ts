/** What the prefix key opens: the table that decides, and the panel that shows it. */
export type Verb = "detach" | "take" | "ask" | "pass" | "pause" | "who" | "copy" | "next" | "last" | "redraw" | "help";

export const verbs: readonly { readonly keys: readonly string[]; readonly verb: Verb; readonly says: string }[] = [
  { keys: ["d"], verb: "detach", says: "detach: leave, the session runs on" },
  { keys: ["t"], verb: "take", says: "take the floor, if it may be taken" },
  { keys: ["a"], verb: "ask", says: "ask who steers for the floor" },
  { keys: ["p"], verb: "pass", says: "pass the floor to somebody who is here" },
  { keys: ["P"], verb: "pause", says: "pause the input of AI operators, or resume it" },
  { keys: ["w"], verb: "who", says: "who is here and who steers" },
  { keys: ["[", "s"], verb: "copy", says: "scroll and search the whole history" },
  { keys: ["n"], verb: "next", says: "next session" },
  { keys: ["l"], verb: "last", says: "the session that you came from" },
  { keys: ["r"], verb: "redraw", says: "draw the screen anew" },
  { keys: ["?"], verb: "help", says: "this list" },
];

export function verbOf(key: string): Verb | null {
  return verbs.find((v) => v.keys.includes(key))?.verb ?? null;
}

/** `\x11` as `Ctrl-q`. */
export function keyText(key: string): string {
  const code = key.charCodeAt(0);
  return code < 0x20 ? `Ctrl-${String.fromCharCode(code + 0x60)}` : code === 0x7f ? "Ctrl-?" : key;
}

export function helpPanel(prefix: string): string[] {
  const p = keyText(prefix);
  return [
    "",
    `  \x1b[1mKeys behind ${p}\x1b[0m`,
    "",
    ...verbs.map((v) => `  ${v.keys.join(" or ").padEnd(8)} ${v.says}`),
    `  ${"1 … 9".padEnd(8)} the session of that number, the oldest first`,
    `  ${p.padEnd(8)} sends ${p} itself`,
    "",
    "  Any key closes this.",
  ];
}

/** The panel in pieces that a small terminal can show, one after the other. */
export function pages(lines: readonly string[], rows: number): readonly (readonly string[])[] {
  if (lines.length <= rows) return [lines];
  const room = Math.max(1, rows - 1);
  const parts: string[][] = [];
  for (let at = 0; at < lines.length; at += room) parts.push(lines.slice(at, at + room));
  return parts.map((part, i) => (i < parts.length - 1 ? [...part, "  Any key: more."] : part));
}
