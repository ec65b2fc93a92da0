/** What every tool is given: the way to the host, and of the one call its signal and how to tell that it goes on. */
import type { Event, HostClient, Session } from "@holdfast/sdk";
import type { HostWay } from "../link.ts";
import { limits } from "../text/limits.ts";

export interface Call {
  readonly way: HostWay;
  /** Aborted when the caller gave the call up. */
  readonly signal: AbortSignal;
  /** Null where the caller did not ask for progress. */
  readonly progress: ((elapsedSeconds: number, totalSeconds: number, message: string) => void) | null;
}

/** How long a call may wait: {@link limits.waitSeconds}, and longer only for a caller that hears of its progress. */
export function patience(call: Call, askedSeconds: number): { readonly seconds: number; readonly isClamped: boolean } {
  const most = call.progress ? limits.patientWaitSeconds : limits.waitSeconds;
  return { seconds: Math.min(askedSeconds, most), isClamped: askedSeconds > most };
}

/** Tells every 10 s that it goes on, until the returned function is called. */
export function tellProgress(call: Call, totalSeconds: number, message: string): () => void {
  const { progress } = call;
  if (!progress) return () => {};
  const began = performance.now();
  const timer = setInterval(
    () => progress(Math.round((performance.now() - began) / 1_000), totalSeconds, message),
    limits.progressMs,
  );
  return () => clearInterval(timer);
}

/** Someone who takes the floor from us, or pauses us, while a call of ours runs. */
export interface Interference {
  readonly state: "preempted" | "paused_by_operator";
  readonly who: string;
  readonly since: string;
}

export interface Watch {
  /** Aborted with an {@link Interference} as its reason, or when the caller gave up. */
  readonly signal: AbortSignal;
  readonly interference: () => Interference | null;
  readonly onCommand: (told: () => void) => void;
  end(): Promise<void>;
}

/**
 * Follows who steers while a call runs, in the session's record after `after`. `steers`: the call types, so whoever else takes the floor takes it from us; else only who takes it
 * while we hold it.
 */
export async function watchFloor(
  call: Call,
  client: HostClient,
  session: Session,
  after: number,
  steers: boolean,
): Promise<Watch> {
  const stop = new AbortController();
  const me = client.operator.operator?.id ?? "";
  // Who steered last, also when their lease ran out since: the record does not tell of that.
  let isMine = false;
  let found: Interference | null = null;
  const commands: (() => void)[] = [];
  const given = (): void => stop.abort();
  if (call.signal.aborted) given();
  call.signal.addEventListener("abort", given, { once: true });
  const interfere = (state: Interference["state"], who: string, atUnixMs: bigint): void => {
    if (found) return;
    found = { state, who, since: new Date(Number(atUnixMs)).toISOString() };
    stop.abort();
  };
  // What was recorded before we looked counts where it still holds: a pause that was lifted since is no news.
  const isNew = (e: Event): boolean => e.seq > session.seq;
  const attachment = await client.attach(
    { session: session.id, observe: true, quiet: true, noOutput: true, mode: "replay", after },
    {
      event: (e) => {
        const kind = e.body?.kind;
        if (kind?.case === "commandStarted") for (const told of commands.splice(0)) told();
        if (kind?.case === "aiPaused" && kind.value.paused && (isNew(e) || session.floor?.aiPaused))
          interfere("paused_by_operator", e.actor, e.atUnixMs);
        if (kind?.case !== "floorChanged" || kind.value.holder === "") return;
        const { holder, from } = kind.value;
        if (holder !== me && (isMine || steers || from === me) && (isNew(e) || session.floor?.holder === holder))
          interfere("preempted", holder, e.atUnixMs);
        isMine = holder === me;
      },
    },
  );
  isMine ||= attachment.floor.holder === me;
  return {
    signal: stop.signal,
    interference: () => found,
    onCommand: (told) => commands.push(told),
    end: async () => {
      call.signal.removeEventListener("abort", given);
      await attachment.detach();
    },
  };
}
