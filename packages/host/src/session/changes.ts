/**
 * What changes in the list of sessions, for those who watch it; and what runs in each of them, which nothing tells the host: it is looked at.
 *
 *   G1  While nobody watches, a record costs one comparison and nothing is looked at.
 *   G2  A session is looked at once it has been quiet for a moment after a record, or at the latest after {@link LATEST_MS} of never being so;
 *       then ever more rarely. At most {@link AT_ONCE} at a time, so that a thousand sessions are no burst.
 *   G3  A need of input is believed when two looks in a row find it: what a program does between two reads is none.
 * Elsewhere: who is told what, and how often (call/session-watch.ts); what a look finds (activity.ts, core/activity).
 */
import { readlink } from "node:fs/promises";
import { MonotonicMs } from "@holdfast/core";
import type { Body } from "./record.ts";
import type { SessionPorts } from "./ports.ts";
import { activityOf, NEEDS_INPUT } from "./activity.ts";
import { programName } from "./program-name.ts";
import type { LiveSession } from "./session.ts";

const QUIET_MS = 400;
const LATEST_MS = 5_000;
const TWICE_MS = 200;
const RAREST_MS = 60_000;
const AT_ONCE = 16;

/** As last looked at. */
export interface Look {
  readonly activity: string;
  readonly foreground: string;
}

/** `isMinor`: only that something was printed or typed. */
export type Told = (session: string, isMinor: boolean) => void;

interface Watched {
  look: Look | null;
  /** What one look has found, and another one has to find too (G3). */
  maybe: string;
  heardAt: number;
  lookedAt: number;
  nextMs: number;
  cancel: (() => void) | null;
  isQueued: boolean;
}

export class Changes {
  readonly #ports: Pick<SessionPorts, "clock" | "wakeAt">;
  readonly #sessions: () => ReadonlyMap<string, LiveSession>;
  readonly #told = new Set<Told>();
  readonly #watched = new Map<string, Watched>();
  readonly #queue: string[] = [];
  #looking = 0;

  constructor(ports: Pick<SessionPorts, "clock" | "wakeAt">, sessions: () => ReadonlyMap<string, LiveSession>) {
    this.#ports = ports;
    this.#sessions = sessions;
  }

  /** Told of each session that is not any more what it was. The returned function ends it. */
  watch(told: Told): () => void {
    this.#told.add(told);
    if (this.#told.size === 1) for (const session of this.#sessions().values()) this.#begin(session);
    return () => {
      this.#told.delete(told);
      if (this.#told.size === 0) for (const id of [...this.#watched.keys()]) this.#forget(id);
    };
  }

  lookOf(id: string): Look | null {
    return this.#watched.get(id)?.look ?? null;
  }

  heard(session: LiveSession, body: Body | null): void {
    if (this.#told.size === 0) return;
    if (session.isOver) this.#forget(session.id);
    else this.#wakened(session);
    this.#tell(session.id, body?.case === "output" || body?.case === "input" || body === null);
  }

  gone(id: string): void {
    this.#forget(id);
    this.#tell(id, false);
  }

  /** Anything may be otherwise now. */
  all(): void {
    if (this.#told.size > 0) for (const id of this.#sessions().keys()) this.#tell(id, false);
  }

  #tell(id: string, isMinor: boolean): void {
    for (const told of this.#told) told(id, isMinor);
  }

  #begin(session: LiveSession): Watched | null {
    // Pipes have no terminal that something could wait at.
    if (session.isOver || session.facts.kind !== "pty") return null;
    const now = this.#now();
    const watched: Watched = { look: null, maybe: "", heardAt: now, lookedAt: now, nextMs: 2_000, cancel: null, isQueued: false };
    this.#watched.set(session.id, watched);
    this.#enqueue(session.id, watched);
    return watched;
  }

  #wakened(session: LiveSession): void {
    const watched = this.#watched.get(session.id);
    if (!watched) return void this.#begin(session);
    watched.heardAt = this.#now();
    watched.maybe = "";
    // One that waits for a later look is looked at sooner now; one that waits for its quiet goes on waiting.
    if (watched.nextMs > 0) {
      watched.nextMs = 0;
      this.#wake(session.id, watched, QUIET_MS);
    }
  }

  #wake(id: string, watched: Watched, ms: number): void {
    watched.cancel?.();
    watched.cancel = this.#ports.wakeAt(MonotonicMs(this.#now() + ms), () => {
      watched.cancel = null;
      this.#woken(id, watched);
    });
  }

  /** G2. */
  #woken(id: string, watched: Watched): void {
    const now = this.#now();
    const quietMs = now - watched.heardAt;
    if (watched.nextMs === 0 && watched.maybe === "" && quietMs < QUIET_MS && now - watched.lookedAt < LATEST_MS)
      this.#wake(id, watched, QUIET_MS - quietMs);
    else this.#enqueue(id, watched);
  }

  #enqueue(id: string, watched: Watched): void {
    if (watched.isQueued) return;
    watched.isQueued = true;
    this.#queue.push(id);
    this.#next();
  }

  #next(): void {
    while (this.#looking < AT_ONCE && this.#queue.length > 0) {
      const id = this.#queue.shift()!;
      const session = this.#sessions().get(id);
      const watched = this.#watched.get(id);
      if (!watched) continue;
      watched.isQueued = false;
      if (session && !session.isOver) void this.#look(session, watched);
    }
  }

  async #look(session: LiveSession, watched: Watched): Promise<void> {
    this.#looking++;
    const askedAt = this.#now();
    const found = await activityOf(session, this.#ports).catch(() => null);
    const foreground = await inFront(found);
    this.#looking--;
    this.#next();
    if (this.#watched.get(session.id) !== watched) return;
    watched.lookedAt = this.#now();
    const isStale = watched.heardAt > askedAt;
    if (found && !(isStale && NEEDS_INPUT.has(found.state))) {
      if (NEEDS_INPUT.has(found.state) && watched.maybe !== found.state && watched.look?.activity !== found.state) {
        watched.maybe = found.state;
        return this.#wake(session.id, watched, TWICE_MS);
      }
      this.#found(session.id, watched, { activity: found.state, foreground });
    }
    watched.maybe = "";
    if (isStale) return this.#wake(session.id, watched, QUIET_MS);
    watched.nextMs = watched.nextMs === 0 ? 2_000 : Math.min(watched.nextMs * 2, RAREST_MS);
    this.#wake(session.id, watched, watched.nextMs);
  }

  #found(id: string, watched: Watched, look: Look): void {
    if (watched.look?.activity === look.activity && watched.look.foreground === look.foreground) return;
    watched.look = look;
    this.#tell(id, false);
  }

  #forget(id: string): void {
    this.#watched.get(id)?.cancel?.();
    this.#watched.delete(id);
  }

  #now(): number {
    return this.#ports.clock.monoMs();
  }
}

/** The program in front on a session's terminal; empty: not known. */
async function inFront(found: Awaited<ReturnType<typeof activityOf>> | null): Promise<string> {
  const probe = found?.probe;
  const one = probe?.processes.find((p) => p.pid === probe.foregroundPgrp) ?? probe?.processes[0];
  return one ? programName(one.comm, () => readlink(`/proc/${one.pid}/exe`).catch(() => "")) : "";
}
