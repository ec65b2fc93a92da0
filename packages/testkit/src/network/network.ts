/**
 * A network of byte streams between clients and one listener, through the framing that the unix carrier uses.
 *
 *   W1  Bytes arrive in order, in pieces of any size, after a delay; a cut delivers any number of those under way, then the end.
 *   W2  A link whose far end is gone without a word (half-open) takes bytes and delivers none until it is cut.
 *   W3  What a paused end does not take waits in the stream; `buffered` is what is over the kernel's share of it.
 *   W4  A client that its author got wrong: {@link Network.mischief} has a frame sent twice, or behind the next one (5 ms late if there is none).
 */
import { Deframer, framed, type Acceptor, type Link, type LinkHandlers } from "@holdfast/carrier";
import { HoldError } from "@holdfast/protocol";
import type { Random, Scheduler } from "../clock/index.ts";

/** Bytes of one direction that the kernel holds before they count as waiting in the process. */
const KERNEL_BYTES = 128 * 1024;

/** How a new link behaves. */
export interface Weather {
  /** One way, microseconds. */
  readonly delayUs: readonly [least: number, most: number];
  /** Of both directions; Infinity: no limit. */
  readonly bytesPerMs: number;
}
export const localWeather: Weather = { delayUs: [20, 400], bytesPerMs: Infinity };

export type Mischief = "none" | "twice" | "late";

/** Stands between an end and its owner, so that a dead process neither hears nor speaks. */
export interface Owner {
  readonly isAlive: boolean;
  /** About to act on the world; false: it died just before. */
  effect(what: string): boolean;
}
const nobody: Owner = { isAlive: true, effect: () => true };

export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #note: (text: string) => void;
  #listener: { accept: Acceptor; owner: Owner } | null = null;
  readonly wires = new Set<Wire>();
  weather: Weather = localWeather;
  /** Nobody is reached; links that stand go on. */
  isDown = false;
  /** W4: asked of every frame of a client. */
  mischief: (channel: number, message: Uint8Array) => Mischief = () => "none";
  #nextWire = 1;

  constructor(scheduler: Scheduler, note: (text: string) => void) {
    this.#scheduler = scheduler;
    this.#random = scheduler.random.fork();
    this.#note = note;
  }

  listen(accept: Acceptor, owner: Owner): void {
    this.#listener = { accept, owner };
  }

  /** Who takes links now, over whatever carries them; null: nobody listens. */
  get acceptor(): Acceptor | null {
    return this.#listener?.accept ?? null;
  }

  /** The listening process is gone: its socket refuses, its links end. */
  hostDied(): void {
    this.#listener = null;
    for (const wire of [...this.wires]) wire.cut();
  }

  dial(who: string, accept: Acceptor, owner: Owner = nobody): Promise<Link> {
    return new Promise((resolve, reject) => {
      this.#scheduler.after(this.#random.int(...this.weather.delayUs), () => {
        if (!owner.isAlive) return;
        const listener = this.#listener;
        if (this.isDown || !listener?.owner.isAlive) return reject(new HoldError("unreachable", "no host answers in this world"));
        const wire = new Wire(
          this.#scheduler,
          this.#random,
          this.weather,
          `${who}#${this.#nextWire++}`,
          this.#note,
          owner,
          listener.owner,
          (channel, message) => this.mischief(channel, message),
        );
        this.wires.add(wire);
        wire.onOver = () => this.wires.delete(wire);
        wire.host.open(listener.accept(wire.host));
        wire.client.open(accept(wire.client));
        resolve(wire.client);
      });
    });
  }
}

export class Wire {
  readonly name: string;
  readonly client: End;
  readonly host: End;
  onOver: () => void = () => {};
  readonly #note: (text: string) => void;

  constructor(
    scheduler: Scheduler,
    random: Random,
    weather: Weather,
    name: string,
    note: (text: string) => void,
    client: Owner,
    host: Owner,
    mischief: Network["mischief"],
  ) {
    this.name = name;
    this.#note = note;
    this.client = new End(this, scheduler, random, weather, client, "client", mischief);
    this.host = new End(this, scheduler, random, weather, host, "host", () => "none");
    this.client.peer = this.host;
    this.host.peer = this.client;
  }

  get isOver(): boolean {
    return this.client.isOver && this.host.isOver;
  }

  /** Both ends lose each other; of what is under way any number of bytes arrives first (W1). */
  cut(): void {
    this.#note(`cut ${this.name}`);
    this.client.endsAfterSome();
    this.host.endsAfterSome();
  }

  /** W2, until somebody cuts it. */
  stall(): void {
    this.#note(`stall ${this.name}`);
    this.client.stalled = true;
    this.host.stalled = true;
  }

  ended(): void {
    if (this.isOver) this.onOver();
  }
}

