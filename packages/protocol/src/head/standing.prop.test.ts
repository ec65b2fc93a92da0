/** Heads against chains that grow, are pruned, cut off and written anew: the model is the list of chain values itself. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isAlarm, type Point, type Shown, standing } from "./standing.ts";

const value = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map((n) => n.toString(16).padStart(64, "0"));
/** A chain is a list of values, the first of them of lsn 1. */
const chains = fc.array(value, { minLength: 1, maxLength: 30 });
const at = (chain: readonly string[], lsn: number): Point => ({ lsn, chain: chain[lsn - 1]! });

function shown(chain: readonly string[], lsn: number, prunedLsn: number): Shown {
  return {
    lastLsn: chain.length,
    chain: lsn > prunedLsn ? (chain[lsn - 1] ?? null) : null,
    pruned: prunedLsn === 0 ? null : at(chain, prunedLsn),
  };
}

const picked = chains.chain((chain) =>
  fc.record({
    chain: fc.constant(chain),
    lsn: fc.integer({ min: 1, max: chain.length }),
    grown: fc.array(value, { maxLength: 10 }),
    pruned: fc.nat(),
  }),
);

test("a chain that goes on from a head, and is pruned however far, is never an alarm", () => {
  fc.assert(
    fc.property(picked, ({ chain, lsn, grown, pruned }) => {
      const now = [...chain, ...grown];
      const found = standing(at(chain, lsn), shown(now, lsn, pruned % (now.length + 1)));
      expect(isAlarm(found)).toBe(false);
    }),
  );
});

test("a chain that was cut off before a head is always an alarm, and one cut off after it never", () => {
  fc.assert(
    fc.property(picked, ({ chain, lsn, pruned }) => {
      const cut = pruned % (chain.length + 1);
      const left = chain.slice(0, cut);
      const found = standing(at(chain, lsn), shown(left, lsn, 0));
      expect(isAlarm(found)).toBe(cut < lsn);
      if (cut < lsn) expect(found).toBe("truncated");
    }),
  );
});

test("a chain that is written anew from record k on is found by every head at k or later, and by none before it", () => {
  fc.assert(
    fc.property(picked, fc.integer({ min: 1, max: 30 }), ({ chain, lsn, grown }, from) => {
      const k = ((from - 1) % chain.length) + 1;
      const anew = [...chain.slice(0, k - 1), ...chain.slice(k - 1).map(flipped), ...grown];
      const found = standing(at(chain, lsn), shown(anew, lsn, 0));
      expect(found === "forked").toBe(lsn >= k);
    }),
  );
});

test("a rolled-back chain that has grown past the head again is found by its value there", () => {
  fc.assert(
    fc.property(picked, ({ chain, lsn }) => {
      const rolledBack = [...chain.slice(0, lsn - 1), ...chain.slice(lsn - 1).map(flipped), ...chain.map(flipped)];
      expect(standing(at(chain, lsn), shown(rolledBack, lsn, 0))).toBe("forked");
    }),
  );
});

test("a value that is not shown, or a pruning past the chain's own end, is an alarm", () => {
  const head = { lsn: 5, chain: "aa" };
  expect(standing(head, { lastLsn: 9, chain: null, pruned: null })).toBe("unshown");
  expect(standing(head, { lastLsn: 9, chain: null, pruned: { lsn: 4, chain: "bb" } })).toBe("unshown");
  expect(standing(head, { lastLsn: 9, chain: null, pruned: { lsn: 12, chain: "bb" } })).toBe("unshown");
  expect(standing(head, { lastLsn: 9, chain: null, pruned: { lsn: 5, chain: "bb" } })).toBe("forked");
  expect(standing(head, { lastLsn: 5, chain: "aa", pruned: null })).toBe("same");
});

test("the largest lsn that there may be is judged as any other", () => {
  const lsn = Number.MAX_SAFE_INTEGER;
  expect(standing({ lsn, chain: "aa" }, { lastLsn: lsn, chain: "aa", pruned: null })).toBe("same");
  expect(standing({ lsn, chain: "aa" }, { lastLsn: lsn - 1, chain: null, pruned: null })).toBe("truncated");
});

function flipped(hex: string): string {
  return hex.replace(/^./, (c) => (c === "0" ? "1" : "0"));
}
