/**
 * The crowd of the relay's bench: hosts that are the real host each, on a simulated disk with a scripted program; and operators that are the real SDK
 * each, attached with a continuity token and a cursor. What is between them is real: TLS inside TLS, over a relay.
 *
 *   C1  A host's clock stands while it hears nothing and goes on by {@link STEP_MS} with what it hears: a thousand hosts at rest cost nothing but
 *       what their links do.
 *   C2  Hosts have a key each at the relay. Inside they are one identity, and operators are {@link people}: who knocks as whom is no matter to a relay.
 *   C3  This process is ten thousand machines, and an attempt needs more of its processor than of the relay's: at most {@link AT_ONCE} attempts are
 *       under way. Without it, in a storm, all of them begin and none ends in the time that it has.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Acceptor } from "@holdfast/carrier/link";
import { openRelay, type RelayAddress, reachThroughRelay } from "@holdfast/carrier/grpc";
import { MonotonicMs } from "@holdfast/core";
import type { Attachment } from "@holdfast/sdk";
import { ClientAttachment, Connection, type Redial } from "@holdfast/sdk/client";
import { credential, keyOf, Random, simulate, verifier, type World } from "@holdfast/testkit";
import { keyIdOf, newKey, passOf, serve } from "./line.ts";
import { orders, percentile, tell } from "./talking.ts";

/** C1. Longer than it takes ten to attach and their tokens to be saved, one after the other. */
const STEP_MS = 500;
const people = ["ana", "ben", "ci", "job"] as const;
/** C3. */
const AT_ONCE = 32;
const TRIES = 10;

/** C1. */
async function simulatedHost(seed: number): Promise<Acceptor> {
  const world: World = await simulate({ seed, traceLines: 1 });
  let [isMoving, isWanted] = [false, false];
  const move = async (): Promise<void> => {
    isWanted = true;
    if (isMoving) return;
    isMoving = true;
    while (isWanted) {
      isWanted = false;
      await world.advance(STEP_MS);
    }
    isMoving = false;
  };
  return (link) => {
    const inner = world.network.acceptor!(link);
    return {
      frame: (channel, message) => {
        inner.frame(channel, message);
        // A ping is answered at once: no time need pass for it.
        if (channel !== 0 || message.length > 8) void move();
      },
      drained: () => inner.drained?.(),
      closed: (reason) => {
        inner.closed(reason);
        void move();
      },
    };
  };
}

/** `first`: its hosts are called h`first` and so on. */
export async function hosts(address: RelayAddress): Promise<void> {
  const admits = people.map((name) => keyIdOf(keyOf(name)));
  const failed = (fault: unknown): void => void process.stderr.write(`${String(fault)}\n`);
  for await (const { tokens, first } of orders<{ tokens: readonly string[]; first: number }>()) {
    for (const [i, token] of tokens.entries()) {
      const accept = await simulatedHost(first + i);
      await serve({ address, key: newKey(), name: `h${first + i}`, admits, accept, failed }, Buffer.from(token, "hex"));
    }
    tell({ hosts: tokens.length });
  }
  process.exit(0);
}

interface Member {
  readonly attachment: Attachment;
  isAttached: boolean;
  resumed: number;
  /** Attached anew: the place was not kept. */
  anew: number;
}

/** How each attempt to reach the host went. */
interface Dials {
  made: number;
  failed: Record<string, number>;
  took: number[];
}

/** C3. */
class Gate {
  #free = AT_ONCE;
  readonly #waiting: (() => void)[] = [];

  async pass<T>(attempt: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await attempt();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

class Crowd {
  readonly #address: RelayAddress;
  readonly #gate = new Gate();
  readonly members: Member[] = [];
  dials: Dials = { made: 0, failed: {}, took: [] };

  constructor(address: RelayAddress) {
    this.#address = address;
  }

  #redial(host: string, who: (typeof people)[number]): Redial {
    const key = keyOf(who);
    const { dials } = this;
    return {
      connect: (resume) =>
        this.#gate.pass(async () => {
          const began = performance.now();
          dials.made++;
          try {
            const connection = await Connection.open({
              dial: async (accept) =>
                reachThroughRelay(
                  {
                    relay: await openRelay(this.#address),
                    knock: { host, pass: await passOf(key, this.#address) },
                    key,
                    trusts: () => {},
                  },
                  accept,
                ),
              credential: credential(who),
              verifier: verifier(new Random(randomBytes(4).readUInt32LE())),
              resume,
              via: "sdk",
              client: "bench",
              signal: AbortSignal.timeout(10_000),
            });
            dials.took.push(performance.now() - began);
            return connection;
          } catch (fault) {
            const { code = "internal" } = fault as { code?: string };
            dials.failed[code] = (dials.failed[code] ?? 0) + 1;
            throw fault;
          }
        }),
      now: () => MonotonicMs(performance.now()),
      wallMs: () => Date.now(),
      wait: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
      newId: () => randomBytes(12).toString("hex"),
    };
  }

  /** Attached, and shown the screen. */
  async join(host: string, who: (typeof people)[number]): Promise<void> {
    const redial = this.#redial(host, who);
    let connection = await redial.connect(null).catch(() => null);
    // As a person would.
    for (let tries = 1; !connection; tries++)
      connection = await redial.connect(null).catch((fault: unknown) => {
        if (tries === TRIES) throw fault;
        return null;
      });
    let member!: Member;
    await new Promise<void>((shown, reject) => {
      ClientAttachment.open(
        connection,
        redial,
        { session: "work" },
        {
          snapshot: () => shown(),
          link: (state, { resumed }) => {
            if (!member) return;
            member.isAttached = state === "attached";
            if (member.isAttached) member[resumed ? "resumed" : "anew"]++;
          },
          detached: (reason, error) => reject(error ?? new Error(reason)),
        },
      ).then((attachment) => {
        member = { attachment, isAttached: true, resumed: 0, anew: 0 };
        this.members.push(member);
      }, reject);
    });
  }
}

interface Order {
  readonly verb: "attach" | "dial" | "state";
  readonly attachments: number;
  readonly hosts: number;
}

export async function operators(address: RelayAddress): Promise<void> {
  const crowd = new Crowd(address);
  for await (const order of orders<Order>()) {
    if (order.verb === "attach") {
      let next = crowd.members.length;
      const began = performance.now();
      const one = async (): Promise<void> => {
        while (next < order.attachments) {
          const n = next++;
          // Of each host's a few of every kind.
          await crowd.join(`h${n % order.hosts}`, people[Math.floor(n / order.hosts) % people.length]!);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, one));
      const { took } = crowd.dials;
      tell({
        attached: crowd.members.length,
        seconds: (performance.now() - began) / 1000,
        dialMs: { p50: percentile(took, 0.5), p99: percentile(took, 0.99) },
      });
      crowd.dials = Object.assign(crowd.dials, { made: 0, failed: {}, took: [] });
    } else if (order.verb === "dial") {
      for (let n = 0; n < order.attachments; n++) (await openRelay(address)).close();
      tell({ dialled: order.attachments });
    } else {
      const of = (holds: (member: Member) => boolean): number => crowd.members.filter(holds).length;
      const { made, failed } = crowd.dials;
      tell({
        attached: of(({ isAttached }) => isAttached),
        resumed: of(({ resumed }) => resumed > 0),
        anew: of(({ anew }) => anew > 0),
        dials: { made, failed },
      });
    }
  }
  process.exit(0);
}
