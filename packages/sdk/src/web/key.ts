/** Keys where there is WebCrypto: a page's own, which never leaves the browser that made it, and the host's, which the page was given. */
import { HoldError } from "@holdfast/protocol";
import type { Credential, HostVerifier } from "../client/credential.ts";

const ED25519 = { name: "Ed25519" } as const;

type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** As WebCrypto gives it; IndexedDB keeps it as it is, its private half still unreadable. */
export interface KeyPair {
  readonly publicKey: Key;
  readonly privateKey: Key;
}

/** Makes a key that signs and can't be read out. Keep it in IndexedDB; {@link publicKeyOf} is what an admin adds. */
export async function generateKeyPair(): Promise<KeyPair> {
  return (await subtle().generateKey(ED25519, false, ["sign", "verify"])) as KeyPair;
}

/** 32 bytes, for `hold operator add NAME --public-key`. */
export async function publicKeyOf({ publicKey }: KeyPair): Promise<Uint8Array> {
  return new Uint8Array(await subtle().exportKey("raw", publicKey));
}

export async function credentialFrom(pair: KeyPair): Promise<Credential> {
  const publicKey = await publicKeyOf(pair);
  const keyId = await sha256(publicKey);
  return {
    keyId,
    publicKey,
    sign: async (bytes) => new Uint8Array(await subtle().sign(ED25519, pair.privateKey, own(bytes))),
  };
}

/** Trusts the host of this key: its raw public key, or that one's SHA-256; 32 bytes either way. */
export function pinnedVerifier(hostKey: Uint8Array): HostVerifier {
  if (hostKey.length !== 32)
    throw new HoldError("usage", `a host's key, or the SHA-256 of it, has 32 bytes, not ${hostKey.length}`);
  return {
    async verify(key, words, signature) {
      if (!isEqual(key, hostKey) && !isEqual(await sha256(key), hostKey)) return false;
      const known = await subtle().importKey("raw", own(key), ED25519, false, ["verify"]);
      return subtle().verify(ED25519, known, own(signature), own(words));
    },
    randomBytes: (n) => crypto.getRandomValues(new Uint8Array(n)),
  };
}

/** The id of a host, as `hold host status` shows it. */
export async function hostIdOf(key: Uint8Array): Promise<string> {
  return Array.from((await sha256(key)).slice(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await subtle().digest("SHA-256", own(bytes)));
}

/** A page that came in plaintext from another machine has no WebCrypto, and nothing else that it could be trusted with. */
function subtle(): typeof crypto.subtle {
  const found = (globalThis.crypto as typeof crypto | undefined)?.subtle;
  if (!found)
    throw new HoldError("unsupported", "this page has no WebCrypto: serve it over https, or from this machine's loopback");
  return found;
}

/** WebCrypto takes no view of memory that others may share. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
