/** What the five scenarios have in common: facts, sizes, and waiting for what may never come. */
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { fact } from "../integration/world/processes.ts";
import type { System } from "./system/system.ts";

/** One thing that was looked at: whether it is so, and what was seen. `what` is the same for every system. */
export interface Fact {
  readonly what: string;
  readonly holds: boolean;
  readonly evidence: string;
}

export interface Scenario {
  readonly claim: string;
  readonly run: (system: System) => Promise<readonly Fact[]>;
}

const isLong = process.env["HOLDFAST_CLAIMS"] === "long";
export const sizes = {
  /** Units that each of several typists sends. */
  units: isLong ? 2_000 : 150,
  /** Bytes that every carrier's client hashes, and that are printed before the first move: more than a thousand reads, too. */
  streamBytes: isLong ? 30_000_000 : 6_000_000,
  /** Times that a client goes on by another way. */
  moves: isLong ? 60 : 9,
  /** Lines of 1,200 bytes that are printed while nobody is there: more than a thousand reads of a terminal can hold. */
  lines: isLong ? 20_000 : 4_000,
  /** Tries of an AI that may not. */
  tries: isLong ? 1_000 : 20,
} as const;

const script = new URL("program.py", import.meta.url).pathname;

/** The program's argv, and the file that it writes; the file is there once the program has its terminal ready. */
export function program(
  mode: "sink" | "count" | "print" | "flow",
  bytes = 0,
): { readonly argv: readonly string[]; readonly file: ProgramFile } {
  const folder = mkdtempSync(join(tmpdir(), "hold-claim-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "copy");
  return { argv: ["python3", "-B", script, mode, path, String(bytes)], file: new ProgramFile(path) };
}

export class ProgramFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  read(): Buffer {
    return readFileSync(this.#path);
  }

  get size(): number {
    return statSync(this.#path).size;
  }

  /** The last bytes of it, cheap to look at often. */
  tail(): string {
    const file = openSync(this.#path, "r");
    try {
      const some = Buffer.alloc(256);
      const { size } = this;
      return some.toString("utf8", 0, readSync(file, some, 0, some.length, Math.max(0, size - some.length)));
    } finally {
      closeSync(file);
    }
  }

  async ready(): Promise<void> {
    await fact("the program has its terminal", () => existsSync(this.#path));
  }
}

/** Whether it came true within that time. For what a system may not do; where it must, {@link fact} says more. */
export async function comesTrue(what: string, look: () => unknown, withinMs = 15_000): Promise<boolean> {
  return fact(what, look, withinMs).then(
    () => true,
    () => false,
  );
}

export const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

/** What was printed since the order to print; all that there is where the beginning is not. */
export function sinceBegin(bytes: Buffer): Buffer {
  return bytes.subarray(Math.max(0, bytes.indexOf("<begin>")));
}

export const count = (n: number): string => n.toLocaleString("en-US");
