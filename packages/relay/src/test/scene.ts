/** A relay of a test, in this process, with hosts and operators that are no more than their keys and their calls. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { audienceOf, type PieceCall, type RelayAddress, relayAddress, RelayClient, signPass } from "@holdfast/carrier/grpc";
import {
  create,
  type Error as WireError,
  FindRequestSchema,
  FindResponseSchema,
  fromBinary,
  type Head,
  headOnWire,
  HeadSchema,
  HeadsRequestSchema,
  type HeadsResponse,
  HeadsResponseSchema,
  headWords,
  HoldError,
  type HostWord,
  HostWordSchema,
  type Init,
  isCode,
  type Piece,
  PieceSchema,
  type Registered,
  type RelayWord,
  RelayWordSchema,
  toBinary,
} from "@holdfast/protocol";
import { onTestFinished, vi } from "vitest";
import { FileBook, type RelayBook } from "../book.ts";
import { meantBy } from "../identity.ts";
import type { NatsGroup } from "../nats/group.ts";
import { Relay, type RelayParts } from "../relay.ts";
import { listenGrpc, type RelayListen } from "../server.ts";

type Said = NonNullable<Init<Piece>["body"]>;

export class Key {
  readonly key: KeyObject = generateKeyPairSync("ed25519").privateKey;
  readonly raw: Buffer = createPublicKey(this.key).export({ format: "der", type: "spki" }).subarray(12);
  /** Hex. */
  readonly keyId: string = createHash("sha256").update(this.raw).digest("hex");
  /** Of a host of this key. */
  readonly id: string = this.keyId.slice(0, 32);

  pass(audience: string): Promise<string> {
    const [publicKey, nowUnixMs, id] = [this.raw, Date.now(), randomBytes(12).toString("hex")];
    return signPass({ publicKey, sign: (bytes) => sign(null, bytes, this.key), audience, nowUnixMs, id });
  }
}

/** As a host of that key signs it. */
export function headOf({ key, raw }: Key, lsn: number, branch = 0): Head {
  const point = { lsn, chain: new Uint8Array(32).fill(branch).fill(lsn % 251, 0, 8), atUnixMs: lsn };
  return create(HeadSchema, headOnWire({ ...point, signature: sign(null, headWords("head", raw, point), key) }));
}

export const piece = (body: Said): Buffer => Buffer.from(toBinary(PieceSchema, create(PieceSchema, { body })));
export const data = (text: string | Uint8Array): Buffer =>
  piece({ case: "data", value: typeof text === "string" ? Buffer.from(text) : text });

/** One call as its caller sees it. */
export class Caller {
  readonly call: PieceCall;
  readonly heard: Piece["body"][] = [];
  /** How it ended; undefined: it has not. */
  end: string | undefined;

  constructor(call: PieceCall) {
    this.call = call;
    call.on("data", (bytes: Buffer) => {
      this.heard.push(fromBinary(PieceSchema, bytes).body);
      this.#wake();
    });
    call.on("end", () => {
      this.end ??= "orderly";
      this.#wake();
    });
    call.on("error", (fault: Error) => {
      this.end = fault.message;
      this.#wake();
    });
  }

  #waiting: (() => void)[] = [];
  #wake(): void {
    for (const look of this.#waiting.splice(0)) look();
  }

  say(body: Said): void {
    this.call.write(piece(body));
  }

  /** All data, as text. */
  get text(): string {
    return this.heard.map((b) => (b.case === "data" ? Buffer.from(b.value).toString() : "")).join("");
  }

  async joined(): Promise<void> {
    await this.#first("joined");
  }

  /** Why it was not let in. */
  async refused(): Promise<WireError> {
    return (await this.#first("refused")).value as WireError;
  }

  /** So many pieces of data have come, however long that takes. */
  async hears(pieces: number): Promise<void> {
    await this.#until(`${pieces} pieces`, () => this.heard.filter((b) => b.case === "data").length >= pieces || undefined);
  }

  #first(kind: "joined" | "refused"): Promise<Piece["body"]> {
    return this.#until(kind, () => this.heard.find((b) => b.case === kind));
  }

