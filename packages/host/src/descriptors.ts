/**
 * File descriptors: how many this process may have and has, looked up when a link or a session is to be taken.
 *
 *   F1  The last ones are for what lives: the journal's files, shims to link to again. A new link or session is refused while
 *       there is one left to say so with.
 *   F2  Nothing is counted ahead: the limit may be changed at any time (prlimit), and others in this process open files too.
 */
import { readdirSync, readFileSync } from "node:fs";
import { HoldError } from "@holdfast/protocol";

/**
 * How many must be free for one more. A link is told on one. A session needs three at its start (spec, keeper, shim), and an
 * operator can still come to end one. A pattern runs under a watchdog with an event loop of its own, for which Node aborts the
 * whole process when it can't open it.
 */
const RESERVE = { pattern: 8, link: 24, session: 32 } as const;

export interface Descriptors {
  readonly used: number;
  readonly most: number;
}

/** What /proc tells; where it is silent (macOS), as many as nobody reaches. */
export function ownDescriptors(): Descriptors {
  try {
    const most = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
    return { used: readdirSync("/proc/self/fd").length, most: most === undefined ? Infinity : Number(most) };
  } catch (fault) {
    // None is left even to look with.
    return { used: 0, most: /\bE[MN]FILE\b/.test(String(fault)) ? 0 : Infinity };
  }
}

/** Why no more can be taken now, or null. */
export function lacking(what: keyof typeof RESERVE, { used, most }: Descriptors = ownDescriptors()): HoldError | null {
  if (most - used > RESERVE[what]) return null;
  return new HoldError(
    "too_many",
    `the host can take no new ${what}: ${most === 0 ? "all" : `${used} of ${most}`} of its open files (EMFILE, ulimit -n) are in use, and the last are kept for what lives. End some sessions or attachments, or raise the limit and start the host again, which ends no session: ulimit -n ${Math.max(4096, most * 2)} && hold host down && hold host up`,
    { limit: String(most), used: String(used) },
  );
}
