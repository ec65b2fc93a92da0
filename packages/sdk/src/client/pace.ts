/**
 * The handlers of one attachment, run one after another, and the credit that paces the host.
 *
 *   P4  A handler is run when the one before it is done; where nothing waits, at once.
 *   P5  Credit is given for bytes that the handler has used, so an idle handler stalls nobody but itself. What came on an earlier link is
 *       credited to nobody.
 */

/** Well below the smallest window, so that credit never runs out for want of telling it. */
const CREDIT_BYTES = 4 * 1024;

export interface PacePorts {
  readonly isOver: () => boolean;
  /** So many bytes were used since the link began. */
  readonly credit: (bytes: number) => void;
  readonly failed: (fault: unknown) => void;
}

export class Pace {
  readonly #ports: PacePorts;
  #applied = 0;
  #creditTold = 0;
  #work: Promise<void> = Promise.resolve();
  #busy = 0;
  #links = 0;

  constructor(ports: PacePorts) {
    this.#ports = ports;
  }

  /** Another link begins. */
  linkBegins(): void {
    this.#links++;
    this.#applied = 0;
    this.#creditTold = 0;
  }

  /** P4, P5. */
  use(bytes: number, run: () => void | Promise<void>): void {
    const link = this.#links;
    if (this.#busy === 0) {
      let working: void | Promise<void>;
      try {
        working = run();
      } catch (fault) {
        return this.#ports.failed(fault);
      }
      if (!(working instanceof Promise)) return this.#credit(bytes, link);
      this.#busy++;
      this.#work = working.then(
        () => this.#used(bytes, link),
        (fault: unknown) => this.#ports.failed(fault),
      );
      return;
    }
    this.#busy++;
    this.#work = this.#work
      .then(() => (this.#ports.isOver() ? undefined : run()))
      .then(
        () => this.#used(bytes, link),
        (fault: unknown) => this.#ports.failed(fault),
      );
  }

  /** Beside the others' turn: what needs no time. */
  tell(run: () => void): void {
    try {
      run();
    } catch (fault) {
      this.#ports.failed(fault);
    }
  }

  /** After all that were begun. */
  afterAll(run: () => void): void {
    void this.#work.then(run);
  }

  #used(bytes: number, link: number): void {
    this.#busy--;
    this.#credit(bytes, link);
  }

  /** The host measures by these how much may be under way; small sums wait, unless nothing else is to come. */
  #credit(bytes: number, link: number): void {
    if (bytes === 0 || link !== this.#links) return;
    this.#applied += bytes;
    if (this.#applied - this.#creditTold < CREDIT_BYTES) return;
    this.#creditTold = this.#applied;
    this.#ports.credit(this.#applied);
  }
}
