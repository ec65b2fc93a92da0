/** What a session's state is called, and how it looks. */
import { escapeText, type Session, SessionState } from "@holdfast/sdk";

export interface StateLook {
  readonly word: string;
  readonly tone?: "good" | "warn" | "bad";
  readonly hollow?: boolean;
  /** It can be typed into, or will be. */
  readonly isLive: boolean;
}

const LOOKS: Readonly<Record<number, StateLook>> = {
  [SessionState.RUNNING]: { word: "live", tone: "good", isLive: true },
  [SessionState.ENDED]: { word: "ended", hollow: true, isLive: false },
  [SessionState.LOST]: { word: "lost", tone: "bad", hollow: true, isLive: false },
  [SessionState.FAILED]: { word: "failed", tone: "bad", hollow: true, isLive: false },
};

export const lookOf = (session: Session): StateLook => LOOKS[session.state] ?? { word: "starting", tone: "warn", isLive: true };

const THEN: StateLook = { word: "ran then", hollow: true, isLive: true };

/** In a record from a mirror nothing lives: what ran when it was written is shown as that. */
export const lookIn = (isRecord: boolean, session: Session): StateLook => {
  const look = lookOf(session);
  return isRecord && look.isLive ? THEN : look;
};

/** How it ended, as what is said of it: "ended with code 3", "was lost (…)"; empty while it lives. */
export function endText({ state, exit }: Session): string {
  const why = exit?.reason ? ` (${escapeText(exit.reason)})` : "";
  if (state === SessionState.LOST) return `was lost${why}`;
  if (state === SessionState.FAILED) return `could not be started${why}`;
  if (state !== SessionState.ENDED) return "";
  if (exit?.signal !== undefined) return `ended by signal ${exit.signal}`;
  return exit?.code === undefined ? "ended" : `ended with code ${exit.code}`;
}

/** A program of it waits for somebody. A shell at its prompt does so all day: that is no news. */
export const needsInput = ({ activity }: Session): boolean => activity === "waiting_input" || activity === "waiting_secret";
