/** Chance that is decided by a seed alone. */
import { seededRandom } from "../disk/index.ts";

export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.#next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length - 1)]!;
  }

  bytes(n: number): Uint8Array {
    return Uint8Array.from({ length: n }, () => this.int(1, 255));
  }

  id(chars: number): string {
    return Array.from({ length: chars }, () => "0123456789abcdefghjkmnpqrstvwxyz"[this.int(0, 31)]).join("");
  }

  /** A stream of its own, so that one part of a world drawing more does not change what others draw. */
  fork(): Random {
    return new Random(this.int(0, 0xffff_fffe));
  }
}
