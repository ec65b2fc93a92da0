/** Erasure at its bounds: very many at once, a disk that refuses, and the lives after (J2, R4). */
import type { Journal } from "@holdfast/host/journal";
import { expect, test } from "vitest";
import { crashImage } from "./crash.ts";
import { Clock, draft, isGap, journalOptions, open, readAll, verify } from "./scene.ts";
import { fsError, SimFS } from "./sim-fs.ts";

const BIG = { segmentBytes: 1 << 26, payloadFileBytes: 1 << 26 };
const states = (journal: Journal, session: string): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const e of readAll(journal, session, 1 << 20)) {
    const state = isGap(e) ? `gap ${e.reason}` : e.payloadState;
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
};

test("thirteen thousand payloads erased at once are erased, whenever the host is killed", { timeout: 120_000 }, async () => {
  const MANY = 13_000;
  const disk = new SimFS();
  const clock = new Clock();
  const journal = open(disk, journalOptions(clock, 31, BIG));
  for (let i = 0; i < MANY; i++) journal.append(draft(clock, "s1", `secret ${i}`));
  await journal.durable(journal.lastLsn);
  const seqs = Array.from({ length: MANY }, (_, i) => i + 1);
  expect(journal.erase("s1", seqs)).toEqual(seqs);
  expect(states(journal, "s1")).toEqual({ redacted: MANY });
  const { lsn, chain } = journal.head();
  const told = disk.copy();
  await journal.durable(lsn);
  const done = disk.copy();
  expect(journal.mark().done).toBe(journal.mark().told);
  journal.seal();
  const sealed = disk.copy();
  for (const [when, left] of Object.entries({ told, done, sealed })) {
    const again = open(left, journalOptions(clock, 32, BIG));
    expect(states(again, "s1"), when).toEqual({ redacted: MANY });
    expect(again.lastLsn, when).toBeGreaterThan(lsn);
    await again.close();
    expect(verify(left, [{ lsn, chain }]).findings, when).toEqual([]);
  }
  await journal.close();
  expect(verify(disk, [{ lsn, chain }]).findings).toEqual([]);
});

test("damage in a thousand places is recorded, and known to the life after", async () => {
  const disk = new SimFS();
  const clock = new Clock();
  const first = open(disk, journalOptions(clock, 33, BIG));
  for (let i = 0; i < 2_000; i++) first.append(draft(clock, "s1", `damaged ${i}`.padEnd(40, ".")));
  await first.close();
  const ledger = "/journal/ledger/0000000001";
  const bytes = Buffer.from(disk.contents(`${ledger}.seg`));
  for (let i = 1, at = 0; i < 2_000; i += 2) {
    at = bytes.indexOf(`damaged ${i}.`, at);
    bytes[at - 60]! ^= 1;
  }
  disk.put(`${ledger}.seg`, bytes);
  disk.remove(`${ledger}.idx`);
  const second = open(disk, journalOptions(clock, 34, BIG));
  expect(second.recovery.length).toBeGreaterThan(900);
  const tail = second.tail("s1")!.lastSeq;
  await second.close();
  const third = open(disk, journalOptions(clock, 35, BIG));
  expect(third.tail("s1")!.lastSeq).toBe(tail);
  const told = readAll(third, "host").filter((e) => !isGap(e) && Buffer.from(e.meta).includes('"damaged"'));
  expect(told.length).toBeGreaterThan(1);
  await third.close();
});

test("an erasure that the disk refuses is not told as done, is tried again, and is done by the life after a kill", async () => {
  const arranged = async (refused: number | null) => {
    const disk = new SimFS();
    const clock = new Clock();
    const journal = open(disk, journalOptions(clock, 36, BIG));
    journal.append(draft(clock, "s1", "the secret"));
    journal.seal();
    await journal.durable(journal.lastLsn);
    const from = disk.trace.length;
    if (refused !== null) disk.fault = { at: from + 1 + refused, fault: "EIO", sticky: false };
    // A sync is under way: what is erased waits for the next one, which begins a new segment.
    const before = journal.durable(journal.append(draft(clock, "s2", "other")).lsn);
    journal.erase("s1", [1]);
    journal.seal();
    await before;
    await journal.durable(journal.lastLsn);
    return { disk, clock, journal, calls: disk.trace.slice(from) };
  };
  const { calls } = await arranged(null);
  const at = calls.findIndex((call) => call.startsWith("write /journal/ledger/0000000001.seg"));
  expect(at).toBeGreaterThan(0);
  expect(calls.slice(0, at).join("\n")).toContain("ledger/0000000002.seg");
  const { disk, clock, journal } = await arranged(at);
  const ledger = "/journal/ledger/0000000001.seg";
  expect(states(journal, "s1")).toEqual({ redacted: 1 });
  expect(Buffer.from(disk.contents(ledger)).includes("the secret")).toBe(true);
  expect(journal.mark().told - journal.mark().done).toBe(1);
  expect(journal.frozen).not.toBeNull();
  const killed = disk.copy();
  const again = open(killed, journalOptions(new Clock(), 37, BIG));
  expect(Buffer.from(killed.contents(ledger)).includes("the secret")).toBe(false);
  expect(states(again, "s1")).toEqual({ redacted: 1 });
  await again.close();
  expect(verify(killed).findings).toEqual([]);
  expect(journal.thaw()).toBe(true);
  await journal.durable(journal.append(draft(clock, "s2", "more")).lsn);
  expect(Buffer.from(disk.contents(ledger)).includes("the secret")).toBe(false);
  expect(journal.mark().done).toBe(journal.mark().told);
  await journal.close();
  const after = open(disk, journalOptions(new Clock(), 38, BIG));
  expect(states(after, "s1")).toEqual({ redacted: 1 });
  await after.close();
  expect(verify(disk).findings).toEqual([]);
});

