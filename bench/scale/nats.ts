/**
 * What a nats-server costs, measured: its own processor time for a message, a delivery and a key, which a busy machine does not change. Spoken to in NATS's
 * own protocol, so that no library is measured with it.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../relay/ssh.ts";
import { percentile } from "../relay/talking.ts";

export interface NatsFigures {
  readonly version: string;
  readonly baseKib: number;
  /** A message of 200 bytes from one connection to one other. */
  readonly cpuUsPerMessage: number;
  /** In messages of 32 KiB. */
  readonly cpuMsPerMb: number;
  readonly requestUs: { readonly p50: number; readonly p99: number };
  /** A put into a bucket on disk, one replica, nobody watching. */
  readonly cpuUsPerPut: number;
  readonly putUs: { readonly p50: number; readonly p99: number };
  /** A value read by its key, from the leader of the bucket. */
  readonly cpuUsPerGet: number;
  readonly kibPerKey: number;
  readonly kibPerConnection: number;
}

const KEYS = 20_000;
const MESSAGES = 200_000;
const BIG = 4_000;
const PIECE = 32 * 1024;
const HELD_KEYS = 100_000;
const CONNECTIONS = 1_000;
/** Puts under way at once. */
const WINDOW = 256;
const BUCKET = "KV_bench";

/** One connection. Messages are counted; who waits for a number of them is told. */
class Wire {
  readonly #socket: Socket;
  #rest = Buffer.alloc(0);
  #came = 0;
  #subscriptions = 0;
  #until = { count: 0, told: (): void => {} };
  #pongs: (() => void)[] = [];
  onMessage: (payload: Buffer) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#read(bytes));
  }

  static async open(port: number): Promise<Wire> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    const wire = new Wire(socket);
    socket.write('CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n');
    await wire.flush();
    return wire;
  }

  #read(bytes: Buffer): void {
    let all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (let end = all.indexOf("\r\n"); end >= 0; end = all.indexOf("\r\n")) {
      const [op = "", ...words] = all.subarray(0, end).toString("latin1").split(" ");
      const size = op === "MSG" || op === "HMSG" ? Number(words.at(-1)) : -1;
      if (size >= 0 && all.length < end + 4 + size) break;
      if (size >= 0) this.#message(all.subarray(end + 2, end + 2 + size));
      if (op === "PONG") this.#pongs.shift()?.();
      if (op === "PING") this.#socket.write("PONG\r\n");
      if (op === "-ERR") throw new Error(words.join(" "));
      all = all.subarray(size >= 0 ? end + 4 + size : end + 2);
    }
    this.#rest = Buffer.from(all);
  }

  #message(payload: Buffer): void {
    this.#came++;
    this.onMessage(payload);
    if (this.#came >= this.#until.count) this.#until.told();
  }

  subscribe(subject: string): void {
    this.#socket.write(`SUB ${subject} ${++this.#subscriptions}\r\n`);
  }

  /** Resolves when there is room. */
  async publish(subject: string, payload: Buffer, reply = ""): Promise<void> {
    this.#socket.cork();
    this.#socket.write(`PUB ${subject} ${reply}${reply && " "}${payload.length}\r\n`);
    this.#socket.write(payload);
    const hasRoom = this.#socket.write("\r\n");
    this.#socket.uncork();
    if (!hasRoom) await once(this.#socket, "drain");
  }

  /** Everything before it has been read by the server. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      this.#pongs.push(resolve);
      this.#socket.write("PING\r\n");
    });
  }

  /** Until this many more have come than now. */
  more(count: number): Promise<void> {
    return new Promise((told) => {
      this.#until = { count: this.#came + count, told };
    });
  }

  async request(subject: string, payload: Buffer): Promise<Buffer> {
    const inbox = `_INBOX.${Math.random().toString(36).slice(2)}`;
    this.subscribe(inbox);
    const answered = new Promise<Buffer>((resolve) => {
      this.onMessage = (bytes) => resolve(Buffer.from(bytes));
    });
    await this.publish(subject, payload, inbox);
    return answered;
  }

  close(): void {
    this.#socket.destroy();
  }
}

