import fc from "fast-check";
import { expect, test } from "vitest";
import { Offset } from "../id.ts";
import { MarkScanner, stripMarks } from "./marks.ts";

const nonce = "0123456789abcdef";
const piece = fc.oneof(
  fc.constantFrom("\x1b", "\x07", "\n", "]633;hold;", "\x1b]633;hold;", ";", nonce, "D", "0", "text", "\x1b[31m"),
  fc
    .record({
      kind: fc.constantFrom("A", "B", "C", "D", "F", "P", "Z"),
      count: fc.nat(30),
      field: fc.constantFrom("0", "1;1", "Cwd=/", ""),
    })
    .map((m) => `\x1b]633;hold;${m.kind};${nonce};${m.count};${m.field}\x07`),
);

test("S1, S2: cuts change nothing, counts rise, and places are exact", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(400), { maxLength: 12 }), (pieces, cuts) => {
      const stream = new Uint8Array(Buffer.from(pieces.join("")));
      const whole = new MarkScanner(nonce).push(Offset(0), stream);
      const scanner = new MarkScanner(nonce);
      const edges = [0, ...cuts.map((c) => Math.min(c, stream.length)).sort((a, b) => a - b), stream.length];
      const found = edges.slice(1).flatMap((to, i) => scanner.push(Offset(edges[i] as number), stream.subarray(edges[i], to)));
      expect(found).toEqual(whole);
      for (const [i, mark] of whole.entries()) {
        expect(mark.count).toBeGreaterThan(whole[i - 1]?.count ?? 0);
        expect(mark.startOffset).toBeGreaterThanOrEqual(whole[i - 1]?.endOffset ?? 0);
        expect(Buffer.from(stream.subarray(mark.startOffset, mark.endOffset)).toString()).toContain(`;${nonce};${mark.count}`);
      }
    }),
  );
});

test("stripping twice is stripping once, and takes every mark that counts", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const stream = new Uint8Array(Buffer.from(pieces.join("")));
      const marks = new MarkScanner(nonce).push(Offset(0), stream);
      const stripped = stripMarks(stream, nonce);
      expect(stripped.length).toBeLessThanOrEqual(stream.length - marks.reduce((sum, m) => sum + m.endOffset - m.startOffset, 0));
    }),
  );
});