/** One end: what it is sent waits in `#inbox`. */
class End implements Link {
  readonly carrier = "memory";
  peer!: End;
  readonly #wire: Wire;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #owner: Owner;
  readonly #side: string;
  readonly #mischief: Network["mischief"];
  /** W4. */
  #late: Buffer | null = null;
  readonly #deframer = new Deframer();
  #handlers: LinkHandlers | null = null;
  #inbox: Buffer[] = [];
  #inboxBytes = 0;
  /** After this many more bytes the link ends. */
  #endsAfter = Infinity;
  #due = false;
  #paused = false;
  stalled = false;
  isOver = false;

  constructor(
    wire: Wire,
    scheduler: Scheduler,
    random: Random,
    weather: Weather,
    owner: Owner,
    side: string,
    mischief: Network["mischief"],
  ) {
    this.#wire = wire;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#weather = weather;
    this.#owner = owner;
    this.#side = side;
    this.#mischief = mischief;
  }

  open(handlers: LinkHandlers): void {
    this.#handlers = handlers;
    this.#schedule();
  }

  get buffered(): number {
    return Math.max(0, this.peer.#inboxBytes - KERNEL_BYTES);
  }

  send(channel: number, message: Uint8Array): void {
    if (this.isOver || !this.#owner.effect(`${this.#side} sends on ${this.#wire.name}`)) return;
    const bytes = framed(channel, message);
    const { peer } = this;
    if (peer.isOver || peer.#endsAfter !== Infinity) return;
    const mischief = this.#mischief(channel, message);
    if (mischief === "late" && !this.#late) {
      this.#late = bytes;
      this.#scheduler.after(5_000, () => this.#sendLate());
      return;
    }
    this.#put(bytes);
    if (mischief === "twice") this.#put(bytes);
    this.#sendLate();
  }

  #sendLate(): void {
    const late = this.#late;
    this.#late = null;
    if (late && !this.isOver && this.peer.#endsAfter === Infinity) this.#put(late);
  }

  #put(bytes: Buffer): void {
    const { peer } = this;
    peer.#inbox.push(bytes);
    peer.#inboxBytes += bytes.length;
    peer.#schedule();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  close(): void {
    if (this.isOver || !this.#owner.isAlive) return;
    this.peer.#endsAfter = Math.min(this.peer.#endsAfter, this.peer.#inboxBytes);
    this.peer.#schedule();
  }

  destroy(): void {
    if (this.isOver || !this.#owner.isAlive) return;
    this.peer.endsAfterSome();
    this.#end("closed");
  }

  endsAfterSome(): void {
    if (this.isOver) return;
    this.stalled = false;
    this.#paused = false;
    this.#endsAfter = Math.min(
      this.#endsAfter,
      this.#random.chance(0.3) ? this.#inboxBytes : this.#random.int(0, this.#inboxBytes),
    );
    this.#schedule();
  }

  #schedule(): void {
    if (this.#due || this.isOver || this.#handlers === null) return;
    if (this.#endsAfter === Infinity && (this.#paused || this.stalled || this.#inboxBytes === 0)) return;
    this.#due = true;
    // Usually all that is there arrives at once; now and then in any two pieces, or byte by byte.
    const all = Math.min(this.#inboxBytes, this.#endsAfter);
    const most = Math.min(all, KERNEL_BYTES);
    const n = this.#random.chance(0.8) ? most : this.#random.int(Math.min(1, most), most);
    const slow = this.#weather.bytesPerMs === Infinity ? 0 : (n / this.#weather.bytesPerMs) * 1000;
    this.#scheduler.after(this.#random.int(...this.#weather.delayUs) + slow, () => {
      this.#due = false;
      this.#deliver(n);
    });
  }

  #deliver(n: number): void {
    if (this.isOver) return;
    if (this.#endsAfter === Infinity && (this.#paused || this.stalled)) return;
    const full = this.peer.buffered > 0;
    const bytes = this.#take(Math.min(n, this.#inboxBytes, this.#endsAfter));
    if (bytes.length > 0 && this.#owner.isAlive) {
      this.#deframer.push(bytes, (channel, message) => {
        if (!this.isOver && this.#owner.isAlive) this.#handlers?.frame(channel, message);
      });
    }
    if (full && this.peer.buffered === 0 && !this.peer.isOver && this.peer.#owner.isAlive) this.peer.#handlers?.drained?.();
    if (this.#endsAfter <= 0) {
      // The other way ends too: what it holds may or may not arrive.
      if (this.peer.#endsAfter === Infinity) this.peer.endsAfterSome();
      this.#end("closed");
    }
    this.#schedule();
  }

  #take(n: number): Buffer {
    const all = this.#inbox.length === 1 ? this.#inbox[0]! : Buffer.concat(this.#inbox);
    // A copy, as a socket gives one: messages point into it.
    const bytes = Buffer.from(all.subarray(0, n));
    this.#inbox = n < all.length ? [all.subarray(n)] : [];
    this.#inboxBytes -= n;
    this.#endsAfter -= n;
    return bytes;
  }

  #end(reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#inbox = [];
    this.#inboxBytes = 0;
    if (this.#owner.isAlive) this.#handlers?.closed(reason);
    this.#wire.ended();
  }
}
