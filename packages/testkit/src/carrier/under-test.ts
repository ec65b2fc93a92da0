/** What a carrier's test gives the acceptance suite. */
import type { Acceptor, Link } from "@holdfast/carrier";
import type { Wire } from "./wire.ts";

export interface CarrierUnderTest {
  /** From now on links are taken. Called once, first. */
  listen(accept: Acceptor): Promise<void>;
  dial(accept: Acceptor): Promise<Link>;
  /** What its links go over. */
  readonly wire: Wire;
  /** False: the client's end can't hold its hop back, and what it does not take waits in its own process. Default true. */
  readonly holdsBack?: boolean;
  /** Its wire is broken at every so many bytes: more than one where a link takes long to make, or another variant does every one. Default 1. */
  readonly stride?: number;
  /** Ends what is listened on, and every link. */
  close(): Promise<void>;
}
