/** A simulated host's line to a relay: it registers, says whom it admits, beats, and comes to its door. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { Acceptor } from "@holdfast/carrier/link";
import { audienceOf, type RelayAddress, RelayClient, signPass, takeOffer } from "@holdfast/carrier/grpc";
import { create, fromBinary, type HostWord, HostWordSchema, type Init, RelayWordSchema, toBinary } from "@holdfast/protocol";

const AGAIN_MS = 250;

export const newKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey;
export const rawOf = (key: KeyObject): Buffer => createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12);
export const keyIdOf = (key: KeyObject): Buffer => createHash("sha256").update(rawOf(key)).digest();

export function passOf(key: KeyObject, address: RelayAddress): Promise<string> {
  return signPass({
    publicKey: rawOf(key),
    sign: (bytes) => sign(null, bytes, key),
    audience: audienceOf(address),
    nowUnixMs: Date.now(),
    id: randomBytes(12).toString("hex"),
  });
}

export interface Serving {
  readonly address: RelayAddress;
  readonly key: KeyObject;
  readonly name: string;
  readonly admits: readonly Buffer[];
  readonly accept: Acceptor;
  readonly failed: (fault: unknown) => void;
}

/** Resolves when it is registered. A line that ends is dialled again, for ever. */
export async function serve(serving: Serving, token: Uint8Array): Promise<void> {
  const { address, key, name, admits, accept, failed } = serving;
  const client = await RelayClient.open(address);
  const line = client.stream("serve");
  let beat: NodeJS.Timeout | undefined;
  const say = (body: NonNullable<Init<HostWord>["body"]>): void =>
    void line.write(Buffer.from(toBinary(HostWordSchema, create(HostWordSchema, { body }))));
  const over = (): void => {
    clearInterval(beat);
    line
      .removeAllListeners("end")
      .removeAllListeners("error")
      .on("error", () => {});
    client.close();
    again(serving);
  };
  line.on("end", over);
  line.on("error", over);
  const registered = new Promise<void>((resolve, reject) => {
    line.on("data", (bytes: Buffer) => {
      const { body } = fromBinary(RelayWordSchema, bytes);
      if (body.case === "refused") return reject(new Error(`${name}: ${body.value.message}`));
      if (body.case === "offer") return void takeOffer(client, body.value.id, key, accept).catch(failed);
      if (body.case !== "registered") return;
      beat = setInterval(() => say({ case: "beat", value: {} }), body.value.beatMs);
      resolve();
    });
  });
  const doors = { keyIds: [...admits], invited: [] };
  say({ case: "register", value: { pass: await passOf(key, address), name, token, protocol: 1, doors } });
  await registered;
}

function again(serving: Serving): void {
  setTimeout(() => serve(serving, new Uint8Array(0)).catch(() => again(serving)), AGAIN_MS * (1 + Math.random()));
}
