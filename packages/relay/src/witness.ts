/** A host's line as the relay's table of heads hears it: asked once, with its registration, what its chain is now; from then on told. */
import type { Heads, SignedHead } from "@holdfast/protocol";
import { HeadWords, type HeadTable, SHOW_MS, type Teller } from "./heads.ts";

export interface WitnessedHost extends Teller {
  /** The head that it was told the relay has; null: none. */
  readonly asked: SignedHead | null;
}

export class LineWitness {
  readonly #table: HeadTable;
  readonly #host: WitnessedHost;
  readonly #words = new HeadWords(() => performance.now());
  readonly #failed: (fault: unknown) => void;
  #asked: SignedHead | null;
  readonly #late: NodeJS.Timeout;

  constructor(table: HeadTable, host: WitnessedHost, failed: (fault: unknown) => void) {
    this.#table = table;
    this.#host = host;
    this.#failed = failed;
    this.#asked = host.asked;
    this.#late = setTimeout(() => {
      if (this.#asked) table.silent(host, this.#asked).catch(failed);
      this.#asked = null;
    }, SHOW_MS).unref();
  }

  heard(word: Heads): void {
    if (this.#host.isReplaced() || !this.#words.mayCome()) return;
    const asked = this.#asked;
    this.#asked = null;
    this.#table.told(this.#host, word, asked).catch(this.#failed);
  }

  over(): void {
    clearTimeout(this.#late);
  }
}
