/**
 * Passes: what a key signs for one relay, to say that it is there (docs/relay.md, Passes). A compact JWS that carries its own public key, as
 * RFC 9449's proofs do: a relay knows nobody, and what a key may do there its host says.
 */
import type { RelayAddress } from "./address.ts";

export interface PassFrom {
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly sign: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** The relay that is meant ({@link audienceOf}): a pass for one is of no use at another. */
  readonly audience: string;
  readonly nowUnixMs: number;
  /** Unlike any other. */
  readonly id: string;
}

export const PASS_TYPE = "holdfast-pass+jwt";
/** Longer than a slow line takes, and than clocks differ. */
export const PASS_SECONDS = 60;

/** A relay as who dials it has made sure of it: by its name, or by its key where that is what was given. */
export function audienceOf({ authority, pin }: RelayAddress): string {
  return pin === "" ? authority : `${authority}#${pin}`;
}

export async function signPass({ publicKey, sign, audience, nowUnixMs, id }: PassFrom): Promise<string> {
  const iat = Math.floor(nowUnixMs / 1000);
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const header = { alg: "EdDSA", typ: PASS_TYPE, jwk: { kty: "OKP", crv: "Ed25519", x: base64url(publicKey) } };
  const claims = { aud: audience, iat, exp: iat + PASS_SECONDS, jti: id };
  const signed = `${base64url(bytes(JSON.stringify(header)))}.${base64url(bytes(JSON.stringify(claims)))}`;
  return `${signed}.${base64url(await sign(bytes(signed)))}`;
}

/** A page has no Buffer. */
function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
