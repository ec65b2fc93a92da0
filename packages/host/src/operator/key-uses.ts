/**
 * When each key was last proven, and by which interface: for the list in which a person looks for a device that they do not know any more.
 *
 *   U1  It lets nobody in and keeps nobody out: it is kept in memory and written now and then, so that a connection costs no disk; what a
 *       crash takes is the last minute of it.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { MonotonicMs } from "@holdfast/core";
import type { SessionPorts } from "../session/ports.ts";

export interface KeyUse {
  readonly atUnixMs: number;
  readonly via: string;
}

const SAVE_MS = 60_000;

export class KeyUses {
  readonly #path: string | null;
  readonly #uses: Map<string, KeyUse>;
  #isDirty = false;
  #isWaiting = false;

  private constructor(path: string | null, uses: Map<string, KeyUse>) {
    this.#path = path;
    this.#uses = uses;
  }

  /** Null: kept in memory only. */
  static open(path: string | null): KeyUses {
    return new KeyUses(path, path === null ? new Map() : read(path));
  }

  of(keyId: Uint8Array): KeyUse | null {
    return this.#uses.get(hexOf(keyId)) ?? null;
  }

  used(keyId: Uint8Array, via: string, { clock, wakeAt }: Pick<SessionPorts, "clock" | "wakeAt">): void {
    this.#uses.set(hexOf(keyId), { atUnixMs: clock.wallMs(), via });
    this.#isDirty = true;
    if (this.#path === null || this.#isWaiting) return;
    this.#isWaiting = true;
    wakeAt(MonotonicMs(clock.monoMs() + SAVE_MS), () => {
      this.#isWaiting = false;
      this.save();
    });
  }

  save(): void {
    if (this.#path === null || !this.#isDirty) return;
    try {
      writeFileSync(`${this.#path}.new`, `${JSON.stringify(Object.fromEntries(this.#uses), null, 1)}\n`, { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
      this.#isDirty = false;
    } catch {
      // U1: a full disk has more pressing matters.
    }
  }
}

function read(path: string): Map<string, KeyUse> {
  try {
    if (!existsSync(path)) return new Map();
    const read = Object.entries(JSON.parse(readFileSync(path, "utf8")) as Record<string, KeyUse>);
    return new Map(read.filter(([, use]) => typeof use?.atUnixMs === "number" && typeof use.via === "string"));
  } catch {
    return new Map();
  }
}

function hexOf(keyId: Uint8Array): string {
  return Buffer.from(keyId).toString("hex");
}
