/** What is told of something that a kernel can't do now: which session, why, and what to do next. */
import type { KernelPhase, KernelRefusal } from "@holdfast/kernel";
import { HoldError } from "@holdfast/protocol";
import type { SessionFacts } from "@holdfast/core";

interface Of {
  readonly id: string;
  readonly facts: Pick<SessionFacts, "name">;
}

/** How people are told which session is meant. */
export const labelOf = ({ id, facts: { name } }: Of): string => (name ? `${name} (${id})` : id);

/** There is no kernel. `isOver`: nor will there be. */
export function absent(of: Of, isOver: boolean): HoldError {
  const session = of.id;
  return isOver
    ? new HoldError("session_ended", `session ${labelOf(of)} has ended`, { session })
    : new HoldError(
        "kernel_dead",
        `the kernel of session ${labelOf(of)} has ended; hold kernel restart ${of.facts.name || session} starts it anew, with an empty heap`,
        { session },
      );
}

export function refusalOf(of: Of, { phase }: { readonly phase: KernelPhase }, refusal: KernelRefusal): HoldError {
  const session = of.id;
  const label = labelOf(of);
  switch (refusal.code) {
    case "kernel_dead":
    case "kernel_ended":
      return absent(of, phase === "ended");
    case "duplicate_run":
      return new HoldError("bad_request", `run ${refusal.runId} is known in session ${label} already`, { session });
    case "queue_full":
      return new HoldError(
        "too_many",
        `${refusal.waiting} runs wait in session ${label}, the most that it takes; cancel some, or wait`,
        { session },
      );
    case "run_not_waiting":
      return new HoldError(
        "run_not_waiting",
        refusal.started
          ? `run ${refusal.runId} of session ${label} is under way: only an interrupt ends it (hold kernel interrupt)`
          : `no run ${refusal.runId} waits in session ${label}: it is over, or never was`,
        { session },
      );
    case "no_such_prompt":
      return new HoldError(
        "no_such_prompt",
        refusal.waiting === null
          ? `the kernel of session ${label} asks nothing now: somebody has answered, or the run is over`
          : `the kernel of session ${label} asks something else by now (prompt ${refusal.waiting})`,
        { session },
      );
  }
}
