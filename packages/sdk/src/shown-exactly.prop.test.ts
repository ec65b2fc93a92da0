import fc from "fast-check";
import { expect, test } from "vitest";
import { shownExactly } from "./shown-exactly.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** X2: the escapes read back. */
function readBack(shown: string): Uint8Array {
  const plain: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", e: "\x1b", "0": "\0", "\\": "\\" };
  const out: number[] = [];
  const escape = /\\(?:x([0-9a-f]{2})|u\{([0-9a-f]+)\}|\{(\d+) blanks\}|(.))|([^\\])/gsu;
  for (const [, byte, point, blanks, short, c] of shown.matchAll(escape)) {
    if (byte !== undefined) out.push(Number.parseInt(byte, 16));
    else if (point !== undefined) out.push(...utf8(String.fromCodePoint(Number.parseInt(point, 16))));
    else if (blanks !== undefined) out.push(...Array<number>(Number(blanks)).fill(0x20));
    else out.push(...utf8(plain[short ?? ""] ?? short ?? c!));
  }
  return Uint8Array.from(out);
}

const pieces = fc.array(
  fc.oneof(
    fc.constantFrom(
      "rm",
      " ",
      " ".repeat(9),
      "\\",
      "\\{9 blanks}",
      "\\n",
      "\n",
      "\r",
      "\u202e",
      "\u200b",
      "\u0430",
      "\x1b[2K",
      "\ufeff",
      "\u{e0041}",
      "e\u0301",
    ),
    fc.string({ unit: "binary", maxLength: 4 }),
  ),
  { maxLength: 8 },
);

test("X1: whatever it is, what is shown is printable ASCII, and short runs of blanks are all that it has of them", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        pieces.map((p) => utf8(p.join(""))),
        fc.uint8Array({ maxLength: 40 }),
      ),
      (bytes) => {
        const shown = shownExactly(bytes);
        expect(shown).toMatch(/^[\x20-\x7e]*$/);
        expect(shown).not.toMatch(/ {9}/);
      },
    ),
    { numRuns: 2_000 },
  );
});

test("X2, X3: what is shown reads back to the very bytes, so no two rows of bytes look alike", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        pieces.map((p) => utf8(p.join(""))),
        fc.uint8Array({ maxLength: 40 }),
      ),
      (bytes) => {
        expect(Buffer.from(readBack(shownExactly(bytes))).toString("hex")).toBe(Buffer.from(bytes).toString("hex"));
      },
    ),
    { numRuns: 3_000 },
  );
});

test("five thousand blanks in front of a command hide nothing", () => {
  expect(shownExactly(utf8(`${" ".repeat(5_000)}rm -rf x\r`))).toBe("\\{5000 blanks}rm -rf x\\r");
});

test("a letter that only looks like one of ours is told from it", () => {
  expect(shownExactly(utf8("l\u0455"))).toBe("l\\u{455}");
});
