/**
 * Whom an OpenID Connect issuer knows: ID tokens, verified (OpenID Connect Core §3.1.3.7, RFC 8725).
 *
 *   O1  The issuer is the configured one. Its keys come from where its own metadata says; no address and no key of a token is ever used.
 *   O2  The signature is verified before a claim is read, by a pinned list of asymmetric algorithms: `none` and HMAC are none of them.
 *   O3  Issuer, audience, expiry, age and nonce must fit; every token that does not is refused alike.
 *   O4  What is fetched is bounded in bytes and time, follows no redirect, and is asked for seldom whatever strangers send.
 */
import { createHash } from "node:crypto";
import { isLoopback } from "@holdfast/carrier/websocket";
import { HoldError } from "@holdfast/protocol";
import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";

export interface OidcSettings {
  /** As the issuer writes itself, to the letter. */
  readonly issuer: string;
  readonly clientId: string;
}

/** Of the algorithms that issuers sign with. */
const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"];
/** From the login to here: a person has just done it. */
const MAX_AGE_S = 600;
const SKEW_S = 30;
const MAX_TOKEN_CHARS = 16 * 1024;
/** In time for the handshake's own end, twice over. */
const FETCH_MS = 2_000;
const MAX_DOCUMENT_BYTES = 256 * 1024;
/** Keys are kept for so long, and asked for anew no sooner than this for a key that is not among them. */
const KEEP_MS = 3_600_000;
const ANEW_MS = 30_000;
/** And where there are none, because the issuer did not answer. */
const AGAIN_MS = 2_000;

/** Throws `usage`. */
export function readOidc(issuer: string, clientId: string): OidcSettings {
  let url: URL;
  try {
    url = new URL(issuer);
  } catch {
    throw new HoldError("usage", `${JSON.stringify(issuer)} is no issuer; it is a URL, such as https://login.example`);
  }
  const isPlain = url.protocol === "http:" && isLoopback(url.hostname);
  if (
    (url.protocol !== "https:" && !isPlain) ||
    url.username !== "" ||
    url.password !== "" ||
    url.search !== "" ||
    url.hash !== ""
  )
    throw new HoldError(
      "usage",
      `${issuer}: an issuer is an https URL without a name, query or fragment; http is for this machine alone`,
    );
  if (clientId === "" || clientId.length > 255)
    throw new HoldError("usage", "an issuer knows this host by a client id: give --oidc-client-id ID (oidc.client_id)");
  return { issuer, clientId };
}

/** The nonce of a login whose token is to be good for these words alone. */
export function nonceOf(words: Uint8Array): string {
  return createHash("sha256").update(words).digest("base64url");
}

export class OidcIssuer {
  readonly settings: OidcSettings;
  readonly #log: (text: string) => void;
  readonly #nowMs: () => number;
  #keys: { readonly get: JWTVerifyGetKey; readonly atMs: number } | null = null;
  #fetching: Promise<JWTVerifyGetKey> | null = null;
  /** Of the last attempt, whatever became of it. */
  #askedAtMs = Number.NEGATIVE_INFINITY;

  /** `nowMs`: of a clock that only goes forward. */
  constructor(settings: OidcSettings, options: { readonly log: (text: string) => void; readonly nowMs: () => number }) {
    this.settings = settings;
    this.#log = options.log;
    this.#nowMs = options.nowMs;
  }

