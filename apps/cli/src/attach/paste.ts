/**
 * Pastes as units: the host lets nobody else's input in between the first part and the last.
 *   P1  Parts are sent in the order given and the last one is marked, so that a unit always ends.
 *   P2  What a terminal sends without brackets has no marked end: it is over when nothing follows for {@link quietMs}.
 *   P3  A terminal gives 4 KiB a read, and each frame is a record of its own: reads are joined to parts of {@link partBytes}, which
 *       wait no longer than {@link quietMs} for more.
 */
import { randomUUID } from "node:crypto";

export const quietMs = 15;
/** Half of the largest frame: the host can take one while the next is under way. */
export const partBytes = 32 * 1024;

export interface PasteParts {
  readonly send: (bytes: Uint8Array, part: { readonly unit: string; readonly unitEnd: boolean }) => void;
  readonly later: (run: () => void, ms: number) => () => void;
  readonly newUnit?: () => string;
}

export class Paste {
  readonly #o: PasteParts;
  #unit: string | null = null;
  /** The newest reads, not sent yet. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** A paste without brackets is open: what is held may be its last part. */
  #isBulk = false;
  #cancel: () => void = () => {};

  constructor(options: PasteParts) {
    this.#o = options;
  }

  /** True while a paste without brackets may go on: the next read belongs to it. */
  get isOpen(): boolean {
    return this.#isBulk;
  }

  /** A part whose place is known, from between brackets. */
  part(bytes: Uint8Array, last: boolean): void {
    if (this.#isBulk) this.#send(true);
    this.#hold(bytes);
    if (last) this.#send(true);
    else this.#cancel = this.#o.later(() => this.#send(false), quietMs);
  }

  /** A large read, or what follows one at once. */
  bulk(bytes: Uint8Array): void {
    this.#isBulk = true;
    this.#hold(bytes);
    this.#cancel = this.#o.later(() => this.#send(true), quietMs);
  }

  #hold(bytes: Uint8Array): void {
    this.#cancel();
    if (this.#heldBytes > 0 && this.#heldBytes + bytes.length > partBytes) this.#send(false);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
  }

  #send(last: boolean): void {
    this.#cancel();
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    if (last) this.#isBulk = false;
    if (held.length > 0) {
      this.#unit ??= (this.#o.newUnit ?? randomUUID)();
      this.#o.send(held.length === 1 ? held[0]! : Buffer.concat(held), { unit: this.#unit, unitEnd: last });
    }
    if (last) this.#unit = null;
  }
}
