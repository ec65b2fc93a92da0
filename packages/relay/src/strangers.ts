/** Calls whose caller is not known yet: each has so long to say who it is, and of one address there are so many at once. */
import { HoldError, limits } from "@holdfast/protocol";
import { addressOf, type End, isHere } from "./end.ts";

/** Of one address that is not this machine's. */
const EACH = 64;

/** A call of whom nothing is known yet. */
export interface Stranger {
  /** They have said who they are. Any key may. */
  known(): void;
  /** And somebody here lets them in. */
  letIn(): void;
}

export class Strangers {
  readonly #from = new Map<string, number>();
  readonly #met: (ms: number) => void;

  /** `met`: told how long it took. */
  constructor(met: (ms: number) => void) {
    this.#met = met;
  }

  /** Null: refused already. */
  meet(call: End, refuse: (why: unknown) => void): Stranger | null {
    const from = addressOf(call);
    const cameMs = performance.now();
    const n = this.#from.get(from) ?? 0;
    if (n >= EACH && !isHere(from)) {
      refuse(new HoldError("too_many", `${n} calls from ${from} wait to say who they are`));
      return null;
    }
    this.#from.set(from, n + 1);
    const late = setTimeout(() => refuse(new HoldError("timed_out", "who you are was not said in time")), limits.handshakeMs);
    let isKnown = false;
    const over = (): void => {
      if (isKnown) return;
      isKnown = true;
      clearTimeout(late);
      const left = this.#from.get(from)! - 1;
      if (left === 0) this.#from.delete(from);
      else this.#from.set(from, left);
    };
    call.once("close", over);
    call.once("cancelled", over);
    call.once("error", over);
    const known = (): void => {
      if (!isKnown) this.#met(performance.now() - cameMs);
      over();
    };
    return {
      known,
      letIn() {
        known();
        call.letIn?.();
      },
    };
  }
}
