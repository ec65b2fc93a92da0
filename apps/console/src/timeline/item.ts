/** One line of a timeline. */
export type ItemKind = "command" | "input" | "floor" | "people" | "approval" | "file" | "size" | "life" | "gap" | "other";

export interface Item {
  /** Of its first event. */
  readonly seq: number;
  readonly atMs: number;
  readonly kind: ItemKind;
  /** Operator id, or `system:…`. */
  readonly actor: string;
  readonly via: string;
  readonly text: string;
  /** Of a command whose line is here too: the input as it came, shown exactly. */
  readonly typed?: string;
  /** Operator id: whom the text leads to, said after it. */
  readonly to?: string;
  readonly tone?: "good" | "warn" | "bad";
  readonly command?: Command;
}

export interface Command {
  readonly cwd: string;
  readonly startedOffset: number;
  /** Null while it runs. */
  readonly endedOffset: number | null;
  readonly endedSeq: number | null;
  /** Null while it runs, and where the shell did not tell. */
  readonly code: number | null;
  readonly durationMs: number | null;
}

export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}
