/**
 * NATS servers of a test: the real program with JetStream, on loopback, its store in the world's folder. Between those of a cluster lie wires that a
 * test can stop: then nothing passes between one node and the others, and its clients reach it still.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { freePort } from "./port.ts";
import { fact, killed } from "./processes.ts";
import type { World } from "./world.ts";

/** Where its folders are, and what ends it. */
type Place = Pick<World, "path" | "atEnd">;

interface Ports {
  readonly client: number;
  readonly monitor: number;
}

export interface NatsOptions {
  /** Lines for its configuration: `authorization { … }`, `tls { … }`. */
  readonly more?: string;
}

/** One nats-server. */
export class NatsProcess {
  readonly name: string;
  readonly #ports: Ports;
  readonly #folder: string;
  #child: ChildProcess | null = null;

  private constructor(place: Place, name: string, ports: Ports, more: string) {
    this.name = name;
    this.#ports = ports;
    this.#folder = place.path(name);
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(
      this.#config,
      [
        `server_name: ${name}`,
        `listen: "127.0.0.1:${ports.client}"`,
        `http: "127.0.0.1:${ports.monitor}"`,
        `log_file: ${JSON.stringify(join(this.#folder, "log"))}`,
        `jetstream { store_dir: ${JSON.stringify(join(this.#folder, "store"))} }`,
        more,
      ].join("\n"),
    );
    place.atEnd(() => void this.kill());
  }

  /** Alone; resolves when it serves. */
  static async start(place: Place, name = "nats", { more = "" }: NatsOptions = {}): Promise<NatsProcess> {
    const nats = await NatsProcess.prepare(place, name, more);
    await nats.start();
    return nats;
  }

  /** Not started yet. */
  static async prepare(place: Place, name: string, more: string): Promise<NatsProcess> {
    return new NatsProcess(place, name, { client: await freePort(), monitor: await freePort() }, more);
  }

  /** `nats://127.0.0.1:PORT` */
  get url(): string {
    return `nats://127.0.0.1:${this.#ports.client}`;
  }

