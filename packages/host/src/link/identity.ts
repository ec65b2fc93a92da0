/** Who a host is: its key, whatever it is called and wherever it answers. */
import type { KeyObject } from "node:crypto";

export interface HostIdentity {
  readonly key: KeyObject;
  /** Raw public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Hash of it: the host's id. */
  readonly id: string;
}
