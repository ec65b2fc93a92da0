/** A relay's table of heads against hosts that go forward, back, aside, and that send whatever they like. */
import { createPrivateKey, generateKeyPairSync, createPublicKey, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  create,
  type Head,
  HeadProofSchema,
  HeadSchema,
  HeadsSchema,
  headOnWire,
  headWords,
  type HeadProof,
  type Init,
} from "@holdfast/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { FileHeadStore, type HeadStore, type HostHeads, MemoryHeadStore } from "./head-store.ts";
import { HeadTable, HeadWords, MAX_HEADS, witnessed } from "./heads.ts";

const ID = "0123456789abcdef0123456789abcdef";
const pair = generateKeyPairSync("ed25519");
const hostKey = createPublicKey(pair.privateKey).export({ format: "der", type: "spki" }).subarray(12);

const chainOf = (lsn: number, branch = 0): Uint8Array => new Uint8Array(32).fill(branch).fill(lsn % 251, 0, 16);

function headAt(lsn: number, { branch = 0, key = pair.privateKey }: { branch?: number; key?: KeyObject } = {}): Head {
  const point = { lsn, chain: chainOf(lsn, branch), atUnixMs: 1_000_000 + lsn };
  return create(HeadSchema, headOnWire({ ...point, signature: sign(null, headWords("head", hostKey, point), key) }));
}

const by = { id: ID, key: hostKey, isReplaced: () => false };

function scene(store: HeadStore = new MemoryHeadStore()) {
  const logged: string[] = [];
  const table = new HeadTable({ store, wallMs: () => 5_000_000, log: (event) => void logged.push(event) });
  const tell = async (heads: readonly Head[], proof?: Init<HeadProof>): Promise<void> => {
    const asked = proof === undefined ? null : await table.latest(ID);
    await table.told(by, create(HeadsSchema, { heads: [...heads], ...(proof ? { proof } : {}) }), asked);
  };
  const kept = async (): Promise<number[]> => ((await table.of(ID))?.heads ?? []).map((h) => h.lsn);
  const conflicts = async (): Promise<string[]> => ((await table.of(ID))?.conflicts ?? []).map((c) => c.found);
  return { table, tell, kept, conflicts, logged };
}

describe("a host that goes forward", () => {
  test("has its newest heads kept, the same one once", async () => {
    const { table, tell, kept, conflicts } = scene();
    await tell([headAt(5)]);
    await tell([headAt(5), headAt(9)]);
    expect(await kept()).toEqual([5, 9]);
    expect((await table.latest(ID))?.lsn).toBe(9);
    expect(await conflicts()).toEqual([]);
    expect(await table.summary(ID)).toEqual({ lsn: 9, atUnixMs: 1_000_009, conflicts: 0 });
  });

  test("has 64 of them kept and no more", async () => {
    const { tell, kept } = scene();
    for (let lsn = 1; lsn <= MAX_HEADS + 10; lsn++) await tell([headAt(lsn)]);
    expect(await kept()).toEqual(Array.from({ length: MAX_HEADS }, (_, i) => i + 11));
  });

  test("shows its chain at the head that was kept when it comes back, and that is all", async () => {
    const { tell, conflicts } = scene();
    await tell([headAt(5)]);
    await tell([headAt(8)], { lsn: 5n, chain: chainOf(5), lastLsn: 8n });
    expect(await conflicts()).toEqual([]);
  });

  test("shows a signed pruning where retention has dropped that", async () => {
    const { tell, conflicts } = scene();
    await tell([headAt(5)]);
    const point = { lsn: 7, chain: chainOf(7), atUnixMs: 9 };
    const pruned = headOnWire({ ...point, signature: sign(null, headWords("pruning", hostKey, point), pair.privateKey) });
    await tell([headAt(8)], { lsn: 5n, lastLsn: 8n, pruned });
    expect(await conflicts()).toEqual([]);
  });
});

