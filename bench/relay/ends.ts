/**
 * Ends of tunnels for the relay's bench, in processes of their own (`main.ts` starts them): `host RELAY TOKENS…` registers a simulated host for each token
 * and answers what its tunnels ask; `operator …` knocks. They speak a line of JSON with who started them.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import type { Link, LinkHandlers } from "@holdfast/carrier/link";
import { audienceOf, reachThroughRelay, relayAddress, RelayClient, signPass, takeOffer } from "@holdfast/carrier/grpc";
import { create, fromBinary, type HostWord, HostWordSchema, type Init, RelayWordSchema, toBinary } from "@holdfast/protocol";

const [, , role = "", url = ""] = process.argv;
const address = relayAddress(url);
const newKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey;
const rawOf = (key: KeyObject): Buffer => createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12);
const idOf = (key: KeyObject): Buffer => createHash("sha256").update(rawOf(key)).digest();
const passOf = (key: KeyObject): Promise<string> =>
  signPass({
    publicKey: rawOf(key),
    sign: (bytes) => sign(null, bytes, key),
    audience: audienceOf(address),
    nowUnixMs: Date.now(),
    id: randomBytes(12).toString("hex"),
  });
const tell = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

/** One frame of a simulated host: `e…` is sent back, `fN` is answered with N bytes. */
function answering(link: Link): LinkHandlers {
  let left = 0;
  const piece = new Uint8Array(32 * 1024);
  const pour = (): void => {
    while (left > 0 && link.buffered < 512 * 1024) {
      link.send(1, piece.subarray(0, Math.min(left, piece.length)));
      left -= Math.min(left, piece.length);
    }
    if (left > 0) setImmediate(pour);
  };
  return {
    frame(channel, message) {
      if (message[0] === 0x65) return link.send(channel, message);
      left = Number(Buffer.from(message.subarray(1)).toString());
      pour();
    },
    closed: () => {},
  };
}

/** `first` to `last`: which of the names h0, h1 … are this process's. */
async function hosts(tokens: readonly string[], keyIds: readonly string[], first: number): Promise<void> {
  const doors = keyIds.map((id) => Buffer.from(id, "hex"));
  for (const [i, token] of tokens.entries()) {
    const key = newKey();
    const client = await RelayClient.open(address);
    const line = client.stream("serve");
    const say = (body: NonNullable<Init<HostWord>["body"]>): void =>
      void line.write(Buffer.from(toBinary(HostWordSchema, create(HostWordSchema, { body }))));
    line.on("error", (fault) => tell({ failed: String(fault) }));
    await new Promise<void>((registered, failed) => {
      line.on("data", (bytes: Buffer) => {
        const { body } = fromBinary(RelayWordSchema, bytes);
        if (body.case === "refused") return failed(new Error(body.value.message));
        if (body.case === "registered") {
          say({ case: "doors", value: { keyIds: doors } });
          setInterval(() => say({ case: "beat", value: {} }), body.value.beatMs);
          registered();
        }
        if (body.case === "offer")
          takeOffer(client, body.value.id, key, answering).catch((fault) => tell({ failed: String(fault) }));
      });
      void passOf(key).then((pass) =>
        say({ case: "register", value: { pass, name: `h${first + i}`, token: Buffer.from(token, "hex"), protocol: 1 } }),
      );
    });
  }
  tell({ ready: tokens.length });
}

type Heard = (channel: number, message: Uint8Array) => void;

async function reach(key: KeyObject, host: string): Promise<{ readonly link: Link; hear(heard: Heard): void }> {
  let heard: Heard = () => {};
  const link = await reachThroughRelay(
    { relay: await RelayClient.open(address), knock: { host, pass: await passOf(key) }, key, trusts: () => {} },
    () => ({ frame: (channel, message) => heard(channel, message), closed: () => {} }),
  );
  return { link, hear: (next) => void (heard = next) };
}

/** The median and the 99th percentile. */
function percentiles(all: number[]): { readonly p50: number; readonly p99: number } {
  const sorted = all.sort((a, b) => a - b);
  return { p50: sorted[Math.floor(sorted.length / 2)]!, p99: sorted[Math.floor(sorted.length * 0.99)]! };
}

async function operators(): Promise<void> {
  const key = newKey();
  tell({ keyId: idOf(key).toString("hex") });
  const held: Link[] = [];
  for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line) as { verb: string; host: string; n: number; hosts: number };
    if (asked.verb === "hold") {
      const began = performance.now();
      // A few at once: what a relay meets after a restart.
      let next = 0;
      const one = async (): Promise<void> => {
        while (next < asked.n) held.push((await reach(key, `h${next++ % asked.hosts}`)).link);
      };
      await Promise.all(Array.from({ length: 16 }, one));
      tell({ held: held.length, ms: performance.now() - began });
    } else if (asked.verb === "echo") {
      const { link, hear } = await reach(key, asked.host);
      const took: number[] = [];
      for (let i = 0; i < asked.n; i++) {
        const began = performance.now();
        await new Promise<void>((back) => {
          hear(() => back());
          link.send(1, Buffer.from("e"));
        });
        took.push(performance.now() - began);
      }
      link.destroy();
      tell(percentiles(took.slice(Math.floor(asked.n / 10))));
    } else if (asked.verb === "pour") {
      const { link, hear } = await reach(key, asked.host);
      let came = 0;
      const began = performance.now();
      await new Promise<void>((all) => {
        hear((_, message) => {
          came += message.length;
          if (came >= asked.n) all();
        });
        link.send(1, Buffer.from(`f${asked.n}`));
      });
      tell({ mbps: asked.n / 1e6 / ((performance.now() - began) / 1000) });
      link.destroy();
    } else break;
  }
  process.exit(0);
}

if (role === "host") {
  const [tokens = "", keyIds = "", first = "0"] = process.argv.slice(4);
  await hosts(tokens.split(","), keyIds.split(","), Number(first));
} else await operators();
