/** A paste of several lines, or with control characters, is shown before it is typed: a shell runs each line that it is given. */
import { shownExactly } from "@holdfast/sdk";

const NEEDS_A_LOOK = /[\n\r\u0000-\u0008\u000b-\u001f\u007f]/;
const SHOWN_CHARS = 4_000;

export const needsALook = (pasted: string): boolean => NEEDS_A_LOOK.test(pasted.replace(/\n$/, ""));

export interface ShownPaste {
  /** `Paste 3 lines?` */
  readonly title: string;
  readonly bytes: number;
  /** Each byte that is no letter as what it is; long ones cut, and said to be. */
  readonly text: string;
}

export function shownPaste(text: string): ShownPaste {
  const encoder = new TextEncoder();
  const shown = text
    .slice(0, SHOWN_CHARS)
    .split(/\r\n|\r|\n/)
    .map((line) => shownExactly(encoder.encode(line)))
    .join("\n");
  const more = text.length > SHOWN_CHARS ? `\n… and ${text.length - SHOWN_CHARS} more characters` : "";
  const lines = text.replace(/(?:\r\n|\r|\n)$/, "").split(/\r\n|\r|\n/).length;
  return {
    title: lines === 1 ? "Paste this line?" : `Paste ${lines} lines?`,
    bytes: encoder.encode(text).length,
    text: shown + more,
  };
}
