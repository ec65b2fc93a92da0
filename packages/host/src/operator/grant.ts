/**
 * Access grants: short tokens that an operator's device key signs for that same operator, for clients that can't sign a handshake (curl).
 *
 *   J1  One algorithm, EdDSA, is what the registered key of the `kid` verifies with; the header chooses nothing. `jose` does the cryptography.
 *   J2  The signature is verified before a claim is read; before that every failure has one answer.
 *   J3  A grant is for one host, lives 15 minutes at most, and is its bearer's no longer than its operator is welcome here.
 *   J4  `session` and `cap` only take away. What can't be read as one session or as a list of rights that are known, an empty list or a
 *       wildcard, refuses the whole; so does a claim that is not known here, which a later version may have meant to narrow with.
 * Elsewhere: making one (sdk/client/grant.ts), rights (rights.ts), the form of a token (docs/http.md).
 */
import { capabilities, type Capability } from "@holdfast/core";
import { HoldError, limits } from "@holdfast/protocol";
import { publicKeyFromRaw } from "./key.ts";
import type { Narrowed, OperatorRegistry, RegisteredOperator } from "./registry.ts";

const TYPE = "holdfast-grant+jwt";
/** What clocks may differ by. */
const SKEW_SECONDS = 30;
const HEADER = new Set(["alg", "typ", "kid"]);
const CLAIMS = new Set(["iss", "aud", "iat", "exp", "jti", "cnf", "session", "cap"]);

export interface Grant {
  /** With {@link RegisteredOperator.narrowed} where the grant narrows. */
  readonly operator: RegisteredOperator;
  readonly jti: string;
  /** Of the key that signed it. */
  readonly keyId: Uint8Array;
  /** From the moment that it was read: told by the wall clock once, and kept by a clock that nobody sets. */
  readonly leftMs: number;
}

export interface GrantReader {
  readonly registry: Pick<OperatorRegistry, "byKeyId">;
  readonly hostId: string;
  wallMs(): number;
}

/** Throws `unknown_credential`, `grant_expired` or `revoked`. */
export async function readGrant(token: string, { registry, hostId, wallMs }: GrantReader): Promise<Grant> {
  if (token.length > limits.grantBytes) throw unknown();
  const { compactVerify } = await import("jose");
  let found: ReturnType<OperatorRegistry["byKeyId"]> = null;
  let kid = "";
  const { payload } = await compactVerify(
    token,
    (header) => {
      kid = typeof header.kid === "string" && /^[0-9a-f]{64}$/.test(header.kid) ? header.kid : "";
      found = kid === "" ? null : registry.byKeyId(Buffer.from(kid, "hex"));
      if (!found || header.typ !== TYPE || Object.keys(header).some((name) => !HEADER.has(name))) throw unknown();
      return publicKeyFromRaw(found.key);
    },
    { algorithms: ["EdDSA"] },
  ).catch((cause: unknown) => {
    throw unknown(cause);
  });
  // TypeScript does not see that the key's resolver has run.
  const { operator } = found as unknown as NonNullable<ReturnType<OperatorRegistry["byKeyId"]>>;
  if (operator.revoked) throw new HoldError("revoked", `operator ${operator.name} was revoked`, { operator: operator.id });
  const claims = readClaims(payload);
  const { jti, leftMs } = checkClaims(claims, { operator, hostId, kid, wallMs: wallMs() });
  const narrowed = narrowingOf(claims);
  return { operator: narrowed ? { ...operator, narrowed } : operator, jti, keyId: Buffer.from(kid, "hex"), leftMs };
}

type Claims = Readonly<Record<string, unknown>>;

function readClaims(payload: Uint8Array): Claims {
  let claims: unknown;
  try {
    claims = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    // Told below.
  }
  if (claims === null || typeof claims !== "object" || Array.isArray(claims)) throw bad("it holds no claims");
  const strange = Object.keys(claims).find((name) => !CLAIMS.has(name));
  if (strange !== undefined) throw bad(`this host does not know the claim ${JSON.stringify(strange.slice(0, 32))}`);
  return claims as Claims;
}

/** J3. */
function checkClaims(
  { iss, aud, iat, exp, jti, cnf }: Claims,
  { operator, hostId, kid, wallMs }: { operator: RegisteredOperator; hostId: string; kid: string; wallMs: number },
): { readonly jti: string; readonly leftMs: number } {
  const now = wallMs / 1000;
  if (iss !== operator.id) throw bad("its key is not the one of who issued it");
  if (aud !== hostId) throw bad("it is for another host");
  if (typeof jti !== "string" || jti === "" || jti.length > 64) throw bad("it has no jti");
  if (!isThumbprint(cnf, kid)) throw bad("it is not bound to the key that signed it");
  if (!isTime(iat) || !isTime(exp) || exp <= iat) throw bad("it has no time");
  if (exp - iat > limits.grantMs / 1000) throw bad(`it is for more than ${limits.grantMs / 60_000} minutes`);
  if (iat > now + SKEW_SECONDS) throw bad("it is from the future");
  if (exp <= now - SKEW_SECONDS) throw new HoldError("grant_expired", "the grant's time is over; sign another");
  return { jti, leftMs: Math.min(limits.grantMs, (exp - now + SKEW_SECONDS) * 1000) };
}

const isTime = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value) && value > 0;

/** RFC 7800 §3.4: the key by its id, which is its thumbprint. */
function isThumbprint(cnf: unknown, kid: string): boolean {
  return cnf !== null && typeof cnf === "object" && Object.keys(cnf).join() === "kid" && (cnf as { kid: unknown }).kid === kid;
}

/** J4. */
function narrowingOf({ session, cap }: Claims): Narrowed | null {
  if (session !== undefined && (typeof session !== "string" || !/^[0-9a-z]{1,32}$/.test(session)))
    throw bad("its session is not the id of one");
  if (cap !== undefined && (!Array.isArray(cap) || cap.length === 0 || !cap.every(isCapability)))
    throw bad("its cap is no list of rights that this host knows");
  if (session === undefined && cap === undefined) return null;
  return { session: session ?? null, capabilities: (cap as Capability[] | undefined) ?? null };
}

const isCapability = (text: unknown): text is Capability => capabilities.some((known) => known === text);

/** J2. */
function unknown(cause?: unknown): HoldError {
  return new HoldError("unknown_credential", "this host knows no operator by that grant", {}, { cause });
}

/** Whoever signed it is known: they are told. */
function bad(why: string): HoldError {
  return new HoldError("unknown_credential", `the grant is refused: ${why}`);
}
