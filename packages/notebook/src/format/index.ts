export { checkNotebook } from "./check.ts";
export { splitLines } from "./lines.ts";
export {
  type Cell,
  type CellType,
  type CodeCell,
  type DisplayOutput,
  emptyNotebook,
  type ErrorOutput,
  type Frame,
  idOf,
  isJsonMime,
  type MimeBundle,
  type Notebook,
  type Output,
  type ResultOutput,
  type StreamOutput,
  type TextCell,
  without,
  withoutOutputs,
} from "./notebook.ts";
export { type Problem, problemText } from "./problem.ts";
export { joinedBundle, type NotebookReading, readNotebook } from "./read.ts";
export { cellIdFrom, freshId, identified, isCellId, type MakeId, upgradeNotebook } from "./upgrade.ts";
export { writeNotebook } from "./write.ts";
