/** The kinds of events, as `--kind` takes them and JSON gives them. */
export const eventKinds = [
  "opened",
  "started",
  "output",
  "input",
  "input_settled",
  "reply_written",
  "resize_asked",
  "resized",
  "signalled",
  "attached",
  "detached",
  "floor_changed",
  "ai_paused",
  "command_started",
  "command_ended",
  "exited",
  "closed",
  "ended",
  "renamed",
  "removed",
  "redacted",
  "gap",
  "note",
  "operator_changed",
  "host_started",
  "file_used",
  "approval_asked",
  "approval_decided",
  "approval_over",
  "policy_loaded",
  "port_used",
  "head_contradicted",
  "witness_accepted",
  "kernel_asked",
  "kernel_over",
  "bridge_ended",
] as const;

/** What `--kind` takes besides: one word for several. */
const groups = { approval: ["approval_asked", "approval_decided", "approval_over"] } as const;
export const kindWords = [...eventKinds, "approval"] as const;

export function kindsMeant(words: readonly string[]): readonly string[] {
  return words.flatMap((word): readonly string[] => (word === "approval" ? groups.approval : [word]));
}
