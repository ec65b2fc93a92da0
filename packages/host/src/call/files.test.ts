/** That nothing of a file is read without a record (F2). */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MonotonicMs } from "@holdfast/core";
import { expect, onTestFinished, test } from "vitest";
import { fileRead } from "./files.ts";

let count = 0;

/** One file that holds `a secret`, and somebody who reads it. */
function scene() {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-files-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "file");
  writeFileSync(path, "a secret");
  const recorded: string[] = [];
  const clock = { now: 0, isFrozen: false };
  const session = {
    id: `s${count++}`,
    record(_: unknown, body: { value: { op: string; path: string; bytes: bigint } }) {
      if (clock.isFrozen) throw new Error("[journal_frozen]");
      recorded.push(`${body.value.op} ${body.value.path} ${body.value.bytes}`);
    },
  };
  let given = 0;
  const ctx = {
    host: { find: () => session, ports: { clock: { monoMs: () => MonotonicMs(clock.now) } } },
    ...{ operator: { id: "ana" }, via: "cli", signal: new AbortController().signal, hasRoom: () => true },
    more: () => void given++,
  };
  const asks = (call: object) =>
    fileRead(ctx as never, { session: "s", path: Buffer.from(path), offset: 0n, maxBytes: 0n, hash: false, ...call } as never);
  return { clock, path, recorded, asks, given: () => given };
}

test("a frozen journal gives no part of a file, and what comes after it is recorded", async () => {
  const { clock, path, recorded, asks, given } = scene();
  clock.isFrozen = true;
  await expect(asks({})).rejects.toThrow("journal_frozen");
  await expect(asks({ offset: 4n })).rejects.toThrow("journal_frozen");
  await expect(asks({ hash: true, hashBytes: 3n })).rejects.toThrow("journal_frozen");
  expect(given()).toBe(0);
  clock.isFrozen = false;
  await asks({ offset: 4n });
  expect(given()).toBe(1);
  expect(recorded).toEqual([`read ${path} 8`]);
});

test("hashes of a file's beginnings are one reading of it, and the hash of the whole is none", async () => {
  const { clock, path, recorded, asks } = scene();
  await asks({ hash: true });
  await asks({ hash: true, hashBytes: 8n });
  await asks({ hash: true, hashBytes: 0n });
  expect(recorded).toEqual([]);
  for (let hashBytes = 1n; hashBytes < 8n; hashBytes++) await asks({ hash: true, hashBytes });
  expect(recorded).toEqual([`read ${path} 8`]);
  clock.now += 60_001;
  await asks({ hash: true, hashBytes: 1n });
  expect(recorded).toHaveLength(2);
});
