/**
 * Looking for text in output: lines as one sees them, cut at bytes so that neither a character nor an offset is lost between two
 * records, and patterns that can't hold the host up.
 */
import { stripVTControlCharacters } from "node:util";
import { createContext, Script } from "node:vm";
import { HoldError } from "@holdfast/protocol";
import { lacking } from "../descriptors.ts";

/** Of a line that does not end: what of it is kept. */
const OPEN_BYTES = 8 * 1024;
/** What one batch of lines may take of the loop that moves everybody's bytes, in time of the CPU. A linear pattern needs a thousandth of it. */
const PATTERN_MS = 100;
export const TEXT_CHARS = 1_000;

/** A line as one would see it: without escape sequences, and without what a carriage return went back over. */
export function seenLine(line: string): string {
  const clean = stripVTControlCharacters(line).replace(/\r+$/, "");
  return clean.slice(clean.lastIndexOf("\r") + 1);
}

export interface Line {
  readonly text: string;
  readonly offset: number;
}

export class LineReader {
  #open = Buffer.alloc(0);
  #at = 0;

  /** The lines that end in these bytes. Bytes that do not follow those before begin a new line. */
  push(offset: number, bytes: Uint8Array): Line[] {
    if (offset !== this.#at + this.#open.length) {
      this.#open = Buffer.alloc(0);
      this.#at = offset;
    }
    const lines: Line[] = [];
    let from = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
      lines.push({ text: seenLine(Buffer.concat([this.#open, bytes.subarray(from, end)]).toString("utf8")), offset: this.#at });
      this.#open = Buffer.alloc(0);
      from = end + 1;
      this.#at = offset + from;
    }
    const open = Buffer.concat([this.#open, bytes.subarray(from)]);
    const over = Math.max(0, open.length - OPEN_BYTES);
    this.#open = open.subarray(over);
    this.#at += over;
    return lines;
  }

  /** What has come of a line that has not ended; null if nothing. */
  get open(): Line | null {
    return this.#open.length === 0 ? null : { text: seenLine(this.#open.toString("utf8")), offset: this.#at };
  }
}

/** CPU time of this thread; of the process where Node has no other (before 23.9). */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * Which of some lines hold the text (smart case: capitals in it make it exact), or match the pattern. `cpu`: CPU time, ms. A clock
 * would blame the pattern for what others take of a busy machine.
 */
export function matcher(text: string, regex: boolean, cpu: () => number = cpuMs): (lines: readonly Line[]) => Line[] {
  if (text === "" || text.length > TEXT_CHARS)
    throw new HoldError(
      "bad_request",
      `a text or pattern of 1 to ${TEXT_CHARS.toLocaleString("en")} characters, not ${text.length}`,
    );
  if (!regex) {
    const isExact = text !== text.toLowerCase();
    return (lines) => lines.filter((l) => (isExact ? l.text : l.text.toLowerCase()).includes(text));
  }
  try {
    new RegExp(text, "u");
  } catch (cause) {
    throw new HoldError("bad_request", `${JSON.stringify(text)} is no regular expression: ${(cause as Error).message}`);
  }
  // Whoever may look may give a pattern, and some patterns take for ever on some lines: they are stopped.
  const scope = { texts: [] as string[] };
  const context = createContext(scope);
  new Script(`const pattern = new RegExp(${JSON.stringify(text)}, "u");`).runInContext(context);
  const script = new Script("texts.map((t) => pattern.test(t))");
  return (lines) => {
    if (lines.length === 0) return [];
    const lack = lacking("pattern");
    if (lack) throw lack;
    scope.texts = lines.map((l) => l.text);
    const began = cpu();
    const look = (withinMs: number): boolean[] => {
      try {
        return script.runInContext(context, { timeout: withinMs }) as boolean[];
      } catch (fault) {
        if ((fault as { code?: string }).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT" || cpu() - began >= PATTERN_MS) throw fault;
        return look(withinMs * 2);
      }
    };
    try {
      const isHit = look(PATTERN_MS);
      return lines.filter((_, i) => isHit[i]);
    } catch (cause) {
      throw new HoldError(
        "bad_request",
        `the pattern ${JSON.stringify(text.slice(0, 100))} takes too long on this output; a simpler one, without a repetition inside a repetition, does not`,
        {},
        { cause },
      );
    } finally {
      scope.texts = [];
    }
  };
}
