/**
 * A world in one process: the real host and the real SDK on a simulated clock, network, disk and shims.
 *
 *   O1  Same seed, same trace, byte for byte: nothing in here knows of real time, real chance or real I/O.
 *   O2  What goes wrong is collected, never thrown away; {@link World.fail} says the seed, the step and how to run it again.
 * The checks are in checks.ts, what happens at random in storm.ts.
 */
import { createHash } from "node:crypto";
import { type Checkpoint, type LiveSession, type OperatorRegistry, PolicyStore } from "@holdfast/host";
import type { Entry, Gap, JournalOptions } from "@holdfast/host/journal";
import type { OpenSpec } from "@holdfast/sdk";
import { Random, Scheduler, settled } from "../clock/index.ts";
import { SimFS } from "../disk/index.ts";
import { Network } from "../network/index.ts";
import { SimShim, type Mood } from "../shim/index.ts";
import { Life, type Ground } from "./life.ts";
import { identity, makeRegistry, withRevoked, type Name } from "./operators.ts";
import { SimClient } from "./sim-client.ts";

export interface WorldOptions {
  readonly seed: number;
  /** What the program does with input. Default `echo`. */
  readonly mood?: Mood;
  readonly ringBytes?: number;
  readonly open?: Partial<OpenSpec>;
  readonly journal?: Partial<JournalOptions>;
  /** What AIs may do: the text of a policy file. Default: what their roles let them. */
  readonly policy?: string;
  /** Lines of the trace that are kept; the hash covers all. */
  readonly traceLines?: number;
}

let registry: OperatorRegistry | null = null;

/** A world with a host that serves and, unless told otherwise, one session that runs. */
export async function simulate(options: WorldOptions & { readonly empty?: boolean }): Promise<World> {
  const world = new World(options);
  await world.boot();
  if (!options.empty) await world.openSession();
  return world;
}

