/**
 * Terminals that stand in a recording at different places, so that going back need not begin at its start.
 *   H1  What is shown at a place is what a terminal shows that was fed everything before it and nothing else: a checkpoint is a terminal that stands
 *       there, not a description of one, so nothing of its state can be missed.
 *   H2  The one that stands nearest before the place goes on from there; there are {@link MOST} at most, and the one used longest ago is given up.
 *   H3  Where more than {@link CHECKPOINT_BYTES} lie between the place shown and the nearest before it, another is put half way, while nothing waits.
 *   H4  Of several places asked for at once, the last is gone to.
 */
import type { Frame, Recording, Size } from "./recording.ts";

export interface Screen {
  resize(cols: number, rows: number): void;
  write(bytes: Uint8Array, done: () => void): void;
  dispose(): void;
}

interface Head<S> {
  readonly screen: S;
  /** How many frames it was fed. */
  at: number;
  usedAt: number;
}

const MOST = 6;
export const CHECKPOINT_BYTES = 4 * 1024 * 1024;
/** Fed at once: between two such pieces, another place may be asked for. */
const PIECE_BYTES = 256 * 1024;

export class Heads<S extends Screen> {
  readonly #recording: Recording;
  readonly #make: (size: Size) => S;
  readonly #show: (screen: S) => void;
  readonly #heads: Head<S>[] = [];
  #shown: Head<S> | null = null;
  #wanted = 0;
  #clock = 0;
  #isGoing = false;
  #isSpreading = false;
  #isOver = false;

  constructor(recording: Recording, make: (size: Size) => S, show: (screen: S) => void) {
    this.#recording = recording;
    this.#make = make;
    this.#show = show;
  }

  get places(): readonly number[] {
    return this.#heads.map(({ at }) => at);
  }

  end(): void {
    this.#isOver = true;
    for (const { screen } of this.#heads) screen.dispose();
  }

  /** H4. Resolves when the last place that was asked for is shown, or another call goes there. */
  async go(frames: number): Promise<void> {
    this.#wanted = frames;
    if (this.#isGoing) return;
    this.#isGoing = true;
    try {
      while (!this.#isOver) {
        const head = this.#nearest();
        const isThere = head.at === this.#wanted;
        if (!isThere) await this.#feed(head);
        // A place far behind the one shown appears at once, when it is reached.
        if (head.at === this.#wanted && this.#shown !== head && !this.#isOver) {
          this.#shown = head;
          this.#show(head.screen);
        }
        if (head.at === this.#wanted) return void this.#spread(head.at);
      }
    } finally {
      this.#isGoing = false;
    }
  }

  /** H2. */
  #nearest(): Head<S> {
    let best: Head<S> | null = null;
    for (const head of this.#heads) if (head.at <= this.#wanted && (!best || head.at > best.at)) best = head;
    const head = best ?? this.#made(this.#recording.size, 0);
    head.usedAt = ++this.#clock;
    return head;
  }

  #made(size: Size, at: number): Head<S> {
    if (this.#heads.length >= MOST) {
      const spare = this.#heads.filter((head) => head !== this.#shown).sort((a, b) => a.usedAt - b.usedAt)[0]!;
      this.#heads.splice(this.#heads.indexOf(spare), 1);
      spare.screen.dispose();
    }
    const head = { screen: this.#make(size), at, usedAt: ++this.#clock };
    this.#heads.push(head);
    return head;
  }

  async #feed(head: Head<S>): Promise<void> {
    const { frames } = this.#recording;
    let bytes = 0;
    const written: Promise<void>[] = [];
    while (head.at < this.#wanted && bytes < PIECE_BYTES) {
      const frame = frames[head.at]!;
      // A size belongs between what was printed before and after: a terminal takes what is written later than a size.
      if (frame.is === "size") await Promise.all(written.splice(0));
      written.push(drawn(head.screen, frame));
      bytes += frame.is === "output" ? frame.bytes.length : 0;
      head.at++;
    }
    await Promise.all(written);
  }

  /** H3. */
  async #spread(shown: number): Promise<void> {
    const recording = this.#recording;
    const before = Math.max(0, ...this.places.filter((at) => at < shown));
    const [low, high] = [recording.bytesTo(before), recording.bytesTo(shown)];
    if (this.#isSpreading || high - low <= CHECKPOINT_BYTES || this.#heads.length >= MOST) return;
    this.#isSpreading = true;
    const screen = this.#make(recording.size);
    let at = 0;
    while (recording.bytesTo(at) < (low + high) / 2 && !this.#isOver) await drawn(screen, recording.frames[at++]!);
    this.#isSpreading = false;
    if (this.#isOver || this.#heads.length >= MOST) return screen.dispose();
    this.#heads.push({ screen, at, usedAt: ++this.#clock });
  }
}

function drawn(screen: Screen, frame: Frame): Promise<void> {
  if (frame.is === "output") return new Promise((resolve) => screen.write(frame.bytes, resolve));
  screen.resize(frame.size.cols, frame.size.rows);
  return Promise.resolve();
}
