import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { segmentName } from "./format.ts";
import { NodeDisk, openJournal, systemRandom } from "./index.ts";
import type { Journal } from "./journal.ts";

function open(folder: string, isExcerpt: boolean): Journal {
  return openJournal(new NodeDisk(), {
    folder,
    segmentBytes: 2_000,
    reserveBytes: 0,
    now: () => ({ wallMs: 1, monoNs: 1n }),
    randomBytes: systemRandom,
    auditKey: generateKeyPairSync("ed25519").privateKey.export({ format: "der", type: "pkcs8" }),
    isExcerpt,
  });
}

const add = (journal: Journal, session: string, text: string) =>
  journal.append({
    session,
    kind: 1,
    actor: "ana",
    via: "cli",
    meta: new Uint8Array(0),
    payload: Buffer.from(text),
    wallMs: 1,
    monoNs: 1n,
  });

async function recorded(): Promise<{ readonly folder: string; readonly kept: readonly number[] }> {
  const folder = mkdtempSync(join(tmpdir(), "excerpt-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const journal = open(folder, false);
  for (let n = 0; n < 100; n++) {
    add(journal, n % 40 < 4 ? "mine" : "others", `${n}`);
    await journal.durable(Number.MAX_SAFE_INTEGER);
  }
  const kept = journal.segmentsOf("mine");
  await journal.close();
  return { folder, kept };
}

test("a journal with the segments of one session alone has all of that session, and no gap", async () => {
  const { folder, kept } = await recorded();
  const all = readdirSync(join(folder, "ledger")).filter((name) => name.endsWith(".seg"));
  expect(all.length).toBeGreaterThan(kept.length + 3);
  for (const name of readdirSync(join(folder, "ledger")))
    if (!kept.some((index) => segmentName(index) === name)) rmSync(join(folder, "ledger", name));
  const journal = open(folder, true);
  onTestFinished(() => journal.close());
  expect(journal.read("mine", 0, 1e6).map((e) => ("gap" in e ? e : Buffer.from(e.payload).toString()))).toEqual(
    Array.from({ length: 100 }, (_, n) => n)
      .filter((n) => n % 40 < 4)
      .map(String),
  );
  expect(add(journal, "mine", "next").seq).toBe(13);
});

test("what was erased moves the mark twice: when it is recorded, and when it is done", async () => {
  const { folder } = await recorded();
  const journal = open(folder, false);
  onTestFinished(() => journal.close());
  const before = journal.mark();
  journal.erase("mine", [1]);
  const told = journal.mark();
  expect([told.told - before.told, told.done - before.done, told.lsn - before.lsn]).toEqual([1, 0, 1]);
  await journal.durable(told.lsn);
  expect(journal.mark()).toEqual({ ...told, done: before.done + 1 });
  journal.remove("mine");
  expect(journal.mark().told).toBe(told.told + 1);
  expect(journal.sessions()).not.toContain("mine");
});
