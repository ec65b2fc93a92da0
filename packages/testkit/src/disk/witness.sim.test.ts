/**
 * Heads that were handed out, against what a disk may have kept and what an attacker may have done (reliability T-75, T-76). Whatever a crash at any
 * moment leaves, no head that was told is contradicted; whatever is cut off, put back or written anew before one, is.
 */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { Alarms, HostWitness } from "@holdfast/host";
import type { Journal } from "@holdfast/host/journal";
import { MonotonicMs } from "@holdfast/core";
import { isAlarm, pointOf, type SignedHead, standing } from "@holdfast/protocol";
import { describe, expect, test } from "vitest";
import { CRASH_STYLES, crashImage, seededRandom } from "./crash.ts";
import { Clock, draft, journalOptions, open, verify } from "./scene.ts";
import { SimFS } from "./sim-fs.ts";

const SOAK = process.env["HOLDFAST_SOAK"] === "1";
const PKCS8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 11)]);
const key = createPrivateKey({ key: PKCS8, format: "der", type: "pkcs8" });
const identity = { key, publicKey: createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12) };

function witnessOf(journal: Journal, clock: Clock): HostWitness {
  return new HostWitness({
    ...{ journal, identity },
    clock: {
      monoMs: () => MonotonicMs(Number(clock.monoNs / 1_000_000n)),
      monoNs: () => clock.monoNs,
      wallMs: () => clock.wallMs,
    },
    alarms: Alarms.open(null),
    record: () => {},
    log: () => {},
  });
}

/** What somebody who has kept this head is shown by a journal, and makes of it. */
function judged(head: SignedHead, witness: HostWitness): ReturnType<typeof standing> {
  const { lastLsn, chain, pruned } = witness.present(head, "ana");
  return standing(pointOf(head), {
    lastLsn: Number(lastLsn),
    chain: chain?.length === 32 ? pointOf({ lsn: head.lsn, chain: chain as Uint8Array }).chain : null,
    pruned: pruned ? pointOf({ lsn: Number(pruned.lsn), chain: pruned.chain as Uint8Array }) : null,
  });
}

/** A stretch of life: appends, syncs, seals, erasures, retention. Each head that could have been told is. */
async function live(journal: Journal, clock: Clock, seed: number, steps: number, told: SignedHead[]): Promise<void> {
  const random = seededRandom(seed);
  const pick = (n: number): number => Math.floor(random() * n);
  const witness = witnessOf(journal, clock);
  const syncs: Promise<void>[] = [];
  for (let i = 0; i < steps; i++) {
    const what = pick(16);
    const session = `s${pick(3)}`;
    if (what < 7) journal.append(draft(clock, session, "x".repeat([5, 200, 300, 900][pick(4)]!), { stream: 1, offset: i }));
    else if (what === 7) journal.seal();
    else if (what === 8) journal.tick();
    else if (what === 9 && journal.tail(session)) journal.erase(session, [1 + pick(journal.tail(session)!.lastSeq)]);
    else if (what === 10 && journal.tail(session)) journal.prune(session, journal.tail(session)!.lastSeq);
    else {
      const sync = journal.durable(journal.lastLsn);
      syncs.push(sync);
      if (pick(2) === 0) await sync;
    }
    const head = witness.current();
    if (head && head.lsn !== told.at(-1)?.lsn) told.push(head);
  }
  await Promise.all(syncs);
}

const small = { recordBytes: 12 * 1024 };

test("a crash at any moment after a head was told never makes it an alarm, whatever the power cut has kept", {
  timeout: SOAK ? 3_600_000 : 120_000,
}, async () => {
  for (const seed of SOAK ? [1, 2, 3, 4, 5, 6] : [1]) {
    const disk = new SimFS();
    const clock = new Clock();
    const told: SignedHead[] = [];
    const shots: { readonly image: SimFS; readonly told: readonly SignedHead[] }[] = [];
    disk.beforeCall = (call) => {
      if (call % (SOAK ? 1 : 29) !== 0 || told.length === 0) return;
      const some = [told[0]!, told[Math.floor(told.length / 2)]!, ...told.slice(-2)];
      // A kill leaves all that was written; a power cut what it likes of what was not synced.
      shots.push({ image: disk.copy(), told: some });
      for (const style of CRASH_STYLES) shots.push({ image: crashImage(disk, style, call), told: some });
    };
    const journal = open(disk, journalOptions(clock, seed, small));
    await live(journal, clock, seed, 300, told);
    disk.beforeCall = null;
    await journal.close();
    expect(told.length).toBeGreaterThan(20);
    expect(shots.length).toBeGreaterThan(SOAK ? 2_000 : 100);
    let pruned = 0;
    for (const shot of shots) {
      const after = open(shot.image, journalOptions(clock, seed + 100, small));
      const witness = witnessOf(after, clock);
      for (const head of shot.told) {
        const found = judged(head, witness);
        if (found === "pruned") pruned++;
        expect(isAlarm(found), `${found} of record ${head.lsn}`).toBe(false);
      }
      expect(witness.alarms).toEqual([]);
      expect(verify(shot.image, shot.told).findings.filter((f) => f.kind === "truncated" || f.kind === "chain")).toEqual([]);
    }
    expect(pruned).toBeGreaterThan(0);
  }
});

