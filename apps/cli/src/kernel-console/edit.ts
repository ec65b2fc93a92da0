/** A text of several lines that is being written, with a cursor. Pure; places are UTF-16 units, and never stand in the middle of a pair. */
export interface Edit {
  readonly text: string;
  readonly at: number;
}

export const empty: Edit = { text: "", at: 0 };
export const written = (text: string): Edit => ({ text, at: text.length });

/** As Node's `keypress` tells it. */
export interface Key {
  readonly name?: string;
  readonly sequence?: string;
  readonly ctrl?: boolean;
  readonly meta?: boolean;
  readonly shift?: boolean;
}

/** What the key does to the text; null: nothing that concerns a text. */
export function edited(edit: Edit, key: Key): Edit | null {
  const { text, at } = edit;
  const word = key.ctrl || key.meta;
  if (key.ctrl) {
    const done = byControl(edit, key.name ?? "");
    if (done) return done;
  }
  switch (key.name) {
    case "left":
      return { text, at: word ? wordBefore(text, at) : before(text, at) };
    case "right":
      return { text, at: word ? wordBehind(text, at) : behind(text, at) };
    case "home":
      return { text, at: lineStart(text, at) };
    case "end":
      return { text, at: lineEnd(text, at) };
    case "backspace":
      return without(edit, key.meta ? wordBefore(text, at) : before(text, at), at);
    case "delete":
      return without(edit, at, behind(text, at));
    case "b":
    case "f":
    case "d":
      if (!key.meta) break;
      if (key.name === "d") return without(edit, at, wordBehind(text, at));
      return { text, at: key.name === "b" ? wordBefore(text, at) : wordBehind(text, at) };
  }
  const typed = key.sequence ?? "";
  return !key.ctrl && !key.meta && /^[^\x00-\x1f\x7f]+$/u.test(typed) ? inserted(edit, typed) : null;
}

function byControl(edit: Edit, name: string): Edit | null {
  const { text, at } = edit;
  switch (name) {
    case "a":
      return { text, at: lineStart(text, at) };
    case "e":
      return { text, at: lineEnd(text, at) };
    case "b":
      return { text, at: before(text, at) };
    case "f":
      return { text, at: behind(text, at) };
    case "d":
      return without(edit, at, behind(text, at));
    case "h":
      return without(edit, before(text, at), at);
    case "w":
      return without(edit, wordBefore(text, at), at);
    case "u":
      return without(edit, lineStart(text, at), at);
    case "k":
      return without(edit, at, lineEnd(text, at));
    default:
      return null;
  }
}

export const inserted = ({ text, at }: Edit, more: string): Edit => ({
  text: text.slice(0, at) + more + text.slice(at),
  at: at + more.length,
});

/** A line's end, and the next line as deep as this one, plus `more`. */
export function newLine(edit: Edit, more = ""): Edit {
  const [depth = ""] = /^[ \t]*/.exec(edit.text.slice(lineStart(edit.text, edit.at), edit.at)) ?? [];
  return inserted(edit, `\n${depth}${more}`);
}

/** One line up or down, in the same column; null: there is none. */
export function movedBy(edit: Edit, lines: -1 | 1): Edit | null {
  const { text, at } = edit;
  const start = lineStart(text, at);
  const column = at - start;
  if (lines === -1) return start === 0 ? null : { text, at: Math.min(lineStart(text, start - 1) + column, start - 1) };
  const end = lineEnd(text, at);
  return end === text.length ? null : { text, at: Math.min(end + 1 + column, lineEnd(text, end + 1)) };
}

/** Where nobody can ask the kernel: a line that opens nothing, or several that an empty one closes. */
export function seemsWhole(text: string): boolean {
  const lines = text.split("\n");
  const last = lines.at(-1)!.trim();
  return lines.length > 1 ? last === "" : !/[:\\([{,]$/.test(last);
}

/** Of completions: what they all begin with. */
export function shared(words: readonly string[]): string {
  let [common = ""] = words;
  for (const word of words) while (!word.startsWith(common)) common = common.slice(0, -1);
  return common;
}

const without = ({ text }: Edit, from: number, to: number): Edit => ({ text: text.slice(0, from) + text.slice(to), at: from });
const isLow = (text: string, at: number): boolean =>
  /[\udc00-\udfff]/.test(text[at] ?? "") && /[\ud800-\udbff]/.test(text[at - 1] ?? "");
const before = (text: string, at: number): number => Math.max(0, at - (isLow(text, at - 1) ? 2 : 1));
const behind = (text: string, at: number): number => Math.min(text.length, at + (isLow(text, at + 1) ? 2 : 1));
const lineStart = (text: string, at: number): number => text.lastIndexOf("\n", at - 1) + 1;
function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}
const wordBefore = (text: string, at: number): number =>
  at - /[\p{L}\p{N}_]*[^\p{L}\p{N}_]*$/u.exec(text.slice(0, at))![0].length;
const wordBehind = (text: string, at: number): number => at + /^[^\p{L}\p{N}_]*[\p{L}\p{N}_]*/u.exec(text.slice(at))![0].length;
