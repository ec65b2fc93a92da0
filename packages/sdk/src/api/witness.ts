/** Heads of a host's audit chain, kept by its clients: what is cut off or written anew on the host is found by who has seen more of it. */
import type { HeadConflict, HoldError, SignedHead, Standing } from "@holdfast/protocol";

/** The newest head of each host that was seen, by the host's id. `localStorage` will do, as strings of {@link formatHead}. */
export interface WitnessStore {
  get(hostId: string): SignedHead | null | Promise<SignedHead | null>;
  put(hostId: string, head: SignedHead): void | Promise<void>;
}

export interface HostWitnessing {
  /**
   * Resolves when the host has shown that its record goes on from what was seen of it: null; or with the alarm, `witness_contradicted`. A link
   * that ends meanwhile is null: the next one asks again.
   */
  checked(): Promise<HoldError | null>;
  /** Of each alarm; of one that stands in a moment. The returned function takes it back. */
  onAlarm(told: (alarm: HoldError) => void): () => void;
  /** The head of all that the host has recorded by now, its signature checked. */
  head(): Promise<SignedHead>;
  /** What a head that somebody else has kept says of the host's record now. Throws `bad_request` for one that the host has not signed. */
  compare(head: SignedHead): Promise<Standing>;
  /**
   * A restore from a copy was meant: what was seen before is forgotten, and the host's newest head is what is known of it. Resolves with
   * whether the host's own alarms are over too, which an admin's word ends.
   */
  accept(): Promise<{ readonly atHost: boolean }>;
}

/** What a relay has kept of a host's chain, signed by that host. */
export interface KeptByRelay {
  readonly hostId: string;
  readonly heads: readonly SignedHead[];
  readonly conflicts: readonly HeadConflict[];
}
