/**
 * Terminal models: what a session's screen looks like, off the byte path.
 *
 *   M1  The model of a session is a function of its journalled output and resizes, in order; nothing else reaches it.
 *   M2  `snapshot` at offset N, written to a fresh terminal of the same size, followed by the output after N, gives the same
 *       terminal as all output from the start: screen, scrollback, cursor with wrap-pending, modes, and the parser's own state.
 *   M3  Exactly one responder: replies to queries come from here, once, and only for bytes fed with `live`.
 *   M4  One worker thread holds all models; the thread that moves bytes never parses.
 */

/** A place in a session's output: everything before `offset` of stream 0 is in the model. */
export interface ModelPosition {
  readonly offset: number;
  readonly cols: number;
  readonly rows: number;
}

export interface Snapshot extends ModelPosition {
  /** Escape sequences and text that rebuild the terminal on a fresh (reset) one of cols×rows: scrollback, both screens, modes, pending parser bytes last. */
  readonly vt: Uint8Array;
  /** The private and ANSI modes that `vt` leaves set, as the sequences that undo them (for a client that detaches). */
  readonly undo: Uint8Array;
  readonly title: string;
}

export interface ScreenText extends ModelPosition {
  /** Visible rows, right-trimmed, top to bottom. */
  readonly lines: readonly string[];
  readonly cursor: { readonly row: number; readonly col: number; readonly visible: boolean };
  readonly alternate: boolean;
  readonly title: string;
}

/** A reply that the program is owed, e.g. to a cursor position report. `offset` is the end of the query in the output. */
export interface QueryReply {
  readonly session: string;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface ModelHandlers {
  reply(r: QueryReply): void;
  /** The model parsed up to here. */
  parsed(session: string, offset: number): void;
  /** A bell, a title, an OSC 52 write that policy allows: told as facts, at most one a kind every 100 ms. */
  notice(session: string, kind: "bell" | "title" | "clipboard", text: string): void;
  /** The worker died; every model is gone and must be opened again from the journal. */
  lost(detail: string): void;
}

export interface TerminalModels {
  /** Opens (or replaces) a model, empty or from a snapshot. `scrollback` lines: default 1,000. */
  open(session: string, from: ModelPosition & { readonly vt?: Uint8Array }, options?: { readonly scrollback?: number }): void;
  /** Output from `offset` on. Contiguous; queued, never awaited. `live`: queries in it may be answered. The bytes may not be changed after. */
  feed(session: string, offset: number, bytes: Uint8Array, live: boolean): void;
  resize(session: string, cols: number, rows: number): void;
  /** As of everything fed before the call. `scrollback`: lines to include, default all that the model has. */
  snapshot(session: string, options?: { readonly scrollback?: number }): Promise<Snapshot>;
  text(session: string, options?: { readonly scrollback?: number }): Promise<ScreenText>;
  /** Bytes fed and not yet parsed, over this session. */
  backlog(session: string): number;
  close(session: string): void;
  /** Ends the worker. */
  stop(): Promise<void>;
}
