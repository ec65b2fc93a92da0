/** What a client needs of cryptography; Node and browsers each bring their own. */
export interface Credential {
  /** SHA-256 of the raw public key. */
  readonly keyId: Uint8Array;
  /** Raw, 32 bytes; a relay is shown it. */
  readonly publicKey?: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

export interface HostVerifier {
  /** True if `key` is the host that is meant (pinned) and signed these words. */
  verify(key: Uint8Array, words: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>;
  randomBytes(n: number): Uint8Array;
}
