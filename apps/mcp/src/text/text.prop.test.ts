import fc from "fast-check";
import { expect, test } from "vitest";
import { type Facts, answer, oneLine, sizeOf } from "../tool/result.ts";
import { cursorIn, parseCursor } from "./cursor.ts";
import { Excerpt } from "./excerpt.ts";
import { limits } from "./limits.ts";
import { type Piece, Plain } from "./plain.ts";

/** Bytes as programs print them, and as they would to do harm. */
const bytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: "binary", maxLength: 40 }).map((s) => new Uint8Array(Buffer.from(s))),
      fc
        .constantFrom(
          "\n",
          "\r\n",
          "\r",
          "\b",
          "\t",
          "\x1b[31m",
          "\x1b]0;t\x07",
          "\x1b[K",
          "\x1b[?1049h",
          "\x1b[?1049l",
          "\u202e",
          "\u{e0041}",
          '"\\"\\"',
          "word ",
          "\x9b1m",
        )
        .map((s) => new Uint8Array(Buffer.from(s))),
      fc.integer({ min: 1, max: 3_000 }).map((n) => new Uint8Array(n).fill(0x78)),
    ),
    { maxLength: 60 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

function piecesOf(all: Uint8Array, cuts: readonly number[] = []): Piece[] {
  const plain = new Plain();
  const pieces: Piece[] = [];
  const at = [0, ...cuts.map((c) => c % (all.length + 1)).sort((a, b) => a - b), all.length];
  for (let i = 1; i < at.length; i++) pieces.push(...plain.feed(at[i - 1]!, all.subarray(at[i - 1]!, at[i]!), 0));
  const rest = plain.rest();
  return rest ? [...pieces, rest] : pieces;
}
const hostile =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]/u;

test("T1, T2, T4: any cut gives the same pieces; they stand end to end; none holds a control or an invisible character", () => {
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(), { maxLength: 8 }), (all, cuts) => {
      const pieces = piecesOf(all, cuts);
      expect(pieces).toEqual(piecesOf(all));
      let at = 0;
      for (const p of pieces) {
        expect(p.offset).toBe(at);
        at = p.end;
        expect(p.text).not.toMatch(hostile);
      }
      expect(at).toBe(all.length);
    }),
  );
});

test("X1, X2: head, what is left out and tail are the whole; no view passes its budget", () => {
  fc.assert(
    fc.property(bytes, fc.integer({ min: 64, max: 4_000 }), fc.integer({ min: 0, max: 5_000 }), (all, max, budget) => {
      const pieces = piecesOf(all);
      const excerpt = new Excerpt(max);
      for (const p of pieces) excerpt.push(p);
      const view = excerpt.view(budget);
      const textOf = (some: readonly Piece[]) => some.map((p) => p.text + (p.isLineEnd ? "\n" : "")).join("");
      expect(Buffer.byteLength(view.head + view.tail)).toBeLessThanOrEqual(Math.min(max, budget));
      if (!view.omitted) {
        expect(view.head).toBe(textOf(pieces));
        return;
      }
      const { offset, bytes: missing, lines } = view.omitted;
      expect(view.head).toBe(textOf(pieces.filter((p) => p.end <= offset)));
      expect(view.tail).toBe(textOf(pieces.filter((p) => p.offset >= offset + missing)));
      expect(lines).toBe(pieces.filter((p) => p.isLineEnd && p.offset >= offset && p.end <= offset + missing).length);
    }),
  );
});

test("R1, R4: no result passes 32 KiB whatever is in it, and names are one line without controls", () => {
  fc.assert(
    fc.property(
      bytes,
      bytes,
      fc.integer({ min: 256, max: 20_000 }),
      fc.string({ unit: "binary", maxLength: 3_000 }),
      (a, b, max, name) => {
        const outputs = [a, b].map((all, i) => {
          const excerpt = new Excerpt(limits.maxTextBytes);
          for (let n = 0; n < 20; n++) for (const p of piecesOf(all)) excerpt.push(p);
          return { name: i === 0 ? "stdout" : "stderr", session: "s", stream: i + 1, excerpt };
        });
        const result = answer({ session: name, deep: [{ name }] }, outputs, max);
        expect(sizeOf(result)).toBeLessThanOrEqual(limits.resultBytes);
        const neat = oneLine({ name }) as Facts;
        expect(neat["name"]).not.toMatch(hostile);
        expect(neat["name"]).not.toContain("\n");
      },
    ),
    { numRuns: 40 },
  );
});

test("a cursor is read as it was written, and nothing else is a cursor", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 2 }), fc.nat(), (after, stream, offset) => {
      expect(parseCursor(cursorIn(after, stream, offset))).toEqual({ after, stream, offset });
    }),
  );
  for (const text of ["", "-1", "1.2", "1.2.3.4", "x", "1e9"]) expect(() => parseCursor(text)).toThrow("no cursor");
});
