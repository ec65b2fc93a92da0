/** A credential and a verifier by hand, for a link that no client of ours would make. */
import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import type { Credential, HostVerifier } from "@holdfast/sdk/client";

/** Signs with `key`, and trusts whoever answers. */
export function signedBy(key: KeyObject): { readonly credential: Credential; readonly verifier: HostVerifier } {
  const raw = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  return {
    credential: { keyId: createHash("sha256").update(raw).digest(), sign: (words) => sign(null, words, key) },
    verifier: { verify: () => true, randomBytes: (n) => randomBytes(n) },
  };
}
