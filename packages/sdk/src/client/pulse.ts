/**
 * Whether the host is still there, as a link itself tells: what is between may stand while the other end is gone, and a relay's hop tells of the relay.
 *
 *   P1  Each look without a word since the one before sends a ping; the host answers it at once, whatever else it does.
 *   P2  A link that has been silent for {@link SILENT_LOOKS} looks is over. One that brings anything at all is not.
 * Not on a socket of this machine: its other end can't vanish.
 */
export const LOOK_MS = 5_000;
const SILENT_LOOKS = 3;

export class Pulse {
  readonly #ping: () => void;
  readonly #over: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #silentLooks = 0;

  constructor(ping: () => void, over: () => void) {
    this.#ping = ping;
    this.#over = over;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    // Where a timer would keep a program alive that is done: not this one.
    (this.#timer as { unref?(): void }).unref?.();
  }

  /** Anything came. */
  beat(): void {
    this.#silentLooks = 0;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#silentLooks++ === 0) return;
    if (this.#silentLooks > SILENT_LOOKS) return this.#over();
    this.#ping();
  }
}
