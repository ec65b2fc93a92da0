/**
 * What is typed into a shell's line editor for one `hold run`.
 *
 *   W1  The text reaches the editor as one unit: its newlines are part of the line, and nothing in it is a key.
 *   W2  One Enter follows, as if the operator had pressed it, so history and the user's own bindings see a command like any other.
 */
import type { Shell } from "./prepare.ts";

export interface WrapOptions {
  /** What the shell's last `ready` mark said. Default true. */
  readonly bracketedPaste?: boolean;
}

const pasteStart = "\x1b[200~";
const pasteEnd = "\x1b[201~";
/** fish alone: reports whether the line is complete (the mark V); scripts/fish/holdfast.fish binds it. */
const validateKey = "\x1b\x1f";

/**
 * The bytes to type, or null where no typing can mean this text: NUL, and the sequence that ends a paste.
 * Without bracketed paste each control character is quoted by Ctrl-V, which bash's and zsh's editors share.
 */
export function wrapCommand(shell: Shell, text: string, options: WrapOptions = {}): Uint8Array | null {
  if (text.includes("\0") || text.includes(pasteEnd)) return null;
  const line = text.replace(/\r\n?/g, "\n").replace(/\n+$/, "");
  const encoder = new TextEncoder();
  // fish drops blanks at the head of a paste; typed, they keep the line out of the history as they would for a person.
  const blanks = shell === "fish" ? (/^ */.exec(line)?.[0] ?? "") : "";
  if (options.bracketedPaste === false || shell === "other") {
    return encoder.encode(`${quoteControls(line)}\r`);
  }
  return encoder.encode(`${blanks}${pasteStart}${line.slice(blanks.length)}${pasteEnd}${shell === "fish" ? validateKey : ""}\r`);
}

function quoteControls(line: string): string {
  return line.replace(/[\x01-\x1f\x7f]/g, "\x16$&");
}

/** One word is shell text, as it stands; several are quoted one by one. */
export function commandText(shell: Shell, words: readonly string[]): string {
  return words.length === 1 ? (words[0] as string) : quoteWords(shell, words);
}

export function quoteWords(shell: Shell, words: readonly string[]): string {
  return words.map((word) => quoteWord(shell, word)).join(" ");
}

/** A word that means itself in any position. History expansion (`!`) has no power inside single quotes. */
function quoteWord(shell: Shell, word: string): string {
  if (/^[A-Za-z0-9_./:@%+,-]+$/.test(word)) return word;
  if (shell === "fish") return `'${word.replace(/[\\']/g, "\\$&")}'`;
  return `'${word.replaceAll("'", "'\\''")}'`;
}
