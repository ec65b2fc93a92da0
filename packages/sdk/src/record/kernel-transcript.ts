/**
 * A kernel's messages as people read them: who ran what, and what it showed. Pure; one for each reading, in the order of the record.
 *   X1  Each piece begins on a line of its own, but for what a stream prints on.
 */
import type { KernelOperator, KernelSaid } from "../api/index.ts";
import { textOfSaid } from "../client/kernel-text.ts";
import { operatorOf } from "./kernel-said.ts";

export type TranscriptPiece =
  | {
      readonly kind: "code";
      readonly by: KernelOperator | null;
      readonly executionCount: number | null;
      readonly code: string;
      readonly text: string;
    }
  | { readonly kind: "text" | "error" | "asked"; readonly text: string };

export class KernelTranscript {
  #isMidLine = false;

  /** What it adds, with line ends; empty for what shows nothing. Text is as the kernel wrote it: escape it, or draw it where that is safe. */
  add({ channel, type, parent, content, raw, buffers }: KernelSaid): TranscriptPiece[] {
    if (channel === "stdin" && type === "input_request") {
      const asked = typeof content["prompt"] === "string" ? content["prompt"] : "";
      return [{ kind: "asked", text: this.#onLine(`${asked}\n`) }];
    }
    if (channel !== "iopub") return [];
    if (type === "execute_input") {
      const by = operatorOf(parent);
      const executionCount = typeof content["execution_count"] === "number" ? content["execution_count"] : null;
      const code = typeof content["code"] === "string" ? content["code"] : "";
      return [{ kind: "code", by, executionCount, code, text: this.#onLine(codeText(by?.name ?? "?", executionCount, code)) }];
    }
    const text = textOfSaid({ raw, buffers });
    if (text === null || text === "") return [];
    if (type !== "stream") return [{ kind: type === "error" ? "error" : "text", text: this.#onLine(text) }];
    this.#isMidLine = !text.endsWith("\n");
    return [{ kind: "text", text }];
  }

  #onLine(text: string): string {
    const begun = this.#isMidLine ? "\n" : "";
    this.#isMidLine = false;
    return begun + text;
  }
}

/** `In [3] ana: code`, its other lines below the first. */
export function codeText(name: string, executionCount: number | null, code: string): string {
  const front = `In [${executionCount ?? " "}] ${name}: `;
  const lines = code.replace(/\n+$/, "").split("\n");
  return `${front}${lines.join(`\n${" ".repeat(front.length)}`)}\n`;
}
