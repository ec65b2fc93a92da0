/**
 * What heads that others have kept say against this host's chain, until an admin has accepted it: a restore from a copy that was meant.
 *
 *   A1  An alarm is told once for each head, and there are so many at most: whoever has kept heads can't fill this file or the record.
 *   A2  What was accepted holds for all heads of before: others who kept one bring it later, and it is no news then.
 */
import { existsSync, readFileSync } from "node:fs";
import { type Alarm, hexOf, type SignedHead } from "@holdfast/protocol";
import { storeDurably } from "../operator/store.ts";

export interface HeadAlarm {
  readonly found: Alarm;
  readonly lsn: number;
  /** Hex. */
  readonly chain: string;
  readonly headUnixMs: number;
  readonly lastLsn: number;
  readonly atUnixMs: number;
  /** Who brought the head: an operator's id, or a relay's address. */
  readonly by: string;
}

interface Book {
  readonly alarms: readonly HeadAlarm[];
  /** Null: nothing was. */
  readonly acceptedUnixMs: number | null;
}

/** A1. */
const MAX_ALARMS = 16;

export class Alarms {
  readonly #path: string | null;
  #book: Book;

  private constructor(path: string | null, book: Book) {
    this.#path = path;
    this.#book = book;
  }

  /** Null: in memory only. A file that can't be read is none: the heads are brought again. */
  static open(path: string | null): Alarms {
    if (path !== null && existsSync(path)) {
      try {
        const book = JSON.parse(readFileSync(path, "utf8")) as Book;
        if (Array.isArray(book.alarms)) return new Alarms(path, book);
      } catch {
        // Below.
      }
    }
    return new Alarms(path, { alarms: [], acceptedUnixMs: null });
  }

  get all(): readonly HeadAlarm[] {
    return this.#book.alarms;
  }

  /** A1, A2. */
  isNews({ lsn, chain, atUnixMs }: SignedHead): boolean {
    const { alarms, acceptedUnixMs } = this.#book;
    if ((acceptedUnixMs !== null && atUnixMs <= acceptedUnixMs) || alarms.length >= MAX_ALARMS) return false;
    return !alarms.some((alarm) => alarm.lsn === lsn && alarm.chain === hexOf(chain));
  }

  add(alarm: HeadAlarm): void {
    this.#save({ ...this.#book, alarms: [...this.#book.alarms, alarm] });
  }

  accept(nowUnixMs: number): number {
    const { length } = this.#book.alarms;
    this.#save({ alarms: [], acceptedUnixMs: nowUnixMs });
    return length;
  }

  #save(book: Book): void {
    this.#book = book;
    if (this.#path !== null) storeDurably(this.#path, book);
  }
}
