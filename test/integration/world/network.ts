/**
 * Machines with a network between them that the test breaks: network namespaces, and a router (router.py) that has all their packets in its hands.
 *
 *   M1  A machine is a network of its own, with one device `net0` and its own loopback; files and processes are this machine's.
 *   M2  It is held by a process that ends when the test's does, however that ends; nothing is left of it then.
 *   M3  What this machine can't do is said, with the capability that it takes, and never passed over in silence ({@link networkless}).
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { read } from "./processes.ts";
import { say, type World } from "./world.ts";

/** What befalls packets in one direction. */
export interface Trouble {
  /** 0 to 1; 1: nothing arrives. */
  readonly drop?: number;
  /** Seconds. */
  readonly delay?: number;
  readonly jitter?: number;
  /** Bytes a second. */
  readonly rate?: number;
}

export interface Counts {
  readonly passed: number;
  readonly dropped: number;
  /** Connections from outside that were not let begin. */
  readonly shut: number;
  /** Connections that a machine asked for, however often it had to. */
  readonly begun: Readonly<Record<string, number>>;
}

const script = new URL("router.py", import.meta.url).pathname;
const BITS = 24;
/** As of most tunnels: nothing here is larger. */
const MTU = 1400;

export class Machine {
  readonly name: string;
  readonly #holder: ChildProcess;
  address: string;

  constructor(name: string, holder: ChildProcess, address: string) {
    this.name = name;
    this.#holder = holder;
    this.address = address;
  }

  get pid(): number {
    return this.#holder.pid!;
  }

  /** What stands before a command that is to run there. */
  get enter(): readonly [string, ...string[]] {
    return ["nsenter", `--net=/proc/${this.pid}/ns/net`];
  }

  /** Runs there to its end; what it printed. */
  run(...command: readonly string[]): string {
    const [first, ...rest] = this.enter;
    const done = spawnSync(first, [...rest, ...command], { encoding: "utf8" });
    if (done.status !== 0) throw new Error(`${command.join(" ")} on ${this.name}: ${done.stderr}${String(done.error ?? "")}`);
    return done.stdout;
  }

  /** The machine's own device goes down, or comes up: what is sent meanwhile is refused at once. */
  plug(is: "down" | "up"): void {
    this.run("ip", "link", "set", "net0", is);
  }
}

export class Network {
  readonly #router: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly machines: ReadonlyMap<string, Machine>;
  #next = 200;

  private constructor(router: ChildProcess, answers: AsyncIterator<string>, machines: ReadonlyMap<string, Machine>) {
    this.#router = router;
    this.#answers = answers;
    this.machines = machines;
  }

  static async of<K extends string>(w: World, names: readonly K[]): Promise<Network & { machine(name: K): Machine }> {
    const machines = new Map<string, Machine>();
    for (const [i, name] of names.entries()) {
      const holder = spawn("unshare", ["--net", "cat"], { stdio: ["pipe", "ignore", "inherit"] });
      w.atEnd(() => void holder.kill("SIGKILL"));
      await isApart(holder.pid!);
      machines.set(name, new Machine(name, holder, `10.9.0.${i + 1}`));
    }
    const ends = [...machines.values()].map(({ name, pid, address }) => `${name}=${pid}=${address}`);
    const router = spawn("python3", [script, ...ends], { stdio: ["pipe", "pipe", "inherit"] });
    w.atEnd(() => void router.kill("SIGKILL"));
    const lines = createInterface({ input: router.stdout })[Symbol.asyncIterator]();
    if ((await lines.next()).done) throw new Error("the router of the test's network did not start");
    for (const machine of machines.values()) {
      machine.run("ip", "link", "set", "lo", "up");
      machine.run("ip", "link", "set", "net0", "mtu", String(MTU), "up");
      machine.run("ip", "address", "add", `${machine.address}/${BITS}`, "dev", "net0");
    }
    return new Network(router, lines, machines);
  }

  machine(name: string): Machine {
    return this.machines.get(name)!;
  }

  /** Of packets from one to the other; none: they pass. */
  async oneWay(from: string, to: string, trouble: Trouble = {}): Promise<void> {
    await this.#say({ way: [from, to], ...trouble });
  }

  async between(one: string, other: string, trouble: Trouble = {}): Promise<void> {
    await this.oneWay(one, other, trouble);
    await this.oneWay(other, one, trouble);
  }

  /** Nothing begins from outside any more. */
  async shut(name: string): Promise<void> {
    await this.#say({ shut: name });
  }

  /** The NAT before a machine forgets its flows. */
  async rebind(name: string): Promise<void> {
    await this.#say({ rebind: name });
  }

  /** A machine comes to have another address, and not the one before. */
  async move(name: string): Promise<void> {
    const machine = this.machine(name);
    const before = machine.address;
    machine.address = `10.9.0.${this.#next++}`;
    await this.#say({ address: [name, machine.address] });
    machine.run("ip", "address", "del", `${before}/${BITS}`, "dev", "net0");
    machine.run("ip", "address", "add", `${machine.address}/${BITS}`, "dev", "net0");
  }

  counts(): Promise<Counts> {
    return this.#say({});
  }

  async #say(word: object): Promise<Counts> {
    this.#router.stdin!.write(`${JSON.stringify(word)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error("the router of the test's network has ended");
    return JSON.parse(value) as Counts;
  }
}

async function isApart(pid: number): Promise<void> {
  const own = read(process.pid, "net/route") && spawnSync("readlink", ["/proc/self/ns/net"], { encoding: "utf8" }).stdout;
  for (;;) {
    const theirs = spawnSync("readlink", [`/proc/${pid}/ns/net`], { encoding: "utf8" }).stdout;
    if (theirs !== "" && theirs !== own) return;
    if (read(pid, "stat") === "") throw new Error("unshare --net did not start");
    await new Promise(setImmediate);
  }
}

/** Why no machine can be made here, and what it takes; null: it can. */
function networkless(): string | null {
  if (process.env["HOLDFAST_NO_NETWORK"] === "1") return "HOLDFAST_NO_NETWORK=1 says so";
  const can = (command: string, ...args: readonly string[]): string | null => {
    const done = spawnSync(command, args, { encoding: "utf8" });
    if (done.error) return `${command} is not here`;
    return done.status === 0 ? null : done.stderr.trim() || `exit ${done.status}`;
  };
  const apart = can("unshare", "--net", "true");
  if (apart !== null) return `no network of its own can be made (${apart}): that takes CAP_SYS_ADMIN`;
  const ip = can("ip", "-V");
  if (ip !== null) return `${ip}: sudo apt-get install iproute2`;
  const tun = can("unshare", "--net", "ip", "tuntap", "add", "dev", "net0", "mode", "tun");
  return tun === null ? null : `no tun device can be made (${tun}): that takes CAP_NET_ADMIN and /dev/net/tun`;
}

let isTold = false;
/** Where it can't be made this is told, once a file, and false. */
export function hasNetwork(): boolean {
  const why = networkless();
  if (why !== null && !isTold) {
    isTold = true;
    say(`NOT RUN HERE, over a proxy on the loopback instead: ${why}`);
  }
  return why === null;
}
