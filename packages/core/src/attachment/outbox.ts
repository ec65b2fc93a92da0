/**
 * Outbox: the client's side of input. What was sent and not answered is kept, so that a cut loses and doubles nothing.
 *
 *   O1  n counts from 1 without holes; frames leave in the order of n.
 *   O2  After a resume every unanswered frame goes out again, in order, before anything new.
 *   O3  What is typed while the link is down is held apart: it goes out by itself if the link is back within `holdMs`,
 *       and otherwise only when the caller says so; it is never flushed blindly, not even by a second, shorter cut, and
 *       nothing typed later overtakes it: until it is flushed or dropped, new frames are held too.
 *   O4  The caller stops {@link maxUnanswered} frames after the oldest one without an answer: the host remembers that many outcomes
 *       and more. Answers of a link before the present one are not told: what it refused may since have been accepted.
 *   O5  What an earlier life of this client left ({@link Outbox.left}) goes on with its numbers. What it had sent goes out again (O2) where its place was
 *       kept; where it was not, what never reached the host is held. What is held of another life goes out when the caller says so, however soon it is back.
 */
import type { MonotonicMs } from "../id.ts";

/** O3: design §3. */
export const holdMs = 5_000;

/** O4: half of what the host remembers of one writer (input/, `rememberedPerWriter`). */
export const maxUnanswered = 256;

export interface OutFrame<T> {
  readonly n: number;
  readonly bytes: number;
  readonly frame: T;
}

/** O5: all that another life of this client needs. */
export interface Left<T> {
  readonly nextN: number;
  readonly unanswered: readonly OutFrame<T>[];
  readonly held: readonly { readonly bytes: number; readonly frame: T }[];
}

export class Outbox<T> {
  #nextN = 1;
  #unanswered: OutFrame<T>[] = [];
  #held: { readonly bytes: number; readonly frame: T }[] = [];
  #offlineSince: MonotonicMs | null = null;
  /** What is held is too old to go out by itself, or of another life. */
  #mustConfirm = false;

  constructor(left: Left<T> | null = null) {
    if (!left) return;
    this.#nextN = left.nextN;
    this.#unanswered = [...left.unanswered];
    this.#held = [...left.held];
    this.#mustConfirm = this.#held.length > 0;
  }

  get left(): Left<T> {
    return { nextN: this.#nextN, unanswered: this.#unanswered, held: this.#held };
  }

  /** O5: the host has had frames up to `lastN`, which may be more than was left word of. Said once, before the first {@link linkBack}. */
  found(lastN: number, isPlaceKept: boolean): void {
    this.#nextN = Math.max(this.#nextN, lastN + 1);
    if (isPlaceKept) return;
    const late = this.#unanswered.filter((f) => f.n > lastN);
    this.#unanswered = this.#unanswered.filter((f) => f.n <= lastN);
    this.#held = [...late, ...this.#held].map(({ bytes, frame }) => ({ bytes, frame }));
    this.#mustConfirm ||= this.#held.length > 0;
  }

  get unansweredBytes(): number {
    return this.#unanswered.reduce((sum, f) => sum + f.bytes, 0);
  }

  get heldBytes(): number {
    return this.#held.reduce((sum, f) => sum + f.bytes, 0);
  }

  /** O4: take no new frame until an answer has come. */
  get isFull(): boolean {
    const oldest = this.#unanswered[0]?.n ?? this.#nextN;
    return this.#nextN - oldest + this.#held.length >= maxUnanswered;
  }

  /** A new frame: what to send now, or null when it is held because the link is down or older frames are still held. */
  add(frame: T, bytes: number): OutFrame<T> | null {
    if (this.#offlineSince !== null || this.#held.length > 0) {
      this.#held.push({ bytes, frame });
      return null;
    }
    return this.#number(frame, bytes);
  }

  /** Final answers only; true if the frame was waiting for one. */
  answered(n: number): boolean {
    const before = this.#unanswered.length;
    this.#unanswered = this.#unanswered.filter((f) => f.n !== n);
    return this.#unanswered.length < before;
  }

  linkLost(now: MonotonicMs): void {
    this.#offlineSince ??= now;
  }

  /** The link is back: frames to send at once, in order; `confirm`: bytes that the caller must ask about (O3). */
  linkBack(now: MonotonicMs): { readonly send: readonly OutFrame<T>[]; readonly confirm: number } {
    const late = this.#offlineSince !== null && now - this.#offlineSince > holdMs;
    this.#offlineSince = null;
    if (late && this.#held.length > 0) this.#mustConfirm = true;
    const resend = [...this.#unanswered];
    return this.#mustConfirm ? { send: resend, confirm: this.heldBytes } : { send: [...resend, ...this.flushHeld()], confirm: 0 };
  }

  /** The caller's word (O3): frames to send now, in order. Said while the link is down, they go again with the next {@link linkBack}. */
  flushHeld(): OutFrame<T>[] {
    this.#mustConfirm = false;
    return this.#takeHeld().map((h) => this.#number(h.frame, h.bytes));
  }

  /** Returns the frames dropped, so that their callers can be told. */
  dropHeld(): T[] {
    this.#mustConfirm = false;
    return this.#takeHeld().map((h) => h.frame);
  }

  #takeHeld(): { readonly bytes: number; readonly frame: T }[] {
    const held = this.#held;
    this.#held = [];
    return held;
  }

  #number(frame: T, bytes: number): OutFrame<T> {
    const out = { n: this.#nextN++, bytes, frame };
    this.#unanswered.push(out);
    return out;
  }
}
