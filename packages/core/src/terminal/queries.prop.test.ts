/** However a stream is cut, the filter and the scanner say the same of it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { QueryFilter, QueryScanner } from "./queries.ts";

const piece = fc.constantFrom(
  "\x1b",
  "[",
  "]",
  "P",
  "_G",
  "6n",
  "c",
  "?",
  ";",
  "11;?",
  "4;",
  "\x07",
  "\x1b\\",
  "\x18",
  "\x05",
  "Z",
  "$q",
  "+q",
  "$p",
  ">",
  "q",
  "m",
  "1",
  "text",
  "é",
  "\u009b",
  "\u009c",
  "\u009d",
  "\xc2",
  "a=q",
  "52;c;",
  "\n",
);
const stream = fc.array(piece, { maxLength: 40 }).map((p) => new Uint8Array(Buffer.from(p.join(""))));

function run(
  bytes: Uint8Array,
  cuts: readonly number[],
): { readonly left: Buffer; readonly found: number; readonly ends: number[] } {
  const filter = new QueryFilter();
  const scanner = new QueryScanner();
  const left: Buffer[] = [];
  const ends: number[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    const chunk = bytes.subarray(from, to);
    left.push(Buffer.from(filter.filter(chunk)));
    for (const e of scanner.ends(chunk)) ends.push(from + e);
    from = to;
  }
  return { left: Buffer.concat(left), found: filter.found, ends };
}

test("cuts make no difference", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat({ max: 200 }), { maxLength: 6 }), (bytes, at) => {
      const cuts = [...new Set(at.map((c) => Math.min(c, bytes.length)))].sort((a, b) => a - b);
      const whole = run(bytes, []);
      const cut = run(bytes, cuts);
      expect(cut.left.toString("latin1")).toBe(whole.left.toString("latin1"));
      expect(cut.found).toBe(whole.found);
      expect(cut.ends.length).toBe(whole.ends.length);
    }),
    { numRuns: 3000 },
  );
});
