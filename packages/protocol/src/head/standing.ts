/**
 * What a witnessed head says of a chain that is shown now. A head is one point of the host's chain (lsn and chain value), signed by the host and
 * kept by somebody else; the chain goes on from it, or something was taken away or written anew.
 *
 *   W1  Whoever is shown no value at the head's lsn is shown less than was there: only a signed pruning past it explains that.
 *   W2  Of two heads of one lsn there is one chain value.
 *   W3  A chain that ends before the head has lost its newest records, whatever else is said.
 * Signatures are checked where cryptography is, before anything is judged here. It stands in this package because a relay judges too, and may
 * know nothing of core.
 */

/** One point of a chain. `chain`: 64 hex digits. */
export interface Point {
  readonly lsn: number;
  readonly chain: string;
}

/** What is shown of the chain now. */
export interface Shown {
  /** Its newest record. */
  readonly lastLsn: number;
  /** Its value at the head's lsn; null: it is not shown. */
  readonly chain: string | null;
  /** Up to where retention has dropped records, and the value there; null: it has dropped none. */
  readonly pruned: Point | null;
}

export type Standing =
  /** The head is its newest record. */
  | "same"
  /** It goes on from the head. */
  | "later"
  /** Retention has dropped the record of the head. */
  | "pruned"
  /** W3. */
  | "truncated"
  /** W2: records up to the head are others than they were. */
  | "forked"
  /** W1. */
  | "unshown";

export function standing(head: Point, shown: Shown): Standing {
  if (head.lsn > shown.lastLsn) return "truncated";
  if (shown.pruned !== null && shown.pruned.lsn >= head.lsn) {
    if (shown.pruned.lsn > shown.lastLsn) return "unshown";
    return shown.pruned.lsn === head.lsn && shown.pruned.chain !== head.chain ? "forked" : "pruned";
  }
  if (shown.chain === null) return "unshown";
  if (shown.chain !== head.chain) return "forked";
  return head.lsn === shown.lastLsn ? "same" : "later";
}

export type Alarm = Extract<Standing, "truncated" | "forked" | "unshown">;

export function isAlarm(found: Standing): found is Alarm {
  return found === "truncated" || found === "forked" || found === "unshown";
}
