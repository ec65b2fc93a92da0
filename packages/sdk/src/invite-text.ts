/**
 * An invitation as a text that can be sent to a person: where the host is, by which key it is known, and the token. It is a secret
 * until it has been taken up.
 */
import { HoldError } from "@holdfast/protocol";
import { base64, bytesFrom } from "./base64.ts";

const PREFIX = "hold1.";
/** Long enough for a few addresses; nothing longer is looked into. */
const MAX_CHARS = 4_096;

export interface InviteText {
  /** Where the host can be reached, the best first: `wss://box.example:7717`, `ssh://ana@box`. */
  readonly at: readonly string[];
  /** Raw public key of the host, 32 bytes. */
  readonly hostKey: Uint8Array;
  /** 32 bytes. */
  readonly token: Uint8Array;
  /** Of a guest: the session's name. */
  readonly session?: string;
  /** What the key may be called by who takes it up, if the invitation is for an operator who has a name. */
  readonly operator?: string;
  /** For a page whose link a relay can read: it is taken up through one, and no other is (`plain` of an invitation). */
  readonly plain?: boolean;
}

export function formatInvite(invite: InviteText): string {
  const { at, session, operator, plain } = invite;
  const keys = { h: base64url(invite.hostKey), t: base64url(invite.token) };
  const fields = { a: at, ...keys, s: session, o: operator, ...(plain ? { p: 1 } : {}) };
  return PREFIX + base64url(new TextEncoder().encode(JSON.stringify(fields)));
}

/** Throws `bad_request` for anything else than a whole text of {@link formatInvite}. */
export function parseInvite(text: string): InviteText {
  const wrong = new HoldError("bad_request", "that is no invitation: it begins with hold1. and must be copied whole");
  const trimmed = text.replaceAll(/\s/g, "");
  if (!trimmed.startsWith(PREFIX) || trimmed.length > MAX_CHARS) throw wrong;
  try {
    const fields: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(bytesFromUrl(trimmed.slice(PREFIX.length))),
    );
    const { a, h, t, s, o, p } = fields as Record<string, unknown>;
    const [hostKey, token] = [bytesFromUrl(String(h)), bytesFromUrl(String(t))];
    if (!Array.isArray(a) || a.some((x) => typeof x !== "string") || hostKey.length !== 32 || token.length !== 32) throw wrong;
    return {
      at: a as string[],
      hostKey,
      token,
      ...(typeof s === "string" ? { session: s } : {}),
      ...(typeof o === "string" ? { operator: o } : {}),
      ...(p === 1 ? { plain: true } : {}),
    };
  } catch {
    throw wrong;
  }
}

function base64url(bytes: Uint8Array): string {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function bytesFromUrl(text: string): Uint8Array {
  return bytesFrom(text.replaceAll("-", "+").replaceAll("_", "/"));
}
