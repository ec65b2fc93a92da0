import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { createPublicKey } from "node:crypto";
import { create, fromBinary, HostWordSchema, type Init, type HostWord, RelayWordSchema, toBinary } from "@holdfast/protocol";
import { relayAddress, RelayClient, reachThroughRelay, signPass, takeOffer } from "@holdfast/carrier/grpc";
import type { Acceptor, Link } from "@holdfast/carrier";
import { listenGrpc, Relay, RelayBook } from "@holdfast/relay";
import { createHash } from "node:crypto";
import { carrierAcceptance } from "./acceptance.ts";

const newKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey;
const rawOf = (key: KeyObject): Buffer => createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12);
const idOf = (key: KeyObject): string => createHash("sha256").update(rawOf(key)).digest("hex");
const passOf = (key: KeyObject, authority: string): Promise<string> =>
  signPass({
    publicKey: rawOf(key),
    sign: (bytes) => sign(null, bytes, key),
    authority,
    nowUnixMs: Date.now(),
    id: randomBytes(12).toString("hex"),
  });
const word = (body: NonNullable<Init<HostWord>["body"]>): Buffer =>
  Buffer.from(toBinary(HostWordSchema, create(HostWordSchema, { body })));

carrierAcceptance("grpc, through a relay,", () => {
  const closing: (() => void)[] = [];
  return {
    async pair(server: Acceptor, client: Acceptor) {
      const book = RelayBook.open(null);
      const relay = new Relay({ book, wallMs: () => Date.now(), log: () => {} });
      const listening = await listenGrpc(relay, { listen: "127.0.0.1:0" });
      closing.push(() => listening.close());
      const address = relayAddress(`http://127.0.0.1:${listening.port}`);
      const [hostKey, ownKey] = [newKey(), newKey()];
      const token = randomBytes(32);
      book.invite(token, { fleet: "home", name: "box", untilUnixMs: Date.now() + 60_000 }, Date.now());
      const host = await RelayClient.open(address);
      closing.push(() => host.close());
      const line = host.stream("serve");
      line.on("error", () => {});
      line.write(word({ case: "register", value: { pass: await passOf(hostKey, address.authority), token, protocol: 1 } }));
      const far = new Promise<Link>((resolve, reject) => {
        line.on("data", (bytes: Buffer) => {
          const { body } = fromBinary(RelayWordSchema, bytes);
          if (body.case === "registered")
            line.write(word({ case: "doors", value: { keyIds: [Buffer.from(idOf(ownKey), "hex")] } }), () => void registered());
          if (body.case === "offer") takeOffer(host, body.value.id, hostKey, server).then(resolve, reject);
        });
      });
      let registered!: () => void;
      await new Promise<void>((done) => (registered = done));
      const link = await reachThroughRelay(
        {
          relay: await RelayClient.open(address),
          knock: { host: "box", pass: await passOf(ownKey, address.authority) },
          key: ownKey,
          trusts: (key) => {
            if (!rawOf(hostKey).equals(key)) throw new Error("another host");
          },
        },
        client,
      );
      return { server: await far, client: link };
    },
    async close() {
      for (const close of closing) close();
    },
  };
});
