/** What a kernel session shows, as a page keeps it: the latest pieces, text alone. */
import { escapeLines, KernelTranscript, type KernelTold } from "@holdfast/sdk";

export interface Piece {
  readonly key: number;
  readonly kind: "code" | "text" | "error" | "note";
  /** Of code: who asked for it. */
  readonly by: string;
  readonly count: number | null;
  readonly text: string;
}

/** Of a page. The record has all of them. */
export const MOST_PIECES = 2_000;
/** Of one piece; a stream that prints on goes into the next one. */
const MOST_CHARS = 20_000;

/** Colours are left out: they are the kernel's for a terminal. */
const plain = (text: string): string => escapeLines(text.replaceAll(/\x1b\[[0-9;]*m/g, ""));

export class Pieces {
  readonly #transcript = new KernelTranscript();
  #all: readonly Piece[] = [];
  #next = 0;

  get all(): readonly Piece[] {
    return this.#all;
  }

  take(told: KernelTold): void {
    if (told.type === "message") {
      for (const piece of this.#transcript.add(told.said)) {
        if (piece.kind === "code")
          this.#add({ kind: "code", by: piece.by?.name ?? "", count: piece.executionCount, text: plain(piece.code) });
        else if (piece.kind !== "asked") this.#add({ kind: piece.kind, by: "", count: null, text: plain(piece.text) });
      }
    } else if (told.type === "over" && told.outcome !== "ok" && told.outcome !== "error") {
      this.#note(`${told.run.by.name}'s code was not run to its end: ${told.outcome}${told.because ? `, ${told.because}` : ""}`);
    } else if (told.type === "phase" && told.phase === "dead") this.#note("the kernel has ended");
    else if (told.type === "phase" && told.phase === "ready" && told.incarnation > 1)
      this.#note("started anew, with an empty heap");
    else if (told.type === "dropped") this.#note(`${told.bytes} bytes of output were dropped: ${told.why}`);
    else if (told.type === "gap") this.#note(`what stood here is not kept any more: ${told.reason}`);
  }

  #note(text: string): void {
    this.#add({ kind: "note", by: "", count: null, text: plain(text) });
  }

  #add(piece: Omit<Piece, "key">): void {
    const last = this.#all.at(-1);
    if (last?.kind === "text" && piece.kind === "text" && last.text.length < MOST_CHARS)
      this.#all = [...this.#all.slice(0, -1), { ...last, text: last.text + piece.text }];
    else this.#all = [...this.#all.slice(-(MOST_PIECES - 1)), { ...piece, key: this.#next++ }];
  }
}
