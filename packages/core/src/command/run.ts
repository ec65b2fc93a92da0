/**
 * One `hold run`: from the input that types it to the end of what it did.
 *
 *   R1  It has ended when the editor reads again, not at the first command's end: one text may hold several. Who knows that it
 *       holds one need not wait for a slow prompt: `settled` ends it where its end was told.
 *   R2  Its output is a list of segments between marks, so prompts, hooks and marks are never in it.
 *   R3  `exit` is null unless the shell (or the program's own end) told it. Nothing that happened is turned into 0.
 *   R4  Only marks behind the input count: `inputApplied` names the offset, and marks that came sooner are kept until then.
 *   R5  A line that the editor keeps (not complete, or refused by fish) is not over: it is once the editor reads anew.
 * Pure: the caller feeds facts in any order of arrival and does what the outputs say. Whether it may begin: refuseRun (command.ts).
 */
import type { Offset } from "../id.ts";
import type { Mark } from "./marks.ts";

export interface Segment {
  readonly from: Offset;
  readonly to: Offset;
}

export type RunFact =
  | { readonly kind: "input"; readonly status: "applied" | "refused" | "void" | "cut"; readonly outputOffset: Offset }
  | { readonly kind: "mark"; readonly mark: Mark }
  /** The text holds no second command: after the end of the first nothing more is waited for. Before it, nothing. */
  | { readonly kind: "settled" }
  /** The session's program ended. `code`: its exit code, null after a signal or where unknown. */
  | { readonly kind: "exited"; readonly code: number | null; readonly outputOffset: Offset };

export type RunOutcome =
  /** The shell reads again. */
  | "prompt"
  /** The shell reads again and ran nothing: a syntax error, an empty text, a Ctrl-C in between. */
  | "not_run"
  /** The session's program ended: `exit`, `exec`, or it was killed. */
  | "session_exit";

export type RunOutput =
  /** The command runs; its output begins here. */
  | { readonly kind: "started"; readonly outputOffset: Offset }
  /** The line was taken and is not complete; it stays open, and more input may complete it. */
  | { readonly kind: "incomplete" }
  /** The line will be refused and stays in the editor, which wants a Ctrl-C (fish, a syntax error). */
  | { readonly kind: "invalid" }
  /** A command's end was told; another of the same text may follow. */
  | { readonly kind: "told" }
  /** `segments`: all of the output. */
  | {
      readonly kind: "ended";
      readonly outcome: RunOutcome;
      readonly exit: number | null;
      readonly segments: readonly Segment[];
    }
  | { readonly kind: "refused"; readonly code: "input_void" | "input_cut" | "input_refused" };

export type Run =
  | { readonly phase: "sent"; readonly early: readonly Mark[] }
  | {
      readonly phase: "typed" | "running" | "between";
      readonly inputOffset: Offset;
      readonly segments: readonly Segment[];
      /** Where the open segment began; null outside of a command. */
      readonly openOffset: Offset | null;
      readonly exit: number | null;
      readonly started: boolean;
    }
  | { readonly phase: "over" };

export const sentRun: Run = { phase: "sent", early: [] };

export interface RunStep {
  readonly run: Run;
  readonly outputs: readonly RunOutput[];
}

const over = (output: RunOutput): RunStep => ({ run: { phase: "over" }, outputs: [output] });
const stay = (run: Run, ...outputs: RunOutput[]): RunStep => ({ run, outputs });

export function stepRun(run: Run, fact: RunFact): RunStep {
  if (run.phase === "over") return stay(run);
  switch (fact.kind) {
    case "input":
      return run.phase === "sent" ? onInput(run, fact) : stay(run);
    case "mark":
      return run.phase === "sent" ? stay({ ...run, early: [...run.early, fact.mark] }) : onMark(run, fact.mark);
    case "settled":
      return run.phase === "between" ? over(ended(run)) : stay(run);
    case "exited":
      return onExited(run, fact);
  }
}

function onInput(run: Extract<Run, { phase: "sent" }>, { status, outputOffset }: Extract<RunFact, { kind: "input" }>): RunStep {
  if (status !== "applied") return over({ kind: "refused", code: `input_${status}` });
  let step = stay({ phase: "typed", inputOffset: outputOffset, segments: [], openOffset: null, exit: null, started: false });
  for (const mark of run.early) {
    const next = stepRun(step.run, { kind: "mark", mark });
    step = { run: next.run, outputs: [...step.outputs, ...next.outputs] };
  }
  return step;
}

type Live = Extract<Run, { phase: "typed" | "running" | "between" }>;

function onMark(run: Live, mark: Mark): RunStep {
  if (mark.startOffset < run.inputOffset) return stay(run);
  switch (mark.kind) {
    case "start": {
      const next: Run = {
        ...closeSegment(run, mark.startOffset),
        phase: "running",
        openOffset: mark.endOffset,
        exit: null,
        started: true,
      };
      return run.started ? stay(next) : stay(next, { kind: "started", outputOffset: mark.endOffset });
    }
    case "prompt":
    case "end":
      return run.phase === "running"
        ? stay({ ...closeSegment(run, mark.startOffset), phase: "between", exit: mark.exit }, { kind: "told" })
        : stay(run);
    case "ready":
      return over(ended(closeSegment(run, mark.startOffset)));
    case "continuation":
      return stay(run, { kind: "incomplete" });
    case "validity":
      return mark.validity === "complete" ? stay(run) : stay(run, { kind: mark.validity });
    case "cwd":
      return stay(run);
  }
}

/** R3: a `ready` while a command still ran leaves its exit unknown, as `closeSegment` found it. */
function ended(run: Live): RunOutput {
  const exit = run.phase === "between" ? run.exit : null;
  return { kind: "ended", outcome: run.started ? "prompt" : "not_run", exit, segments: run.segments };
}

function closeSegment(run: Live, to: Offset): Live {
  if (run.openOffset === null) return run;
  const segments = to > run.openOffset ? [...run.segments, { from: run.openOffset, to }] : run.segments;
  return { ...run, segments, openOffset: null };
}

function onExited(run: Exclude<Run, { phase: "over" }>, { code, outputOffset }: Extract<RunFact, { kind: "exited" }>): RunStep {
  if (run.phase === "sent") return over({ kind: "refused", code: "input_void" });
  // Not begun: whatever ended the shell, it was not proven to be this text.
  const exit = run.started ? code : null;
  return over({ kind: "ended", outcome: "session_exit", exit, segments: closeSegment(run, outputOffset).segments });
}
