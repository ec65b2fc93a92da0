/**
 * Continuity: how long an attachment whose link broke keeps its place, and which token takes it up again.
 *
 *   Y1  A token is good once. Taking the place up makes the next one; until the client has said that it has that, the one before
 *       is still good, because the answer that carried the next may be lost.
 *   Y2  While somebody is taking the place up, nobody else does: of any number with one token one gets in.
 *   Y3  A token that was used up and is shown again, by who can prove the key, means that it was copied: the family ends, and it is told.
 *   Y4  Time begins when the link is lost, and after it nobody takes the place up; the session knows nothing of that.
 *   Y5  What was not proven changes nothing: whoever has only seen a handle locks nobody out. (Proof is the edge's: keys, hashes.)
 * Pure: time is an argument, and a secret is here as its hash. Rights are looked up at the edge each time (reliability: not to log in
 * again is not to be authorised again).
 */
import { MonotonicMs } from "../id.ts";

/** How long a place is kept, unless the session says otherwise. */
export const GRACE_MS = 10 * 60_000;
export const MAX_GRACE_MS = 24 * 3_600_000;
/** How long one taking-up may last before another is let in: as long as a handshake may. */
export const TAKING_MS = 5_000;
/** Hashes of used tokens by which a copy is known. */
const SPENT = 8;

export interface Token {
  /** From 1; each taking-up raises it. */
  readonly n: number;
  readonly hash: string;
}

/** `by`: the link. */
export type Place =
  | { readonly name: "attached"; readonly by: string }
  | { readonly name: "interrupted"; readonly endsAt: MonotonicMs }
  /** Y2. `back`: what it is again when nothing comes of it; null: the older link still stood. */
  | { readonly name: "taking"; readonly by: string; readonly until: MonotonicMs; readonly back: MonotonicMs | null }
  | { readonly name: "over"; readonly why: "grace" | "copied" };

/** All tokens of one attachment, of which one is good, or two (Y1). */
export interface Family {
  readonly graceMs: number;
  readonly token: Token;
  /** Y1: still good, until `token` is known to have arrived. */
  readonly before: Token | null;
  readonly spent: readonly string[];
  readonly place: Place;
}

export type ContinuityRefusal = "continuity_unknown" | "continuity_over" | "continuity_busy" | "continuity_copied";

export type Taking =
  | { readonly ok: true; readonly family: Family }
  | { readonly ok: false; readonly refusal: ContinuityRefusal; readonly family: Family };

/** A family with its first token, of an attachment that stands on the link `by`. */
export function begin(token: Token, graceMs: number, by: string): Family {
  const bounded = Math.min(MAX_GRACE_MS, Math.max(0, graceMs));
  return { graceMs: bounded, token, before: null, spent: [], place: { name: "attached", by } };
}

/** The link `by` is lost. Of a taking-up that came to nothing the time goes on that it had; that of an older link is over already. */
export function lost(family: Family, by: string, now: MonotonicMs): Family {
  const { place, graceMs } = family;
  const endsAt = MonotonicMs(now + graceMs);
  if (place.name === "attached" && place.by === by) return { ...family, place: { name: "interrupted", endsAt } };
  if (place.name === "taking" && place.by === by)
    return { ...family, place: { name: "interrupted", endsAt: place.back ?? endsAt } };
  return family;
}

/** Somebody who has proven the key (Y5) shows a token. `by` names their link. */
export function take(family: Family, shown: Token, by: string, now: MonotonicMs): Taking {
  const refuse = (refusal: ContinuityRefusal, after: Family = family): Taking => ({ ok: false, refusal, family: after });
  const { place } = family;
  const isLatest = equal(shown, family.token);
  if (!isLatest && !(family.before && equal(shown, family.before))) {
    if (!family.spent.includes(shown.hash)) return refuse("continuity_unknown");
    return refuse("continuity_copied", { ...family, place: { name: "over", why: "copied" } });
  }
  if (place.name === "over") return refuse(place.why === "copied" ? "continuity_copied" : "continuity_over");
  if (place.name === "interrupted" && now >= place.endsAt) return refuse("continuity_over", expire(family, now));
  if (place.name === "taking" && now < place.until) return refuse("continuity_busy");
  const back = place.name === "attached" ? null : place.name === "taking" ? place.back : place.endsAt;
  // Who shows the latest has it, whatever became of the word that said so (Y1).
  const known = isLatest ? acked(family, shown.n) : family;
  return { ok: true, family: { ...known, place: { name: "taking", by, until: MonotonicMs(now + TAKING_MS), back } } };
}

/** The one who took it up is attached, and is given the next token. */
export function taken(family: Family, by: string, next: Token): Family {
  const { place } = family;
  if (place.name !== "taking" || place.by !== by) return family;
  // A client that lost the answer showed `before`: that one stays good, and the token that never arrived is given up.
  return { ...family, token: next, before: family.before ?? family.token, place: { name: "attached", by } };
}

/** The client has token `n`: those before it are used up. */
export function acked(family: Family, n: number): Family {
  if (family.before === null || n !== family.token.n) return family;
  return { ...family, before: null, spent: [family.before.hash, ...family.spent].slice(0, SPENT) };
}

/** What time alone has done (Y4). */
export function expire(family: Family, now: MonotonicMs): Family {
  const { place } = family;
  return place.name === "interrupted" && now >= place.endsAt ? { ...family, place: { name: "over", why: "grace" } } : family;
}

/** When time alone will matter; null: it won't. */
export function nextWake(family: Family): MonotonicMs | null {
  return family.place.name === "interrupted" ? family.place.endsAt : null;
}

function equal(a: Token, b: Token): boolean {
  return a.n === b.n && a.hash === b.hash;
}
