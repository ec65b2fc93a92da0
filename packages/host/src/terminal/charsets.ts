/** Names of xterm's character sets: the designator letter whose set is this very object. */
import type { Charset } from "./xterm-internals.ts";

/** Filled by {@link learnCharsets}: xterm does not export its sets, but shares them between terminals. */
const letters = new Map<Charset, string>();
/** Every final byte that xterm designates a set with; several may name one set, the first wins. */
export const DESIGNATORS = "0AB4C5RQKYE6ZH7=".split("");

export function learnCharset(letter: string, charset: Charset | undefined): void {
  if (charset !== undefined && !letters.has(charset)) letters.set(charset, letter);
}
export function hasCharsets(): boolean {
  return letters.size > 0;
}

/** `B` (ASCII) for none. */
export function charsetLetter(charset: Charset | undefined): string {
  return charset === undefined ? "B" : (letters.get(charset) ?? "B");
}
