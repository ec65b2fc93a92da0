/** Finding the host again when a link has ended: how a new one is had, and how long that is tried. */
import type { MonotonicMs } from "@holdfast/core";
import type { Code } from "@holdfast/protocol";
import type { Connection } from "./connection.ts";
import type { ResumeToken } from "./handshake.ts";

/** How a new link is had; the second and later ones are their asker's own. */
export interface Redial {
  /** `resume`: takes the attachment up that it is of; null: logs in. */
  connect(resume: ResumeToken | null): Promise<Connection>;
  now(): MonotonicMs;
  /** The calendar's time, which goes on while the machine sleeps. */
  wallMs(): number;
  /** Rejects when `signal` is aborted, and leaves no timer behind then. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  newId(): string;
}

/** A host that is not there now, or an older link that it has not missed yet. */
export const RETRIED: ReadonlySet<Code> = new Set<Code>(["unreachable", "draining", "timed_out", "continuity_busy"]);
const RETRY_FIRST_MS = 20;
export const RETRY_MOST_MS = 2_000;
/** Who has found no host for this long gives up. */
export const RETRY_TOTAL_MS = 10 * 60_000;

/** At once the first time, then at growing distances. */
export const nextRetryMs = (ms: number): number => (ms === 0 ? RETRY_FIRST_MS : Math.min(RETRY_MOST_MS, ms * 2));

/** 0.5 to 1, each asker's own: who lost one host together does not come back to it in one moment. */
export function spreadOf(id: string): number {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.charCodeAt(0)) % 1_000;
  return 0.5 + sum / 2_000;
}
