/** Ed25519 public keys as SSH has them (RFC 8709): a name and the raw key, each behind its length. */

export const SSH_ED25519 = "ssh-ed25519";
const NAME = Uint8Array.from(SSH_ED25519, (c) => c.charCodeAt(0));
const RAW_BYTES = 32;
const HEAD = Uint8Array.of(0, 0, 0, NAME.length, ...NAME, 0, 0, 0, RAW_BYTES);

/** The raw key, 32 bytes; null for a key of another kind. */
export function rawKeyOf(blob: Uint8Array): Uint8Array | null {
  if (blob.length !== HEAD.length + RAW_BYTES || !HEAD.every((byte, i) => blob[i] === byte)) return null;
  return Uint8Array.from(blob.subarray(HEAD.length));
}
