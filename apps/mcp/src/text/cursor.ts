/**
 * A place in a session's journal, as a caller carries it: `120`, strictly after event 120; or `120.0.5000`, that, and nothing of
 * stream 0 below offset 5000. Callers give it back as it was given and take nothing out of it.
 */
import { HoldError } from "@holdfast/sdk";

export interface Cursor {
  readonly after: number;
  readonly stream: number | null;
  readonly offset: number;
}

export const cursorAt = (after: number): string => String(after);
export const cursorIn = (after: number, stream: number, offset: number): string => `${after}.${stream}.${offset}`;

export function parseCursor(text: string): Cursor {
  const found = /^(\d{1,15})(?:\.(\d)\.(\d{1,15}))?$/.exec(text);
  if (!found)
    throw new HoldError("bad_request", `${JSON.stringify(text.slice(0, 40))} is no cursor: give one back as a result had it`);
  return {
    after: Number(found[1]),
    stream: found[2] === undefined ? null : Number(found[2]),
    offset: Number(found[3] ?? 0),
  };
}
