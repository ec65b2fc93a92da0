/**
 * The last events of a session as encoded messages, shared by every attachment that keeps up. Bounded by bytes; who is
 * further behind reads the journal. Empty while nobody is attached, and once everybody has had it for a while.
 */
export interface TailEvent {
  readonly seq: number;
  /** Total output bytes up to and including this event. */
  readonly position: number;
  /** A HostFrame, ready for any channel. */
  readonly message: Uint8Array;
  /** Output bytes that count against a reader's window. */
  readonly dataBytes: number;
  readonly isOutput: boolean;
  /** Of an input: who typed it, whether it is known to be a secret, and the message without what was typed; null: it has none. */
  readonly typed: { readonly by: string; isSecret: boolean; readonly untold: () => Uint8Array } | null;
}

const MAX_BYTES = 1024 * 1024;

export class Tail {
  /** Those before `#from` are let go of. */
  #events: (TailEvent | null)[] = [];
  #from = 0;
  #bytes = 0;

  push(event: TailEvent): void {
    this.#events.push(event);
    this.#bytes += event.message.length;
    while (this.#bytes > MAX_BYTES && this.#from < this.#events.length - 1) {
      this.#bytes -= this.#events[this.#from]!.message.length;
      this.#events[this.#from++] = null;
    }
    if (this.#from > 1024) {
      this.#events = this.#events.slice(this.#from);
      this.#from = 0;
    }
  }

  /** The event with this seq, if it is still here. */
  at(seq: number): TailEvent | null {
    const first = this.#events[this.#from];
    return first && seq >= first.seq ? (this.#events[this.#from + seq - first.seq] ?? null) : null;
  }

  get isEmpty(): boolean {
    return this.#from === this.#events.length;
  }

  /** Lets go of those up to this seq. */
  drop(seq: number): void {
    for (let event = this.#events[this.#from]; event && event.seq <= seq; event = this.#events[this.#from]) {
      this.#bytes -= event.message.length;
      this.#events[this.#from++] = null;
    }
    if (this.isEmpty) this.clear();
  }

  /** Bytes of messages that this keeps from being freed. */
  get heldBytes(): number {
    return this.#events.reduce((n, e) => n + (e?.message.length ?? 0), 0);
  }

  clear(): void {
    this.#events = [];
    this.#from = 0;
    this.#bytes = 0;
  }
}
