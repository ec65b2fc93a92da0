/** A journal that closes while somebody still erases, prunes or removes: done and sealed, or refused, and nothing behind the last seal. */
import type { Journal } from "@holdfast/host/journal";
import { expect, test } from "vitest";
import { Clock, draft, isGap, journalOptions, open, readAll, verify } from "./scene.ts";
import { fsError, SimFS } from "./sim-fs.ts";

const MAX = Number.MAX_SAFE_INTEGER;
const BOUNDS = { recordBytes: 16_000, payloadBytes: 8_192 };
/** More turns than a close takes. */
const TURNS = 40;

/** What is asked, and whether the next life shows it. */
interface Asked {
  readonly ask: (journal: Journal) => unknown;
  readonly isDone: (journal: Journal) => boolean;
}
const askedOf: Readonly<Record<string, Asked>> = {
  erase: {
    ask: (journal) => journal.erase("s1", [journal.tail("s1")!.lastSeq]),
    isDone: (journal) => readAll(journal, "s1").some((e) => !isGap(e) && e.payloadState === "redacted"),
  },
  remove: { ask: (journal) => journal.remove("s1"), isDone: (journal) => journal.isRemoved("s1") },
  expire: { ask: (journal) => journal.expire("s1"), isDone: (journal) => journal.isRemoved("s1") },
  prune: {
    ask: (journal) => journal.prune("s2", MAX, 1).length > 0 || refused(),
    isDone: (journal) => readAll(journal, "s2").some((e) => !isGap(e) && e.payloadState === "pruned"),
  },
  "prune of records": {
    ask: (journal) => journal.prune("s3", MAX).length > 0 || refused(),
    isDone: (journal) => journal.pruned !== null,
  },
};

/** Pruning says no by doing nothing. */
function refused(): never {
  throw Object.assign(new Error("nothing was pruned"), { code: "journal_frozen" });
}

function arranged(disk = new SimFS()) {
  const clock = new Clock();
  const journal = open(disk, journalOptions(clock, 41, BOUNDS));
  for (let i = 0; i < 40; i++) {
    journal.append(draft(clock, "s2", "bulk".padEnd(700, ".")));
    journal.append(draft(clock, "s3", `typed ${i}`, { meta: Buffer.alloc(400, 0x20) }));
  }
  for (let i = 0; i < 3; i++) journal.append(draft(clock, "s1", `secret ${i}`));
  journal.append(draft(clock, "s3", "typed last"));
  // s3 alone holds back what is due of the records, and s2 its bulk.
  journal.prune("s3", 1);
  journal.prune("s2", 1, MAX);
  journal.prune("s1", 1, MAX);
  journal.prune("host", MAX);
  return { disk, clock, journal };
}

/** Nothing is a turn here but a step of a promise: no sync of this disk takes longer. */
async function turns(n: number): Promise<void> {
  for (let i = 0; i < n; i++) await Promise.resolve();
}

for (const [what, { ask, isDone }] of Object.entries(askedOf))
  test(`${what} at any turn of a close is done and under the last seal, or refused`, async () => {
    const seen = new Set<string>();
    for (let turn = 0; turn < TURNS; turn++) {
      const { disk, clock, journal } = arranged();
      // One sync is in flight, and closing waits for it.
      const before = journal.durable(journal.lastLsn);
      const closing = journal.close();
      await turns(turn);
      let done = true;
      try {
        ask(journal);
      } catch (fault) {
        expect(fault, `turn ${turn}`).toMatchObject({ code: "journal_frozen" });
        done = false;
      }
      seen.add(done ? "done" : "refused");
      await Promise.all([before, closing]);
      expect(disk.openFiles, `turn ${turn}: files left open`).toBe(0);
      expect(verify(disk).findings, `turn ${turn}`).toEqual([]);
      const again = open(disk, journalOptions(clock, 42, BOUNDS));
      expect(again.recovery, `turn ${turn}`).toEqual([]);
      expect(isDone(again), `turn ${turn}`).toBe(done);
      await again.close();
    }
    expect([...seen].sort()).toEqual(["done", "refused"]);
  });

/** Refuses to write where the ledger has bytes already. */
class Refusing extends SimFS {
  code: string | null = null;
  override call(what: string, canBeShort = false): boolean {
    const [, path, at] = /^write (\/journal\/ledger\S+) (\d+)/.exec(what) ?? [];
    if (this.code !== null && path !== undefined && Number(at) < this.contents(path).length) throw fsError(this.code, what);
    return super.call(what, canBeShort);
  }
}

test("an erasure that a full disk refuses while the journal closes is not told behind the last seal, and is done by the next life", async () => {
  const disk = new Refusing();
  const { clock, journal } = arranged(disk);
  journal.erase("s1", [1]);
  disk.code = "EIO";
  await journal.durable(journal.lastLsn);
  expect(journal.thaw()).toBe(true);
  expect(journal.mark().told - journal.mark().done).toBe(1);
  disk.code = "ENOSPC";
  await journal.close();
  disk.code = null;
  expect(disk.openFiles).toBe(0);
  expect(verify(disk).findings).toEqual([]);
  const again = open(disk, journalOptions(clock, 42, BOUNDS));
  expect(askedOf["erase"]!.isDone(again)).toBe(true);
  await again.close();
  expect(verify(disk).findings).toEqual([]);
});

test("a journal that closed while it was frozen writes nothing more, whatever room there is again", async () => {
  const { disk, journal } = arranged();
  disk.fault = { at: disk.trace.length + 1, fault: "EIO", sticky: true };
  await expect(journal.durable(journal.lastLsn)).rejects.toMatchObject({ code: "journal_unwritable" });
  await journal.close();
  disk.fault = null;
  const calls = disk.trace.length;
  expect(journal.thaw()).toBe(false);
  expect(disk.trace.slice(calls)).toEqual([]);
  expect(disk.openFiles).toBe(0);
});