  /** Looks whenever something was heard; rejects where nothing more will be. */
  async #until<T>(what: string, look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.end !== undefined) throw new Error(`no ${what}; heard ${this.heard.map((b) => b.case).join(", ")}, ${this.end}`);
      await new Promise<void>((heard) => this.#waiting.push(heard));
    }
  }
}

/** A word there and one back, by a tunnel. */
export async function answered({ near, far }: { readonly near: Caller; readonly far: Caller }): Promise<void> {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    const heard = once(to.call, "data");
    from.call.write(data("."));
    await heard;
  }
}

/** What a count has come to when it stands still while something beside it is answered fifty times. */
export async function settled(count: () => number, answered: () => Promise<unknown>): Promise<number> {
  for (let [before, still] = [-1, 0]; still < 50; ) {
    await answered();
    still = count() === before ? still + 1 : 0;
    before = count();
  }
  return count();
}

/** A host's line, and the tunnels that it came to the door for. */
export class Host extends Key {
  readonly words: RelayWord["body"][] = [];
  readonly doors: Caller[] = [];
  client!: RelayClient;
  line!: PieceCall;
  end: string | undefined;
  /** False: it is told of offers and does not come. */
  comes = true;

  say(body: NonNullable<Init<HostWord>["body"]>): void {
    this.line.write(Buffer.from(toBinary(HostWordSchema, create(HostWordSchema, { body }))));
  }

  admit(...keys: readonly Key[]): void {
    this.say({ case: "doors", value: { keyIds: keys.map((k) => Buffer.from(k.keyId, "hex")), invited: [] } });
  }

  take(offer: Uint8Array): void {
    const door = new Caller(this.client.stream("accept"));
    this.doors.push(door);
    door.say({ case: "take", value: { offer } });
  }

  /** What the relay answered to the registration, or its refusal as thrown. */
  async registered(): Promise<Registered> {
    const word = await vi.waitFor(
      () => {
        const found = this.words.find((w) => w.case === "registered" || w.case === "refused");
        if (!found) throw new Error(`not answered yet (${this.end ?? "goes on"})`);
        return found;
      },
      { timeout: 8_000, interval: 5 },
    );
    if (word.case === "registered") return word.value;
    const { code, message } = word.value as { code: string; message: string };
    throw new HoldError(isCode(code) ? code : "internal", message);
  }
}

export class Scene {
  readonly book: RelayBook;
  readonly logged: string[] = [];
  readonly relay: Relay;
  address!: RelayAddress;
  close!: () => void;

  private constructor(parts: Pick<RelayParts, "gatherMs">, group: NatsGroup | undefined) {
    this.book = group?.book ?? FileBook.open(null);
    this.relay = new Relay({
      ...parts,
      book: this.book,
      group,
      ...(group && { heads: group.heads }),
      isMe: meantBy(null),
      wallMs: () => Date.now(),
      log: (event, facts) => void this.logged.push(JSON.stringify({ event, ...facts })),
    });
  }

  /** `group`: that it is one of; without, it is alone. */
  static async start(
    listen: Partial<RelayListen> = {},
    { group, ...parts }: Pick<RelayParts, "gatherMs"> & { readonly group?: NatsGroup } = {},
  ): Promise<Scene> {
    const scene = new Scene(parts, group);
    const { port, close } = await listenGrpc(scene.relay, { listen: "127.0.0.1:0", ...listen });
    scene.close = close;
    scene.address = relayAddress(`http://127.0.0.1:${port}`);
    onTestFinished(close);
    return scene;
  }

  async client(address = this.address): Promise<RelayClient> {
    const client = await RelayClient.open(address);
    onTestFinished(() => client.close());
    return client;
  }

