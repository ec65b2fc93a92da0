/** What we read and write, beside Debian's nbformat in one Python process: the bytes of a file, its lines, what is valid. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkNotebook, parseJson, readNotebook, splitLines, upgradeNotebook, writeJson, writeNotebook } from "../src/index.ts";
import { fileText, json, notebook, text } from "./generate.ts";
import { type Oracle, startOracle } from "./oracle.ts";

let oracle: Oracle;
beforeAll(() => {
  oracle = startOracle();
});
afterAll(() => oracle.close());

const runs = { numRuns: Number(process.env["HOLDFAST_SOAK"] ? 2_000 : 400) };

function readWhole(file: string) {
  const read = readNotebook(file);
  if (!read.ok) throw new Error(JSON.stringify(read.problem));
  return read.notebook;
}

test("J6: a notebook is written byte for byte as nbformat.write writes it", () =>
  fc.assert(
    fc.asyncProperty(notebook, async (tree) => {
      const file = fileText(tree);
      expect(writeNotebook(readWhole(file))).toBe(await oracle.ask("rewrite", file));
    }),
    runs,
  ));

test("J6: what was written is read to the same notebook and written to the same bytes again", () =>
  fc.assert(
    fc.asyncProperty(notebook, async (tree) => {
      const once = writeNotebook(readWhole(fileText(tree)));
      expect(writeNotebook(readWhole(once))).toBe(once);
      expect(await oracle.ask("rewrite", once)).toBe(once);
    }),
    { numRuns: runs.numRuns / 4 },
  ));

test("a notebook raised to 4.5 is the one that nbformat.v4.upgrade makes, but for the ids' own source", () =>
  fc.assert(
    fc.asyncProperty(notebook, async (tree) => {
      const file = fileText(tree);
      let next = 0;
      const raised = upgradeNotebook(readWhole(file), () => `cell-${next++}`);
      expect(writeNotebook(raised)).toBe(await oracle.ask("upgrade", file));
    }),
    { numRuns: runs.numRuns / 4 },
  ));

test("J2: JSON is read and written as Python's json does, indented and on one line, or refused as it refuses", () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(json.map(fileText), fc.constantFrom("-NaN", "1NaN", "NaN5", "01", "1.", ".5", "[1,]", "")),
      async (file) => {
        const read = parseJson(file);
        for (const indent of [1, null])
          expect(read.ok ? writeJson(read.value, indent) : null).toBe(await oracle.ask("json", file, { indent }));
      },
    ),
    runs,
  ));

test("text is split into lines as Python's splitlines(True) does", () =>
  fc.assert(
    fc.asyncProperty(text, async (it) => {
      expect(splitLines(it)).toEqual(await oracle.ask("lines", it));
    }),
    runs,
  ));

const wrong = fc.constantFrom<unknown>(
  undefined,
  null,
  7,
  -1,
  "text",
  "a,b",
  "",
  [],
  ["a", "a"],
  [1],
  {},
  { name: "x" },
  true,
  "added",
);

test("C1: what is found wrong with a notebook is what nbformat's schema forbids, wherever it is damaged", () =>
  fc.assert(
    fc.asyncProperty(notebook, fc.nat(), wrong, async (tree, where, value) => {
      const damaged = structuredClone(JSON.parse(fileText(tree).replace(/-?\bInfinity\b|\bNaN\b/g, "0")));
      const places = placesIn(damaged);
      const place = places[where % places.length];
      if (place !== undefined) {
        if (value === undefined) delete place.holder[place.key];
        else if (value === "added" && !Array.isArray(place.holder)) place.holder["added"] = 1;
        else place.holder[place.key] = value;
      }
      const file = JSON.stringify(damaged);
      const errors = (await oracle.ask("errors", file)) as string[];
      const read = parseJson(file);
      const problems = read.ok ? checkNotebook(read.value) : [];
      expect(problems.length === 0, `${file}\n${JSON.stringify(problems)}\n${errors.slice(0, 2)}`).toBe(errors.length === 0);
    }),
    { numRuns: runs.numRuns * 2 },
  ));

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** Every place of a document where something can be put, but for its version. */
function placesIn(value: unknown): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder)
    .filter((key) => key !== "nbformat" && key !== "nbformat_minor")
    .flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}
