/** How far a file is, on one line of a terminal; nothing anywhere else. */
import { escapeText } from "@holdfast/sdk";
import type { Output } from "../app/context.ts";
import { bytesText } from "../show/time.ts";
import { cutTo } from "../show/width.ts";

const AGAIN_MS = 100;

export class Progress {
  readonly #output: Output;
  readonly #name: string;
  #begun: { readonly at: number; readonly bytes: number } | null = null;
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(output: Output, name: string) {
    this.#output = output;
    this.#name = name;
  }

  at(done: number, of: number): void {
    if (!this.#output.isTty) return;
    const now = performance.now();
    this.#begun ??= { at: now, bytes: done };
    if (now - this.#shownAt < AGAIN_MS) return;
    this.#shownAt = now;
    const seconds = Math.max(0.001, (now - this.#begun.at) / 1000);
    const share = of > 0 ? `${Math.floor((done / of) * 100)} %` : "";
    const speed = bytesText((done - this.#begun.bytes) / seconds);
    const text = `${escapeText(this.#name)}  ${share}  ${bytesText(done)} of ${bytesText(of)}, ${speed}/s`;
    this.#output.write(`\r${cutTo(text, this.#output.columns - 1)}\x1b[K`);
  }

  end(): void {
    if (this.#shownAt > 0) this.#output.write("\r\x1b[K");
  }
}
