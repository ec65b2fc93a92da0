/** What a kernel's message does to a cell, as a value: stored, sent to every client, and applied by each to the same cell. */
import { type CodeCell, type DisplayOutput, type MimeBundle, type Output, type ResultOutput, without } from "../format/index.ts";
import type { JsonObject } from "../json/index.ts";

/** The names under which nbclient stores a run's times in `metadata.execution`. */
export type TimeName = "iopub.status.busy" | "iopub.execute_input" | "shell.execute_reply" | "iopub.status.idle";
export type Outcome = "ok" | "error" | "aborted";

/** `cell` is the key that the run was begun with. An index counts the cell's outputs from 0. */
export type OutputChange = { readonly cell: string } & (
  | {
      /** A new run: no outputs, no count, no times. */
      readonly kind: "begun";
      /** What is stored in `metadata.holdfast`; null for nothing. */
      readonly attribution: JsonObject | null;
      /** Whether times will follow. */
      readonly timed: boolean;
    }
  | { readonly kind: "counted"; readonly count: number }
  | { readonly kind: "timed"; readonly name: TimeName; readonly at: string }
  | { readonly kind: "cleared" }
  | { readonly kind: "appended"; readonly output: Output }
  /** Text that goes on at the end of a stream. */
  | { readonly kind: "extended"; readonly index: number; readonly text: string }
  | { readonly kind: "replaced"; readonly index: number; readonly data: MimeBundle; readonly metadata: JsonObject }
  /** Idle and replied to. Output of its threads may still follow. Changes nothing in the cell. */
  | { readonly kind: "ended"; readonly run: string; readonly outcome: Outcome }
);

/** The cell after a change that is meant for it. A change of an output that is not there any more leaves it as it is. */
export function changed(cell: CodeCell, change: OutputChange): CodeCell {
  switch (change.kind) {
    case "begun":
      return { ...cell, outputs: [], execution_count: null, metadata: begunMetadata(cell, change) };
    case "counted":
      return { ...cell, execution_count: change.count };
    case "timed": {
      const execution = { ...(cell.metadata["execution"] as JsonObject | undefined), [change.name]: change.at };
      return { ...cell, metadata: { ...cell.metadata, execution } };
    }
    case "cleared":
      return { ...cell, outputs: [] };
    case "appended":
      return { ...cell, outputs: [...cell.outputs, change.output] };
    case "extended":
      return withOutput(cell, change.index, (output) =>
        output.output_type === "stream" ? { ...output, text: output.text + change.text } : output,
      );
    case "replaced":
      return withOutput(cell, change.index, (output) =>
        isDisplay(output) ? { ...output, data: change.data, metadata: change.metadata } : output,
      );
    case "ended":
      return cell;
  }
}

function begunMetadata(cell: CodeCell, change: OutputChange & { kind: "begun" }): JsonObject {
  const kept = without(cell.metadata, "execution", "holdfast");
  return { ...kept, ...(change.timed ? { execution: {} } : {}), ...(change.attribution ? { holdfast: change.attribution } : {}) };
}

function withOutput(cell: CodeCell, index: number, change: (output: Output) => Output): CodeCell {
  const output = cell.outputs[index];
  return output === undefined ? cell : { ...cell, outputs: cell.outputs.with(index, change(output)) };
}

function isDisplay(output: Output): output is DisplayOutput | ResultOutput {
  return output.output_type === "display_data" || output.output_type === "execute_result";
}
