/**
 * Reading passes (carrier/grpc/pass.ts): who holds which key. Nothing else is known of anybody here.
 *
 *   P1  One algorithm, EdDSA; the key stands in the pass, and whoever it lets in is told by its hash.
 *   P2  A pass is for one relay, as its holder has made sure of it (identity.ts), and lives a minute: what another relay was shown opens nothing here.
 *   P3  It is good once, as far as this relay can remember: what was overheard opens nothing.
 */
import { createHash } from "node:crypto";
import { PASS_SECONDS, PASS_TYPE } from "@holdfast/carrier/grpc";
import { HoldError, limits } from "@holdfast/protocol";
import { compactVerify, importJWK } from "jose";

/** P3: more of them than this are in no minute of a relay that is not flooded. */
const MAX_USED = 200_000;
/** What clocks may differ by. */
const SKEW_SECONDS = 30;
const HEADER = new Set(["alg", "typ", "jwk"]);

export interface Holder {
  /** Raw Ed25519 public key. */
  readonly publicKey: Uint8Array;
  /** SHA-256 of it, hex. */
  readonly keyId: string;
}

export class PassReader {
  readonly #isMe: (audience: string) => boolean;
  readonly #wallMs: () => number;
  /** P3: by when each may be forgotten. */
  readonly #used = new Map<string, number>();

  constructor(isMe: (audience: string) => boolean, wallMs: () => number) {
    this.#isMe = isMe;
    this.#wallMs = wallMs;
  }

  /** Throws `unknown_credential`, with one answer for all that is wrong but the time. */
  async read(pass: string, isMe = this.#isMe): Promise<Holder> {
    if (pass === "" || pass.length > limits.grantBytes) throw refused();
    let publicKey = new Uint8Array(0);
    const { payload } = await compactVerify(
      pass,
      async (header) => {
        const { jwk, typ } = header as { jwk?: Record<string, unknown>; typ?: unknown };
        if (typ !== PASS_TYPE || Object.keys(header).some((name) => !HEADER.has(name))) throw refused();
        if (jwk?.["kty"] !== "OKP" || jwk["crv"] !== "Ed25519" || Object.keys(jwk).length !== 3) throw refused();
        publicKey = Uint8Array.from(Buffer.from(String(jwk["x"]), "base64url"));
        if (publicKey.length !== 32) throw refused();
        // From the bytes that the id is made of: two ways to read one text would be two keys.
        return importJWK({ kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey).toString("base64url") }, "EdDSA");
      },
      { algorithms: ["EdDSA"] },
    ).catch((cause: unknown) => {
      throw refused(cause);
    });
    this.#check(payload, isMe);
    return { publicKey, keyId: createHash("sha256").update(publicKey).digest("hex") };
  }

  /** P2, P3. */
  #check(payload: Uint8Array, isMe: (audience: string) => boolean): void {
    const { aud, iat, exp, jti } = claimsOf(payload);
    const now = this.#wallMs() / 1000;
    if (typeof aud !== "string" || !isMe(aud) || !isTime(iat) || !isTime(exp) || exp - iat > PASS_SECONDS) throw refused();
    if (typeof jti !== "string" || jti.length < 16 || jti.length > 64) throw refused();
    if (iat > now + SKEW_SECONDS || exp <= now - SKEW_SECONDS)
      throw new HoldError(
        "unknown_credential",
        "the pass is not of now: this machine's clock and the relay's differ, or it was kept too long",
      );
    for (const [id, until] of this.#used) {
      if (until > now && this.#used.size < MAX_USED) break;
      this.#used.delete(id);
    }
    if (this.#used.has(jti)) throw refused();
    this.#used.set(jti, now + PASS_SECONDS + 2 * SKEW_SECONDS);
  }
}

function claimsOf(payload: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
    if (claims !== null && typeof claims === "object" && !Array.isArray(claims)) return claims as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw refused();
}

const isTime = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value) && value > 0;

function refused(cause?: unknown): HoldError {
  return new HoldError("unknown_credential", "the relay takes no such pass", {}, { cause });
}
