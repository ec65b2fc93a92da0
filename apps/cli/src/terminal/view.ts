/** What draws a session on the outer terminal. Two exist: bytes passed on as they are (raw-view.ts), and a window onto a model (lens-view.ts). */
import type { TerminalSize } from "../read/size.ts";

export interface Picture {
  readonly cols: number;
  readonly rows: number;
  readonly offset: number;
  readonly vt: Uint8Array;
}

/** `offset` to `end`: where it stands in the record. `bytes` need not be as many: queries are out, and a sequence that was cut comes whole with its end. */
export interface OutputChunk {
  readonly offset: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

export interface View {
  /** Draws all of it anew. */
  snapshot(picture: Picture): void | Promise<void>;
  output(chunk: OutputChunk): void | Promise<void>;
  /** An interrupt was sent, and `settled` when the program had it: what the terminal has not taken of the output before is about the past. */
  interrupted(settled: Promise<unknown>): void;
  /** Lays one line over the last row, or takes it away. */
  notice(text: string | null): void;
  /** Shows lines instead of the session, which waits; or goes back to it. */
  panel(lines: readonly string[] | null): void;
  /** The outer terminal has another size. */
  resized(outer: TerminalSize): void;
  /** What undoes, on the outer terminal, all that this view set there. */
  undo(): Uint8Array | string;
  close(): void;
}
