/**
 * Every moment at which the power may go, times what the disk may have kept (reliability §4.7, T-35, T-43). A small fixed set
 * here; all points and styles, over several workloads, under HOLDFAST_SOAK=1.
 */
import { expect, test } from "vitest";
import { CRASH_STYLES, type CrashStyle, crashImage } from "./crash.ts";
import { Clock, draft, isGap, journalOptions, open, readAll, said, verify } from "./scene.ts";
import { SimFS } from "./sim-fs.ts";
import { broken, type Claims, live, newClaims } from "./workload.ts";

const SOAK = process.env["HOLDFAST_SOAK"] === "1";
const EVERY = SOAK ? 1 : 11;
const SEEDS = SOAK ? [1, 2, 3, 4] : [1];

interface Shot {
  readonly call: number;
  readonly style: CrashStyle;
  readonly image: SimFS;
  readonly claims: Claims;
}

/** The power fails at each call: the claims are frozen as they stand, the images made. */
async function shots(seed: number, styles: readonly CrashStyle[], every: number, also: readonly number[] = []): Promise<Shot[]> {
  const disk = new SimFS();
  const clock = new Clock();
  const claims = newClaims();
  const taken: Shot[] = [];
  disk.beforeCall = (call) => {
    if (call % every !== 0 && !also.includes(call)) return;
    const now: Claims = {
      appended: new Map(claims.appended),
      erased: new Set(claims.erased),
      refused: [],
      durableLsn: claims.durableLsn,
    };
    // An append in progress may have reached the disk whole: it is read from the trace's future, below.
    for (const style of styles)
      taken.push({ call, style, image: crashImage(disk, style, call * 31 + styles.indexOf(style)), claims: now });
  };
  const journal = await live(disk, clock, seed, 300, claims);
  disk.beforeCall = null;
  await journal.close();
  for (const shot of taken) {
    const next = Math.max(0, ...shot.claims.appended.keys());
    for (const [lsn, claim] of claims.appended)
      if (lsn > next && lsn <= next + 4) {
        shot.claims.appended.set(lsn, claim);
        break;
      }
  }
  return taken;
}

const state = (
  disk: SimFS,
  seed: number,
): { disk: SimFS; text: string; wrong: (claims: Claims) => string[]; notes: readonly string[] } => {
  const clock = new Clock();
  const journal = open(disk, journalOptions(clock, seed));
  const text = journal
    .tails()
    .filter((t) => t.session !== "host")
    .sort((a, b) => (a.session < b.session ? -1 : 1))
    .map((t) =>
      readAll(journal, t.session)
        .map((e) =>
          isGap(e) ? `${t.session} gap ${e.fromSeq}-${e.toSeq} ${e.reason}` : JSON.stringify([said(e), e.payloadState]),
        )
        .join("\n"),
    )
    .join("\n");
  return { disk, text, wrong: (claims) => broken(journal, claims), notes: journal.recovery };
};

for (const seed of SEEDS) {
  test(`workload ${seed}: whatever a power cut keeps, recovery has all that was durable, nothing that was not written, no unannounced gap`, {
    timeout: SOAK ? 3_600_000 : 300_000,
  }, async () => {
    const all = await shots(seed, CRASH_STYLES, EVERY);
    expect(all.length).toBeGreaterThan(SOAK ? 2000 : 200);
    for (const { call, style, image, claims } of all) {
      const where = `call ${call}, ${style.keep}/${style.sectorBytes}`;
      const once = state(image, 100);
      expect(once.wrong(claims), where).toEqual([]);
      // I4: recovery after recovery, also when the first one's unsynced work is lost in turn.
      const twice = state(image.copy(), 101);
      expect(twice.text, where).toBe(once.text);
      const lost = state(crashImage(image, { keep: "none", sectorBytes: 0 }, call), 102);
      expect(lost.text, where).toBe(once.text);
      // I5: what verification complains of lies where recovery announced damage.
      const report = verify(image);
      if (!report.ok && !once.notes.some((n) => /damage|missing/.test(n))) {
        expect(
          report.findings.filter((f) => f.kind !== "payload" && f.kind !== "unexplained-erasure"),
          where,
        ).toEqual([]);
        for (const f of report.findings) expect(f.lsn!, where).toBeGreaterThan(claims.durableLsn);
      }
    }
  });
}

test("a crash at every step of recovery itself leads to the same journal", { timeout: SOAK ? 3_600_000 : 300_000 }, async () => {
  const all = await shots(
    5,
    [
      { keep: "prefix", sectorBytes: 512 },
      { keep: "random", sectorBytes: 512 },
    ],
    SOAK ? 7 : 97,
    // A recovery whose own first record was lost once counted as a gap of every session.
    [203],
  );
  for (const { call, style, image } of all) {
    const expected = state(image.copy(), 103).text;
    const rehearsal = image.copy();
    const images: SimFS[] = [];
    rehearsal.beforeCall = (step) => {
      for (const keep of ["none", "all", "random"] as const) images.push(crashImage(rehearsal, { keep, sectorBytes: 512 }, step));
    };
    state(rehearsal, 104);
    for (const [i, interrupted] of images.entries())
      expect(state(interrupted, 105).text, `call ${call}, ${style.keep}, image ${i}`).toBe(expected);
  }
});

test("what a killed host left in the page cache is durable once the next one says so", async () => {
  const disk = new SimFS();
  const clock = new Clock();
  const first = open(disk, journalOptions(clock, 1));
  for (let i = 0; i < 10; i++) first.append(draft(clock, "s1", `line ${i} `.repeat(1 + i * 20)));
  const second = open(disk, journalOptions(clock, 2));
  const { lsn } = second.append(draft(clock, "s1", "after"));
  await second.durable(lsn);
  const again = open(crashImage(disk, { keep: "none", sectorBytes: 0 }, 1), journalOptions(clock, 3));
  expect(readAll(again, "s1").map((e) => (isGap(e) ? "gap" : e.payloadState))).toEqual(
    Array.from({ length: 11 }, () => "present"),
  );
});
