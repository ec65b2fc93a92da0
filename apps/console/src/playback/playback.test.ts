import { type Entry, readCast } from "@holdfast/sdk";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { advanced, IDLE_MS, stepped } from "./clock.ts";
import { CHECKPOINT_BYTES, Heads, type Screen } from "./heads.ts";
import { Recording } from "./recording.ts";

const output = (atMs: number, text: string): Entry => ({
  ...{ type: "output", seq: 1, stream: 0, offset: 0, end: text.length, masked: 0, atMs },
  bytes: new TextEncoder().encode(text),
});

function recorded(times: readonly number[], text = "x"): Recording {
  const recording = new Recording({ cols: 80, rows: 24 });
  for (const ms of times) recording.take(output(ms, text));
  return recording;
}

const times = fc.array(fc.nat(5_000), { maxLength: 20 }).map((gaps) => {
  let at = 0;
  return gaps.map((gap) => (at += gap));
});
const pace = fc.record({ speed: fc.constantFrom(0.5, 1, 16), skipsIdle: fc.boolean() });

describe("where a playback stands", () => {
  test("K1, K4: it never runs backwards nor past the end, and time in two parts leads where it would in one", () => {
    fc.assert(
      fc.property(times, pace, fc.nat(20_000), fc.nat(8_000), fc.nat(8_000), (list, how, from, one, two) => {
        const recording = recorded(list);
        const start = Math.min(from, recording.endMs);
        const between = advanced(recording, start, one, how);
        expect(between).toBeGreaterThanOrEqual(start);
        expect(between).toBeLessThanOrEqual(recording.endMs);
        expect(advanced(recording, between, two, how)).toBeCloseTo(advanced(recording, start, one + two, how), 6);
      }),
    );
  });
  test("K2: without skipping it moves by what has passed, times its speed", () => {
    expect(advanced(recorded([0, 60_000]), 100, 1_000, { speed: 4, skipsIdle: false })).toBe(4_100);
  });
  test("K3: a pause of an hour takes a second", () => {
    const recording = recorded([0, 3_600_000, 3_600_010]);
    const how = { speed: 1, skipsIdle: true };
    expect(advanced(recording, 0, IDLE_MS - 1, how)).toBe(IDLE_MS - 1);
    expect(advanced(recording, 0, IDLE_MS + 5, how)).toBe(3_600_005);
  });
  test("steps go from one frame to the next, and stop at the ends", () => {
    const recording = recorded([0, 10, 20]);
    expect([stepped(recording, 10, 1, "frames"), stepped(recording, 10, -1, "frames")]).toEqual([20, 0]);
    expect([stepped(recording, 20, 1, "frames"), stepped(recording, 5, 1, "markers")]).toEqual([20, 20]);
  });
});

describe("a recording", () => {
  test("R1: a clock that ran backwards does not move what came later to before", () => {
    const recording = recorded([100, 50, 200]);
    expect(recording.frames.map(({ atMs }) => atMs)).toEqual([0, 0, 100]);
    expect([0, 1, 99, 100].map((ms) => recording.framesAt(ms))).toEqual([2, 2, 2, 3]);
  });
  test("commands are marked with who caused them, and a gap where it would stand", () => {
    const recording = recorded([0]);
    const event = (atMs: number, kind: unknown, more = {}): Entry =>
      ({ type: "event", seq: 2, atMs, event: { actor: "", via: "", data: new Uint8Array(), body: { kind }, ...more } }) as never;
    const typed = { actor: "bot", via: "mcp", data: Uint8Array.of(0x0d) };
    recording.take(event(10, { case: "input", value: {} }, typed));
    recording.take(event(20, { case: "commandStarted", value: { text: "make\n" } }));
    recording.take(event(30, { case: "commandEnded", value: { code: 1 } }));
    recording.take({ type: "gap", fromSeq: 3, toSeq: 4, reason: "retention" });
    expect(recording.markers).toEqual([
      { atMs: 20, text: "make\\n", actor: "bot", via: "mcp", tone: "bad" },
      { atMs: 30, text: "Not kept from 3 to 4: retention", actor: "", via: "", tone: "warn" },
    ]);
  });
  test("an asciicast plays as its output, its sizes and its markers", () => {
    const lines = [
      { version: 2, width: 40, height: 10 },
      [0, "o", "a"],
      [1, "r", "50x12"],
      [2, "m", "here"],
      [3, "i", "z"],
      [4, "x", "0"],
    ];
    const recording = Recording.from(readCast(lines.map((line) => JSON.stringify(line)).join("\n")));
    expect(recording.size).toEqual({ cols: 40, rows: 10 });
    expect(recording.frames.map(({ is, atMs }) => [is, atMs])).toEqual([
      ["output", 0],
      ["size", 1_000],
    ]);
    expect(recording.markers).toMatchObject([{ atMs: 2_000, text: "here" }]);
    expect(recording.endMs).toBe(4_000);
  });
});

/** A terminal that knows what it was fed. */
class Fed implements Screen {
  text = "";
  bytes = 0;
  isGone = false;
  resize(cols: number, rows: number): void {
    this.text += `[${cols}x${rows}]`;
  }
  write(bytes: Uint8Array, done: () => void): void {
    this.text += new TextDecoder().decode(bytes.subarray(0, 8));
    this.bytes += bytes.length;
    queueMicrotask(done);
  }
  dispose(): void {
    this.isGone = true;
  }
}

describe("terminals that stand in a recording", () => {
  test("H1, H4: whatever places were asked for, the one shown was fed everything before the last of them and nothing else", async () => {
    const cast = [{ version: 2, width: 80, height: 24 }];
    const events = Array.from({ length: 60 }, (_, i) => (i % 7 === 3 ? [i, "r", `${80 + i}x24`] : [i, "o", `${i};`]));
    const recording = Recording.from(readCast([...cast, ...events].map((line) => JSON.stringify(line)).join("\n")));
    const plain = events.map(([i, code, text]) => (code === "r" ? `[${text}]` : `${i};`));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(60), { minLength: 1, maxLength: 12 }), fc.boolean(), async (places, isHasty) => {
        let shown: Fed | null = null;
        const heads = new Heads(
          recording,
          () => new Fed(),
          (screen) => (shown = screen),
        );
        const going = [];
        for (const place of places) {
          const gone = heads.go(place);
          if (isHasty) going.push(gone);
          else await gone;
        }
        await Promise.all(going);
        expect((shown as Fed | null)?.text).toBe(plain.slice(0, places.at(-1)).join(""));
        expect(heads.places.length).toBeLessThanOrEqual(6);
      }),
    );
  });
  test("H3: after a long way, going back a little does not begin at the start", async () => {
    const recording = new Recording({ cols: 80, rows: 24 });
    const bytes = new Uint8Array(CHECKPOINT_BYTES / 16).fill(0x61);
    for (let i = 0; i < 64; i++) recording.take({ ...output(i, ""), bytes } as Entry);
    const made: Fed[] = [];
    const heads = new Heads(
      recording,
      () => made[made.push(new Fed()) - 1]!,
      () => {},
    );
    await heads.go(64);
    await expect.poll(() => heads.places).toEqual([64, 32]);
    const before = made.reduce((sum, screen) => sum + screen.bytes, 0);
    await heads.go(40);
    expect(heads.places).toContain(40);
    expect(made[1]!.bytes).toBe(40 * bytes.length);
    expect(before).toBe(96 * bytes.length);
    heads.end();
    await expect.poll(() => made.every((screen) => screen.isGone)).toBe(true);
  });
});
