/** Ways: how a client reaches its host, over one carrier or whichever of several is there. */
import { HoldError } from "@holdfast/protocol";
import type { Connection } from "./connection.ts";
import type { ResumeToken } from "./handshake.ts";

/** Dials and shakes hands. `resume`: takes the attachment up that it is of; null: logs in. */
export type Way = (resume: ResumeToken | null) => Promise<Connection>;

/** Whether what came of dialling is no word of the host's: another way may lead there. */
export function isAway(fault: unknown): boolean {
  return fault instanceof HoldError && ["unreachable", "draining", "timed_out"].includes(fault.code);
}

/** The way that led there last is tried first, then the others in turn. Rejects with what the first said when none leads there. */
export function anyWay(first: Way, others: readonly Way[]): Way {
  const ways = [first, ...others];
  let at = 0;
  return async (resume) => {
    const faults: unknown[] = [];
    for (let tried = 0; tried < ways.length; tried++) {
      try {
        return await ways[at]!(resume);
      } catch (fault) {
        if (!isAway(fault)) throw fault;
        faults.push(fault);
        at = (at + 1) % ways.length;
      }
    }
    throw faults[0];
  };
}