test("no head is told of what is not durable yet", async () => {
  const clock = new Clock();
  const journal = open(new SimFS(), journalOptions(clock, 1));
  const witness = witnessOf(journal, clock);
  journal.append(draft(clock, "s1", "typed"));
  expect(witness.current()).toBeNull();
  const head = await witness.fresh();
  journal.append(draft(clock, "s1", "typed after"));
  expect(witness.current()).toEqual(head);
  expect(head.lsn).toBe(journal.lastLsn - 1);
  await journal.close();
});

describe("a home that was put back to an older copy", () => {
  const scene = async (): Promise<{ copy: SimFS; clock: Clock; seen: SignedHead; early: SignedHead }> => {
    const disk = new SimFS();
    const clock = new Clock();
    const journal = open(disk, journalOptions(clock, 3));
    for (let i = 0; i < 20; i++) journal.append(draft(clock, "s1", `line ${i}`));
    const early = await witnessOf(journal, clock).fresh();
    const copy = disk.copy();
    for (let i = 0; i < 20; i++) journal.append(draft(clock, "s1", `more ${i}`));
    const seen = await witnessOf(journal, clock).fresh();
    await journal.close();
    return { copy, clock, seen, early };
  };

  test("is truncated for who has seen more, and forked when it has grown past that", async () => {
    const { copy, clock, seen, early } = await scene();
    const journal = open(copy, journalOptions(clock, 4));
    const witness = witnessOf(journal, clock);
    expect(judged(seen, witness)).toBe("truncated");
    expect(judged(early, witness)).toBe("later");
    expect(witness.alarms).toMatchObject([{ found: "truncated", lsn: seen.lsn, by: "ana" }]);
    for (let i = 0; i < 60; i++) journal.append(draft(clock, "s1", `other ${i}`));
    expect(judged(seen, witness)).toBe("forked");
    // Told once, however often it is brought.
    expect(witness.alarms).toHaveLength(1);
    await journal.close();
  });

  test("that a client accepted is no news any more, and a head from after that is", async () => {
    const { copy, clock, seen } = await scene();
    const journal = open(copy, journalOptions(clock, 4));
    const witness = witnessOf(journal, clock);
    judged(seen, witness);
    clock.advance(1_000);
    expect(witness.accept({ id: "ana", via: "cli" })).toBe(1);
    expect(judged(seen, witness)).toBe("truncated");
    expect(witness.alarms).toEqual([]);
    await journal.close();
  });

  test("is written anew by somebody with the key: found by a head at or after the first changed record, and by none before it", async () => {
    const { copy, clock, seen, early } = await scene();
    const journal = open(copy, journalOptions(clock, 5));
    for (let i = 0; i < 60; i++) journal.append(draft(clock, "s1", `forged ${i}`));
    await journal.close();
    // The attacker's chain is sound in itself: everything is signed.
    expect(verify(copy).ok).toBe(true);
    expect(verify(copy, [early]).ok).toBe(true);
    const { ok, findings } = verify(copy, [early, seen]);
    expect(ok).toBe(false);
    expect(findings).toMatchObject([{ kind: "chain", lsn: seen.lsn }]);
    expect(findings[0]!.text).toContain(`one of records ${early.lsn + 1} to ${seen.lsn}`);
  });
});

describe("heads that a stranger brings", () => {
  const scene = async (): Promise<{ witness: HostWitness; head: SignedHead; end: () => Promise<void> }> => {
    const clock = new Clock();
    const journal = open(new SimFS(), journalOptions(clock, 6));
    journal.append(draft(clock, "s1", "typed"));
    const witness = witnessOf(journal, clock);
    return { witness, head: await witness.fresh(), end: () => journal.close() };
  };

  test.each([
    ["a forged signature", (h: SignedHead) => ({ ...h, signature: h.signature.map((b) => b ^ 1) })],
    ["another record's number", (h: SignedHead) => ({ ...h, lsn: h.lsn + 1_000 })],
    ["the largest number that there is", (h: SignedHead) => ({ ...h, lsn: Number.MAX_SAFE_INTEGER })],
    ["another chain", (h: SignedHead) => ({ ...h, chain: h.chain.map((b) => b ^ 1) })],
    ["another time", (h: SignedHead) => ({ ...h, atUnixMs: h.atUnixMs + 1 })],
  ])("with %s are refused, and make no alarm", async (_, forged) => {
    const { witness, head, end } = await scene();
    expect(() => witness.present(forged(head), "eve")).toThrow(/not signed by this host/);
    expect(witness.alarms).toEqual([]);
    await end();
  });

  test("make so many alarms and no more, though each is signed", async () => {
    const disk = new SimFS();
    const clock = new Clock();
    const journal = open(disk, journalOptions(clock, 7));
    const copy = disk.copy();
    const witness = witnessOf(journal, clock);
    const seen: SignedHead[] = [];
    for (let i = 0; i < 100; i++) {
      journal.append(draft(clock, "s1", `line ${i}`));
      seen.push(await witness.fresh());
    }
    await journal.close();
    const back = open(copy, journalOptions(clock, 8));
    const after = witnessOf(back, clock);
    for (const head of seen) after.present(head, "eve");
    expect(after.alarms.length).toBe(16);
    await back.close();
  });
});
