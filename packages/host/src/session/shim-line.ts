/**
 * The line to the session's shim: linking, letting go, and what is sent over it in the order of seq.
 *
 *   L1  Nothing is sent on a link that the shim has not welcomed: it would be received and, by the welcome under way, be
 *       settled as never sent (core/input I1).
 *   L2  What can't be recorded is left with the shim. The link is let go of, so that nothing is acknowledged; the shim keeps
 *       output, results and exit, and the program blocks when its ring is full. {@link ShimLine.thawed} takes it up again.
 *   L3  What goes to the shim goes in the order of seq: behind inputs that wait for the disk, if there are any.
 *   L4  The shim is acknowledged to once a turn of the loop, after clients were served.
 *   L5  What a link says that was let go of, or replaced, is not heard: the next one begins where the journal ends.
 * Elsewhere: bytes on the socket (packages/shim), what its words mean (output.ts, inputs.ts, sizing.ts).
 */
import { MonotonicMs } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import type { ShimExit, ShimLink, ShimProbe, ShimResult, ShimStarted, ShimWelcome } from "@holdfast/shim";
import type { Book } from "./book.ts";
import { isJournalFault } from "./journal-fault.ts";
import type { SessionPorts } from "./ports.ts";

/** How soon, and at most how late, a shim that may not go yet is asked again. */
const RELEASE_FIRST_MS = 1_000;
const RELEASE_MOST_MS = 60_000;

/** What the shim says, and what the line asks. All but `ended` run guarded (L2). */
export interface LineHandlers {
  welcome(w: ShimWelcome): void;
  output(stream: 0 | 1 | 2, offset: number, timeNs: bigint, bytes: Uint8Array): void;
  result(r: ShimResult): void;
  exited(e: ShimExit): void;
  closed(stream: 0 | 1 | 2, end: bigint): void;
  probed(p: ShimProbe): void;
  /** The program was started again. */
  started(s: ShimStarted): void;
  /** The journal's fault made the line let go: what was known of this link is void. */
  stalled(): void;
  /** The link is over, and nobody asked for that. */
  ended(reason: string, detail: string): void;
  /** L4: records what is owed. `resultSeq`: results are settled up to here. `output`: whether the journal's ends may be told. */
  settle(): { readonly resultSeq: bigint | null; readonly output: boolean };
}

export class ShimLine {
  readonly #book: Book;
  readonly #ports: SessionPorts;
  readonly #handlers: LineHandlers;
  #shim: ShimLink | null = null;
  #isWelcomed = false;
  #isStalled = false;
  #acksDue = false;
  #behindSync: Promise<void> | null = null;
  #releaseMs = RELEASE_FIRST_MS;
  #stopRelease: (() => void) | null = null;

  constructor(book: Book, ports: SessionPorts, handlers: LineHandlers) {
    this.#book = book;
    this.#ports = ports;
    this.#handlers = handlers;
  }

  /** The link, welcomed or not. */
  get link(): ShimLink | null {
    return this.#shim;
  }

  /** The shim, once it has said what it has received (L1). */
  get live(): ShimLink | null {
    return this.#isWelcomed ? this.#shim : null;
  }

  get isStalled(): boolean {
    return this.#isStalled;
  }

  connect(): void {
    const book = this.#book;
    const handlers = this.#handlers;
    this.#isStalled = false;
    this.#isWelcomed = false;
    const heard = (run: () => void): void => {
      if (this.#shim === link) this.guard(run);
    };
    const link: ShimLink = this.#ports.connectShim(book.facts.socketPath, book.journalled(), {
      welcome: (w) => heard(() => handlers.welcome(w)),
      output: (stream, offset, timeNs, bytes) => heard(() => handlers.output(stream, Number(offset), timeNs, bytes)),
      result: (r) => heard(() => handlers.result(r)),
      exited: (e) => heard(() => handlers.exited(e)),
      closed: (stream, end) => heard(() => handlers.closed(stream, end)),
      probe: (p) => heard(() => handlers.probed(p)),
      started: (s) => heard(() => handlers.started(s)),
      releaseRefused: () => heard(() => this.#releaseLater()),
      end: (reason, detail) => {
        if (this.#shim !== link) return;
        this.#shim = null;
        this.#isWelcomed = false;
        handlers.ended(reason, detail);
      },
    });
    this.#shim = link;
  }

  /** What was never sent on an earlier link is settled: from now on the shim is sent to (L1). */
  welcomed(): void {
    this.#isWelcomed = true;
  }

  /** L2. */
  guard(run: () => void): void {
    if (this.#isStalled) return;
    try {
      run();
    } catch (fault) {
      if (!isJournalFault(fault)) throw fault;
      this.#ports.log(`session ${this.#book.id}: ${String(fault)}; its output waits in the shim`);
      this.#isStalled = true;
      this.#shim?.close();
      this.#shim = null;
      this.#isWelcomed = false;
      this.#handlers.stalled();
    }
  }

  /** The journal can be written again. */
  thawed(): void {
    if (this.#isStalled) this.connect();
  }

  /** L3: now, or behind what waits for the disk. */
  inOrder(send: () => void): void {
    const go = (): void => {
      if (this.#isWelcomed) send();
    };
    if (this.#behindSync) this.behind(Promise.resolve(go));
    else go();
  }

  get isBehindSync(): boolean {
    return this.#behindSync !== null;
  }

  /** L3: what `ready` gives is run once it is there and all that came before has run. */
  behind(ready: Promise<() => void>): void {
    const mine: Promise<void> = Promise.all([ready, this.#behindSync])
      .then(([go]) => this.guard(go))
      .finally(() => {
        if (this.#behindSync === mine) this.#behindSync = null;
      });
    this.#behindSync = mine;
  }

  /** L4. */
  ackSoon(): void {
    if (this.#acksDue) return;
    this.#acksDue = true;
    this.#ports.defer(() => {
      this.#acksDue = false;
      this.guard(() => this.ackNow());
    });
  }

  /** One frame for all that may be acknowledged. */
  ackNow(): void {
    const { resultSeq, output } = this.#handlers.settle();
    if (resultSeq === null && !output) return;
    this.#shim?.ack({ ...(resultSeq === null ? {} : { resultSeq }), ...(output ? { streams: this.#book.journalled() } : {}) });
  }

  /** Everything that the program wrote is here, and it is gone: the shim may go too, with the last process of the session. */
  release(): void {
    this.#shim?.ack({ streams: this.#book.journalled(), exit: true });
    this.#shim?.release();
  }

  /** A daemon of the session still lives: its shim stays to be its parent, and is asked again. */
  #releaseLater(): void {
    this.#stopRelease = this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + this.#releaseMs), () =>
      this.#shim?.release(),
    );
    this.#releaseMs = Math.min(RELEASE_MOST_MS, this.#releaseMs * 2);
  }

  beingTakenUp(): HoldError {
    return new HoldError("draining", `session ${this.#book.label} is being taken up again; try again in a moment`);
  }

  /** The host goes: nothing is ended, the link is let go of. */
  leave(): void {
    this.#stopRelease?.();
    this.guard(() => {
      const { resultSeq } = this.#handlers.settle();
      this.#shim?.ack({ ...(resultSeq === null ? {} : { resultSeq }), streams: this.#book.journalled() });
    });
    this.#shim?.close();
    this.#shim = null;
    this.#isWelcomed = false;
  }
}
