/** What a session or a call is doing, in words that are all there are. */
import { type HostClient, type Session, SessionKind, SessionState } from "@holdfast/sdk";

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

/** What the program of a session that lives may be doing. */
export const liveStates = ["running", "waiting_input", "waiting_secret", "interactive_app", "idle_prompt"] as const;
export type LiveState = (typeof liveStates)[number];

/** The host's word for a session's activity; what this version does not know runs. */
export function stateOf(word: string): State {
  return (states as readonly string[]).includes(word) ? (word as State) : "running";
}

/** What is to be done where a call's end was not what it waited for; `cursor` is the answer's. */
export function nextStep(state: State, { id, name, kind }: Session): string | undefined {
  if (kind === SessionKind.KERNEL && state === "waiting_input")
    return `it asks something: a person answers in \`hold attach ${name || id}\`; what you run yourself is told with its question by kernel_execute`;
  if (kind === SessionKind.KERNEL && state === "waiting_secret")
    return `it asks for a password, which a person gives in \`hold attach ${name || id}\`; then wait with this cursor`;
  if (kind === SessionKind.KERNEL && state === "idle_prompt") return "nothing runs and nothing waits: kernel_execute runs code";
  switch (state) {
    case "running":
      return "it goes on: wait with this cursor";
    case "waiting_input":
      return "it waits for input: send_text with submit answers";
    case "interactive_app":
      return "it reads keys: screen shows it, send_keys and send_text steer it";
    case "waiting_secret":
      return `it asks for a secret, which a person gives: send_secret asks them for it (they may also type it in \`hold attach ${name || id}\`); then wait with this cursor`;
    case "idle_prompt":
      return "no command runs here; what one printed and how it ended is in log from the cursor that you had before it";
    case "preempted":
      return "a person steers now, and what runs goes on: wait with this cursor; what they did is in log, view events";
    case "paused_by_operator":
      return "a person paused AI input, and only a person ends that; what runs goes on: wait and reading still work";
    case "interrupted":
      return "it goes on: wait with this cursor";
    default:
      return undefined;
  }
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
