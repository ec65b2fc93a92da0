/** An error at call N, for every N (reliability §4.7 layer 2, T-39, T-40): no silent success, no unlogged work, no lost claim. */
import type { Journal } from "@holdfast/host/journal";
import { describe, expect, test } from "vitest";
import { crashImage } from "./crash.ts";
import { Clock, draft, isGap, journalOptions, open, readAll, verify } from "./scene.ts";
import { type Fault, SimFS } from "./sim-fs.ts";
import { broken, live, newClaims } from "./workload.ts";

const SOAK = process.env["HOLDFAST_SOAK"] === "1";
const STEPS = 120;

async function calls(): Promise<number> {
  const disk = new SimFS();
  const journal = await live(disk, new Clock(), 9, STEPS, newClaims());
  await journal.close();
  return disk.trace.length;
}

const codes = new Set(["journal_frozen", "journal_unwritable", "disk_full"]);

for (const fault of ["EIO", "ENOSPC", "short", "EINTR"] satisfies Fault[]) {
  for (const sticky of [false, true]) {
    test(`${fault} ${sticky ? "from" : "at"} call N on, for every N: faults are told, and what was claimed is there after a power cut`, {
      timeout: 600_000,
    }, async () => {
      const last = await calls();
      for (let at = 1; at <= last; at += SOAK ? 1 : 13) {
        const where = `${fault} ${sticky ? "from" : "at"} call ${at}`;
        const disk = new SimFS({ fault: { at, fault, sticky } });
        const clock = new Clock();
        const claims = newClaims();
        let journal: Journal | undefined;
        try {
          journal = await live(disk, clock, 9, STEPS, claims);
        } catch (error) {
          expect(codes, `${where}: ${String(error)}`).toContain((error as { code?: string }).code);
        }
        const failed = disk.trace.length >= at;
        for (const refused of claims.refused)
          expect(codes, `${where}: ${String((refused as Error).stack)}`).toContain((refused as { code?: string }).code);
        if (journal !== undefined && !sticky && fault !== "EINTR" && failed)
          expect(journal.frozen, `${where}: thawed`).toBeNull();
        if (journal !== undefined) expect(broken(journal, { ...claims, durableLsn: 0 }), where).toEqual([]);
        disk.fault = null;
        // The power goes now: only what was called durable counts.
        for (const keep of ["none", "all", "random"] as const) {
          const after = crashImage(disk, { keep, sectorBytes: 512 }, at);
          const again = open(after, journalOptions(new Clock(), 10));
          expect(broken(again, claims), `${where}, ${keep}`).toEqual([]);
          await again.close();
        }
        await journal?.close().catch(() => undefined);
      }
    });
  }
}

describe("a failed sync", () => {
  test("is not retried: the tail goes to a new segment, and durable tells the truth", async () => {
    const disk = new SimFS();
    const clock = new Clock();
    const journal = open(disk, journalOptions(clock, 11));
    journal.append(draft(clock, "s1", "first"));
    await journal.durable(journal.head().lsn);
    journal.append(draft(clock, "s1", "second"));
    journal.append(draft(clock, "s1", "third".padEnd(900)));
    const { lsn, chain } = journal.head();
    // The call before it says which files the sync is for.
    disk.fault = { at: disk.trace.length + 2, fault: "EIO", sticky: false };
    await journal.durable(lsn);
    expect(journal.durableLsn).toBeGreaterThanOrEqual(lsn);
    const { at } = disk.fault;
    const failed = disk.trace[at - 1]!;
    expect(failed).toMatch(/^sync /);
    expect(disk.trace.slice(at)).not.toContain(failed);
    const after = crashImage(disk, { keep: "none", sectorBytes: 0 }, 1);
    const again = open(after, journalOptions(new Clock(), 12));
    expect(readAll(again, "s1").map((e) => (isGap(e) ? "gap" : Buffer.from(e.payload).toString().trim()))).toEqual([
      "first",
      "second",
      "third",
    ]);
    await again.close();
    expect(verify(after, [{ lsn, chain }]).findings).toEqual([]);
  });

  test("that cannot be answered freezes the journal, which refuses appends and claims until it thaws", async () => {
    const disk = new SimFS();
    const clock = new Clock();
    const journal = open(disk, journalOptions(clock, 13));
    const { lsn } = journal.append(draft(clock, "s1", "one"));
    disk.fault = { at: disk.trace.length + 1, fault: "EIO", sticky: true };
    await expect(journal.durable(lsn)).rejects.toMatchObject({ code: "journal_unwritable" });
    expect(() => journal.append(draft(clock, "s1", "two"))).toThrow(/^\[journal_frozen\]/);
    await expect(journal.durable(lsn)).rejects.toMatchObject({ code: "journal_frozen" });
    expect(journal.thaw()).toBe(false);
    expect(readAll(journal, "s1")).toHaveLength(1);
    disk.fault = null;
    expect(journal.thaw()).toBe(true);
    journal.append(draft(clock, "s1", "two"));
    await journal.durable(journal.head().lsn);
    const after = crashImage(disk, { keep: "none", sectorBytes: 0 }, 1);
    expect(readAll(open(after, journalOptions(new Clock(), 14)), "s1")).toHaveLength(2);
  });
});

describe("a full disk", () => {
  test("freezes with disk_full, spends its reserve on the last words, and goes on when there is room", async () => {
    const disk = new SimFS();
    const clock = new Clock();
    const journal = open(
      disk,
      journalOptions(clock, 15, { reserveBytes: 8192, segmentBytes: 1 << 20, payloadFileBytes: 1 << 20 }),
    );
    disk.capacityBytes = disk.usedBytes + 20_000;
    let taken = 0;
    let fault: unknown;
    try {
      for (; ; taken++) journal.append(draft(clock, "s1", "x".repeat(700)));
    } catch (error) {
      fault = error;
    }
    expect(taken).toBeGreaterThan(5);
    expect(fault).toMatchObject({ code: "disk_full" });
    expect(disk.exists("/journal/reserve")).toBe(false);
    expect(() => journal.append(draft(clock, "s1"))).toThrow(/^\[journal_frozen\]/);
    expect(readAll(journal, "host").some((e) => !isGap(e) && Buffer.from(e.meta).toString().includes('"frozen"'))).toBe(true);
    await journal.durable(journal.head().lsn);
    expect(journal.thaw()).toBe(false);
    disk.capacityBytes = Number.MAX_SAFE_INTEGER;
    expect(journal.thaw()).toBe(true);
    expect(disk.exists("/journal/reserve")).toBe(true);
    const { seq } = journal.append(draft(clock, "s1", "after"));
    expect(seq).toBe(taken + 1);
    await journal.close();
    expect(verify(disk).findings).toEqual([]);
  });

  test("an unwritable folder is told at opening, and nothing is made", () => {
    const disk = new SimFS();
    disk.isReadOnly = true;
    expect(() => open(disk, journalOptions(new Clock(), 16))).toThrow(/^\[journal_unwritable\]/);
    expect(disk.names.size).toBe(0);
  });
});

test("closing leaves no handle open", async () => {
  const disk = new SimFS();
  const journal = await live(disk, new Clock(), 17, 300, newClaims());
  await journal.close();
  expect(disk.openFiles).toBe(0);
});
