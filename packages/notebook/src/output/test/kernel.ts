/** A kernel's messages by hand, and cells that hold what a fold makes of them. */
import { expect } from "vitest";
import type { CodeCell, Output } from "../../format/index.ts";
import type { Json, JsonObject } from "../../json/index.ts";
import { changed, type FoldOptions, type KernelMessage, type OutputChange, OutputFold } from "../index.ts";

export const says = (run: string, type: string, content: JsonObject = {}, date = "2026-11-28T13:12:38.5Z"): KernelMessage => ({
  header: { msg_type: type, date },
  parent_header: { msg_id: run },
  content,
});
export const prints = (run: string, text: string, name = "stdout"): KernelMessage => says(run, "stream", { name, text });
export const shows = (run: string, text: Json, id?: string, type = "display_data"): KernelMessage =>
  says(run, type, { data: { "text/plain": text }, metadata: {}, ...(id === undefined ? {} : { transient: { display_id: id } }) });
export const clears = (run: string, wait: boolean): KernelMessage => says(run, "clear_output", { wait });
export const ends = (run: string, status = "ok"): KernelMessage[] => [
  says(run, "execute_reply", { status }),
  says(run, "status", { execution_state: "idle" }),
];

export const stream = (text: string, name = "stdout"): Output => ({ output_type: "stream", name, text });
export const display = (text: string): Output => ({ output_type: "display_data", data: { "text/plain": text }, metadata: {} });

const empty: CodeCell = { cell_type: "code", metadata: {}, source: "", outputs: [], execution_count: null };

/** Cells a, b and c; each run is begun under its own name, with its first letter's cell. */
export class Page {
  readonly fold: OutputFold;
  readonly cells = new Map<string, CodeCell>();
  readonly changes: OutputChange[] = [];
  constructor(options: FoldOptions = { times: false }) {
    this.fold = new OutputFold(options);
  }

  run(msgId: string, attribution?: JsonObject): this {
    return this.apply(this.fold.begin({ msgId, cell: msgId.charAt(0), ...(attribution ? { attribution } : {}) }));
  }

  hears(...messages: readonly KernelMessage[]): this {
    for (const message of messages) this.apply(this.fold.take(message));
    return this;
  }

  apply(changes: readonly OutputChange[]): this {
    this.changes.push(...changes);
    for (const change of changes) this.cells.set(change.cell, changed(this.cells.get(change.cell) ?? empty, [change]));
    return this;
  }

  cell(name: string): CodeCell {
    return this.cells.get(name) ?? empty;
  }

  shows(name: string, ...outputs: readonly Output[]): this {
    expect(this.cell(name).outputs).toEqual(outputs);
    return this;
  }
}
