/**
 * Messages on their way to a kernel's bridge: in pieces that the shim takes, one message after another.
 *
 *   D1  A message is whole or is none (room K2): of one that was torn the rest is made up of zeros before anything else is said.
 *   D2  What is known of it is a fold over the records of its pieces and of what became of them, so that the next host goes on.
 *   D3  Bounded: what waits, and what is under way.
 */
import { HoldError } from "@holdfast/protocol";
import type { Actor } from "../session/book.ts";
import type { Saying } from "../session/inputs.ts";

/** Of one frame on the pipe; a frame may have 64 KiB. */
const PIECE_BYTES = 60 * 1024;
/** Under way to the bridge at once: the shim's queue holds 256 KiB. */
const UNDER_WAY_BYTES = 180 * 1024;
/** Of messages that wait for their turn; what comes on top is refused. One may have 64 MiB. */
const WAITING_BYTES = 128 * 1024 * 1024;
const HOST: Actor = { id: "system:host", via: "host" };
/** Of zeros (D1); the rest is how many. */
const FILL = "fill:";

/** One message on its way; of one that is said again, another. */
export interface Said {
  readonly message: string;
  /** Of its record; 0: not known. */
  readonly total: number;
  readonly recorded: number;
  readonly applied: number;
  readonly isTorn: boolean;
  readonly pending: readonly number[];
}

interface Outgoing {
  readonly by: Actor;
  readonly message: string;
  readonly unit: string;
  readonly secret: boolean;
  readonly bytes: Uint8Array;
  at: number;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (fault: HoldError) => void;
}

export interface DeliveryWorld {
  /** A piece to the shim. Throws why nothing can be said now. */
  say(by: Actor, saying: Saying): number;
  newId(chars: number): string;
  /** It never reached the bridge whole, and never will. */
  unsaid(message: string): void;
  /** What a refusal calls the session. */
  label(): string;
}

export class Delivery {
  readonly #world: DeliveryWorld;
  /** By unit. */
  readonly #said: Map<string, Said>;
  readonly #outbox: Outgoing[] = [];
  /** By unit: told when the bridge has it. */
  readonly #arrivals = new Map<string, Waiter>();

  constructor(world: DeliveryWorld, saved: readonly (readonly [string, Said])[] = []) {
    this.#world = world;
    this.#said = new Map(saved);
  }

  saved(): [string, Said][] {
    return [...this.#said];
  }

  // --- what is recorded (D2) ---

  /** A piece of a message. Whether it is the first. */
  recorded(seq: number, { message, unit }: { message: string; unit: string }, payload: Uint8Array): boolean {
    const before = this.#said.get(unit);
    this.#said.set(unit, {
      message,
      total: before?.total ?? totalOf(message, payload),
      recorded: (before?.recorded ?? 0) + payload.length,
      applied: before?.applied ?? 0,
      isTorn: before?.isTorn ?? false,
      pending: [...(before?.pending ?? []), seq],
    });
    return !before;
  }

  /** What became of a piece: `bytes` of it were written. */
  settled(seq: number, isWhole: boolean, bytes: number): void {
    for (const [unit, said] of this.#said) {
      if (!said.pending.includes(seq)) continue;
      const pending = said.pending.filter((one) => one !== seq);
      const applied = said.applied + bytes;
      if (isWhole && applied >= said.total) {
        this.#said.delete(unit);
        this.#arrived(unit)?.resolve();
      } else this.#said.set(unit, { ...said, pending, applied, isTorn: said.isTorn || !isWhole });
      return;
    }
  }

  /** The bridge has crashed. What it had not read is gone, with its pipe: the next one's begins anew. */
  crashed(): void {
    for (const [unit, said] of this.#said) this.#said.set(unit, { ...said, applied: 0, isTorn: true, total: 0 });
  }

  // --- what is said ---

  /** Puts a message behind those that wait; resolves when the bridge has it. Nothing is said before {@link sayMore}. */
  add(by: Actor, message: string, bytes: Uint8Array, secret: boolean): Promise<void> {
    const waiting = this.#outbox.reduce((sum, one) => sum + one.bytes.length - one.at, 0);
    if (waiting > WAITING_BYTES)
      return Promise.reject(
        new HoldError(
          "input_blocked",
          `${waiting} bytes wait for the kernel of session ${this.#world.label()}; ask again in a moment`,
        ),
      );
    const unit = this.#world.newId(16);
    this.#outbox.push({ by, message, unit, secret, bytes, at: 0 });
    return new Promise((resolve, reject) => this.#arrivals.set(unit, { resolve, reject }));
  }

  /** Whether this message waits for its turn, or is being said. */
  has(message: string): boolean {
    return this.#outbox.some((one) => one.message === message);
  }

  /** D1: makes up for what is torn, and on the way no more. */
  mend(): void {
    for (const [unit, said] of [...this.#said]) {
      const at = this.#outbox.findIndex((one) => one.unit === unit);
      if (said.pending.length > 0 || (!said.isTorn && (at >= 0 || said.recorded >= said.total))) continue;
      if (at >= 0) this.#outbox.splice(at, 1);
      this.#said.delete(unit);
      if (said.applied > 0 || said.message.startsWith(FILL)) this.#fill(said.total - said.applied);
      const fault = new HoldError("input_void", `that never reached the kernel of session ${this.#world.label()}; ask again`);
      this.#arrived(unit)?.reject(fault);
      this.#world.unsaid(said.message);
    }
  }

  /** As much as may be under way, after {@link mend}. False: nothing can be said now, and whoever knows when it can be calls again. */
  sayMore(): boolean {
    for (let head = this.#outbox[0]; head; head = this.#outbox[0]) {
      if ([...this.#said.values()].some(({ isTorn }) => isTorn)) return true;
      const bytes = head.bytes.subarray(head.at, head.at + PIECE_BYTES);
      const underWay = this.#underWay();
      if (underWay > 0 && underWay + bytes.length > UNDER_WAY_BYTES) return true;
      head.at += bytes.length;
      if (head.at === head.bytes.length) this.#outbox.shift();
      try {
        this.#world.say(head.by, { message: head.message, unit: head.unit, bytes, secret: head.secret });
      } catch (fault) {
        if (this.#outbox[0] === head) this.#outbox.shift();
        const said = this.#said.get(head.unit);
        if (said) this.#said.set(head.unit, { ...said, isTorn: true });
        this.#arrived(head.unit)?.reject(fault as HoldError);
        return false;
      }
    }
    return true;
  }

  /** The session is over. */
  end(fault: HoldError): void {
    this.#outbox.splice(0);
    for (const unit of [...this.#arrivals.keys()]) this.#arrived(unit)?.reject(fault);
  }

  #arrived(unit: string): Waiter | undefined {
    const waiter = this.#arrivals.get(unit);
    this.#arrivals.delete(unit);
    return waiter;
  }

  #underWay(): number {
    let bytes = 0;
    for (const { pending, recorded, applied } of this.#said.values()) if (pending.length > 0) bytes += recorded - applied;
    return bytes;
  }

  #fill(bytes: number): void {
    const filler = { by: HOST, message: `${FILL}${bytes}`, unit: this.#world.newId(16), secret: false, at: 0 };
    this.#outbox.unshift({ ...filler, bytes: new Uint8Array(bytes) });
  }
}

/** A record says its own length at byte 4 (docs/kernel-bridge.md §2). */
function totalOf(message: string, payload: Uint8Array): number {
  if (message.startsWith(FILL)) return Number(message.slice(FILL.length));
  return payload.length < 8 ? payload.length : Buffer.from(payload.buffer, payload.byteOffset).readUInt32LE(4);
}
