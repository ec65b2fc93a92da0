/**
 * Whether the host is still there, as a link itself tells: what is between may stand while the other end is gone, and a relay's hop tells of the relay.
 *
 *   P1  A look without a word since the one before sends a ping; the host answers it at once, whatever else it does.
 *   P2  A link that has said nothing for 15 s of silent looks is over. One that brings anything at all is not.
 *   P3  Looks come soon after anything else than an answer to a ping, and ever more seldom while there is none: who waits for something is told sooner.
 *   P4  A silent look raises a doubt, the first one only where something was said or sent lately; what to do about it is the caller's.
 * Not on a socket of this machine: its other end can't vanish.
 */
export const LOOK_MS = { least: 500, most: 5_000 } as const;
const OVER_MS = 15_000;
/** Between looks at a link that is silent. */
const SILENT_LOOK_MS = { close: 1_000, seldom: 5_000 } as const;

export interface PulseParts {
  readonly ping: () => void;
  /** P4. Null: nothing could be done about it, and P3 is left too. */
  readonly doubt: (() => void) | null;
  readonly over: () => void;
}

export class Pulse {
  readonly #parts: PulseParts;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Between looks at a link that speaks. */
  #lookMs: number;
  readonly #leastMs: number;
  readonly #silentMs: number;
  #heard = false;
  #stirred = false;
  #pings = 0;

  constructor(parts: PulseParts) {
    this.#parts = parts;
    this.#leastMs = parts.doubt ? LOOK_MS.least : LOOK_MS.most;
    this.#silentMs = parts.doubt ? SILENT_LOOK_MS.close : SILENT_LOOK_MS.seldom;
    this.#lookMs = this.#leastMs;
    this.#wait(this.#lookMs);
  }

  /** Anything came; `isPong`: it was asked for by this. */
  beat(isPong: boolean): void {
    this.#heard = true;
    this.#stirred ||= !isPong;
  }

  /** Something was sent that is to be answered. */
  sent(): void {
    this.#stirred = true;
    if (this.#lookMs === this.#leastMs) return;
    this.#lookMs = this.#leastMs;
    if (this.#pings === 0) this.#wait(this.#lookMs);
  }

  get isSilent(): boolean {
    return this.#pings > 0 && !this.#heard;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), ms);
    // Where a timer would keep a program alive that is done: not this one.
    (this.#timer as { unref?(): void }).unref?.();
  }

  #look(): void {
    const { ping, doubt, over } = this.#parts;
    if (this.#heard) {
      this.#lookMs = this.#stirred ? this.#leastMs : Math.min(LOOK_MS.most, 2 * this.#lookMs);
      [this.#heard, this.#stirred, this.#pings] = [false, false, 0];
      return this.#wait(this.#lookMs);
    }
    if (this.#pings * this.#silentMs >= OVER_MS) return over();
    const isDoubtful = this.#pings > 0 || this.#lookMs === this.#leastMs;
    this.#pings++;
    this.#wait(this.#silentMs);
    ping();
    if (isDoubtful) doubt?.();
  }
}
