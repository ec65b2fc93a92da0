/** Records are bounded by bytes as well as by age: what goes is a gap with its exact range, and nobody's session goes with a neighbour's noise. */
import type { Entry, Journal } from "@holdfast/host/journal";
import { expect, test } from "vitest";
import { CRASH_STYLES, crashImage } from "./crash.ts";
import { Clock, draft, FOLDER, isGap, journalOptions, open, readAll, verify } from "./scene.ts";
import { SimFS } from "./sim-fs.ts";

const BOUND = 40_000;
const SEGMENT = 4096;
const options = (clock: Clock, seed: number) => journalOptions(clock, seed, { recordBytes: BOUND });

const ledgerBytes = (disk: SimFS): number =>
  disk
    .list(`${FOLDER}/ledger`)
    .filter((n) => n.endsWith(".seg"))
    .reduce((sum, n) => sum + disk.contents(`${FOLDER}/ledger/${n}`).length, 0);
const shape = (journal: Journal, session: string): string[] =>
  readAll(journal, session).map((e) => (isGap(e) ? `${e.reason} ${e.fromSeq}-${e.toSeq}` : String(e.seq)));

/** A clock repainted `times` times; retention looks every tenth time, as the host does every second. */
async function repaint(journal: Journal, clock: Clock, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    journal.append(draft(clock, "clock", `\r12:00:${String(i % 60).padStart(2, "0")}`, { actor: "system:shim", stream: 0 }));
    if (i % 10 !== 9) continue;
    journal.prune("clock", journal.tail("clock")!.lastSeq);
    await journal.durable(journal.head().lsn);
  }
}

/** What goes off the loop is gone after a turn of it. */
const removed = (): Promise<void> => new Promise((turn) => setImmediate(turn));

test("a program that repaints a clock takes a bounded part of the disk, and the rest is one gap with its exact range", async () => {
  const disk = new SimFS();
  const clock = new Clock();
  const journal = open(disk, options(clock, 1));
  let most = 0;
  for (let i = 0; i < 12; i++) {
    await repaint(journal, clock, 100);
    await removed();
    most = Math.max(most, ledgerBytes(disk));
  }
  expect(most).toBeLessThan(BOUND + 3 * SEGMENT);
  const { firstSeq } = journal.tail("clock")!;
  expect(firstSeq).toBeGreaterThan(800);
  expect(shape(journal, "clock").slice(0, 2)).toEqual([`pruned 1-${firstSeq - 1}`, String(firstSeq)]);
  const head = journal.head();
  await journal.close();
  const report = verify(disk, [head]);
  expect(report.findings).toEqual([]);
  expect(report.notes.some((n) => n.includes("pruned by retention"))).toBe(true);
  const again = open(disk, options(clock, 2));
  expect(shape(again, "clock")[0]).toBe(`pruned 1-${firstSeq - 1}`);
});

test("a quiet session is named before a neighbour pushes its last record out, and its seq goes on from there", async () => {
  const disk = new SimFS();
  const clock = new Clock();
  const journal = open(disk, options(clock, 3));
  for (let i = 0; i < 5; i++) journal.append(draft(clock, "quiet", `typed ${i}`));
  await repaint(journal, clock, 600);
  expect(journal.pruneRecords()).toEqual([{ session: "quiet", isWhole: true }]);
  expect(journal.tail("quiet")).toMatchObject({ firstSeq: 1, lastSeq: 5 });
  expect(ledgerBytes(disk)).toBeGreaterThan(BOUND);

  // The host carries it on.
  const { seq } = journal.append(draft(clock, "quiet"));
  journal.saveFold("quiet", seq, Buffer.from("books"));
  journal.prune("quiet", seq);
  expect(journal.pruneRecords()).toEqual([]);
  expect(shape(journal, "quiet")).toEqual(["pruned 1-5", "6"]);
  await journal.close();
  expect(ledgerBytes(disk)).toBeLessThan(BOUND + 2 * SEGMENT);
  expect(verify(disk).findings).toEqual([]);
  const again = open(disk, options(clock, 4));
  expect(Buffer.from(again.loadFold("quiet")!.blob).toString()).toBe("books");
  expect(again.append(draft(clock, "quiet")).seq).toBe(7);
});

