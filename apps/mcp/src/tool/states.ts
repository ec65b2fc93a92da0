/** What a session or a call is doing, in words that are all there are. */
import { type HostClient, type Session, SessionState } from "@holdfast/sdk";

export const states = [
  "finished",
  "running",
  "waiting_input",
  "waiting_secret",
  "interactive_app",
  "idle_prompt",
  "paused_by_operator",
  "preempted",
  "needs_approval",
  "interrupted",
  "host_unreachable",
  "lost",
] as const;
export type State = (typeof states)[number];

/** The host's word for a session's activity; what this version does not know runs. */
export function stateOf(word: string): State {
  return (states as readonly string[]).includes(word) ? (word as State) : "running";
}

/** What it does now: by its own record where it is over, else by a look at its program. */
export async function activityOf(client: HostClient, session: Session): Promise<State> {
  if (session.state === SessionState.LOST) return "lost";
  if (session.state !== SessionState.RUNNING) return "finished";
  try {
    return stateOf((await client.probe(session.id)).state);
  } catch (fault) {
    if ((fault as { code?: string }).code === "session_ended") return "finished";
    throw fault;
  }
}