describe("a host that contradicts itself", () => {
  test.each([
    ["goes back", [headAt(3)], "truncated"],
    ["forks at the head", [headAt(5, { branch: 1 })], "forked"],
    ["forks before it", [headAt(2, { branch: 1 })], "forked"],
  ] as const)("and %s is a conflict; what was kept stays, and nothing newer is taken", async (_, heads, found) => {
    const { table, tell, kept, conflicts, logged } = scene();
    await tell([headAt(2), headAt(5)]);
    await tell(heads);
    await tell(heads);
    await tell([headAt(9, { branch: 1 })]);
    expect(await conflicts()).toEqual([found]);
    expect(await kept()).toEqual([2, 5]);
    expect(logged).toEqual(["head_conflict"]);
    expect(table.conflicts).toBe(1);
  });

  test.each([
    ["nothing", undefined, "unshown"],
    ["another record", { lsn: 4n, chain: chainOf(4), lastLsn: 9n }, "unshown"],
    ["a shorter chain", { lsn: 5n, lastLsn: 4n }, "truncated"],
    ["another chain", { lsn: 5n, chain: chainOf(5, 1), lastLsn: 9n }, "forked"],
    ["no value", { lsn: 5n, lastLsn: 9n }, "unshown"],
    ["a pruning that it has not signed", { lsn: 5n, lastLsn: 9n, pruned: { ...headAt(7) } }, "unshown"],
  ] as const)("and shows %s when it is asked, is one", async (_, proof, found) => {
    const { table, conflicts, tell } = scene();
    await tell([headAt(5)]);
    const asked = await table.latest(ID);
    const word = create(HeadsSchema, { heads: [headAt(9)], ...(proof ? { proof: create(HeadProofSchema, proof) } : {}) });
    await table.told(by, word, asked);
    expect(await conflicts()).toEqual([found]);
  });

  test("and says nothing in time, is one", async () => {
    const { table, conflicts, tell } = scene();
    await tell([headAt(5)]);
    await table.silent(by, (await table.latest(ID))!);
    expect(await conflicts()).toEqual(["unshown"]);
  });

  test("is taken as it is when who runs the relay accepts that", async () => {
    const { table, tell, kept, conflicts } = scene();
    await tell([headAt(5)]);
    await tell([headAt(3, { branch: 1 })]);
    expect(await table.accept(ID)).toBe(1);
    await tell([headAt(4, { branch: 1 })]);
    expect([await kept(), await conflicts()]).toEqual([[4], []]);
  });
});

describe("what is no head of this host", () => {
  const other = createPrivateKey(generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }));
  test.each<[string, Head]>([
    ["signed by another key", headAt(7, { key: other })],
    ["with another number than was signed", { ...headAt(7), lsn: 8n }],
    ["past 2^53", { ...headAt(7), lsn: 2n ** 53n }],
    ["of 64 bits", { ...headAt(7), lsn: 2n ** 64n - 1n }],
    ["of no record", { ...headAt(7), lsn: 0n }],
    ["with half a chain", { ...headAt(7), chain: new Uint8Array(16) }],
  ])("%s is not kept, and no conflict", async (_, head) => {
    const { tell, kept, conflicts } = scene();
    await tell([head]);
    expect([await kept(), await conflicts()]).toEqual([[], []]);
  });

  test("comes a million times in one word, and eight are looked at", async () => {
    const { tell, kept } = scene();
    const one = headAt(1);
    const begun = performance.now();
    await tell([...Array.from({ length: 1_000_000 }, () => one), headAt(2)]);
    expect(await kept()).toEqual([1]);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  test("comes in more words than may be, and those are passed over until time has gone", () => {
    let now = 0;
    const words = new HeadWords(() => now);
    expect(Array.from({ length: 1_000_000 }, () => words.mayCome()).filter(Boolean)).toHaveLength(16);
    now = 2_000;
    expect([words.mayCome(), words.mayCome(), words.mayCome()]).toEqual([true, true, false]);
    // A clock that is set back gives nothing.
    now = 0;
    expect(words.mayCome()).toBe(false);
  });
});

test("whatever heads come in whatever order, those that are kept rise, are bounded, and a conflict is never without one that was there before", () => {
  const heads = fc.array(fc.record({ lsn: fc.integer({ min: 1, max: 40 }), branch: fc.integer({ min: 0, max: 1 }) }), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(heads, (told) => {
      let kept: HostHeads = { hostKey: "", heads: [], conflicts: [] };
      for (const { lsn, branch } of told) {
        const chain = chainOf(lsn, branch);
        kept = witnessed(kept, { heads: [{ lsn, chain, atUnixMs: 0, signature: chain }], shown: null, nowUnixMs: 0 });
      }
      const lsns = kept.heads.map((h) => h.lsn);
      expect(lsns).toEqual([...new Set(lsns)].sort((a, b) => a - b));
      expect(lsns.length).toBeLessThanOrEqual(MAX_HEADS);
      expect(kept.conflicts.length).toBeLessThanOrEqual(8);
      const rises = told.every(
        ({ lsn, branch }, i) => i === 0 || lsn > told[i - 1]!.lsn || (lsn === told[i - 1]!.lsn && branch === told[i - 1]!.branch),
      );
      expect(kept.conflicts.length > 0).toBe(!rises);
      for (const { had } of kept.conflicts) expect(lsns).toContain(had.lsn);
    }),
  );
});

test("what a line said before another took its place is not held against the host, when it is looked at after what the other said", async () => {
  const { table, tell, kept, conflicts } = scene();
  await tell([headAt(9)]);
  const late = { ...by, isReplaced: () => true };
  await table.told(late, create(HeadsSchema, { heads: [headAt(5)] }), (await table.latest(ID))!);
  await table.silent(late, (await table.latest(ID))!);
  expect([await kept(), await conflicts()]).toEqual([[9], []]);
});

test("a file store has what was put, whatever else lies there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hold-heads-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { tell, kept } = scene(new FileHeadStore(join(folder, "heads")));
  await tell([headAt(5)]);
  expect(await kept()).toEqual([5]);
  const store = new FileHeadStore(join(folder, "heads"));
  expect((await store.get(ID))?.heads).toHaveLength(1);
  writeFileSync(join(folder, "heads", `${ID}.json`), "half a fi");
  expect(await store.get(ID)).toBeNull();
});
