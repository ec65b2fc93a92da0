/**
 * One client's dialling of one host, by the relays that the host has joined.
 *
 *   M1  The relay that led there last is dialled first, then the others in their order. The next one is begun when the one before has failed, or has
 *       not led there for {@link BESIDE_MS}: a relay that is dead costs no more than that.
 *   M2  The first link that stands is the one. Another that comes after it is let go before anything is said on it: a continuity token is good once.
 *   M3  A relay that may not be dialled yet (relay-dials.ts L1) is left out; where none may, the first that may is waited for.
 *   M4  A link that is doubted (relay-dials.ts L2) stands still also where another relay answers in place of its own; then that one is next.
 *   M5  What a host or a relay refuses is refused: only one that is away is made up for by the others.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { OperatorCalls, RelayedHost } from "@holdfast/carrier/grpc";
import type { Acceptor, Link } from "@holdfast/carrier/link";
import { HoldError } from "@holdfast/protocol";
import { isAway } from "../client/way.ts";
import { RelayDials, type Spare } from "./relay-dials.ts";

/** M1. Longer than a client that has just been started takes to get there by a relay that is well. */
const BESIDE_MS = 1_000;
/** M3: timers may be early by less. */
const SOON_MS = 1;

/** What leads there by one relay: a link on `relay`, which is closed when there is none or it is over. */
export type ReachBy = (at: RelayedHost, relay: OperatorCalls, accept: Acceptor) => Promise<Link>;

/** A link, and what it is on. */
export interface Led extends Spare {
  readonly at: RelayedHost;
  readonly link: Link;
}

interface Path {
  readonly at: RelayedHost;
  readonly dials: RelayDials;
}

export class HostDials {
  readonly #paths: readonly Path[];
  #last: Path;

  /** `ats`: at least one; the same host behind each. */
  constructor(ats: readonly RelayedHost[], ca: string | undefined) {
    this.#paths = ats.map((at) => ({ at, dials: new RelayDials(at.relay, ca) }));
    this.#last = this.#paths[0]!;
  }

  /** M3. */
  async turn(): Promise<void> {
    await delay(Math.min(...this.#paths.map(({ dials }) => dials.dueInMs)));
  }

  /** M1, M2. */
  link(accept: Acceptor, reach: ReachBy): Promise<Led> {
    let stands: Link | null = null;
    const once: Acceptor = (link) => {
      if (stands) return { frame: () => {}, closed: () => {} };
      stands = link;
      return accept(link);
    };
    const tries = this.#due(this.#last).map((path) => async (): Promise<Led> => {
      const { at, dials } = path;
      let by!: OperatorCalls;
      const link = await dials.use((relay) => {
        by = relay;
        return reach(at, relay, once);
      });
      if (link !== stands) {
        link.destroy();
        throw new HoldError("unreachable", "another relay was quicker");
      }
      this.#last = path;
      return { at, dials, relay: by, link };
    });
    return firstOf(tries, BESIDE_MS, ({ link }) => link.destroy()).catch((fault: unknown) => {
      if (tries.length === 1 || !(fault instanceof HoldError) || !isAway(fault)) throw fault;
      throw new HoldError(fault.code, `${fault.message}; nor does any other relay that was named lead there`, fault.details, {
        cause: fault,
      });
    });
  }

  /** M4. Resolves with whether the link stands still. */
  doubts({ at, dials, relay }: Led): Promise<boolean> {
    const own = this.#paths.find((path) => path.at === at)!;
    return dials.doubts(relay, async () => {
      const tries = this.#due(own).map((path) => async () => ({ path, dials: path.dials, relay: await path.dials.connection() }));
      const spare = await firstOf(tries, dials.hopMs, (late) => late.relay.close());
      this.#last = spare.path;
      return spare;
    });
  }

  /** M1, M3. */
  #due(first: Path): readonly Path[] {
    const paths = [first, ...this.#paths.filter((path) => path !== first)];
    const due = paths.filter(({ dials }) => dials.dueInMs <= SOON_MS);
    return due.length > 0 ? due : [first];
  }
}

/** Resolves with the first that comes; `late` is given those that come after it. Rejects with what the first one said when none comes, and at once with what is a refusal (M5). */
export function firstOf<T>(tries: readonly (() => Promise<T>)[], besideMs: number, late: (value: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const faults: unknown[] = [];
    let [begun, failed, isSettled] = [0, 0, false];
    let timer: NodeJS.Timeout | undefined;
    const settle = (how: () => void): void => {
      isSettled = true;
      clearTimeout(timer);
      how();
    };
    const begin = (): void => {
      clearTimeout(timer);
      const mine = begun++;
      if (begun < tries.length) timer = setTimeout(begin, besideMs);
      tries[mine]!().then(
        (value) => (isSettled ? late(value) : settle(() => resolve(value))),
        (fault: unknown) => {
          if (isSettled) return;
          if (!isAway(fault)) return settle(() => reject(fault));
          faults[mine] = fault;
          if (++failed === tries.length) settle(() => reject(faults[0]));
          else if (begun === mine + 1) begin();
        },
      );
    };
    begin();
  });
}
