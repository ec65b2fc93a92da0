/** Where a relay keeps heads: by host, whole, replaced at once. One of files is here; one of another kind has these two verbs. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Alarm } from "@holdfast/protocol";

/** Bytes in hex. */
export interface KeptHead {
  readonly lsn: number;
  readonly chain: string;
  readonly atUnixMs: number;
  readonly signature: string;
}

export interface KeptConflict {
  readonly found: Alarm;
  readonly had: KeptHead;
  /** Null: it has shown none. */
  readonly told: KeptHead | null;
  readonly atUnixMs: number;
}

/** What is kept of one host. */
export interface HostHeads {
  /** Raw public key, hex: who has signed them. */
  readonly hostKey: string;
  /** By rising lsn; the last is the newest. */
  readonly heads: readonly KeptHead[];
  readonly conflicts: readonly KeptConflict[];
}

export interface HeadStore {
  get(host: string): Promise<HostHeads | null>;
  /** What `next` makes of what is there takes its place; null: that stays. `next` is called again where another relay came between. */
  change(host: string, next: NextHeads): Promise<void>;
}

export type NextHeads = (kept: HostHeads | null) => HostHeads | null;

/** A file for each host. What can't be read is none. */
export class FileHeadStore implements HeadStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async get(host: string): Promise<HostHeads | null> {
    try {
      const read = JSON.parse(await readFile(this.#path(host), "utf8")) as HostHeads;
      return Array.isArray(read.heads) && Array.isArray(read.conflicts) ? read : null;
    } catch {
      return null;
    }
  }

  /** For one at a time of each host. */
  async change(host: string, next: NextHeads): Promise<void> {
    const heads = next(await this.get(host));
    if (!heads) return;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const path = this.#path(host);
    await writeFile(`${path}.new`, JSON.stringify(heads), { mode: 0o600, flush: true });
    await rename(`${path}.new`, path);
  }

  #path(host: string): string {
    return join(this.#folder, `${host}.json`);
  }
}

export class MemoryHeadStore implements HeadStore {
  readonly #all = new Map<string, HostHeads>();

  async get(host: string): Promise<HostHeads | null> {
    return this.#all.get(host) ?? null;
  }

  async change(host: string, next: NextHeads): Promise<void> {
    const heads = next(this.#all.get(host) ?? null);
    if (heads) this.#all.set(host, heads);
  }
}