test("what a checkpoint still needs is kept, and whoever reads slowly holds payloads but no records", async () => {
  const clock = new Clock();
  const journal = open(new SimFS(), options(clock, 5));
  journal.append(draft(clock, "s1", "x".repeat(500)));
  journal.prune("s1", 1);
  await repaint(journal, clock, 600);
  journal.append(draft(clock, "s1", "newer"));
  expect(journal.pruneRecords()).toEqual([{ session: "s1", isWhole: false }]);
  journal.prune("s1", 1, 2);
  expect(journal.pruneRecords()).toEqual([]);
  expect(shape(journal, "s1")).toEqual(["pruned 1-1", "2"]);
});

test("what nobody has told to keep or to drop in this life is kept: a session with old records and a young one is named before they go", async () => {
  const disk = new SimFS();
  const clock = new Clock();
  const before = open(disk, options(clock, 11));
  before.append(draft(clock, "slow", "opened"));
  before.prune("slow", 1);
  await before.close();
  const journal = open(disk, options(clock, 12));
  for (let i = 0; i < 30; i++) {
    await repaint(journal, clock, 20);
    journal.append(draft(clock, "slow", "."));
  }
  expect(journal.pruneRecords()).toEqual([{ session: "slow", isWhole: false }]);
  expect(shape(journal, "slow")[0]).toBe("1");
  journal.prune("slow", 31);
  expect(journal.pruneRecords()).toEqual([]);
  expect(shape(journal, "slow").at(-1)).toBe("31");
});

test("an ended session that has been kept for long enough goes with its payload files", async () => {
  const disk = new SimFS();
  const clock = new Clock();
  const journal = open(disk, options(clock, 6));
  for (let i = 0; i < 4; i++) journal.append(draft(clock, "ended", "x".repeat(900)));
  await repaint(journal, clock, 600);
  journal.expire("ended");
  await repaint(journal, clock, 10);
  expect(journal.tail("ended")).toBeNull();
  expect(journal.pruneRecords()).toEqual([]);
  await journal.close();
  expect(disk.list(`${FOLDER}/payload`)).toEqual([]);
  expect(ledgerBytes(disk)).toBeLessThan(BOUND + 2 * SEGMENT);
  expect(verify(disk).findings).toEqual([]);
});

test("payload files whose records are gone go too", async () => {
  const disk = new SimFS();
  const clock = new Clock();
  const journal = open(disk, options(clock, 7));
  for (let i = 0; i < 12; i++) journal.append(draft(clock, "s1", "x".repeat(900)));
  const before = disk.list(`${FOLDER}/payload`).length;
  await repaint(journal, clock, 600);
  journal.append(draft(clock, "s1", "x".repeat(900)));
  journal.prune("s1", 13);
  await journal.close();
  expect(disk.list(`${FOLDER}/payload`).length).toBeLessThan(before);
  expect(verify(disk).findings).toEqual([]);
  expect(shape(open(disk, options(clock, 8)), "s1")).toEqual(["pruned 1-12", "13"]);
});

test("a power cut at any moment of it leaves a journal that joins: nothing durable is lost but what retention gave up", {
  timeout: 300_000,
}, async () => {
  const every = process.env["HOLDFAST_SOAK"] === "1" ? 1 : 7;
  const disk = new SimFS();
  const clock = new Clock();
  const journal = open(disk, options(clock, 9));
  await repaint(journal, clock, 250);
  const images: { image: SimFS; durable: number; first: number; call: number }[] = [];
  disk.beforeCall = (call) => {
    if (call % every !== 0) return;
    const style = CRASH_STYLES[Math.floor(call / every) % CRASH_STYLES.length]!;
    images.push({
      image: crashImage(disk, style, call),
      durable: journal.durableLsn,
      first: journal.tail("clock")!.firstSeq,
      call,
    });
  };
  await repaint(journal, clock, 200);
  disk.beforeCall = null;
  expect(images.length).toBeGreaterThan(20);
  for (const { image, durable, first, call } of images) {
    const again = open(image, options(new Clock(), 10));
    const all = readAll(again, "clock");
    const where = `call ${call}`;
    expect(all.filter((e) => isGap(e) && e.reason === "pruned").length, where).toBeLessThanOrEqual(1);
    const entries = all.filter((e): e is Entry => !isGap(e));
    expect(entries[0]!.seq, where).toBeLessThanOrEqual(first);
    expect(again.head().lsn, where).toBeGreaterThanOrEqual(durable);
    const sound = entries.filter((e) => e.lsn <= durable);
    expect(
      sound.map((e) => `${e.seq} ${e.payloadState}`),
      where,
    ).toEqual(sound.map((_, i) => `${sound[0]!.seq + i} present`));
    await again.close();
    for (const f of verify(image).findings) expect(f.lsn!, where).toBeGreaterThan(durable);
  }
});
