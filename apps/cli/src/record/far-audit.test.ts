import { type AuditFound, type AuditQuery, HoldError } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { event, host } from "../app/fake.ts";
import { farFindings, farRecords } from "./far-audit.ts";

const never = new AbortController().signal;

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of from) found.push(one);
  return found;
}

test("pages are asked for down to the oldest, with what is wanted of them, and come in the record's order", async () => {
  const asked: AuditQuery[] = [];
  const record = (lsn: number) => ({ lsn, session: "s", atUnixMs: lsn, event: event(lsn, "note"), own: null });
  const page = async (query: AuditQuery = {}) => {
    asked.push(query);
    const { before = 0 } = query;
    const records = before === 0 ? [record(9), record(8)] : before === 8 ? [] : [record(2)];
    return { records, next: before === 0 ? 8 : before === 8 ? 4 : null, reachedUnixMs: null };
  };
  const client = host({ audit: { page } as never });
  const got = await all(farRecords(client, { actor: "op-ana", sinceMs: 12.7, kinds: ["note"], printed: false }, never));
  expect(got.map(({ lsn }) => lsn)).toEqual([2, 8, 9]);
  expect(asked.map(({ before }) => before)).toEqual([0, 8, 4]);
  expect(asked[0]).toMatchObject({ actor: "op-ana", sinceUnixMs: 12, kinds: ["note"], printed: false, payloadBytes: 262_144 });
});

test("what the host finds wrong comes first, its own word is called that, and more than it names is told", async () => {
  const found = (over: Partial<AuditFound>): AuditFound => ({
    ...{ ok: true, file: "", position: 0, lsn: null, session: null, seq: null, problem: "" },
    ...over,
  });
  const verify = async () => ({
    isWhole: false,
    wrong: 7,
    found: [found({ ok: false, file: "ledger/1", lsn: 3, problem: "damaged" }), found({ problem: "9 records in 1 segment" })],
  });
  const seen = new HoldError("witness_contradicted", "the record ends before record 12");
  const client = host({ audit: { verify } as never, witness: { checked: async () => seen } as never });
  const told = await all(farFindings(client, () => {}, never));
  expect(told.map(({ ok, problem }) => [ok, problem])).toEqual([
    [false, "witness: the record ends before record 12"],
    [false, "damaged"],
    [true, "7 things are wrong, and the first 1 are named"],
    [true, expect.stringMatching(/the host's own word/)],
    [true, "9 records in 1 segment"],
  ]);
  expect(told[1]).toEqual({ ok: false, file: "ledger/1", position: 0, lsn: 3, problem: "damaged" });
});
