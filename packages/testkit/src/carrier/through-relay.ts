/** A relay, a host's line to it and whom that admits: what links through a relay are tested with. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { Acceptor, Link } from "@holdfast/carrier";
import { relayAddress, type RelayAddress, RelayClient, signPass, takeOffer } from "@holdfast/carrier/grpc";
import { create, fromBinary, type HostWord, HostWordSchema, type Init, RelayWordSchema, toBinary } from "@holdfast/protocol";
import { FileBook, listenGrpc, meantBy, Relay, type RelayParts } from "@holdfast/relay";

export const newKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey;
export const rawOf = (key: KeyObject): Buffer => createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12);
export const idOf = (key: KeyObject): string => createHash("sha256").update(rawOf(key)).digest("hex");
export const passOf = (key: KeyObject, audience: string): Promise<string> =>
  signPass({
    publicKey: rawOf(key),
    sign: (bytes) => sign(null, bytes, key),
    audience,
    nowUnixMs: Date.now(),
    id: randomBytes(12).toString("hex"),
  });
const word = (body: NonNullable<Init<HostWord>["body"]>): Buffer =>
  Buffer.from(toBinary(HostWordSchema, create(HostWordSchema, { body })));

export interface ThroughRelay {
  readonly relay: Relay;
  readonly address: RelayAddress;
  /** Of its gRPC. */
  readonly port: number;
  readonly hostKey: KeyObject;
  readonly ownKey: KeyObject;
  /** The host's end of the link that came first. */
  readonly far: Promise<Link>;
  /** Throws for another host than this one. */
  trusts(key: Uint8Array): void;
  readonly closing: (() => void)[];
}

export interface ThroughParts extends Partial<RelayParts> {
  /** That operators dial in place of the host's: of one group with it. */
  readonly operators?: Relay;
}

/** Resolves when the host `box` is registered and admits `ownKey`. Its end of a link is met by `server`; offers without TLS inside are taken too. */
export async function throughRelay(server: Acceptor, { operators, ...parts }: ThroughParts = {}): Promise<ThroughRelay> {
  const book = parts.book ?? FileBook.open(null);
  const relay = new Relay({ book, isMe: meantBy(null), wallMs: () => Date.now(), log: () => {}, ...parts });
  const listening = await listenGrpc(relay, { listen: "127.0.0.1:0" });
  const address = relayAddress(`http://127.0.0.1:${listening.port}`);
  const [hostKey, ownKey] = [newKey(), newKey()];
  const token = randomBytes(32);
  const fleet = `f-${randomBytes(8).toString("hex")}`;
  await book.invite(token, { fleet, name: "box", untilUnixMs: Date.now() + 60_000 }, Date.now());
  const host = await RelayClient.open(address);
  const closing = [() => listening.close(), () => host.close()];
  const line = host.stream("serve");
  line.on("error", () => {});
  line.write(word({ case: "register", value: { pass: await passOf(hostKey, address.authority), token, protocol: 1 } }));
  let admitted!: () => void;
  const ready = new Promise<void>((done) => (admitted = done));
  const far = new Promise<Link>((resolve, reject) => {
    line.on("data", (bytes: Buffer) => {
      const { body } = fromBinary(RelayWordSchema, bytes);
      if (body.case === "registered")
        line.write(word({ case: "doors", value: { keyIds: [Buffer.from(idOf(ownKey), "hex")] } }), () =>
          line.write(word({ case: "beat", value: {} })),
        );
      // Answered in order: what was said before it is known there.
      if (body.case === "beat") admitted();
      if (body.case === "offer") takeOffer(host, body.value.id, body.value.plain ? null : hostKey, server).then(resolve, reject);
    });
  });
  far.catch(() => {});
  await ready;
  const dialled = operators && (await listenGrpc(operators, { listen: "127.0.0.1:0" }));
  if (dialled) closing.push(() => dialled.close());
  const trusts = (key: Uint8Array): void => {
    if (!rawOf(hostKey).equals(key)) throw new Error("another host");
  };
  return { relay, address, port: (dialled ?? listening).port, hostKey, ownKey, far, trusts, closing };
}
