import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Acceptor, Link } from "@holdfast/carrier";
import { openRelay, reachThroughRelay, relayAddress } from "@holdfast/carrier/grpc";
import { reachPlain } from "@holdfast/carrier/websocket";
import { meantBy, Relay } from "@holdfast/relay";
import { Metrics } from "@holdfast/relay/metrics";
import { NatsGroup } from "@holdfast/relay/nats";
import { listenWeb } from "@holdfast/relay/web";
import { afterAll, beforeAll, describe } from "vitest";
import { NatsProcess } from "../../../../test/integration/world/nats.ts";
import { carrierAcceptance } from "./acceptance.ts";
import { passOf, type ThroughParts, type ThroughRelay, throughRelay } from "./through-relay.ts";
import type { CarrierUnderTest } from "./under-test.ts";
import { Wire } from "./wire.ts";

/** `place`: what is dialled, as the wire before it is. */
type Dial = (place: string, to: ThroughRelay, accept: Acceptor) => Promise<Link>;

/** A real relay, a host of a few lines that comes to its door, and an operator whose wire breaks. */
function relayed(
  scheme: "http" | "ws",
  dial: Dial,
  { holdsBack = true, stride = 61, parts = async (): Promise<ThroughParts> => ({}) } = {},
): () => CarrierUnderTest {
  return () => {
    const links: Link[] = [];
    const wire = new Wire();
    let lane: Awaited<ReturnType<Wire["before"]>>;
    let made: ThroughRelay;
    return {
      ...{ wire, holdsBack },
      // HTTP/2 or an upgrade, a tunnel and TLS before the first byte of a link.
      stride,
      async listen(accept) {
        made = await throughRelay(
          (link) => {
            links.push(link);
            // Whose key it is is the handshake's to say here: the suite's operators have keys of their own, and their tunnels one.
            return accept(Object.assign(link, { peerKey: undefined }));
          },
          await parts(),
        );
        const at = await freePort();
        let port = made.port;
        if (scheme === "ws") {
          const parts = { relay: made.relay, metrics: new Metrics(), isMe: meantBy(null) };
          const web = await listenWeb(parts, { listen: "127.0.0.1:0", allowHosts: [`127.0.0.1:${at}`] });
          made.closing.push(() => web.close());
          port = web.port;
        }
        lane = await wire.before(port, at);
      },
      async dial(accept) {
        const link = await dial(`${scheme}://127.0.0.1:${lane.port}`, made, accept);
        links.push(link);
        return link;
      },
      async close() {
        for (const link of links) link.destroy();
        for (const close of made.closing) close();
        lane.close();
      },
    };
  };
}

const native: Dial = async (place, { ownKey, trusts }, accept) => {
  const address = relayAddress(place);
  const knock = { host: "box", pass: await passOf(ownKey, address.authority) };
  return reachThroughRelay({ relay: await openRelay(address), knock, key: ownKey, trusts }, accept);
};

carrierAcceptance("grpc, through a relay,", relayed("http", native));
carrierAcceptance("websocket, through a relay,", relayed("ws", native));
carrierAcceptance(
  "websocket of a page, through a relay,",
  relayed(
    "ws",
    async (place, { ownKey }, accept) =>
      reachPlain({ relay: place, knock: { host: "box", pass: await passOf(ownKey, new URL(place).host) } }, accept),
    { holdsBack: false },
  ),
);

/** The host's line is at one relay, the operator at another; between them is NATS. */
describe("of a group", () => {
  const folder = mkdtempSync(join(tmpdir(), "hold-across-"));
  let nats: NatsProcess;
  let near: Relay;
  let far: NatsGroup;

  beforeAll(async () => {
    nats = await NatsProcess.start({ path: (name) => join(folder, name), atEnd: () => {} });
    far = await joined("far");
    const group = await joined("near");
    near = new Relay({ book: group.book, group, isMe: meantBy(null), wallMs: () => Date.now(), log: () => {} });
  });
  afterAll(async () => {
    await Promise.all([near.group.leave(), far.leave()]);
    await nats.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  const joined = (name: string): Promise<NatsGroup> =>
    NatsGroup.join({ servers: [nats.url] }, { name, wallMs: () => Date.now(), log: () => {} });

  carrierAcceptance(
    "grpc, across two relays,",
    relayed("http", native, { stride: 127, parts: async () => ({ book: far.book, group: far, operators: near }) }),
  );
});

/** A relay's web side is told what it is dialled as before it listens. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