export class World {
  readonly seed: number;
  readonly options: WorldOptions;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  disk = new SimFS();
  readonly shims = new Map<string, SimShim>();
  readonly checkpoints = new Map<string, Checkpoint>();
  readonly tokens = { text: "[]" };
  readonly clients: SimClient[] = [];
  readonly violations: string[] = [];
  readonly lives: Life[] = [];
  readonly trace: string[] = [];
  readonly #hash = createHash("sha256");
  #traceCount = 0;
  #bootId = "boot-1";
  #labels = new Map<Name, number>();
  session = "";
  /** When a host lost its shim, or its life; and when one said hello to it. */
  readonly #losses: number[] = [];
  readonly #hellos: number[] = [];
  /** Clients got the protocol wrong (network W4). */
  hasMischief = false;
  /** Times that the disk was made to fail. */
  diskFaults = 0;
  /** For the hosts that start from now on. */
  readonly revoked = new Set<Name>();
  /** A dead host comes back by itself (the keeper's work). */
  keeps = true;
  /** Told of each program on pipes, as it is started. */
  onProgram: (shim: SimShim) => void = () => {};
  /** Told of each new life, before it starts: where crashes are planned. */
  onLife: (life: Life) => void = () => {};

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.options = options;
    const random = new Random(options.seed);
    this.scheduler = new Scheduler(random.fork());
    this.random = random.fork();
    this.network = new Network(this.scheduler, (text) => this.note(text));
    this.scheduler.onFault = (fault) => this.violation(`a step threw: ${fault instanceof Error ? fault.stack : String(fault)}`);
  }

  note(text: string): void {
    const line = `${(this.scheduler.nowUs / 1000).toFixed(3)} ${text}`;
    this.#hash.update(line).update("\n");
    this.#traceCount++;
    this.trace.push(line);
    const most = this.options.traceLines ?? Math.max(400, Number(process.env["HOLDFAST_TRACE"] ?? 0));
    if (this.trace.length > most * 2) this.trace.splice(0, this.trace.length - most);
  }

  violation(what: string): void {
    this.note(`VIOLATION ${what}`);
    if (this.violations.length < 20) this.violations.push(`${what} (step ${this.scheduler.steps})`);
  }

  /** Of everything that happened. */
  get traceHash(): string {
    return this.#hash.copy().digest("hex");
  }

  get traceCount(): number {
    return this.#traceCount;
  }

  /** What a failing run prints: what broke, what led to it, and how to see it again. */
  report(): string {
    return [
      `seed ${this.seed}: ${this.violations.length} violations`,
      ...this.violations.map((v) => `  ${v}`),
      `the last of ${this.#traceCount} lines of the trace:`,
      ...this.trace.slice(-Number(process.env["HOLDFAST_TRACE"] ?? 60)).map((l) => `  ${l.slice(0, 240)}`),
      `again with: HOLDFAST_SEED=${this.seed} npm run simulation -- packages/testkit/src/world/storm.sim.test.ts`,
    ].join("\n");
  }

  // --- the host ---

  get life(): Life {
    return this.lives.at(-1)!;
  }

  get isServing(): boolean {
    return this.life.isAlive && this.life.isServing;
  }

  get live(): LiveSession {
    return this.life.host.sessions.get(this.session)!;
  }

  async boot(): Promise<void> {
    registry ??= makeRegistry();
    const ground: Ground = {
      scheduler: this.scheduler,
      disk: this.disk,
      network: this.network,
      registry: withRevoked(registry, this.revoked),
      identity,
      checkpoints: this.checkpoints,
      tokens: this.tokens,
      bootId: this.#bootId,
      journal: this.options.journal ?? {},
      policy: this.options.policy === undefined ? PolicyStore.open(null) : PolicyStore.of(this.options.policy),
      shimAt: (path) => this.shims.get(path) ?? null,
      startShim: (spec) => {
        const shim = new SimShim({
          scheduler: this.scheduler,
          spec,
          pid: 1000 + this.shims.size * 10,
          mood: spec.mode === "pipes" ? "sink" : (this.options.mood ?? "echo"),
          ringBytes: this.options.ringBytes ?? 256 * 1024,
          note: (t) => this.note(t),
        });
        shim.onHello = () => void this.#hellos.push(this.scheduler.nowUs);
        shim.onViolation = (what) => this.violation(what);
        this.shims.set(spec.socketPath, shim);
        if (spec.mode === "pipes") this.onProgram(shim);
        return shim;
      },
      note: (text) => this.note(text),
      violation: (what) => this.violation(what),
    };
    const life = new Life(ground, this.lives.length + 1);
    this.lives.push(life);
    life.onDeath = () => {
      this.#losses.push(this.scheduler.nowUs);
      if (!this.keeps) return;
      this.scheduler.after(this.random.int(5, 800) * 1000, () => {
        if (this.keeps && this.life === life) void this.boot();
      });
    };
    this.onLife(life);
    void life.start();
    if (this.lives.length === 1) await this.until("the host serves", () => life.isServing || !life.isAlive);
  }

  async openSession(spec: Partial<OpenSpec> = {}): Promise<void> {
    const opener = await this.newClient("ana");
    const opened = await this.finish(
      opener.promise("open", () =>
        opener.client!.open({ name: "work", command: ["program"], noIntegration: true, ...this.options.open, ...spec }),
      ),
    );
    if (opened) this.session = opened.session.id;
    opener.client?.close();
    this.clients.splice(this.clients.indexOf(opener), 1);
  }

  get shim(): SimShim {
    return this.shims.get(`/run/${this.session}.sock`)!;
  }

  /** The link between host and shim breaks; neither dies. */
  cutShimLink(): void {
    this.#losses.push(this.scheduler.nowUs);
    this.shim.cutLink();
  }

  /** When what a host decided at `atUs` can have reached the shim from there on: then, or when the next one links. */
  linkedAfter(atUs: number, withinUs: number): number {
    for (const loss of this.#losses) {
      if (loss > this.scheduler.awakeAfter(atUs, withinUs)) break;
      const hello = this.#hellos.find((h) => h > loss);
      if (hello === undefined) return Infinity;
      // Lost before, and not yet back when it was decided; or lost with the word still under way.
      if (hello > atUs) return this.linkedAfter(hello, withinUs);
    }
    return atUs;
  }

  /** The machine loses its power: processes are gone, and of what was not synced only what `image` keeps. */
  async powerLoss(image: SimFS): Promise<void> {
    this.note("power loss");
    this.keeps = false;
    this.life.dies("power loss");
    for (const shim of this.shims.values()) shim.dies();
    this.disk = image;
    this.#bootId = `boot-${this.lives.length + 1}`;
    await this.advance(1_000);
    this.keeps = true;
    await this.boot();
    await this.until("the host serves after the power loss", () => this.life.isServing);
  }

  /** The host's own records of a session, gaps in place. */
  entries(session = this.session): (Entry | Gap)[] {
    const all: (Entry | Gap)[] = [];
    for (let after = 0; ; ) {
      const some = this.life.journal.read(session, after, 1024 * 1024);
      const last = some.at(-1);
      if (!last) return all;
      all.push(...some);
      after = "gap" in last ? last.toSeq : last.seq;
    }
  }

  // --- clients ---

  /** A new process of this operator, connected. */
  async newClient(name: Name): Promise<SimClient> {
    const client = this.clientOf(name);
    await this.finish(client.connect());
    return client;
  }

  clientOf(name: Name): SimClient {
    const n = (this.#labels.get(name) ?? 0) + 1;
    this.#labels.set(name, n);
    const client = new SimClient(name, n === 1 ? name : `${name}${n}`, this.scheduler, this.network, (t) => this.note(t));
    this.clients.push(client);
    return client;
  }

  /** Connected and attached to the session. */
  async attached(name: Name, options: Partial<Parameters<SimClient["attach"]>[0]> = {}): Promise<SimClient> {
    const client = await this.newClient(name);
    await this.finish(client.attach({ session: this.session, ...options }));
    return client;
  }

  // --- time ---

  async advance(ms: number): Promise<void> {
    const until = this.scheduler.nowUs + Math.round(ms * 1000);
    await settled();
    while (await this.scheduler.step(until));
  }

  /** Runs until a promise of the world's own settles. */
  async finish<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    const mark = (): void => {
      done = true;
    };
    promise.then(mark, mark);
    await this.until("a call returns", () => done);
    if (!done) throw new Error(`seed ${this.seed}: a call of the world itself did not return\n${this.report()}`);
    return promise;
  }

  /** Runs until a fact holds; false (and a violation) if it does not within `withinMs`. */
  async until(what: string, holds: () => boolean, withinMs = 60_000): Promise<boolean> {
    const deadline = this.scheduler.nowUs + withinMs * 1000;
    await settled();
    while (!holds()) {
      const next = this.scheduler.nextUs;
      if (next === null || next > deadline) {
        this.violation(`not within ${withinMs} ms: ${what}`);
        return false;
      }
      await this.scheduler.step(deadline);
    }
    return true;
  }
}
