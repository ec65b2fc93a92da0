/**
 * One client's dialling of one relay, over all the links that it has there.
 *
 *   L1  A relay is dialled no sooner than the pace allows (carrier/grpc/pace.ts), however often it is asked for.
 *   L2  A link that says nothing is told from a host that does: by its hop. Where the relay answers on the connection that the link has, that stands. Where it
 *       does not, and another connection is had, the link stands still, as TCP does for as long after a break as the break was; then that other one is next.
 * Elsewhere: which relay is dialled, where a host has joined several (host-dials.ts).
 */
import { setTimeout as delay } from "node:timers/promises";
import { openRelay, type OperatorCalls, Pace, type RelayAddress } from "@holdfast/carrier/grpc";

/** L2: how long the hop may take, before another connection is dialled. That takes some round trips, and on a slow line the hop has as long. */
const HOP_MS = { least: 500, most: 3_000 } as const;
/** How long a connection that was dialled for a doubt is good for. */
const SPARE_MS = 5_000;

export interface Spare {
  readonly dials: RelayDials;
  readonly relay: OperatorCalls;
}

export class RelayDials {
  readonly #address: RelayAddress;
  readonly #ca: string | undefined;
  readonly #pace = new Pace();
  #notBefore = 0;
  #hopMs: number = HOP_MS.least;
  #spare: OperatorCalls | null = null;

  constructor(address: RelayAddress, ca: string | undefined) {
    this.#address = address;
    this.#ca = ca;
  }

  /** L1: until it may be dialled. */
  get dueInMs(): number {
    return Math.max(0, this.#notBefore - performance.now());
  }

  /** L2: as long as another connection is given before it is doubted too. */
  get hopMs(): number {
    return this.#hopMs;
  }

  /** A connection that nothing is on yet, in its turn. */
  async connection(): Promise<OperatorCalls> {
    await delay(this.dueInMs);
    return this.use((relay) => Promise.resolve(relay));
  }

  /** In its turn. What `use` makes of a connection; it closes that when it fails. */
  async use<T>(use: (relay: OperatorCalls) => Promise<T>): Promise<T> {
    const from = performance.now();
    try {
      const spare = this.#spare;
      this.#spare = null;
      const made = await use(spare ?? (await this.#open(from)));
      this.#pace.stood();
      return made;
    } catch (fault) {
      const now = performance.now();
      this.#notBefore = now + this.#pace.failed(fault, now - from, Math.random());
      throw fault;
    }
  }

  async #open(from: number): Promise<OperatorCalls> {
    const relay = await openRelay(this.#address, { ca: this.#ca });
    this.#hopMs = Math.min(HOP_MS.most, Math.max(HOP_MS.least, performance.now() - from));
    return relay;
  }

  /** L2. Resolves with whether a link on `relay` stands still; `another`: keeps a connection that it finds, of this relay or of one beside it. */
  async doubts(relay: OperatorCalls, another: () => Promise<Spare>): Promise<boolean> {
    let isHere = false;
    const here = relay.here().then(() => {
      isHere = true;
    });
    const enough = new AbortController();
    await Promise.race([here, delay(this.#hopMs, undefined, { signal: enough.signal }).catch(() => {})]);
    enough.abort();
    if (isHere) return false;
    const spare = await another();
    if (isHere) spare.relay.close();
    else spare.dials.#keep(spare.relay);
    return !isHere;
  }

  #keep(spare: OperatorCalls): void {
    this.#spare?.close();
    this.#spare = spare;
    setTimeout(() => {
      if (this.#spare !== spare) return;
      this.#spare = null;
      spare.close();
    }, SPARE_MS).unref();
  }
}
