/**
 * How long a session that was opened with a time to live has left. The wall clock says when it was opened, since that outlives
 * hosts; what passes from then on is counted by a clock that never jumps, so that setting the time ends no session.
 */
import type { SessionFacts } from "@holdfast/core";

type Facts = Pick<SessionFacts, "createdAt" | "lastActivityAt" | "ttlMs" | "idleTtlMs">;
interface Now {
  readonly wallMs: number;
  readonly monoMs: number;
}

export interface Lifetime {
  /** On the monotonic clock. */
  readonly bornAt: number;
  readonly activeAt: number;
  /** The activity that `activeAt` stands for, and when it was looked for last. */
  readonly activity: number;
  readonly lookedAt: number;
}

/** Null: it has no time to live. */
export function begin(facts: Facts, now: Now): Lifetime | null {
  if (facts.ttlMs === 0 && facts.idleTtlMs === 0) return null;
  const since = (at: number): number => now.monoMs - Math.max(0, now.wallMs - at);
  return {
    bornAt: since(facts.createdAt),
    activeAt: since(facts.lastActivityAt),
    activity: facts.lastActivityAt,
    lookedAt: now.monoMs,
  };
}

/** What is new since the last look: activity came after it, whatever the wall clock says of when. */
export function look(life: Lifetime, facts: Facts, now: Now): Lifetime {
  if (facts.lastActivityAt === life.activity) return { ...life, lookedAt: now.monoMs };
  const ago = Math.min(now.monoMs - life.lookedAt, Math.max(0, now.wallMs - facts.lastActivityAt));
  return { ...life, activeAt: now.monoMs - ago, activity: facts.lastActivityAt, lookedAt: now.monoMs };
}

export function left(life: Lifetime, facts: Facts, monoMs: number): { readonly ms: number; readonly by: "ttl" | "idle-ttl" } {
  const ttl = facts.ttlMs > 0 ? life.bornAt + facts.ttlMs - monoMs : Infinity;
  const idle = facts.idleTtlMs > 0 ? life.activeAt + facts.idleTtlMs - monoMs : Infinity;
  return ttl <= idle ? { ms: ttl, by: "ttl" } : { ms: idle, by: "idle-ttl" };
}
