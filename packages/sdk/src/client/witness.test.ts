/** A client as a witness: what it keeps of a host, what it makes of what that shows, and what it does not believe. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import {
  create,
  type HeadProof,
  headOnWire,
  headWords,
  type HostBody,
  type Init,
  type SignedHead,
  WitnessAnswerSchema,
} from "@holdfast/protocol";
import { expect, test } from "vitest";
import type { WitnessStore } from "../api/witness.ts";
import { Client } from "./client.ts";
import { HandClock, ScriptedHost, settled } from "./test/scripted-host.ts";
import { Witness } from "./witness.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const rawOf = (key: KeyObject): Uint8Array => createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12);
const PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const hostIdOf = (raw: Uint8Array): string => createHash("sha256").update(raw).digest("hex").slice(0, 32);

function head(lsn: number, branch = 0, key = privateKey): SignedHead {
  const point = { lsn, chain: new Uint8Array(32).fill(branch).fill(lsn, 0, 8), atUnixMs: 1_700_000_000_000 + lsn };
  return { ...point, signature: sign(null, headWords("head", rawOf(privateKey), point), key) };
}

class Kept implements WitnessStore {
  readonly all = new Map<string, SignedHead>();
  get(host: string): SignedHead | null {
    return this.all.get(host) ?? null;
  }
  put(host: string, seen: SignedHead): void {
    this.all.set(host, seen);
  }
}

interface Shows {
  readonly head?: SignedHead;
  readonly proof?: Init<HeadProof>;
  readonly refuses?: string;
}

async function scene(store: WitnessStore, shows: Shows) {
  const host = new ScriptedHost();
  host.hostKey = rawOf(privateKey);
  let now = shows;
  host.on = (body, say) => {
    if (body.case !== "call") return;
    const { id } = body.value;
    if (body.value.verb.case !== "witness")
      return say({ case: "answer", value: { id, result: { case: "done", value: {} } } } as HostBody);
    const value = create(WitnessAnswerSchema, {
      ...(now.head ? { head: headOnWire(now.head) } : {}),
      ...(now.proof ? { proof: now.proof } : {}),
    });
    const result = now.refuses
      ? { case: "error", value: { code: now.refuses, message: "no", details: {} } }
      : { case: "witness", value };
    say({ case: "answer", value: { id, result } } as HostBody);
  };
  const clock = new HandClock(host);
  let [nowMs, stepMs, checks] = [0, 1_000, 0];
  const isSigned = (key: Uint8Array, words: Uint8Array, signature: Uint8Array): boolean =>
    ++checks > 0 &&
    verify(null, words, createPublicKey({ key: Buffer.concat([PREFIX, key]), format: "der", type: "spki" }), signature);
  const witness = new Witness({ store, isSigned, hostIdOf, nowMs: () => (nowMs += stepMs) });
  const client = new Client(await host.dial(), clock, { env: {}, cwd: "/", shell: "sh", umask: 0, nofile: null }, witness);
  return {
    client,
    flood: async (said: readonly SignedHead[]): Promise<number> => {
      const before = checks;
      stepMs = 0.001;
      for (const one of said) host.say({ case: "head", value: headOnWire(one) } as HostBody, 0);
      await settled();
      return checks - before;
    },
    found: async () => (await client.witness.checked())?.details["found"] ?? null,
    tell: async (said: SignedHead) => {
      host.say({ case: "head", value: headOnWire(said) } as HostBody, 0);
      await settled();
    },
    again: async (then: Shows) => {
      now = then;
      host.links.at(-1)!.destroy();
      await settled();
      await client.rename("s", "t").catch(() => {});
    },
  };
}

const id = hostIdOf(rawOf(privateKey));
const at = (lsn: number, branch = 0): Init<HeadProof> => ({ lsn: BigInt(lsn), chain: head(lsn, branch).chain, lastLsn: 20n });

test("what a host says is its head is kept, and then what it tells, if that is newer", async () => {
  const store = new Kept();
  const { found, tell } = await scene(store, { head: head(5) });
  expect(await found()).toBeNull();
  expect(store.all.get(id)?.lsn).toBe(5);
  await tell(head(9));
  await tell(head(7));
  expect(store.all.get(id)?.lsn).toBe(9);
});

test("a head that the host's key has not signed is not kept", async () => {
  const store = new Kept();
  const { found, tell } = await scene(store, { head: head(5, 0, generateKeyPairSync("ed25519").privateKey) });
  expect(await found()).toBeNull();
  await tell({ ...head(9), lsn: 2 ** 53 - 1 });
  expect(store.all.size).toBe(0);
});

test.each<[string, Init<HeadProof> | undefined, string | null]>([
  ["the same chain there", at(8), null],
  ["another chain there", at(8, 1), "forked"],
  ["a record that ends before it", { lsn: 8n, lastLsn: 6n }, "truncated"],
  ["nothing", undefined, "unshown"],
  ["another record's chain", at(7), "unshown"],
  ["no chain", { lsn: 8n, lastLsn: 20n }, "unshown"],
  ["a pruning that is not signed", { lsn: 8n, lastLsn: 20n, pruned: headOnWire(head(12)) }, "unshown"],
  ["numbers of 64 bits", { lsn: 2n ** 64n - 1n, chain: head(8).chain, lastLsn: 2n ** 64n - 1n }, "unshown"],
])("a host that shows %s to who has seen record 8", async (_, proof, expected) => {
  const store = new Kept();
  store.put(id, head(8));
  const { found } = await scene(store, { head: head(20), ...(proof ? { proof } : {}) });
  expect(await found()).toBe(expected);
  // Evidence is not written over.
  expect(store.all.get(id)?.lsn).toBe(expected === null ? 20 : 8);
});

test("a pruning that the host has signed explains that a record is gone", async () => {
  const store = new Kept();
  store.put(id, head(8));
  const point = { lsn: 12, chain: head(12).chain, atUnixMs: 5 };
  const pruned = { ...point, signature: sign(null, headWords("pruning", rawOf(privateKey), point), privateKey) };
  const { found } = await scene(store, { head: head(20), proof: { lsn: 8n, lastLsn: 20n, pruned: headOnWire(pruned) } });
  expect(await found()).toBeNull();
});

test("a host that refuses to show anything is told of by who has seen something, and by nobody else", async () => {
  const store = new Kept();
  expect(await (await scene(store, { refuses: "unsupported" })).found()).toBeNull();
  store.put(id, head(8));
  expect(await (await scene(store, { refuses: "unsupported" })).found()).toBe("unshown");
});

test("a file that was damaged is no evidence against the host", async () => {
  const store = new Kept();
  store.put(id, { ...head(8), chain: head(9).chain });
  const { found } = await scene(store, { head: head(5) });
  expect(await found()).toBeNull();
});

test("a client that lives finds a host that came back with less, though its store was put back too", async () => {
  const store = new Kept();
  const { client, found, again } = await scene(store, { head: head(9) });
  expect(await found()).toBeNull();
  store.all.clear();
  const told: string[] = [];
  client.witness.onAlarm((alarm) => told.push(alarm.code));
  await again({ head: head(4), proof: { lsn: 9n, lastLsn: 4n } });
  expect(await found()).toBe("truncated");
  expect(told).toEqual(["witness_contradicted"]);
});

test("what another host of this name would make known is kept under the key that it has, and not under a claimed id", async () => {
  const store = new Kept();
  const { found } = await scene(store, { head: head(5) });
  expect(await found()).toBeNull();
  expect([...store.all.keys()]).toEqual([id]);
});

test("of a hundred thousand heads that come at once, one in a while is looked at", async () => {
  const store = new Kept();
  const { found, flood } = await scene(store, { head: head(5) });
  await found();
  const one = head(9);
  expect(await flood(Array.from({ length: 100_000 }, () => one))).toBeLessThan(3);
  expect(store.all.get(id)?.lsn).toBe(9);
});
