/**
 * One end of a tunnel that crosses from one relay to another, as a stream of pieces: what is written at one comes out at the other (lane.ts).
 *
 *   E1  Who writes is held back until there is credit, and credit is given as what came is read: nothing waits in NATS for a slow reader.
 *   E2  An orderly end comes after all that was written. Any other says why, if it can, and what is under way is lost with it.
 */
import { Duplex } from "node:stream";
import { type Error as WireError, type GroupPiece, HoldError, type Init, isCode } from "@holdfast/protocol";
import { Lane } from "./lane.ts";

export interface EndParts {
  /** Says it to the other end; throws for what NATS does not take. */
  readonly say: (piece: Init<GroupPiece>) => void;
  readonly over: () => void;
  /** Where the operator came from, without a port. */
  readonly from: string;
  readonly nowMs: () => number;
}

/** Messages that wait at either side, beside what credit allows. */
const WAITING = 8;
/** How long what was written before it may take, where an end is told why. */
const FAULT_MS = 1_000;

type Body = NonNullable<Init<GroupPiece>["body"]>;

export class NatsEnd extends Duplex {
  readonly cancelled = false;
  readonly #parts: EndParts;
  readonly #lane: Lane;
  readonly #inbox: Buffer[] = [];
  #isRead = false;
  /** Of what comes: `last` is in the inbox, or has been given too. */
  #came: "open" | "last" | "given" = "open";
  #held: (() => void) | null = null;
  #why: HoldError | null = null;
  #isCut = false;

  constructor(parts: EndParts) {
    super({ objectMode: true, highWaterMark: WAITING });
    this.#parts = parts;
    this.#lane = new Lane(parts.nowMs());
    // Who joins it to another listens too; before that nobody does.
    this.on("error", () => {});
  }

  getPeer(): string {
    return `[${this.#parts.from}]:0`;
  }

  /** Ends it with why, after what was written. */
  fail(why: HoldError): void {
    if (this.#why || this.destroyed) return;
    this.#why = why;
    this.end();
    setTimeout(() => this.destroy(why), FAULT_MS).unref();
  }

  giveUp(): void {
    this.destroy();
  }

  /** What opened it was its first word: said by one end, heard by the other. */
  first(by: "said" | "heard"): number {
    if (by === "heard") this.#lane.hears(1, this.#parts.nowMs());
    return by === "heard" ? 1 : this.#lane.says(this.#parts.nowMs());
  }

  hear({ n, body }: GroupPiece): void {
    if (this.destroyed) return;
    if (body.case === "cut") {
      this.#isCut = true;
      return void this.destroy(faultOf(body.value));
    }
    if (!this.#lane.hears(Number(n), this.#parts.nowMs())) return this.breach("something between the relays was lost");
    switch (body.case) {
      case "data":
        if (this.#came !== "open" || !this.#lane.gets(body.value.length)) return this.breach("a relay sent more than it may");
        this.#inbox.push(Buffer.from(body.value));
        return this.#give();
      case "grant":
        if (!this.#lane.grants(Number(body.value.bytes))) return this.breach("a relay gave credit that is none");
        return this.#release();
      case "end":
        if (this.#came === "open") this.#came = "last";
        return this.#give();
    }
  }

  /** Time passed. */
  beat(): void {
    const due = this.#lane.due(this.#parts.nowMs());
    if (due === "silent") this.breach("the other relay has not said a word for three beats");
    else if (due === "ping") this.#say({ case: "ping", value: {} });
  }

  /** It is over, and the other end is told. */
  breach(why: string): void {
    this.destroy(new HoldError("unreachable", `the tunnel between two relays ended: ${why}`));
  }

  override _read(): void {
    this.#isRead = true;
    this.#give();
  }

  override _write(bytes: Buffer, _encoding: string, taken: (fault?: Error | null) => void): void {
    const send = (): void => {
      this.#lane.sends(bytes.length);
      taken(this.#say({ case: "data", value: bytes }));
    };
    if (this.#lane.maySend) return send();
    this.#held = send;
  }

  override _final(done: () => void): void {
    if (this.#why) this.destroy(this.#why);
    else this.#say({ case: "end", value: {} });
    done();
  }

  override _destroy(fault: Error | null, done: (fault: Error | null) => void): void {
    const isOrderly = this.writableFinished && this.readableEnded && !fault;
    if (!isOrderly && !this.#isCut) {
      this.#isCut = true;
      const { code, message, details } =
        fault instanceof HoldError ? fault : new HoldError("unreachable", "the other end of the tunnel is gone");
      this.#say({ case: "cut", value: { code, message, details } });
    }
    this.#parts.over();
    done(fault);
  }

  /** E1. */
  #give(): void {
    while (this.#isRead && this.#inbox.length > 0) {
      const bytes = this.#inbox.shift()!;
      this.#isRead = this.push(bytes);
      const bytesInAll = this.#lane.takes(bytes.length);
      if (bytesInAll !== null) this.#say({ case: "grant", value: { bytes: BigInt(bytesInAll) } });
    }
    if (this.#came !== "last" || this.#inbox.length > 0) return;
    this.#came = "given";
    this.push(null);
  }

  #release(): void {
    const send = this.#held;
    if (!send || !this.#lane.maySend) return;
    this.#held = null;
    send();
  }

  #say(body: Body): Error | null {
    try {
      this.#parts.say({ n: BigInt(this.#lane.says(this.#parts.nowMs())), body });
      return null;
    } catch (cause) {
      return new HoldError("unreachable", `NATS does not take it (${(cause as Error).message})`, {}, { cause });
    }
  }
}

function faultOf({ code, message, details }: WireError): HoldError {
  return new HoldError(isCode(code) ? code : "internal", message, details);
}
