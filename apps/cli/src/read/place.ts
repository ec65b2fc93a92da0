/**
 * Where a file is, as `hold cp` takes it: `SESSION:PATH`, `HOST/SESSION:PATH` or, through ssh, `USER@BOX:SESSION:PATH` of a session, everything else of
 * this machine.
 */
import { splitHost } from "../app/target.ts";

export interface Place {
  readonly host: string | undefined;
  /** As it was written, `USER@BOX:` included. Undefined: of this machine. */
  readonly session: string | undefined;
  readonly path: string;
}

/** A path of this machine with a colon in it is written with `./` before it. */
export function parsePlace(text: string): Place {
  const far = /^([^@:/\s]+@[^:/\s]+:[^:/\s]+):(.*)$/s.exec(text);
  if (far) return { host: undefined, session: far[1], path: far[2]! };
  const at = text.indexOf(":");
  const named = text.slice(0, Math.max(0, at));
  const path = text.slice(at + 1);
  const split = splitHost(named);
  if (split) return { ...split, path };
  if (named === "" || /[/\s]/.test(named)) return { host: undefined, session: undefined, path: text };
  return { host: undefined, session: named, path };
}
