/**
 * Making an access grant: what a client that can't sign a handshake shows the host's HTTP API (docs/http.md). A compact JWS is three pieces in
 * base64url of which the last signs the two before it: the key need not be one that can be handed to a library. Reading one is the host's.
 */
import { HoldError, limits } from "@holdfast/protocol";
import type { GrantSpec } from "../api/index.ts";
import type { Credential } from "./credential.ts";

const TTL_MS = 10 * 60_000;

export interface GrantFrom {
  readonly credential: Credential;
  /** Whose key it is, by id. */
  readonly operator: string;
  readonly hostId: string;
  readonly nowUnixMs: number;
  /** Unlike any other. */
  readonly id: string;
}

/** `spec.session` is an id here. */
export async function signGrant(from: GrantFrom, spec: GrantSpec): Promise<string> {
  const { ttlMs = TTL_MS, session, capabilities } = spec;
  if (!(ttlMs >= 1_000 && ttlMs <= limits.grantMs))
    throw new HoldError("usage", `a grant is for 1 second at least and ${limits.grantMs / 60_000} minutes at most`);
  if (capabilities?.length === 0) throw new HoldError("usage", "a grant without any right is of no use");
  const { credential, operator, hostId, nowUnixMs, id } = from;
  const kid = Array.from(credential.keyId, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const iat = Math.floor(nowUnixMs / 1000);
  const header = { alg: "EdDSA", typ: "holdfast-grant+jwt", kid };
  const claims = {
    iss: operator,
    aud: hostId,
    iat,
    exp: iat + Math.floor(ttlMs / 1000),
    jti: id,
    cnf: { kid },
    ...(session === undefined ? {} : { session }),
    ...(capabilities === undefined ? {} : { cap: capabilities }),
  };
  const signed = `${base64url(utf8(JSON.stringify(header)))}.${base64url(utf8(JSON.stringify(claims)))}`;
  return `${signed}.${base64url(await credential.sign(utf8(signed)))}`;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** The id of the key that a grant says it is signed by. What is no grant is for the host to refuse: it is of some key that nobody has. */
export function signerOf(grant: string): Uint8Array {
  const id = new Uint8Array(32);
  try {
    const header = JSON.parse(atob(grant.split(".", 1)[0]!.replaceAll("-", "+").replaceAll("_", "/"))) as { kid?: unknown };
    const hex = /^[0-9a-f]{64}$/.exec(String(header.kid))?.[0] ?? "";
    id.set(Array.from(hex.matchAll(/../g), ([byte]) => Number.parseInt(byte, 16)));
  } catch {
    // As above.
  }
  return id;
}
