import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { Link } from "@holdfast/carrier";
import { reachThroughRelay, relayAddress, RelayClient, signPass, takeOffer } from "@holdfast/carrier/grpc";
import { create, fromBinary, type HostWord, HostWordSchema, type Init, RelayWordSchema, toBinary } from "@holdfast/protocol";
import { listenGrpc, meantBy, Relay, RelayBook } from "@holdfast/relay";
import { carrierAcceptance } from "./acceptance.ts";
import { Wire } from "./wire.ts";

const newKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey;
const rawOf = (key: KeyObject): Buffer => createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12);
const passOf = (key: KeyObject, audience: string): Promise<string> =>
  signPass({
    publicKey: rawOf(key),
    sign: (bytes) => sign(null, bytes, key),
    audience,
    nowUnixMs: Date.now(),
    id: randomBytes(12).toString("hex"),
  });
const word = (body: NonNullable<Init<HostWord>["body"]>): Buffer =>
  Buffer.from(toBinary(HostWordSchema, create(HostWordSchema, { body })));

/** A real relay, a host of a few lines that comes to its door, and an operator whose wire breaks. */
carrierAcceptance("grpc, through a relay,", () => {
  const book = RelayBook.open(null);
  const relay = new Relay({ book, isMe: meantBy(null), wallMs: () => Date.now(), log: () => {} });
  const [hostKey, ownKey] = [newKey(), newKey()];
  const links: Link[] = [];
  const closing: (() => void)[] = [];
  const wire = new Wire();
  let lane: Awaited<ReturnType<Wire["before"]>>;
  return {
    wire,
    // HTTP/2, a tunnel and TLS before the first byte of a link.
    stride: 61,
    async listen(accept) {
      const listening = await listenGrpc(relay, { listen: "127.0.0.1:0" });
      const address = relayAddress(`http://127.0.0.1:${listening.port}`);
      const token = randomBytes(32);
      book.invite(token, { fleet: "home", name: "box", untilUnixMs: Date.now() + 60_000 }, Date.now());
      const host = await RelayClient.open(address);
      closing.push(
        () => host.close(),
        () => listening.close(),
      );
      const line = host.stream("serve");
      line.on("error", () => {});
      const pass = await passOf(hostKey, address.authority);
      await new Promise<void>((served) => {
        line.on("data", (bytes: Buffer) => {
          const { body } = fromBinary(RelayWordSchema, bytes);
          const keyIds = [createHash("sha256").update(rawOf(ownKey)).digest()];
          if (body.case === "registered") line.write(word({ case: "doors", value: { keyIds } }), () => served());
          if (body.case !== "offer") return;
          takeOffer(host, body.value.id, hostKey, (link) => {
            links.push(link);
            // Whose key it is is the handshake's to say here: the suite's operators have keys of their own, and their tunnels one.
            return accept(Object.assign(link, { peerKey: undefined }));
          }).catch(() => {});
        });
        line.write(word({ case: "register", value: { pass, token, protocol: 1 } }));
      });
      lane = await wire.before(listening.port);
    },
    async dial(accept) {
      const address = relayAddress(`http://127.0.0.1:${lane.port}`);
      const trusts = (key: Uint8Array): void => {
        if (!rawOf(hostKey).equals(key)) throw new Error("another host");
      };
      const knock = { host: "box", pass: await passOf(ownKey, address.authority) };
      const link = await reachThroughRelay({ relay: await RelayClient.open(address), knock, key: ownKey, trusts }, accept);
      links.push(link);
      return link;
    },
    async close() {
      for (const link of links) link.destroy();
      for (const close of closing) close();
      lane.close();
    },
  };
});
