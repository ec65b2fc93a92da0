/** A session's journal, as it is read. */
import type { Event } from "@holdfast/protocol";

/** One entry of a session's journal, as it is read. */
export type Entry =
  | {
      readonly type: "output";
      readonly seq: number;
      readonly stream: number;
      readonly offset: number;
      /** Where it ends in the record; `bytes` may be fewer or more (see AttachHandlers). */
      readonly end: number;
      readonly bytes: Uint8Array;
      /** As {@link Output.masked}. */
      readonly masked: number;
      readonly atMs: number;
    }
  | { readonly type: "event"; readonly seq: number; readonly event: Event; readonly atMs: number }
  | {
      readonly type: "gap";
      readonly fromSeq: number;
      readonly toSeq: number;
      readonly reason: string;
      readonly lost?: { readonly stream: number; readonly offset: number; readonly end: number };
    };

export interface ReadOptions {
  /** Strictly after this seq; 0: from the first kept. */
  readonly after?: number | bigint;
  /** Stop behind this seq; default: the journal's end at the moment of the call. */
  readonly to?: number | bigint;
  readonly follow?: boolean;
  /** Only with `follow`: the last event before the end may be output, and would be waited for. */
  readonly noOutput?: boolean;
  readonly signal?: AbortSignal;
}
