/** Continuity against a model that knows every token ever made, with clients that lose answers, retry, race and copy. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { MonotonicMs } from "../id.ts";
import * as continuity from "./index.ts";

const numRuns = process.env.HOLDFAST_SOAK ? 100_000 : 1_000;
const GRACE = 1_000;

const op = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant("lose" as const) }) },
  // `which`: 0 is the latest token that was ever made, 1 the one before it, …
  { weight: 6, arbitrary: fc.record({ op: fc.constant("take" as const), which: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant("attach" as const) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("ack" as const) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("fall" as const) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 1_500 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("guess" as const) }) },
);

test("one at a time takes a place up, with a token that is not used up, within its time; a copy ends it and a guess changes nothing", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60, size: "max" }), (ops) => {
      let now = MonotonicMs(0);
      const made: continuity.Token[] = [{ n: 1, hash: "t1" }];
      let family = continuity.begin(made[0]!, GRACE, "link 0");
      let links = 0;
      let holder: string | null = "link 0";
      let taking: { by: string; shown: continuity.Token; until: number } | null = null;
      let lostAt: number | null = null;
      let isOver = false;
      /** Tokens that were acknowledged away: whoever shows one has a copy. */
      const used = new Set<string>();
      let unacked: continuity.Token | null = null;

      for (const o of ops) {
        const isLate = lostAt !== null && now >= lostAt + GRACE;
        switch (o.op) {
          case "wait":
            now = MonotonicMs(now + o.ms);
            break;
          case "lose":
            if (holder === null) break;
            family = continuity.lost(family, holder, now);
            if (!isOver && taking === null) lostAt = now;
            holder = null;
            break;
          case "guess": {
            const before = family;
            const result = continuity.take(family, { n: family.token.n, hash: "guessed" }, "stranger", now);
            expect(result.ok).toBe(false);
            expect(result.family).toBe(before); // Y5
            break;
          }
          case "take": {
            const shown = made.at(-1 - o.which);
            if (!shown) break;
            const by = `link ${++links}`;
            const result = continuity.take(family, shown, by, now);
            const isBusy = taking !== null && now < taking.until;
            family = result.family;
            if (used.has(shown.hash)) {
              expect(result).toMatchObject({ ok: false, refusal: "continuity_copied" }); // Y3
              isOver = true;
            } else if (isOver || (isLate && taking === null)) {
              expect(result.ok).toBe(false); // Y4
            } else if (isBusy) expect(result.ok).toBe(false); // Y2
            if (result.ok) {
              if (unacked && shown.hash === family.token.hash) {
                used.add(unacked.hash);
                unacked = null;
              }
              taking = { by, shown, until: now + continuity.TAKING_MS };
              expect([family.token.hash, family.before?.hash]).toContain(shown.hash);
            }
            break;
          }
          case "attach": {
            if (!taking) break;
            const next = { n: family.token.n + 1, hash: `t${made.length + 1}` };
            family = continuity.taken(family, taking.by, next);
            if (family.token === next) {
              made.push(next);
              unacked = taking.shown;
              holder = taking.by;
              lostAt = null;
            }
            taking = null;
            break;
          }
          case "fall":
            if (!taking) break;
            family = continuity.lost(family, taking.by, now);
            if (!isOver) {
              if (holder === null) lostAt ??= now;
              else if (family.place.name === "interrupted") {
                // The older link is fenced by now, dead or not.
                holder = null;
                lostAt = now;
              }
            }
            taking = null;
            break;
          case "ack":
            if (unacked) used.add(unacked.hash);
            unacked = null;
            family = continuity.acked(family, family.token.n);
            break;
        }
        if (family.place.name === "over") isOver = true;
        // Never more than two good tokens (Y1), and never one that is used up.
        expect(used.has(family.token.hash)).toBe(false);
        expect(family.before !== null && used.has(family.before.hash)).toBe(false);
      }
    }),
    { numRuns },
  );
});

test("a client that lost the answer to its resume comes back with the token that it has", () => {
  const first = { n: 1, hash: "a" };
  let family = continuity.lost(continuity.begin(first, GRACE, "l0"), "l0", MonotonicMs(0));
  for (let n = 2; n < 6; n++) {
    const taking = continuity.take(family, first, `l${n}`, MonotonicMs(n));
    expect(taking.ok).toBe(true);
    family = continuity.taken(taking.family, `l${n}`, { n, hash: `never arrived ${n}` });
    family = continuity.lost(family, `l${n}`, MonotonicMs(n));
  }
});

test("a used token that comes back after its successor arrived ends the family, also for who has the successor", () => {
  let family = continuity.lost(continuity.begin({ n: 1, hash: "a" }, GRACE, "l0"), "l0", MonotonicMs(0));
  const taking = continuity.take(family, { n: 1, hash: "a" }, "l1", MonotonicMs(1));
  family = continuity.acked(continuity.taken(taking.family, "l1", { n: 2, hash: "b" }), 2);
  const copy = continuity.take(family, { n: 1, hash: "a" }, "l2", MonotonicMs(2));
  expect(copy).toMatchObject({ ok: false, refusal: "continuity_copied" });
  expect(continuity.take(copy.family, { n: 2, hash: "b" }, "l3", MonotonicMs(3))).toMatchObject({
    ok: false,
    refusal: "continuity_copied",
  });
});

test("a place is taken up a moment before its time is over, and not at its end; the one who is taking it up then has it", () => {
  const family = continuity.lost(continuity.begin({ n: 1, hash: "a" }, GRACE, "l0"), "l0", MonotonicMs(0));
  const token = { n: 1, hash: "a" };
  expect(continuity.take(family, token, "l1", MonotonicMs(GRACE - 1)).ok).toBe(true);
  expect(continuity.take(family, token, "l1", MonotonicMs(GRACE))).toMatchObject({ ok: false, refusal: "continuity_over" });
  expect(continuity.nextWake(family)).toBe(GRACE);
});