  /** Its folder of streams. */
  get store(): string {
    return join(this.#folder, "store");
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** (Again) on the same port with the same store; resolves when JetStream serves. */
  async start(): Promise<void> {
    await this.spawn();
    await fact(`${this.name} serves`, () => this.serves());
  }

  /** Resolves when the program runs. */
  async spawn(): Promise<void> {
    const child = spawn("nats-server", ["-c", this.#config], { stdio: "ignore" });
    this.#child = child;
    await Promise.race([
      once(child, "spawn"),
      once(child, "error").then(([cause]) => {
        throw new Error(`nats-server can't be started (${(cause as Error).message}); install it with: npm run setup`);
      }),
    ]);
  }

  async serves(): Promise<boolean> {
    if (this.#child?.exitCode !== null) throw new Error(`${this.name} ended: ${this.log().slice(-1_000)}`);
    return (await fetch(`http://127.0.0.1:${this.#ports.monitor}/healthz`)).status === 200;
  }

  /** What it tells of itself: `varz`, `jsz`, `connz` … */
  async told<T>(what: string): Promise<T> {
    return (await (await fetch(`http://127.0.0.1:${this.#ports.monitor}/${what}`)).json()) as T;
  }

  log(): string {
    return readFileSync(join(this.#folder, "log"), "utf8");
  }

  /** As `kill -9`. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child) await killed(child);
  }

  get #config(): string {
    return join(this.#folder, "server.conf");
  }
}

interface Jsz {
  readonly meta_cluster?: {
    readonly leader?: string;
    readonly cluster_size?: number;
    readonly replicas?: readonly { readonly offline?: boolean; readonly current?: boolean }[];
  };
}

/** Three of them, which keep one JetStream. */
export class NatsCluster {
  readonly nodes: readonly NatsProcess[];
  readonly #wires: readonly Wire[];

  private constructor(nodes: readonly NatsProcess[], wires: readonly Wire[]) {
    this.nodes = nodes;
    this.#wires = wires;
  }

  /** Resolves when all three serve and have a leader. */
  static async start(place: Place, { more = "" }: NatsOptions = {}): Promise<NatsCluster> {
    const names = ["n0", "n1", "n2"];
    const ports: number[] = [];
    for (const _ of names) ports.push(await freePort());
    const wires: Wire[] = [];
    for (const from of names.keys())
      for (const to of names.keys()) if (from !== to) wires.push(await Wire.start(place, { from, to, port: ports[to]! }));
    const nodes: NatsProcess[] = [];
    for (const [i, name] of names.entries()) {
      const routes = wires.filter((w) => w.from === i).map((w) => `"nats-route://127.0.0.1:${w.port}"`);
      // What it is said to be reached at leads nowhere: nodes that hear of each other would dial beside the wires.
      const cluster = `cluster { name: test, listen: "127.0.0.1:${ports[i]}", advertise: "127.0.0.1:9", no_advertise: true, routes: [${routes.join(", ")}] }`;
      nodes.push(await NatsProcess.prepare(place, name, `${cluster}\n${more}`));
    }
    const made = new NatsCluster(nodes, wires);
    for (const node of nodes) await node.spawn();
    await made.whole();
    return made;
  }

  get urls(): readonly string[] {
    return this.nodes.map((node) => node.url);
  }

  /**
   * Resolves when all three serve, agree on a leader, and none is behind. After a cut of 14 s that took 13 s on a quiet
   * machine (nats-server 2.9.10): each leader that finds no majority lets more time pass before it stands again.
   */
  async whole(): Promise<void> {
    await fact(
      "three nodes have one leader, and none is behind",
      async () => {
        const serve = await Promise.all(this.nodes.map((node) => node.serves()));
        const told = await Promise.all(this.nodes.map(async (node) => (await node.told<Jsz>("jsz")).meta_cluster));
        const leaders = new Set(told.map((t) => t?.leader ?? ""));
        const replicas = told.flatMap((t) => t?.replicas ?? []);
        const agreed = leaders.size === 1 && !leaders.has("") && told.every((t) => t?.cluster_size === 3);
        const current = replicas.length >= 2 && replicas.every((r) => r.current === true && !r.offline);
        if (!(agreed && current && serve.every(Boolean))) throw new Error(JSON.stringify({ serve, told }));
        return true;
      },
      90_000,
    );
  }

  /** From now on nothing passes between this node and the others, and nobody is told. */
  partition(node: number): void {
    for (const wire of this.#wires) if (wire.from === node || wire.to === node) wire.stop();
  }

  heal(): void {
    for (const wire of this.#wires) wire.resume();
  }
}

/** A stretch of wire from one node to another. */
class Wire {
  readonly from: number;
  readonly to: number;
  port = 0;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #isStopped = false;

  private constructor(ends: { readonly from: number; readonly to: number; readonly port: number }) {
    this.from = ends.from;
    this.to = ends.to;
    this.#target = ends.port;
    this.#server = createServer((near) => this.#carry(near));
  }

  static async start(place: Place, ends: { readonly from: number; readonly to: number; readonly port: number }): Promise<Wire> {
    const wire = new Wire(ends);
    wire.port = await freePort();
    await new Promise<void>((done) => wire.#server.listen(wire.port, "127.0.0.1", done));
    place.atEnd(() => {
      wire.#server.close();
      wire.#cut();
    });
    return wire;
  }

  stop(): void {
    this.#isStopped = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Connections of before are over: what was lost on them is not made up for. */
  resume(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    this.#cut();
  }

  #cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  #carry(near: Socket): void {
    const far = connectTcp(this.#target, "127.0.0.1");
    for (const [a, b] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(a);
      a.on("error", () => {});
      a.on("close", () => {
        this.#sockets.delete(a);
        b.destroy();
      });
      a.on("data", (bytes) => b.write(bytes));
      if (this.#isStopped) a.pause();
    }
  }
}
