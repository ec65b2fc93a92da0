/**
 * The host's log for an admin who is elsewhere: the file that the host, its keeper and their shims write to.
 *   G1  Only whole lines are told, each once, and none of more than {@link LINE_CHARS}.
 *   G2  What is shaped like a secret is not told, whoever wrote it there.
 *   G3  A log that was begun anew is read from its beginning. Who reads slowly is waited for.
 */
import { open } from "node:fs/promises";
import { files } from "@holdfast/carrier";
import { MonotonicMs } from "@holdfast/core";
import { create, HoldError, HostLogAnswerSchema } from "@holdfast/protocol";
import type { CallContext, Result, Verb } from "./context.ts";

const USUAL_LINES = 200;
const MOST_LINES = 2_000;
const TAIL_BYTES = 512 * 1024;
const LINE_CHARS = 4_000;
const LOOK_MS = 500;
/** Of one part, which is to fit a frame. */
const PART_CHARS = 256 * 1024;

export async function hostLog(ctx: CallContext, call: Verb<"hostLog">): Promise<Result> {
  const tail = new Tail(files.log(ctx.host.home));
  const last = (await tail.begin()).slice(-Math.min(call.lines || USUAL_LINES, MOST_LINES));
  const parts = partsOf(last);
  const ended = parts.pop() ?? [];
  for (const lines of parts) ctx.more(answer(lines));
  if (!call.follow) return answer(ended);
  ctx.more(answer(ended));
  while (!ctx.signal.aborted) {
    await pause(ctx);
    if (ctx.signal.aborted || !ctx.hasRoom()) continue;
    for (const lines of partsOf(await tail.more())) ctx.more(answer(lines));
  }
  return answer([]);
}

const answer = (lines: readonly string[]): Result => ({
  case: "hostLog",
  value: create(HostLogAnswerSchema, { lines: [...lines] }),
});

function partsOf(lines: readonly string[]): string[][] {
  const parts: string[][] = [];
  let size = PART_CHARS;
  for (const line of lines) {
    size += line.length + 1;
    if (size > PART_CHARS) {
      parts.push([]);
      size = line.length + 1;
    }
    parts.at(-1)!.push(line);
  }
  return parts;
}

function pause({ host, signal }: CallContext): Promise<void> {
  return new Promise((resolve) => {
    const { clock, wakeAt } = host.ports;
    const left = (): void => {
      cancel();
      resolve();
    };
    const cancel = wakeAt(MonotonicMs(clock.monoMs() + LOOK_MS), () => {
      signal.removeEventListener("abort", left);
      resolve();
    });
    signal.addEventListener("abort", left, { once: true });
  });
}

/** G1, G3. */
class Tail {
  readonly #path: string;
  #at = 0;
  /** Of a line that is not whole yet. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
  }

  async begin(): Promise<string[]> {
    // The first of a tail is a piece of one.
    let isPiece = false;
    const lines = await this.#read((size) => {
      isPiece = size > TAIL_BYTES;
      return Math.max(0, size - TAIL_BYTES);
    });
    return isPiece ? lines.slice(1) : lines;
  }

  async more(): Promise<string[]> {
    return this.#read((size) => {
      if (size >= this.#at) return this.#at;
      this.#rest = Buffer.alloc(0);
      return 0;
    });
  }

  async #read(from: (size: number) => number): Promise<string[]> {
    const file = await open(this.#path, "r").catch((fault: NodeJS.ErrnoException) => {
      throw new HoldError(
        "no_such_file",
        `the host's log can't be read (${fault.code}): it may be kept by what started the host`,
      );
    });
    try {
      const { size } = await file.stat();
      const at = from(size);
      const bytes = Buffer.alloc(Math.min(size - at, TAIL_BYTES));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
      this.#at = at + bytesRead;
      const all = Buffer.concat([this.#rest, bytes.subarray(0, bytesRead)]);
      const whole = all.lastIndexOf(10) + 1;
      this.#rest = all.subarray(whole).subarray(0, LINE_CHARS);
      const lines = all.subarray(0, whole).toString().split("\n");
      return lines.filter((line) => line !== "").map((line) => withoutSecrets(line).slice(0, LINE_CHARS));
    } finally {
      await file.close();
    }
  }
}

/** G2. The host writes none; this is for what a library's fault may carry. */
export function withoutSecrets(line: string): string {
  return line
    .replace(/(\w+:\/\/)[^\s/@]+@/g, "$1***@")
    .replace(/\bhold1\.[\w-]+/g, "hold1.***")
    .replace(/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, "$1 ***")
    .replace(/\b((?:[\w-]*(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key)))(["']?\s*[=:]\s*["']?)[^\s"',;&]+/gi, "$1$2***")
    .replace(/\beyJ[\w-]{10,}\.[\w-]+\.[\w-]+/g, "***")
    .replace(/-----BEGIN [A-Z ]*PRIVATE KEY-----.*/g, "-----BEGIN PRIVATE KEY----- ***");
}
