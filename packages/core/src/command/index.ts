export {
  applyShell,
  type EndedCommand,
  isDoubtful,
  lineDirt,
  refuseRun,
  type RunningCommand,
  type RunRefusal,
  type ShellFact,
  type ShellPhase,
  type ShellState,
  unknownShell,
} from "./command.ts";
export { type Mark, MarkScanner, isNonce, maxMarkBytes, stripMarks } from "./marks.ts";
export { echoes, titleNoise } from "./noise.ts";
export { type Run, type RunFact, type RunOutcome, type RunOutput, type RunStep, type Segment, sentRun, stepRun } from "./run.ts";
export { type KnownRun, runKey, type RunNews, Runs, type RunsRules, runsRules } from "./runs.ts";