  async token(fleet = "home", name = ""): Promise<Uint8Array> {
    const token = randomBytes(32);
    await this.book.invite(token, { fleet, name, untilUnixMs: Date.now() + 60_000 }, Date.now());
    return token;
  }

  /** Dials with what is said, and does not wait for what becomes of it. */
  async dial(
    host: Host,
    said: { readonly name?: string; readonly token?: Uint8Array; readonly pass?: string; readonly stalled?: boolean } = {},
  ): Promise<Host> {
    host.client = await this.client();
    const line = host.client.stream("serve");
    host.line = line;
    host.words.length = 0;
    host.end = undefined;
    line.on("error", (fault: Error) => (host.end = fault.message));
    line.on("end", () => (host.end ??= "orderly"));
    line.on("data", (bytes: Buffer) => {
      const { body } = fromBinary(RelayWordSchema, bytes);
      host.words.push(body);
      if (body.case === "offer" && host.comes) host.take(body.value.id);
    });
    const { name = "", token = new Uint8Array(0), pass = await host.pass(audienceOf(this.address)), stalled = false } = said;
    host.say({ case: "register", value: { pass, name, token, version: "1.2.3", protocol: 1, stalled } });
    return host;
  }

  /** A host that is registered and lets these keys in. */
  async host(name: string, admits: readonly Key[], fleet = "home"): Promise<Host> {
    const host = await this.dial(new Host(), { name, token: await this.token(fleet) });
    await host.registered();
    host.admit(...admits);
    await vi.waitFor(() => {
      if (this.relay.lines.entry(host.id)?.keyIds.size !== admits.length) throw new Error("the doors are not known yet");
    });
    return host;
  }

  /** Knocks, and does not wait for what becomes of it. */
  async knock(key: Key, host: string, client?: RelayClient): Promise<Caller> {
    const caller = new Caller((client ?? (await this.client())).stream("reach"));
    caller.say({ case: "knock", value: { host, pass: await key.pass(audienceOf(this.address)) } });
    return caller;
  }

  /** Ids of the hosts that admit this key. */
  async found(key: Key): Promise<readonly string[]> {
    const request = create(FindRequestSchema, { pass: await key.pass(audienceOf(this.address)) });
    const answer = await (await this.client()).find(Buffer.from(toBinary(FindRequestSchema, request)));
    return fromBinary(FindResponseSchema, answer).hosts.map(({ id }) => id);
  }

  /** What is kept of that host's chain, as this key is told. */
  async heads(key: Key, host: string): Promise<HeadsResponse> {
    const request = create(HeadsRequestSchema, { pass: await key.pass(audienceOf(this.address)), host });
    const answer = await (await this.client()).heads(Buffer.from(toBinary(HeadsRequestSchema, request)));
    return fromBinary(HeadsResponseSchema, answer);
  }

  /** A tunnel from one end to the other. */
  async tunnel(key: Key, host: Host): Promise<{ readonly near: Caller; readonly far: Caller }> {
    const n = host.doors.length;
    const near = await this.knock(key, host.id);
    await near.joined();
    const far = host.doors[n]!;
    await far.joined();
    return { near, far };
  }
}

/** A stretch of wire before a relay: it can be cut, and stopped so that nothing passes and nobody is told. */
export async function wireTo(port: number): Promise<{ readonly port: number; cut(): void; stop(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const [a, b] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(a);
      a.on("error", () => {});
      a.on("close", () => b.destroy());
      a.on("data", (bytes) => b.write(bytes));
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const all = (what: (socket: Socket) => void): void => {
    for (const socket of sockets) what(socket);
    sockets.clear();
  };
  onTestFinished(() => {
    server.close();
    all((s) => s.destroy());
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => all((s) => s.destroy()),
    stop: () => all((s) => s.removeAllListeners("data").pause()),
  };
}
