/**
 * A command line as plain words, if it is nothing else: what bash, zsh and fish all read as one program with these arguments.
 *
 *   W1  Whatever a shell could read otherwise (operators, expansions, globs, history, assignments, escapes, controls, anything that
 *       is not ASCII) makes the line null. Too strict is an extra question; too loose would be a hole.
 * What it can't know: an alias or a function of the same name as the program.
 */

/** Unquoted: no shell gives any of these a meaning inside a word. */
const BARE = "A-Za-z0-9_@%+=:,./-";
/** In single quotes all but the quote, and the backslash that fish obeys there. */
const SINGLE = "'[\\x20-\\x26\\x28-\\x5b\\x5d-\\x7e]*'";
/** In double quotes none of " $ \ ` and !. */
const DOUBLE = '"[\\x20\\x23\\x25-\\x5b\\x5d-\\x5f\\x61-\\x7e]*"';
/** At most one quoted part: two that touch are read differently by zsh's RC_QUOTES. */
const WORD = new RegExp(`^[${BARE}]*(?:${SINGLE}|${DOUBLE})?[${BARE}]*$`);
/** A quoted part that holds blanks keeps them. */
const PARTS = new RegExp(`(?:[^ '"]|${SINGLE}|${DOUBLE})+`, "g");

export function plainWords(line: string): readonly string[] | null {
  const parts = line.match(PARTS) ?? [];
  // What the parts leave out may be blanks, and nothing else.
  if (parts.length === 0 || line.replaceAll(" ", "").length !== parts.join("").replaceAll(" ", "").length) return null;
  if (!parts.every((part) => WORD.test(part))) return null;
  const words = parts.map((part) => part.replace(/^([^'"]*)(['"])(.*)\2([^'"]*)$/, "$1$3$4"));
  // `=ls` is a path to zsh, behind an empty quote too; `%1` a job; `A=b` in front an assignment.
  if (words.some((word) => word.startsWith("=") || word.startsWith("%")) || words[0]!.includes("=")) return null;
  return words;
}
