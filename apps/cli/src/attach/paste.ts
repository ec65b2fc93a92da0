/**
 * Pastes as units: the host lets nobody else's input in between the first part and the last.
 *   P1  Parts are sent in the order given and the last one is marked, so that a unit always ends.
 *   P2  What a terminal sends without brackets has no marked end: it is over when nothing follows for {@link quietMs}.
 */
import { randomUUID } from "node:crypto";

export const quietMs = 15;

export interface PasteParts {
  readonly send: (bytes: Uint8Array, part: { readonly unit: string; readonly unitEnd: boolean }) => void;
  readonly later: (run: () => void, ms: number) => () => void;
  readonly newUnit?: () => string;
}

export class Paste {
  readonly #o: PasteParts;
  #unit: string | null = null;
  /** The newest part of a paste without brackets: sent when it is known whether it is the last. */
  #held: Uint8Array | null = null;
  #cancel: () => void = () => {};

  constructor(options: PasteParts) {
    this.#o = options;
  }

  /** True while a paste without brackets may go on: the next read belongs to it. */
  get isOpen(): boolean {
    return this.#held !== null;
  }

  /** A part whose place is known, from between brackets. */
  part(bytes: Uint8Array, last: boolean): void {
    if (this.#held) this.#flush();
    this.#unit ??= (this.#o.newUnit ?? randomUUID)();
    this.#o.send(bytes, { unit: this.#unit, unitEnd: last });
    if (last) this.#unit = null;
  }

  /** A large read, or what follows one at once. */
  bulk(bytes: Uint8Array): void {
    this.#cancel();
    this.#unit ??= (this.#o.newUnit ?? randomUUID)();
    if (this.#held) this.#o.send(this.#held, { unit: this.#unit, unitEnd: false });
    this.#held = bytes;
    this.#cancel = this.#o.later(() => this.#flush(), quietMs);
  }

  #flush(): void {
    this.#cancel();
    const held = this.#held;
    this.#held = null;
    if (held && this.#unit) this.#o.send(held, { unit: this.#unit, unitEnd: true });
    this.#unit = null;
  }
}
