import { type Audit, type AuditPage, type AuditQuery, HoldError } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { AuditFeed } from "./feed.ts";

const record = (lsn: number) => ({ lsn, session: "s1", atUnixMs: lsn * 1_000, event: null, own: { type: "thawed" } });

function feedOf(pages: readonly (AuditPage | HoldError)[]): { readonly feed: AuditFeed; readonly asked: AuditQuery[] } {
  const asked: AuditQuery[] = [];
  const page = async (query: AuditQuery = {}): Promise<AuditPage> => {
    const answer = pages[asked.push(query) - 1]!;
    if (answer instanceof HoldError) throw answer;
    return answer;
  };
  const audit = { page } as unknown as Audit;
  return { feed: new AuditFeed(audit, { text: "x" }), asked };
}

const settled = (feed: AuditFeed): Promise<void> =>
  new Promise((resolve) => {
    const stop = feed.state.follow(() => {
      if (feed.state.value.is === "reading") return;
      stop();
      resolve();
    });
  });

test("a search that finds little goes on to the beginning by itself, and says how far back it looked", async () => {
  const { feed, asked } = feedOf([
    { records: [record(900)], next: 800, reachedUnixMs: 800_000 },
    { records: [], next: 400, reachedUnixMs: 400_000 },
    { records: [record(3)], next: null, reachedUnixMs: 1_000 },
  ]);
  await settled(feed);
  expect(feed.fed.value).toMatchObject({ records: [{ lsn: 900 }, { lsn: 3 }], reachedUnixMs: 1_000 });
  expect(feed.state.value).toEqual({ is: "read", isAll: true });
  expect(asked.map(({ before, limit, text }) => [before, limit, text])).toEqual([
    [0, 200, "x"],
    [800, 199, "x"],
    [400, 199, "x"],
  ]);
});

test("a page that fails loses nothing of what was read: it is asked for again", async () => {
  const full = { records: Array.from({ length: 200 }, (_, i) => record(1_000 - i)), next: 801, reachedUnixMs: 801_000 };
  const { feed, asked } = feedOf([full, new HoldError("unreachable", "gone"), { records: [], next: null, reachedUnixMs: null }]);
  await settled(feed);
  expect(feed.state.value).toEqual({ is: "read", isAll: false });
  feed.more();
  await settled(feed);
  expect(feed.state.value).toMatchObject({ is: "failed", code: "unreachable" });
  expect(feed.fed.value.records).toHaveLength(200);
  feed.more();
  await settled(feed);
  expect(feed.state.value).toEqual({ is: "read", isAll: true });
  expect(asked.map(({ before }) => before)).toEqual([0, 801, 801]);
});
