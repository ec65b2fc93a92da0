/** Who runs a cell: what an executor is asked and answers. A kernel's stands beside the shell's, and is asked before it. */
import type { Step } from "@holdfast/runbook";
import type { HostClient } from "../api/index.ts";

/** A cell that is to run now. */
export interface CellCall {
  readonly client: HostClient;
  readonly step: Step;
  /** Id of the document's session. */
  readonly session: string;
  readonly variables: Readonly<Record<string, string>>;
  /** The cell sees them like {@link variables}; they are nowhere afterwards. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Absolute; null: where the session stands. */
  readonly cwd: string | null;
  readonly take: boolean;
  /** From when the cell has begun. Absent: as long as it takes. */
  readonly timeoutMs: number | undefined;
  /** The cell is interrupted, as Ctrl-C would; what waits for its turn is given up. */
  readonly signal: AbortSignal | undefined;
  output(bytes: Uint8Array): void | Promise<void>;
  /** It waits for its turn, and why. */
  waiting(why: { readonly code: string; readonly message: string }): void | Promise<void>;
}

export interface CellEnd {
  /** Null: not known, and never guessed. */
  readonly code: number | null;
  /** Why it is not known. */
  readonly problem?: { readonly code: string; readonly message: string };
  /** Where its output is in the journal. */
  readonly session: string;
  readonly fromOffset: number;
  readonly toOffset: number;
}

export interface Executor {
  /** The first that takes a step runs it. */
  takes(step: Step): boolean;
  run(call: CellCall): Promise<CellEnd>;
  /** The run is over: what it put somewhere is taken away. */
  close?(): Promise<void>;
}