class Server {
  readonly #child: ChildProcess;
  readonly port: number;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(folder: string): Promise<Server> {
    const port = await freePort();
    const child = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder], { stdio: "ignore" });
    for (let tries = 0; ; tries++)
      try {
        (await Wire.open(port)).close();
        return new Server(child, port);
      } catch (fault) {
        if (tries > 200) throw fault;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
  }

  get cpuMs(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  get pssKib(): number {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${this.#child.pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
  }

  async cpuOf(act: () => Promise<unknown>): Promise<number> {
    const before = this.cpuMs;
    await act();
    return this.cpuMs - before;
  }

  async end(): Promise<void> {
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}

async function passed(from: Wire, to: Wire, payload: Buffer, count: number): Promise<void> {
  const all = to.more(count);
  for (let i = 0; i < count; i++) await from.publish("relay.1.t", payload);
  await all;
}

/** Puts keys `from` to `to`, many under way; each is answered when it is stored. */
async function puts(wire: Wire, from: number, to: number): Promise<void> {
  const value = Buffer.alloc(100, 0x61);
  for (let at = from; at < to; at += WINDOW) {
    const until = Math.min(to, at + WINDOW);
    const stored = wire.more(until - at);
    for (let key = at; key < until; key++) await wire.publish(`$KV.bench.host-${key}`, value, "answers");
    await stored;
  }
}

async function got(wire: Wire, count: number): Promise<void> {
  for (let at = 0; at < count; at += WINDOW) {
    const until = Math.min(count, at + WINDOW);
    const answered = wire.more(until - at);
    for (let key = at; key < until; key++)
      await wire.publish(
        `$JS.API.STREAM.MSG.GET.${BUCKET}`,
        Buffer.from(JSON.stringify({ last_by_subj: `$KV.bench.host-${key}` })),
        "answers",
      );
    await answered;
  }
}

async function timesOf(count: number, act: () => Promise<unknown>): Promise<NatsFigures["requestUs"]> {
  const took: number[] = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await act();
    took.push((performance.now() - began) * 1000);
  }
  return { p50: percentile(took, 0.5), p99: percentile(took, 0.99) };
}

async function bucketOn(wire: Wire): Promise<void> {
  const config = { name: BUCKET, subjects: ["$KV.bench.>"], max_msgs_per_subject: 1, storage: "file", allow_direct: true };
  const made = await wire.request(`$JS.API.STREAM.CREATE.${BUCKET}`, Buffer.from(JSON.stringify(config)));
  if (made.includes('"error"')) throw new Error(made.toString());
  wire.onMessage = () => {};
  wire.subscribe("answers");
}

/** On a server that has done nothing yet: what it has freed is not given back at once. */
async function memory(server: Server): Promise<Pick<NatsFigures, "baseKib" | "kibPerKey" | "kibPerConnection">> {
  const wire = await Wire.open(server.port);
  await bucketOn(wire);
  await puts(wire, 0, 100);
  const baseKib = server.pssKib;
  const many: Wire[] = [];
  while (many.length < CONNECTIONS) many.push(await Wire.open(server.port));
  const kibPerConnection = (server.pssKib - baseKib) / CONNECTIONS;
  const before = server.pssKib;
  await puts(wire, 100, 100 + HELD_KEYS);
  const kibPerKey = (server.pssKib - before) / HELD_KEYS;
  for (const each of [wire, ...many]) each.close();
  return { baseKib, kibPerConnection, kibPerKey };
}

async function processorTime(server: Server): Promise<Omit<NatsFigures, "version" | keyof Awaited<ReturnType<typeof memory>>>> {
  const [here, there] = [await Wire.open(server.port), await Wire.open(server.port)];
  there.subscribe("relay.1.>");
  await there.flush();
  const small = await server.cpuOf(() => passed(here, there, Buffer.alloc(200), MESSAGES));
  const big = await server.cpuOf(() => passed(here, there, Buffer.alloc(PIECE), BIG));
  await bucketOn(here);
  const first = await server.cpuOf(() => puts(here, 0, KEYS));
  const again = await server.cpuOf(() => puts(here, 0, KEYS));
  const putUs = await timesOf(500, () => puts(here, 0, 1));
  const gets = await server.cpuOf(() => got(here, KEYS));
  const asker = await Wire.open(server.port);
  there.subscribe("asked");
  asker.subscribe("answer");
  await Promise.all([there.flush(), asker.flush()]);
  there.onMessage = () => void there.publish("answer", Buffer.alloc(100));
  const requestUs = await timesOf(2_000, async () => {
    const answered = asker.more(1);
    await asker.publish("asked", Buffer.alloc(100));
    await answered;
  });
  for (const wire of [here, there, asker]) wire.close();
  return {
    ...{ requestUs, putUs },
    cpuUsPerMessage: (small * 1000) / MESSAGES,
    cpuMsPerMb: big / ((BIG * PIECE) / 1e6),
    cpuUsPerPut: (((first + again) / 2) * 1000) / KEYS,
    cpuUsPerGet: (gets * 1000) / KEYS,
  };
}

async function onServer<T>(act: (server: Server) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "hold-bench-nats-"));
  const server = await Server.start(folder);
  try {
    return await act(server);
  } finally {
    await server.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Throws where no nats-server is installed. */
export async function natsFigures(): Promise<NatsFigures> {
  const { stdout, error } = spawnSync("nats-server", ["--version"], { encoding: "utf8" });
  if (error) throw new Error("no nats-server here; install it with: apt-get install nats-server");
  return { version: stdout.trim(), ...(await onServer(memory)), ...(await onServer(processorTime)) };
}
