/** Two ends of a tunnel, and between them messages that are delivered at most once. */
import fc from "fast-check";
import { create, type GroupPiece, GroupPieceSchema, HoldError } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { NatsEnd } from "./end.ts";
import { BEAT_MS, Lane, WINDOW_BYTES } from "./lane.ts";

type Deed = "lose" | "double" | "swap" | "none";

/** `deed`: done to the message of that number, of those that the first end says. */
class Between {
  readonly ends: readonly [NatsEnd, NatsEnd];
  readonly #ways: readonly [GroupPiece[], GroupPiece[]] = [[], []];
  nowMs = 0;
  most = 0;
  #n = 0;
  /** Comes after the next one. */
  #late: GroupPiece | null = null;

  constructor(deed: Deed = "none", at = 0) {
    const end = (i: 0 | 1): NatsEnd =>
      new NatsEnd({
        from: "192.0.2.1",
        nowMs: () => this.nowMs,
        over: () => {},
        say: (piece) => {
          const way = this.#ways[i];
          const said = create(GroupPieceSchema, piece);
          const isIt = i === 0 && this.#n++ === at;
          if (isIt && deed === "swap") this.#late = said;
          else if (!isIt || deed !== "lose") way.push(said);
          if (isIt && deed === "double") way.push(said);
          if (!isIt && i === 0 && this.#late) {
            way.push(this.#late);
            this.#late = null;
          }
          const under = way.reduce((sum, { body }) => sum + (body.case === "data" ? body.value.length : 0), 0);
          this.most = Math.max(this.most, under);
        },
      });
    this.ends = [end(0), end(1)];
  }

  /** Until nothing is under way, and each end has had its turns. */
  async deliver(): Promise<void> {
    for (let quiet = 0; quiet < 4; ) {
      await new Promise((turn) => setImmediate(turn));
      quiet++;
      for (const i of [0, 1] as const)
        for (let piece = this.#ways[i].shift(); piece; piece = this.#ways[i].shift()) {
          this.ends[1 - i]!.hear(piece);
          quiet = 0;
        }
    }
  }

  async beats(n: number): Promise<void> {
    for (let beat = 0; beat < n; beat++) {
      this.nowMs += BEAT_MS;
      for (const end of this.ends) end.beat();
      await this.deliver();
    }
  }
}

const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40_000 }), { minLength: 1, maxLength: 24 });
const deeds = fc.record({ deed: fc.constantFrom<Deed>("lose", "double", "swap", "none"), at: fc.nat(30) });

test("whatever becomes of one message, what is read is what was written up to there, and both ends are over with it", async () => {
  await fc.assert(
    fc.asyncProperty(pieces, deeds, async (written, { deed, at }) => {
      const between = new Between(deed, at);
      const [near, far] = between.ends;
      const read: Buffer[] = [];
      const faults: unknown[] = [];
      far.on("data", (bytes: Buffer) => read.push(bytes));
      for (const end of between.ends) end.on("error", (fault) => faults.push(fault));
      for (const bytes of written) near.write(Buffer.from(bytes));
      await between.deliver();
      // So that what is lost at the end is followed by something, and what is swapped by a second.
      await between.beats(33);
      const sent = Buffer.concat(written);
      const got = Buffer.concat(read);
      expect(sent.subarray(0, got.length).equals(got)).toBe(true);
      if (deed === "none") expect([got.length, near.destroyed, far.destroyed]).toEqual([sent.length, false, false]);
      else expect([near.destroyed, far.destroyed, faults.every((f) => f instanceof HoldError)]).toEqual([true, true, true]);
      for (const end of between.ends) end.destroy();
    }),
    { numRuns: 60 },
  );
});

test("no more is under way than there is credit for, however slowly the other end reads; all of it arrives before the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 64 * 1024 }), { minLength: 20, maxLength: 60 }), async (sizes) => {
      const between = new Between();
      const [near, far] = between.ends;
      for (const size of sizes) near.write(Buffer.alloc(size, 1));
      near.end();
      await between.deliver();
      expect(between.most).toBeLessThanOrEqual(WINDOW_BYTES + 64 * 1024);
      let [got, isOver] = [0, false];
      far.on("end", () => (isOver = true));
      far.on("data", (bytes: Buffer) => {
        got += bytes.length;
        far.pause();
      });
      while (!isOver) {
        far.resume();
        await between.deliver();
      }
      expect(got).toBe(sizes.reduce((sum, size) => sum + size, 0));
      far.destroy();
    }),
    { numRuns: 25 },
  );
});

test("an end of which nothing is heard for three beats is over; one that says nothing but that it is there is not", async () => {
  const between = new Between();
  const [near, far] = between.ends;
  await between.beats(20);
  expect([near.destroyed, far.destroyed]).toEqual([false, false]);
  far.removeAllListeners();
  for (let beat = 0; beat < 5; beat++) {
    between.nowMs += BEAT_MS;
    near.beat();
  }
  expect(near.destroyed).toBe(true);
});

test("a relay that sends beyond its credit, takes credit back or gives more than there is, is found out", () => {
  const lane = new Lane(0);
  while (lane.gets(100_000));
  expect(lane.gets(1)).toBe(false);
  expect(new Lane(0).grants(WINDOW_BYTES - 1)).toBe(false);
  expect(new Lane(0).grants(WINDOW_BYTES + 1)).toBe(false);
  expect(new Lane(0).grants(Number.MAX_SAFE_INTEGER)).toBe(false);
  expect(new Lane(0).hears(2, 0)).toBe(false);
});
