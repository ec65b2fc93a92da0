import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Offset, Seq } from "../id.ts";
import type { Mark } from "./marks.ts";
import type { RunFact } from "./run.ts";
import { type KnownRun, runKey, type RunNews, Runs } from "./runs.ts";

type Told =
  | { readonly typed: number }
  | { readonly lost: number }
  | { readonly settled: number; readonly fact: RunFact }
  | RunFact;

/** What a session may tell of its runs, in any order. */
const told = (seqs: number): fc.Arbitrary<Told> => {
  const seq = fc.integer({ min: 1, max: seqs });
  const status = fc.constantFrom("applied", "refused", "void", "cut");
  const kind = fc.constantFrom("prompt", "ready", "start", "end", "continuation", "validity", "cwd");
  return fc.oneof(
    seq.map((typed) => ({ typed })),
    seq.map((lost) => ({ lost })),
    fc.record({
      settled: seq,
      fact: status.map((s) => ({ kind: "input", status: s, outputOffset: Offset(0) }) as RunFact),
    }),
    fc.record({ kind, exit: fc.option(fc.integer({ min: 0, max: 255 })) }).map(({ kind: k, exit }) => {
      const mark = { kind: k, exit, bracketedPaste: true, historyNumber: null, text: "x", validity: "invalid", cwd: "/" };
      return { kind: "mark", mark } as unknown as RunFact;
    }),
    fc.constant({ kind: "exited", code: 3, outputOffset: Offset(1_000_000) } as RunFact),
  );
};

/** Plays it; marks lie one behind the other. */
function play(runs: Runs, all: readonly Told[], from = 0): readonly RunNews[] {
  return all.flatMap((one, i) => {
    const at = (from + i + 1) * 10;
    if ("typed" in one) {
      const { typed } = one;
      if (!runs.find(runKey("ana/w", typed))) runs.typed(runKey("ana/w", typed), Seq(typed));
      return [];
    }
    if ("lost" in one) return runs.neverTyped(Seq(one.lost));
    if ("settled" in one) return runs.settled(Seq(one.settled), one.fact as Extract<RunFact, { kind: "input" }>);
    if (one.kind !== "mark") return runs.told(one as Extract<RunFact, { kind: "exited" }>);
    const mark = { ...one.mark, startOffset: Offset(at), endOffset: Offset(at + 5), count: at } as Mark;
    return runs.told({ kind: "mark", mark });
  });
}

const reloaded = (runs: Runs): Runs => new Runs(JSON.parse(JSON.stringify(runs.save())) as KnownRun[]);

describe("the runs of a session", () => {
  test("Q1: are the same for a host that read them back at any moment, and tell the same from there on", () => {
    fc.assert(
      fc.property(fc.array(told(4), { maxLength: 40 }), fc.nat({ max: 40 }), (all, cut) => {
        const whole = new Runs();
        const before = new Runs();
        const news = play(whole, all);
        const first = play(before, all.slice(0, cut));
        const after = reloaded(before);
        expect([...first, ...play(after, all.slice(cut), Math.min(cut, all.length))]).toEqual(news);
        expect(after.save()).toEqual(whole.save());
      }),
    );
  });

  test("Q1, Q2: are each known from their typing on, unless no shim ever saw them, and end once", () => {
    fc.assert(
      fc.property(fc.array(told(6), { maxLength: 60 }), (all) => {
        const runs = new Runs();
        const known = new Set<string>();
        const ends = new Map<string, number>();
        for (const [i, one] of all.entries()) {
          const news = play(runs, [one], i);
          if ("typed" in one) known.add(runKey("ana/w", one.typed));
          for (const { known: run, output } of news) {
            if (output.kind === "never_typed") known.delete(run.key);
            if (output.kind === "ended" || output.kind === "refused") ends.set(run.key, (ends.get(run.key) ?? 0) + 1);
          }
          for (let n = 1; n <= 6; n++) expect(runs.find(runKey("ana/w", n)) !== null).toBe(known.has(runKey("ana/w", n)));
        }
        for (const count of ends.values()) expect(count).toBe(1);
      }),
    );
  });

  test("Q3: that are over stay for a while, and an open one for as long as it is open", () => {
    const runs = new Runs([], { kept: 3, keptSegments: 5 });
    const start = (at: number): RunFact =>
      ({
        kind: "mark",
        mark: { kind: "start", startOffset: at, endOffset: at + 1, count: at, text: "", historyNumber: null },
      }) as never;
    const end = (at: number): RunFact =>
      ({ kind: "mark", mark: { kind: "end", startOffset: at, endOffset: at + 1, count: at, exit: 0 } }) as never;
    const ready = (at: number): RunFact =>
      ({ kind: "mark", mark: { kind: "ready", startOffset: at, endOffset: at + 1, count: at, bracketedPaste: true } }) as never;
    const tell = (fact: RunFact) => runs.told(fact as Extract<RunFact, { kind: "mark" }>);
    let at = 10;
    const typed = (n: number, segments: number): void => {
      runs.typed(`k/${n}`, Seq(n));
      runs.settled(Seq(n), { kind: "input", status: "applied", outputOffset: Offset(at) });
      for (let i = 0; i < segments; i++) {
        tell(start((at += 10)));
        tell(end((at += 10)));
      }
      tell(ready((at += 10)));
    };
    runs.typed("open/1", Seq(1_000));
    const found = (): number[] => Array.from({ length: 8 }, (_, n) => n).filter((n) => runs.find(`k/${n}`) !== null);
    for (let n = 0; n < 6; n++) typed(n, 1);
    expect(found()).toEqual([3, 4, 5]);
    typed(6, 4);
    expect(found()).toEqual([5, 6]);
    // One that is too much alone is told to who follows it, and not kept.
    typed(7, 6);
    expect([found(), runs.find("open/1")?.end]).toEqual([[], null]);
  });
});
