/**
 * Passes: what a key signs for one relay, to say that it is there (docs/relay.md, Passes). A compact JWS that carries its own public key, as
 * RFC 9449's proofs do: a relay knows nobody, and what a key may do there its host says.
 */
export interface PassFrom {
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly sign: (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;
  /** Of the relay, as it was dialled: a pass for one is of no use at another. */
  readonly authority: string;
  readonly nowUnixMs: number;
  /** Unlike any other. */
  readonly id: string;
}

export const PASS_TYPE = "holdfast-pass+jwt";
/** Longer than a slow line takes, and than clocks differ. */
export const PASS_SECONDS = 60;

export async function signPass({ publicKey, sign, authority, nowUnixMs, id }: PassFrom): Promise<string> {
  const iat = Math.floor(nowUnixMs / 1000);
  const header = { alg: "EdDSA", typ: PASS_TYPE, jwk: { kty: "OKP", crv: "Ed25519", x: base64url(publicKey) } };
  const claims = { aud: authority, iat, exp: iat + PASS_SECONDS, jti: id };
  const signed = `${base64url(Buffer.from(JSON.stringify(header)))}.${base64url(Buffer.from(JSON.stringify(claims)))}`;
  return `${signed}.${base64url(await sign(Buffer.from(signed)))}`;
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
