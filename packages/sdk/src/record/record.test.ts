import fc from "fast-check";
import type { Event } from "@holdfast/protocol";
import { describe, expect, test } from "vitest";
import type { Entry } from "../api/index.ts";
import { CastWriter } from "./asciicast.ts";
import { castOf } from "./cast.ts";
import { readCast, sizeOfCast } from "./read-cast.ts";

describe("asciicast", () => {
  test("version 2 counts from the start, version 3 from the event before", () => {
    const two = new CastWriter(2, 1_000);
    expect(JSON.parse(two.header({ cols: 80, rows: 24, atMs: 1_000, title: "t" }))).toEqual({
      version: 2,
      width: 80,
      height: 24,
      timestamp: 1,
      title: "t",
      env: { TERM: "xterm-256color" },
    });
    expect([two.event("o", 1_500, "a"), two.event("o", 3_000, "b")]).toEqual(['[0.5,"o","a"]\n', '[2,"o","b"]\n']);
    const three = new CastWriter(3, 1_000);
    expect(JSON.parse(three.header({ cols: 80, rows: 24, atMs: 1_000 }))).toMatchObject({
      version: 3,
      term: { cols: 80, rows: 24 },
    });
    expect([three.event("o", 1_500, "a"), three.event("x", 3_000, "0")]).toEqual(['[0.5,"o","a"]\n', '[1.5,"x","0"]\n']);
  });
  test("a character cut between two events goes with the second", () => {
    const w = new CastWriter(2, 0);
    const euro = Buffer.from("€");
    expect(w.event("o", 1, euro.subarray(0, 1))).toBe("");
    expect(JSON.parse(w.event("o", 2, euro.subarray(1)))[2]).toBe("€");
  });
  test("A1: a clock that runs backwards does not, and long pauses are shortened where that is asked for", () => {
    const w = new CastWriter(2, 10_000, 1_000);
    expect(JSON.parse(w.event("o", 5_000, "a"))[0]).toBe(0);
    expect(JSON.parse(w.event("o", 60_000, "b"))[0]).toBe(1);
    expect(w.event("x", 61_000, "0")).toBe("");
  });
});

async function* of(entries: readonly Entry[]): AsyncGenerator<Entry> {
  yield* entries;
}

/** As it comes from the wire, but for what a recording does not read. */
const body = (kind: unknown, data = new Uint8Array()): Event => ({ body: { kind }, data, payload: "" }) as unknown as Event;

describe("a journal as asciicast", () => {
  const session = { name: "build", size: { cols: 80, rows: 24 }, createdUnixMs: 5_000n } as never;
  const output = (atMs: number, text: string): Entry => ({
    ...{ type: "output", seq: 2, stream: 0, offset: 0, end: text.length, masked: 0, atMs },
    bytes: new TextEncoder().encode(text),
  });
  const event = (atMs: number, e: Event): Entry => ({ type: "event", seq: 1, atMs, event: e });

  test("the opening gives the size, and what was typed is in it only where it is asked for", async () => {
    const entries = [
      event(1_000, body({ case: "opened", value: { size: { cols: 100, rows: 30 } } })),
      event(1_200, body({ case: "input", value: {} }, Uint8Array.of(97))),
      output(1_500, "hi"),
      event(2_000, body({ case: "resized", value: { size: { cols: 90, rows: 20 } } })),
      event(3_000, body({ case: "exited", value: { exit: { signal: 9 } } })),
    ];
    for (const [input, codes] of [
      [false, ["o", "r", "x"]],
      [true, ["i", "o", "r", "x"]],
    ] as const) {
      let text = "";
      for await (const piece of castOf(of(entries), { version: 3, session, input })) text += piece;
      const cast = readCast(text);
      expect(cast).toMatchObject({ version: 3, cols: 100, rows: 30, title: "build", startedAtUnixMs: 1_000 });
      expect(cast.events.map((e) => e.code)).toEqual(codes);
      expect(cast.events.at(-1)).toMatchObject({ atMs: 2_000, text: "137" });
    }
  });
  test("a journal of nothing is a header alone", async () => {
    let text = "";
    for await (const piece of castOf(of([]), { version: 2, session })) text += piece;
    expect(readCast(text)).toMatchObject({ cols: 80, rows: 24, startedAtUnixMs: 5_000, events: [] });
  });
});

describe("a recording that somebody picked", () => {
  test("what is no recording is refused with the line that is wrong", () => {
    const header = JSON.stringify({ version: 2, width: 80, height: 24 });
    expect(() => readCast("hello")).toThrow("line 1");
    expect(() => readCast(JSON.stringify({ version: 1, width: 80, height: 24 }))).toThrow("version 2 or 3");
    expect(() => readCast(JSON.stringify({ version: 2, width: 1e9, height: 24 }))).toThrow("no size");
    expect(() => readCast(`${header}\n[1,"o","a"]\n[2,"o"]`)).toThrow("line 3");
    expect(() => readCast(`${header}\n[1e99,"o","a"]`)).toThrow("line 2");
  });
  test("R1, R2: comments and unknown kinds are passed over, and no time runs backwards", () => {
    const cast = readCast(
      `${JSON.stringify({ version: 3, term: { cols: 10, rows: 5 } })}\r\n# a comment\n[0.5,"o","a"]\n[-3,"q","?"]\n[1,"o","b"]\n`,
    );
    expect(cast.events.map((e) => [e.atMs, e.code])).toEqual([
      [500, "o"],
      [500, "q"],
      [1500, "o"],
    ]);
  });
  test("a size is two numbers that a terminal can have", () => {
    expect(sizeOfCast("80x24")).toEqual({ cols: 80, rows: 24 });
    for (const text of ["", "80", "0x24", "80x24x3", "99999x1"]) expect(sizeOfCast(text)).toBeNull();
  });
  test("what was written is read back, in both versions", () => {
    const events = fc.array(fc.tuple(fc.nat(10_000), fc.constantFrom("o" as const, "i" as const), fc.string({ minLength: 1 })));
    fc.assert(
      fc.property(events, fc.constantFrom(2 as const, 3 as const), (list, version) => {
        const writer = new CastWriter(version, 0);
        let atMs = 0;
        let text = writer.header({ cols: 80, rows: 24, atMs: 0 });
        const wanted = list.map(([ms, code, data]) => {
          atMs += ms;
          text += writer.event(code, atMs, data);
          return { atMs, code, text: data };
        });
        const read = readCast(text).events.map((e) => ({ ...e, atMs: Math.round(e.atMs) }));
        expect(read).toEqual(wanted);
      }),
    );
  });
});
