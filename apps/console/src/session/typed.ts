/** What somebody has typed in one go, as it may be shown: keys that follow each other are one text. */

export interface Typed {
  readonly actor: string;
  readonly via: string;
  /** `…` stands for what is not shown: it could have been a secret. */
  readonly text: string;
  readonly atUnixMs: number;
}

/** After such a pause, or a line's end, other keys begin anew. */
const PAUSE_MS = 3_000;
const MOST_CHARS = 200;
export const UNTOLD = "…";

const PASTE_MARKS = /\u001b\[20[01]~/g;

/** What bytes of an input are read as: a paste is what was pasted. */
export const typedText = (bytes: Uint8Array): string => decoder.decode(bytes).replace(PASTE_MARKS, "");

const decoder = new TextDecoder();

export function typedAfter(before: Typed | null, now: Typed): Typed {
  const goesOn =
    before?.actor === now.actor &&
    before.via === now.via &&
    now.atUnixMs - before.atUnixMs < PAUSE_MS &&
    !/[\r\n\u0003]$/.test(before.text);
  if (!goesOn) return now;
  const more = now.text === UNTOLD && before.text.endsWith(UNTOLD) ? "" : now.text;
  return { ...now, text: (before.text + more).slice(-MOST_CHARS) };
}
