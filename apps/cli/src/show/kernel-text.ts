/**
 * A kernel session's record as people read it: `In [3] ana: code`, and what it showed below. Safe for a terminal: what code printed can't move
 * the cursor, nor look like what this program says, which stands in brackets.
 */
import { type Entry, escapeLines, escapeText, KernelReader, type KernelTold, KernelTranscript } from "@holdfast/sdk";
import { Cleaner } from "../record/clean.ts";

export class KernelText {
  readonly #reader = new KernelReader();
  readonly #transcript = new KernelTranscript();
  readonly #cleaner = new Cleaner();

  /** Whole lines, without their ends. */
  add(entry: Entry): string[] {
    return this.#toldBy(entry).flatMap((told) => this.#linesOf(told));
  }

  /** The line that has not ended. */
  rest(): string[] {
    const rest = this.#cleaner.rest();
    return rest ? [escapeLines(rest.text)] : [];
  }

  #toldBy(entry: Entry): KernelTold[] {
    switch (entry.type) {
      case "output":
        return this.#reader.output(entry);
      case "gap":
        return this.#reader.gap(entry);
      case "event":
        return this.#reader.event(entry.event);
    }
  }

  #linesOf(told: KernelTold): string[] {
    if (told.type === "message")
      return this.#transcript.add(told.said).flatMap(({ kind, text }) => this.#clean(kind === "code" ? escapeLines(text) : text));
    if (told.type === "native") return this.#clean(Buffer.from(told.bytes).toString());
    const said = saidBy(told);
    return said === null ? [] : [...this.#clean(this.#cleaner.rest() ? "\n" : ""), `[${said}]`];
  }

  #clean(text: string): string[] {
    return this.#cleaner.feed(Buffer.from(text)).map((line) => escapeLines(line.text));
  }
}

/** In words, what is no message of the kernel's; null: it goes without saying. */
export function saidBy(told: KernelTold): string | null {
  switch (told.type) {
    case "over": {
      if (told.outcome === "ok" || told.outcome === "error") return null;
      const [first = ""] = told.run.code.trim().split("\n");
      const why = told.because === "" ? "" : `: ${escapeText(told.because)}`;
      return `${escapeText(told.run.by.name)}'s run was ${OUTCOMES[told.outcome]}${why}: ${escapeText(first.slice(0, 60))}`;
    }
    case "phase":
      if (told.phase === "dead") return "the kernel has ended; `hold kernel restart` starts it anew";
      return told.phase === "starting" && told.incarnation > 1
        ? `the kernel starts anew, the ${ordinal(told.incarnation)} time`
        : null;
    case "dropped":
      return told.records === 0
        ? "output was lost: the bridge to the kernel had ended"
        : `${told.records} records of output (${told.bytes} bytes) were dropped: nobody took them`;
    case "gap":
      return `gap: ${told.fromSeq} to ${told.toSeq} is no longer kept: ${escapeText(told.reason)}`;
    default:
      return null;
  }
}

const OUTCOMES = {
  aborted: "thrown away by the kernel",
  cancelled: "taken out of the queue",
  voided: "not run: the kernel ended before its turn",
  lost: "lost: the kernel ended under it",
  unknown: "over, and nobody heard how",
} as const;

function ordinal(n: number): string {
  const end = n % 100 >= 11 && n % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${end}`;
}
