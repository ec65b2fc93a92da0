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

type Draft = { -readonly [K in keyof CodeCell]: CodeCell[K] } & { outputs: Output[] };

/**
 * The cell after changes that are meant for it, in order. Its outputs are copied once, so give all changes that are at hand.
 * A change of an output that is not there any more leaves it as it is.
 */
export function changed(cell: CodeCell, changes: readonly OutputChange[]): CodeCell {
  const draft: Draft = { ...cell, outputs: [...cell.outputs] };
  for (const change of changes) make(draft, change);
  return draft;
}

function make(cell: Draft, change: OutputChange): void {
  switch (change.kind) {
    case "begun":
      cell.outputs = [];
      cell.execution_count = null;
      cell.metadata = begunMetadata(cell.metadata, change);
      break;
    case "counted":
      cell.execution_count = change.count;
      break;
    case "timed": {
      const execution = { ...(cell.metadata["execution"] as JsonObject | undefined), [change.name]: change.at };
      cell.metadata = { ...cell.metadata, execution };
      break;
    }
    case "cleared":
      cell.outputs = [];
      break;
    case "appended":
      cell.outputs.push(change.output);
      break;
    case "extended": {
      const output = cell.outputs[change.index];
      if (output?.output_type === "stream") cell.outputs[change.index] = { ...output, text: output.text + change.text };
      break;
    }
    case "replaced": {
      const output = cell.outputs[change.index];
      const { data, metadata } = change;
      if (output !== undefined && isDisplay(output)) cell.outputs[change.index] = { ...output, data, metadata };
      break;
    }
    case "ended":
  }
}

function begunMetadata(metadata: JsonObject, change: OutputChange & { kind: "begun" }): JsonObject {
  const kept = without(metadata, "execution", "holdfast");
  return { ...kept, ...(change.timed ? { execution: {} } : {}), ...(change.attribution ? { holdfast: change.attribution } : {}) };
}

function isDisplay(output: Output): output is DisplayOutput | ResultOutput {
  return output.output_type === "display_data" || output.output_type === "execute_result";
}
