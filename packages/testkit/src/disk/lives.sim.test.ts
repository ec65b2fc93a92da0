/**
 * A failed sync and the life after (J2, J5): what one life learnt of the disk must not be forgotten by the next, which finds
 * the same bytes in the page cache and a sync that succeeds without them (D3, reliability L12).
 */
import type { Journal } from "@holdfast/host/journal";
import { expect, test } from "vitest";
import { crashImage } from "./crash.ts";
import { Clock, draft, isGap, journalOptions, open, readAll } from "./scene.ts";
import { SimFS } from "./sim-fs.ts";
import { broken, type Claims, live, newClaims } from "./workload.ts";

const SOAK = process.env["HOLDFAST_SOAK"] === "1";
const states = (journal: Journal, session: string): string[] =>
  readAll(journal, session).map((e) => (isGap(e) ? `gap ${e.fromSeq}-${e.toSeq} ${e.reason}` : e.payloadState));

/** A killed life that left bulk and small payloads of two sessions unsynced. */
async function killedLife(disk: SimFS, clock: Clock): Promise<void> {
  const journal = open(disk, journalOptions(clock, 1));
  for (let i = 0; i < 6; i++) journal.append(draft(clock, `s${i % 2}`, `early ${i} `.padEnd(i % 3 === 0 ? 20 : 900)));
  await journal.durable(journal.head().lsn);
  for (let i = 0; i < 8; i++) journal.append(draft(clock, `s${i % 2}`, `late ${i} `.padEnd(i % 3 === 0 ? 20 : 900)));
}

test("a sync that fails while a host takes up what a killed one left is remembered by the host after it", async () => {
  let opened = 0;
  for (let at = 1; opened < 2; at++) {
    const disk = new SimFS();
    const clock = new Clock();
    await killedLife(disk, clock);
    disk.fault = { at: disk.trace.length + at, fault: "EIO", sticky: false };
    let second: Journal | null = null;
    try {
      second = open(disk, journalOptions(clock, 2));
      if (disk.trace.length < disk.fault.at) opened++;
    } catch (error) {
      expect((error as { code?: string }).code, `call ${at}`).toBe("journal_unwritable");
    }
    const failed = disk.trace[disk.fault.at - 1] ?? "nothing";
    disk.fault = null;
    if (second !== null) {
      await second.durable(second.head().lsn);
      const cut = open(crashImage(disk, { keep: "none", sectorBytes: 0 }, at), journalOptions(new Clock(), 4));
      for (const s of ["s0", "s1"]) expect(states(cut, s), `${failed}, second life`).toEqual(Array(7).fill("present"));
    }
    const third = open(disk, journalOptions(clock, 3));
    await third.durable(third.head().lsn);
    const cut = open(crashImage(disk, { keep: "none", sectorBytes: 0 }, at), journalOptions(new Clock(), 4));
    for (const s of ["s0", "s1"]) expect(states(cut, s), `${failed}, third life`).toEqual(Array(7).fill("present"));
  }
});

/** Everything that an append returned for, whether or not it was called durable. */
const allOf = (claims: Claims): Claims => ({ ...claims, durableLsn: Math.max(0, ...claims.appended.keys()) });

test("a host killed anywhere in its answer to a failed sync loses nothing, and the host after it calls nothing durable that is not", {
  timeout: SOAK ? 3_600_000 : 120_000,
}, async () => {
  const STEPS = 80;
  const rehearsal = new SimFS();
  await (await live(rehearsal, new Clock(), 21, STEPS, newClaims())).close();
  const syncs = rehearsal.trace.flatMap((line, i) => (line.startsWith("sync ") ? [i + 1] : []));
  for (const [n, at] of syncs.entries()) {
    if (!SOAK && n % 5 !== 0) continue;
    for (let after = 1; after <= 24; after += SOAK ? 1 : 3) {
      const where = `sync at call ${at} fails, killed ${after} calls later`;
      const disk = new SimFS({ fault: { at, fault: "EIO", sticky: false } });
      disk.killedAt = at + after;
      const claims = newClaims();
      const clock = new Clock();
      await live(disk, clock, 21, STEPS, claims).catch(() => undefined);
      disk.fault = null;
      disk.killedAt = null;
      const next = open(disk, journalOptions(clock, 22));
      expect(broken(next, allOf(claims)), where).toEqual([]);
      await next.durable(next.head().lsn);
      const cut = open(crashImage(disk, { keep: "none", sectorBytes: 0 }, at), journalOptions(new Clock(), 23));
      expect(broken(cut, allOf(claims)), `${where}, then the power goes`).toEqual([]);
    }
  }
});

/** A sealed segment's payloads are erased, and a few syncs follow. */
async function erasing(disk: SimFS, clock: Clock): Promise<void> {
  const journal = open(disk, journalOptions(clock, 31));
  journal.append(draft(clock, "s1", "small secret"));
  journal.append(draft(clock, "s1", "large secret ".padEnd(900)));
  journal.seal();
  journal.erase("s1", [1, 2]);
  for (let i = 0; i < 4; i++) await journal.durable(journal.append(draft(clock, "s2", "after")).lsn);
}
const isErased = (journal: Journal): boolean =>
  readAll(journal, "host").some((e) => !isGap(e) && Buffer.from(e.meta).toString().includes('"erased"'));

test("an erasure that the next life finds in the page cache does not come undone when the power goes after it", {
  timeout: 300_000,
}, async () => {
  const rehearsal = new SimFS();
  await erasing(rehearsal, new Clock());
  let seen = 0;
  for (let at = rehearsal.trace.findIndex((line) => line.includes("0000000002.seg")); at <= rehearsal.trace.length + 1; at++) {
    for (const failAt of [null, at - 2]) {
      const disk = new SimFS(failAt === null ? {} : { fault: { at: failAt, fault: "EIO", sticky: false } });
      disk.killedAt = at;
      const clock = new Clock();
      await erasing(disk, clock).catch(() => undefined);
      disk.killedAt = disk.fault = null;
      const next = open(disk, journalOptions(clock, 32));
      if (!isErased(next)) continue;
      seen++;
      for (let seed = 1; seed <= (SOAK ? 24 : 4); seed++) {
        const cut = open(crashImage(disk, { keep: "random", sectorBytes: 512 }, seed), journalOptions(new Clock(), 33));
        expect(states(cut, "s1"), `killed at call ${at}, fault at ${failAt}, image ${seed}`).toEqual(["redacted", "redacted"]);
      }
    }
  }
  expect(seen).toBeGreaterThan(10);
});
