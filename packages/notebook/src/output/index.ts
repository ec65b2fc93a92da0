export { changed, type Outcome, type OutputChange, type TimeName } from "./change.ts";
export { type BegunRun, type FoldOptions, OutputFold } from "./fold.ts";
export { type OutputLimits, outputLimits } from "./limit.ts";
export type { KernelMessage } from "./message.ts";
