/**
 * A relay dies and all who were attached through it come back: a seeded simulation of attempts, one event after the other.
 *
 *   S1  Clients and hosts wait as the SDK's and the host's own code says; the functions are theirs.
 *   S2  A relay does one thing at a time. An attempt is {@link STEPS} pieces of work, each at the end of the queue, as in an event loop; its first is TLS.
 *   S3  Who has waited for an attempt as long as it may take gives it up and begins another. What of it was not begun is not done.
 *   S4  Who knocks at a host whose line is not back is refused, which costs what was done until then.
 *   S5  A relay that is late turns new ones away, as packages/relay/src/server.ts does (V3): they come again as after any other refusal.
 */
import { Pace } from "@holdfast/carrier/grpc";
import { nextRetryMs, spreadOf } from "../../packages/sdk/src/client/redial.ts";
import { Random } from "@holdfast/testkit";

export interface Scene {
  readonly seed: number;
  readonly attachments: number;
  readonly hosts: number;
  /** Who takes them: relays that stand, or one that was started again. */
  readonly relays: number;
  /** Until it answers; 0: the others stand. */
  readonly downMs: number;
  /** Of a core, which the relays that stand have to spare. */
  readonly spare: number;
  readonly cpuMsPerDial: number;
  readonly cpuMsPerAttach: number;
  readonly cpuMsPerHostJoin: number;
  readonly attemptMs: number;
  /** S5. Infinity: it takes all. */
  readonly lateMs: number;
}

export interface Outcome {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly allMs: number;
  readonly attempts: number;
  /** S5. */
  readonly turnedAway: number;
  readonly givenUp: number;
  /** TLS handshakes that one relay did in its busiest second. */
  readonly mostDialsPerSecond: number;
}

/** S2. */
const STEPS = 4;
/** There and back between two steps. */
const ROUND_MS = 20;
/** A port that nobody listens on says so at once. */
const REFUSED_MS = 1;
/** Of a relay's time, to take a connection and close it: assumed, of the size of what Node takes for one. */
const TURNED_AWAY_CPU_MS = 0.05;
/** As long as the SDK tries (redial.ts). */
const GIVES_UP_AFTER_MS = 600_000;

class Events {
  readonly #heap: { readonly at: number; readonly run: () => void }[] = [];
  now = 0;

  at(at: number, run: () => void): void {
    const heap = this.#heap;
    const event = { at: Math.max(at, this.now), run };
    let i = heap.push(event) - 1;
    for (let up = (i - 1) >> 1; i > 0 && heap[up]!.at > event.at; i = up, up = (i - 1) >> 1) heap[i] = heap[up]!;
    heap[i] = event;
  }

  /** Until nothing is left, or all that is left is too late. */
  run(until: number): void {
    for (let next = this.#pop(); next && next.at <= until; next = this.#pop()) {
      this.now = next.at;
      next.run();
    }
  }

  #pop(): { readonly at: number; readonly run: () => void } | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return first;
    let i = 0;
    for (let down = 1; down < heap.length; i = down, down = 2 * i + 1) {
      if (down + 1 < heap.length && heap[down + 1]!.at < heap[down]!.at) down++;
      if (heap[down]!.at >= last.at) break;
      heap[i] = heap[down]!;
    }
    heap[i] = last;
    return first;
  }
}

/** S2: resolves nothing, awaits nothing; `done` is told when the work is. */
class Relay {
  readonly #events: Events;
  readonly #speed: number;
  #freeAt = 0;
  readonly dials = new Map<number, number>();

  constructor(events: Events, speed: number) {
    this.#events = events;
    this.#speed = speed;
  }

  work(cpuMs: number, done: () => void): void {
    this.#events.at(this.#take(cpuMs), done);
  }

  turnAway(): void {
    this.#take(TURNED_AWAY_CPU_MS);
  }

  /** Until when. */
  #take(cpuMs: number): number {
    this.#freeAt = Math.max(this.#freeAt, this.#events.now) + cpuMs / this.#speed;
    return this.#freeAt;
  }

  /** S5. */
  get lateMs(): number {
    return this.#freeAt - this.#events.now;
  }

  dialled(): void {
    const second = Math.floor(this.#events.now / 1000);
    this.dials.set(second, (this.dials.get(second) ?? 0) + 1);
  }
}

interface Client {
  readonly spread: number;
  readonly pace: Pace;
  waitedMs: number;
}

export function storm(scene: Scene): Outcome {
  const {
    attachments,
    hosts,
    relays: count,
    downMs,
    spare,
    cpuMsPerDial,
    cpuMsPerAttach,
    cpuMsPerHostJoin,
    attemptMs,
    lateMs,
  } = scene;
  const events = new Events();
  const random = new Random(scene.seed);
  const relays = Array.from({ length: count }, () => new Relay(events, spare));
  const any = (): Relay => relays[random.int(0, count - 1)]!;
  const isUp = (): boolean => events.now >= downMs;
  const back = new Array<boolean>(hosts).fill(false);
  const times: number[] = [];
  let [attempts, turnedAway, givenUp] = [0, 0, 0];

  const chance = (): number => random.int(0, 1_000) / 1_000;

  const join = (host: number, pace: Pace): void => {
    const again = (): void =>
      events.at(events.now + REFUSED_MS + pace.failed(null, REFUSED_MS, chance()), () => join(host, pace));
    if (!isUp()) return again();
    const relay = any();
    if (relay.lateMs > lateMs) {
      relay.turnAway();
      return again();
    }
    relay.dialled();
    relay.work(cpuMsPerHostJoin, () => {
      back[host] = true;
    });
  };

  const attach = (host: number, client: Client): void => {
    attempts++;
    const from = events.now;
    const again = (afterMs: number): void => {
      const at = events.now + afterMs;
      client.waitedMs = nextRetryMs(client.waitedMs);
      const paced = at + client.pace.failed(null, at - from, chance());
      events.at(Math.max(paced, from + client.waitedMs * client.spread), () => attach(host, client));
    };
    if (!isUp()) return again(REFUSED_MS);
    const relay = any();
    if (relay.lateMs > lateMs) {
      turnedAway++;
      relay.turnAway();
      return again(REFUSED_MS);
    }
    const lateAt = events.now + attemptMs;
    relay.dialled();
    const step = (n: number): void => {
      if (events.now > lateAt) {
        givenUp++;
        return again(0);
      }
      if (n === STEPS) return void times.push(events.now);
      if (n === 2 && !back[host]) return again(ROUND_MS);
      const work = n === 0 ? cpuMsPerDial : (cpuMsPerAttach - cpuMsPerDial) / (STEPS - 1);
      relay.work(work, () => events.at(Math.min(events.now + ROUND_MS, Math.max(lateAt, events.now) + 1), () => step(n + 1)));
    };
    step(0);
  };

  for (let host = 0; host < hosts; host++) events.at(0, () => join(host, new Pace()));
  for (let n = 0; n < attachments; n++) {
    const client: Client = { spread: spreadOf(random.id(24)), pace: new Pace(), waitedMs: 0 };
    events.at(0, () => attach(n % hosts, client));
  }
  events.run(GIVES_UP_AFTER_MS);
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.max(0, Math.ceil(attachments * share) - 1)] ?? Infinity;
  const mostDialsPerSecond = Math.max(...relays.flatMap(({ dials }) => [...dials.values()]));
  return { p50Ms: at(0.5), p99Ms: at(0.99), allMs: at(1), attempts, turnedAway, givenUp, mostDialsPerSecond };
}
