/** What stands in another process's memory, as a debugger would read it. */
import { closeSync, openSync, readSync } from "node:fs";
import { read } from "./processes.ts";

const CHUNK = 16 * 1024 * 1024;

/** Shows every readable stretch of it, piece by piece; a piece begins with the last 4 KiB of the one before. Resolves with how much there was. */
export function eachStretch(pid: number, see: (bytes: Buffer) => void): number {
  const mem = openSync(`/proc/${pid}/mem`, "r");
  const buffer = Buffer.alloc(CHUNK + 4_096);
  let sum = 0;
  try {
    for (const line of read(pid, "maps").split("\n")) {
      const [, low = "", high = "", mode = "", name = ""] = /^(\w+)-(\w+) (\S+) \S+ \S+ \S+ *(.*)$/.exec(line) ?? [];
      // What is not written to is a program's text.
      if (!mode.startsWith("rw") || name === "[vvar]") continue;
      let kept = 0;
      for (let at = BigInt(`0x${low}`); at < BigInt(`0x${high}`); ) {
        const want = Math.min(CHUNK, Number(BigInt(`0x${high}`) - at));
        let got = 0;
        try {
          got = readSync(mem, buffer, kept, want, at as unknown as number);
        } catch {
          // Mapped and not there: a guard page, or what was given back meanwhile.
        }
        if (got === 0) break;
        see(buffer.subarray(0, kept + got));
        sum += got;
        at += BigInt(got);
        const tail = buffer.subarray(Math.max(0, kept + got - 4_096), kept + got);
        kept = tail.length;
        buffer.copyWithin(0, kept === 0 ? 0 : tail.byteOffset - buffer.byteOffset, tail.byteOffset - buffer.byteOffset + kept);
      }
    }
  } finally {
    closeSync(mem);
  }
  return sum;
}

/** Fifty things that nobody but the two ends may know: what is typed, and what the session makes of it. */
export class Canaries {
  /** Letters alone, unlike any word. */
  readonly #tag = Array.from({ length: 14 }, () => "bcdfghjkmnpqrstvwxz"[Math.trunc(Math.random() * 19)]).join("");
  readonly typed: readonly string[] = Array.from({ length: 25 }, (_, i) => `${this.#tag}${i + 10}`);
  readonly printed: readonly string[] = this.typed.map((text) => [...text].reverse().join(""));
  readonly #needles: readonly Buffer[];

  constructor() {
    const tags = [this.#tag, [...this.#tag].reverse().join("")];
    // A base64 of something with the tag in it, wherever that begins.
    const base64 = (text: string): string[] =>
      [0, 1, 2].map((lead) =>
        Buffer.from("\0".repeat(lead) + text)
          .toString("base64")
          .slice(lead === 0 ? 0 : 4, -4),
      );
    this.#needles = tags.flatMap((tag) => [
      Buffer.from(tag),
      Buffer.from(tag, "utf16le"),
      Buffer.from(Buffer.from(tag).toString("hex")),
      ...base64(tag).map((text) => Buffer.from(text)),
    ]);
  }

  /** Looks for all of them in any form; `found` gathers what it was, by its text where that stands there. */
  look(bytes: Buffer, found: Set<string>): void {
    for (const needle of this.#needles)
      for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) {
        const around = bytes.subarray(Math.max(0, at - 2), at + needle.length + 2).toString("latin1");
        const known = [...this.typed, ...this.printed].find((text) => around.includes(text));
        found.add(known ?? needle.toString("latin1"));
      }
  }

  /** How many of the fifty are among what was found as text. */
  counted(found: ReadonlySet<string>): number {
    return [...this.typed, ...this.printed].filter((text) => found.has(text)).length;
  }
}
