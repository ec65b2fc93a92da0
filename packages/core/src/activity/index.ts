export {
  type Activity,
  classify,
  type Explanation,
  explain,
  type Probe,
  type ProbedProcess,
  type ProgramFacts,
  type ShellFacts,
} from "./activity.ts";
export { type Architecture, type KernelWait, waitOf } from "./kernel.ts";