  /** Whom the token names. Throws `login_refused`, or `unreachable` when the issuer does not answer. */
  async subjectOf(token: string, nonce: string): Promise<string> {
    // Loaded by who lets people log in.
    const { errors, jwtVerify } = await import("jose");
    const refused = (why: string): HoldError => {
      this.#log(`a login was refused: ${why}`);
      return new HoldError(
        "login_refused",
        "that login does not hold here: it is no token of this host's issuer, of this login and of now; log in again with: hold login",
      );
    };
    if (token.length > MAX_TOKEN_CHARS) throw refused("a token of too many characters");
    const { issuer, clientId } = this.settings;
    const verified = async (keys: JWTVerifyGetKey): ReturnType<typeof jwtVerify> =>
      jwtVerify(token, keys, {
        algorithms: ALGORITHMS,
        issuer,
        audience: clientId,
        requiredClaims: ["exp", "iat", "sub", "nonce"],
        maxTokenAge: MAX_AGE_S,
        clockTolerance: SKEW_S,
      });
    try {
      const kept = await this.#keySet();
      const { payload } = await verified(kept).catch(async (fault: unknown) => {
        if (!(fault instanceof errors.JWKSNoMatchingKey) || !this.#mayAskAnew()) throw fault;
        return verified(await this.#fetchKeys());
      });
      if (payload["nonce"] !== nonce) throw refused("a nonce of another key or host");
      const { aud, azp, sub } = payload as { aud?: unknown; azp?: unknown; sub?: unknown };
      if ((Array.isArray(aud) && aud.length > 1 && azp === undefined) || (azp !== undefined && azp !== clientId))
        throw refused("a token for another client");
      if (typeof sub !== "string" || sub === "") throw refused("a token of nobody");
      return sub;
    } catch (fault) {
      if (fault instanceof errors.JOSEError) throw refused(`${fault.code}: ${fault.message}`);
      throw fault;
    }
  }

  #mayAskAnew(): boolean {
    return this.#nowMs() - this.#askedAtMs >= ANEW_MS;
  }

  async #keySet(): Promise<JWTVerifyGetKey> {
    const kept = this.#keys;
    if (kept && this.#nowMs() - kept.atMs < KEEP_MS) return kept.get;
    if (!this.#fetching && this.#nowMs() - this.#askedAtMs < AGAIN_MS) throw unreachable(this.settings.issuer);
    return this.#fetchKeys();
  }

  /** One at a time, whoever asks. */
  #fetchKeys(): Promise<JWTVerifyGetKey> {
    this.#fetching ??= this.#ask().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  /** O1, O4. */
  async #ask(): Promise<JWTVerifyGetKey> {
    const { issuer } = this.settings;
    this.#askedAtMs = this.#nowMs();
    try {
      const metadata = await document(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
      if (metadata["issuer"] !== issuer) throw new Error(`it calls itself ${JSON.stringify(metadata["issuer"])}`);
      const keysAt = new URL(String(metadata["jwks_uri"]));
      if (keysAt.protocol !== "https:" && keysAt.origin !== new URL(issuer).origin)
        throw new Error("its keys are told in plaintext");
      const set = await document(keysAt.href);
      const { createLocalJWKSet } = await import("jose");
      const get: JWTVerifyGetKey = createLocalJWKSet(set as unknown as JSONWebKeySet);
      this.#keys = { get, atMs: this.#nowMs() };
      return get;
    } catch (cause) {
      const why =
        cause instanceof Error
          ? `${cause.message}${cause.cause instanceof Error ? ` (${cause.cause.message})` : ""}`
          : String(cause);
      this.#log(`the keys of ${issuer} can't be read: ${why}`);
      throw unreachable(issuer, cause);
    }
  }
}

function unreachable(issuer: string, cause?: unknown): HoldError {
  return new HoldError("unreachable", `this host can't ask ${issuer} for its keys now; try again in a moment`, {}, { cause });
}

/** A JSON object of an issuer's. */
async function document(url: string): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(url, {
    redirect: "error",
    signal: AbortSignal.timeout(FETCH_MS),
    headers: { accept: "application/json" },
  });
  if (!answer.ok || !answer.body) throw new Error(`${url} answers ${answer.status}`);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body) {
    bytes += part.length;
    if (bytes > MAX_DOCUMENT_BYTES) throw new Error(`${url} answers with more than ${MAX_DOCUMENT_BYTES} bytes`);
    parts.push(part);
  }
  const read: unknown = JSON.parse(Buffer.concat(parts).toString("utf8"));
  if (typeof read !== "object" || read === null || Array.isArray(read)) throw new Error(`${url} answers with no object`);
  return read as Readonly<Record<string, unknown>>;
}
