/** A link by hand: frames as they are on the wire, for what no client of ours would send. */
import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { connect, type Socket } from "node:net";
import { Deframer, framed } from "@holdfast/carrier";
import { type ClientBody, decodeHost, encodeClient, type HostFrame, limits, transcript } from "@holdfast/protocol";
import { files } from "@holdfast/sdk/node";

type Body<K> = Extract<HostFrame["body"], { case: K }>["value"];

export class RawLink {
  readonly #socket: Socket;
  readonly #heard: HostFrame["body"][] = [];
  #woken: () => void = () => {};
  /** Resolves when the host, or we, closed it. */
  readonly over: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const deframer = new Deframer();
    socket.on("data", (chunk: Buffer) =>
      deframer.push(chunk, (_channel, message) => {
        this.#heard.push(decodeHost(message));
        this.#woken();
      }),
    );
    socket.on("error", () => {});
    this.over = new Promise((done) => {
      socket.once("close", () => {
        done();
        this.#woken();
      });
    });
  }

  static open(home: string): Promise<RawLink> {
    return new Promise((resolve, reject) => {
      const socket = connect(files.socket(home));
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawLink(socket)));
    });
  }

  /** A link of this operator, after its handshake. */
  static async login(home: string, key: KeyObject): Promise<RawLink> {
    const link = await RawLink.open(home);
    const raw = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
    const keyId = createHash("sha256").update(raw).digest();
    const nonce = randomBytes(32);
    const c = await link.hello(keyId, nonce);
    const words = { clientNonce: nonce, keyId, via: "sdk", protocol: c.protocol, hostKey: c.hostKey, hostNonce: c.nonce };
    link.send({ case: "proof", value: { signature: sign(null, transcript("operator", words), key) } });
    await link.next("welcome");
    return link;
  }

  static frame(channel: number, message: Uint8Array): Buffer {
    return framed(channel, message);
  }

  /** The whole frames in these bytes. */
  static frames(sent: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    for (let at = 0; at + 4 <= sent.length; ) {
      const end = at + 4 + sent.readUInt32BE(at);
      frames.push(sent.subarray(at, end));
      at = end;
    }
    return frames;
  }

  send(body: ClientBody, channel = 0): void {
    this.raw(framed(channel, encodeClient(body)));
  }

  /** In one write: the host has read the last before it has answered the first. */
  sendTogether(bodies: readonly ClientBody[], channel = 0): void {
    this.raw(Buffer.concat(bodies.map((body) => framed(channel, encodeClient(body)))));
  }

  raw(sent: Uint8Array): void {
    this.#socket.write(sent);
  }

  end(): void {
    this.#socket.end();
  }

  async hello(keyId: Uint8Array, nonce: Uint8Array = randomBytes(32)): Promise<Body<"challenge">> {
    this.send({
      case: "hello",
      value: { minProtocol: limits.protocolMin, maxProtocol: limits.protocolMax, client: "raw", via: "sdk", nonce, keyId },
    });
    return this.next("challenge");
  }

  refused(): Promise<Body<"refused">> {
    return this.next("refused");
  }

  /** How the host answers what came in place of a proof: `welcome`, or its refusal's code. */
  async answer(): Promise<string> {
    const said = await this.#first((b) => b.case === "welcome" || b.case === "refused", "an answer");
    return said.case === "refused" ? (said.value.error?.code ?? "refused") : "welcome";
  }

  /** The next frame of this kind; throws when the link ends without one. */
  async next<K extends NonNullable<HostFrame["body"]["case"]>>(kind: K): Promise<Body<K>> {
    return (await this.#first((b) => b.case === kind, kind)).value as Body<K>;
  }

  async #first(isMeant: (body: HostFrame["body"]) => boolean, what: string): Promise<HostFrame["body"]> {
    for (;;) {
      const at = this.#heard.findIndex(isMeant);
      if (at >= 0) return this.#heard.splice(at, 1)[0]!;
      if (this.#socket.destroyed)
        throw new Error(`the link ended without ${what}; it said ${this.#heard.map((b) => b.case).join(", ") || "nothing"}`);
      await new Promise<void>((woken) => {
        this.#woken = woken;
      });
    }
  }
}
