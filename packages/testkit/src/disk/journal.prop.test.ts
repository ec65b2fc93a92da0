/** The journal against a model of a few lines: any order of appends, syncs, seals, erasures, kills and power cuts. */

import type { Journal } from "@holdfast/host/journal";
import fc from "fast-check";
import { expect, test } from "vitest";
import { crashImage } from "./crash.ts";
import { Clock, draft, FOLDER, isGap, journalOptions, open, readAll, verify } from "./scene.ts";
import { SimFS } from "./sim-fs.ts";

interface Said {
  text: string;
  isErased: boolean;
}
/** Per session, the texts in order; and how many of the first lsns are durable. */
interface Model {
  sessions: Map<string, Said[]>;
  log: { session: string; at: number }[];
  durable: number;
}

type Step =
  | { do: "append"; session: number; size: number }
  | { do: "durable" }
  | { do: "seal" }
  | { do: "tick" }
  | { do: "kill" }
  | { do: "cut" }
  | { do: "drop sidecars" }
  | { do: "erase"; session: number; seq: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      session: fc.nat(3),
      size: fc.constantFrom(0, 1, 30, 256, 257, 1200),
    }),
  },
  { weight: 3, arbitrary: fc.constant<Step>({ do: "durable" }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Step>({ do: "seal" }, { do: "tick" }, { do: "kill" }, { do: "cut" }, { do: "drop sidecars" }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("erase" as const), session: fc.nat(3), seq: fc.integer({ min: 1, max: 12 }) }),
  },
);

function check(journal: Journal, model: Model): void {
  for (const [session, texts] of model.sessions) {
    const all = readAll(journal, session, 300);
    expect(all.map((e) => (isGap(e) ? "gap" : Buffer.from(e.meta).toString()))).toEqual(texts.map((t) => t.text));
    for (const [i, e] of all.entries())
      if (!isGap(e) && e.payloadBytes > 0) expect(e.payloadState).toBe(texts[i]!.isErased ? "redacted" : "present");
    if (texts.length > 0) expect(journal.tail(session)).toMatchObject({ firstSeq: 1, lastSeq: texts.length });
    for (const [i, e] of all.entries()) if (!isGap(e)) expect(journal.seqAtOffset(session, 1, e.offset)).toBe(i + 1);
  }
}

test("reads what was appended, keeps what was durable, and verifies, through kills and power cuts", {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(1_000_000), async (steps, seed) => {
      let disk = new SimFS();
      const clock = new Clock();
      const options = journalOptions(clock, seed);
      let journal = open(disk, options);
      const model: Model = { sessions: new Map(), log: [], durable: 0 };
      for (const s of steps) {
        if (s.do === "append") {
          const session = `s${s.session}`;
          const texts = model.sessions.get(session) ?? [];
          model.sessions.set(session, texts);
          const text = `${session} ${texts.length} ${model.log.length}`;
          journal.append(
            draft(clock, session, s.size === 0 ? undefined : text.padEnd(s.size).slice(0, s.size), {
              meta: Buffer.from(text),
              stream: 1,
              offset: texts.length * 5,
            }),
          );
          texts.push({ text, isErased: false });
          model.log.push({ session, at: texts.length });
        } else if (s.do === "durable") {
          await journal.durable(journal.head().lsn);
          model.durable = model.log.length;
        } else if (s.do === "seal") journal.seal();
        else if (s.do === "tick") journal.tick();
        else if (s.do === "erase") {
          const texts = model.sessions.get(`s${s.session}`);
          journal.erase(`s${s.session}`, [s.seq]);
          if (texts?.[s.seq - 1] !== undefined) texts[s.seq - 1]!.isErased = true;
        } else if (s.do === "drop sidecars") {
          for (const name of disk.list(`${FOLDER}/ledger`)) if (name.endsWith(".idx")) disk.remove(`${FOLDER}/ledger/${name}`);
        } else {
          // Everything in flight dies with the process; a power cut also takes what was not synced (the prefix image: the newest end).
          disk = s.do === "kill" ? disk.copy() : crashImage(disk, { keep: "none", sectorBytes: 0 }, seed);
          journal = open(disk, options);
          if (s.do === "cut") {
            const kept = new Map([...model.sessions].map(([id, t]) => [id, Math.min(t.length, journal.tail(id)?.lastSeq ?? 0)]));
            for (const { session, at } of model.log.slice(0, model.durable))
              expect(kept.get(session), "durable").toBeGreaterThanOrEqual(at);
            for (const [id, texts] of model.sessions) {
              texts.length = kept.get(id)!;
              // An erasure that was not durable may be undone with its record.
              for (const [i, e] of readAll(journal, id).entries())
                texts[i]!.isErased = !isGap(e) && e.payloadState === "redacted";
            }
            model.log = model.log.filter(({ session, at }) => at <= kept.get(session)!);
            model.durable = model.log.length;
          }
        }
        check(journal, model);
      }
      await journal.close();
      expect(verify(disk).findings).toEqual([]);
    }),
    { numRuns: process.env["HOLDFAST_SOAK"] === "1" ? 2000 : 60 },
  );
});