test("five thousand small outputs of a removed session take no more than a handful of files to erase", async () => {
  let most = 0;
  const disk = new (class extends SimFS {
    override open(path: string, mode: "read" | "readwrite" | "create-new") {
      const file = super.open(path, mode);
      most = Math.max(most, this.openFiles);
      return file;
    }
  })();
  const clock = new Clock();
  const journal = open(disk, journalOptions(clock, 39, BIG));
  for (let i = 0; i < 5_000; i++) journal.append(draft(clock, "s1", `output ${i}.`));
  for (let i = 0; i < 100; i++) journal.append(draft(clock, "s2", `bulk ${i}.`.padEnd(400)));
  journal.seal();
  most = 0;
  journal.remove("s1");
  journal.erase(
    "s2",
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  await journal.durable(journal.lastLsn);
  expect(Buffer.from(disk.contents("/journal/ledger/0000000001.seg")).includes("output ")).toBe(false);
  expect(most).toBeLessThan(32);
  await journal.close();
  expect(disk.openFiles).toBe(0);
  expect(verify(disk).findings).toEqual([]);
});

/** Fails syncs of one file, once or for ever. */
class Failing extends SimFS {
  file: RegExp | null = null;
  failed: string[] = [];
  isForGood = false;
  override call(what: string, canBeShort = false): boolean {
    if (this.file?.test(what) && what.startsWith("sync ")) {
      if (!this.isForGood) this.file = null;
      this.failed.push(what);
      super.call(what, canBeShort);
      throw fsError("EIO", what);
    }
    return super.call(what, canBeShort);
  }
}

const SECRET = "the secret";
const LONG = `${SECRET} ${"of many bytes ".repeat(40)}`;
const holding = (disk: SimFS): string[] =>
  [...disk.names.keys()].filter((path) => Buffer.from(disk.contents(path)).includes(SECRET));

for (const [where, { secret, isOlder, file }] of Object.entries({
  "an older segment": { secret: SECRET, isOlder: true, file: /ledger\/0000000001\.seg/ },
  "the segment in use": { secret: SECRET, isOlder: false, file: /ledger\/0000000001\.seg/ },
  "an older payload file": { secret: LONG, isOlder: true, file: /payload\// },
  "the payload file in use": { secret: LONG, isOlder: false, file: /payload\// },
}))
  test(`zeros in ${where} whose sync failed are written again, and no power cut brings back what they cover`, async () => {
    const disk = new Failing();
    const clock = new Clock();
    const journal = open(disk, journalOptions(clock, 44, { segmentBytes: 1 << 20 }));
    await journal.durable(journal.append(draft(clock, "s1", secret)).lsn);
    if (isOlder) {
      for (let i = 0; i < 10; i++) journal.append(draft(clock, "s1", "later".padEnd(600)));
      journal.seal();
      await journal.durable(journal.append(draft(clock, "s1", "later".padEnd(600))).lsn);
    }
    journal.erase("s1", [1]);
    await journal.durable(journal.lastLsn);
    expect(journal.mark().done).toBe(journal.mark().told);
    disk.file = file;
    await journal.durable(journal.append(draft(clock, "s2", "a sync")).lsn);
    expect(disk.failed).toHaveLength(1);
    // From now on no life does it again: it is under a seal, and beside that is what was read of it.
    journal.seal();
    await journal.durable(journal.append(draft(clock, "s2", "more")).lsn);
    const left = crashImage(disk, { keep: "none", sectorBytes: 512 }, 1);
    expect(holding(left)).toEqual([]);
    const again = open(left, journalOptions(new Clock(), 45));
    expect(states(again, "s1")).toEqual({ redacted: 1, ...(isOlder ? { present: 11 } : {}) });
    await again.close();
    expect(holding(left)).toEqual([]);
    await journal.close();
    expect(disk.openFiles).toBe(0);
    expect(verify(disk).findings).toEqual([]);
  });

test("zeros whose sync fails for good freeze the journal, and are written again when it thaws", async () => {
  const disk = new Failing();
  const clock = new Clock();
  const journal = open(disk, journalOptions(clock, 46, { segmentBytes: 1 << 20 }));
  journal.append(draft(clock, "s1", SECRET));
  journal.append(draft(clock, "s1", LONG));
  journal.seal();
  journal.erase("s1", [1, 2]);
  await journal.durable(journal.lastLsn);
  Object.assign(disk, { file: /ledger|payload/, isForGood: true });
  await expect(journal.durable(journal.append(draft(clock, "s2", "a sync")).lsn)).rejects.toMatchObject({
    code: "journal_unwritable",
  });
  disk.file = null;
  expect(journal.thaw()).toBe(true);
  journal.seal();
  await journal.durable(journal.append(draft(clock, "s2", "more")).lsn);
  const left = crashImage(disk, { keep: "none", sectorBytes: 512 }, 1);
  expect(holding(left)).toEqual([]);
  await journal.close();
  expect(disk.openFiles).toBe(0);
  expect(verify(disk).findings).toEqual([]);
});
