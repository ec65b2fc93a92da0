/**
 * What a playback plays: a session's output and sizes with their times, and what is marked on its scrubber.
 *   R1  Times are since the start and never run backwards.
 *   R2  Output is one stream of bytes in the order of the record: drawn up to any frame, a terminal shows what it showed then.
 *   R3  What is not kept any more is marked where it would stand.
 */
import { type Cast, type Entry, shownExactly, sizeOfCast } from "@holdfast/sdk";

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

/** `before`: how many bytes of output stand before it. */
export type Frame = { readonly atMs: number; readonly before: number } & (
  | { readonly is: "output"; readonly bytes: Uint8Array }
  | { readonly is: "size"; readonly size: Size }
);

export interface Marker {
  readonly atMs: number;
  readonly text: string;
  /** Operator id; empty: nobody. */
  readonly actor: string;
  readonly via: string;
  readonly tone?: "bad" | "warn";
}

export class Recording {
  readonly frames: Frame[] = [];
  readonly markers: Marker[] = [];
  /** Before the first frame. */
  size: Size;
  bytes = 0;
  endMs = 0;
  /** Nothing comes any more. */
  isOver = false;
  #startMs: number | null = null;
  /** Whoever typed the line end, or ran it, last. */
  #cause = { actor: "", via: "" };
  #running: number | null = null;

  constructor(size: Size) {
    this.size = size;
  }

  /** In the journal's order. */
  take(entry: Entry): void {
    if (entry.type === "gap") {
      const text = `Not kept from ${entry.fromSeq} to ${entry.toSeq}: ${entry.reason}`;
      this.markers.push({ atMs: this.endMs, text, actor: "", via: "", tone: "warn" });
      return;
    }
    this.#startMs ??= entry.atMs;
    const atMs = (this.endMs = Math.max(this.endMs, entry.atMs - this.#startMs));
    if (entry.type === "output") return this.#output(atMs, entry.bytes);
    const { event } = entry;
    const kind = event.body?.kind;
    if (kind?.case === "opened" && kind.value.size) this.size = kind.value.size;
    else if (kind?.case === "resized" && kind.value.size) this.#sized(atMs, kind.value.size);
    else if (kind?.case === "input") {
      const last = event.data.at(-1);
      if (kind.value.run || last === 0x0d || last === 0x0a) this.#cause = { actor: event.actor, via: event.via };
    } else if (kind?.case === "commandStarted") {
      this.#running = this.markers.push({ atMs, text: shown(kind.value.text), ...this.#cause }) - 1;
    } else if (kind?.case === "commandEnded" && this.#running !== null) {
      const { code } = kind.value;
      if (code) this.markers[this.#running] = { ...this.markers[this.#running]!, tone: "bad" };
      this.#running = null;
    }
  }

  #output(atMs: number, bytes: Uint8Array): void {
    if (bytes.length > 0) this.frames.push({ atMs, before: this.bytes, is: "output", bytes });
    this.bytes += bytes.length;
  }

  #sized(atMs: number, { cols, rows }: Size): void {
    this.frames.push({ atMs, before: this.bytes, is: "size", size: { cols, rows } });
  }

  /** Bytes of output in so many frames. */
  bytesTo(frames: number): number {
    return this.frames[frames]?.before ?? this.bytes;
  }

  /** How many frames are drawn at a time. */
  framesAt(atMs: number): number {
    let [low, high] = [0, this.frames.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.frames[middle]!.atMs <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  static from(cast: Cast): Recording {
    const recording = new Recording({ cols: cast.cols, rows: cast.rows });
    const encoder = new TextEncoder();
    for (const { atMs, code, text } of cast.events) {
      recording.endMs = Math.max(recording.endMs, atMs);
      const size = code === "r" ? sizeOfCast(text) : null;
      if (code === "o") recording.#output(atMs, encoder.encode(text));
      else if (size) recording.#sized(atMs, size);
      else if (code === "m") recording.markers.push({ atMs, text: shown(text), actor: "", via: "" });
    }
    recording.isOver = true;
    return recording;
  }
}

const shown = (text: string): string => shownExactly(new TextEncoder().encode(text));
