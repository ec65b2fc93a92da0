/** Notebooks' files for property tests: every numeral, line end and kind of text that tells Python and JavaScript apart. */
import fc from "fast-check";

const pieces = ["a", "é", "\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u2028", "\u2029"];
const odd = ["😀", "\u0000", "\x7f", '"', "\\", "\ufeff", "\ue000", "\u2027", "</", "\b", "  "];

export const text = fc.oneof(
  fc.array(fc.constantFrom(...pieces, ...odd), { maxLength: 8 }).map((all) => all.join("")),
  fc.string({ unit: "binary", maxLength: 8 }).map((it) => it.toWellFormed()),
);

/** A numeral that stands in the file as it is. */
export class Numeral {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const oddNumerals =
  "0 -0 1.0 -0.0 0.0 1e400 -1e400 1E5 1e16 1e15 123456789012345678901234567890 1e-5 1e-4 12.5e-7 5e-324 1e21 NaN -Infinity";
export const numeral = fc
  .oneof(
    fc.constantFrom(...oddNumerals.split(" "), "Infinity", "9007199254740993", "-9007199254740992", "1.7976931348623157e308"),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((it) => it.toExponential()),
    fc.bigInt().map(String),
    fc.integer().map((it) => `${it}.0`),
  )
  .map((it) => new Numeral(it));

const key = fc.oneof(text, fc.constantFrom("__proto__", "constructor", "10", "9", "tags", "name"));

export const json: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(text, numeral, fc.boolean(), fc.constant(null)),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
  ),
}))["value"] as fc.Arbitrary<unknown>;

const free = [
  "collapsed",
  "scrolled",
  "name",
  "tags",
  "jupyter",
  "execution",
  "format",
  "kernelspec",
  "language_info",
  "title",
  "authors",
];
const metadata = fc
  .array(fc.tuple(key, json), { maxLength: 3 })
  .map((entries) => Object.fromEntries(entries.filter(([name]) => !free.includes(name))));
const lines = fc.oneof(text, fc.array(text, { maxLength: 3 }));
const bundle = fc
  .array(
    fc.oneof(
      fc.tuple(fc.constantFrom("text/plain", "text/html", "image/svg+xml", "application/javascript", "image/png", "x/y"), lines),
      fc.tuple(fc.constantFrom("application/json", "application/vnd.plotly.v1+json", "application/geo+json"), json),
    ),
    { maxLength: 3 },
  )
  .map((entries) => Object.fromEntries(entries));
const count = fc.option(fc.nat());
const output = fc.oneof(
  fc.record({ output_type: fc.constant("stream"), name: fc.constantFrom("stdout", "stderr"), text: lines }),
  fc.record({ output_type: fc.constant("display_data"), data: bundle, metadata }),
  fc.record({ output_type: fc.constant("execute_result"), data: bundle, metadata, execution_count: count }),
  fc.record({ output_type: fc.constant("error"), ename: text, evalue: text, traceback: fc.array(text, { maxLength: 3 }) }),
);
const attachments = fc.option(fc.dictionary(fc.constantFrom("a.png", "ü"), bundle), { nil: undefined });
const cell = fc.oneof(
  fc.record({ cell_type: fc.constantFrom("markdown", "raw"), source: lines, metadata, attachments }),
  fc.record({
    cell_type: fc.constant("code"),
    source: lines,
    metadata,
    outputs: fc.array(output, { maxLength: 3 }),
    execution_count: count,
  }),
);

/** A notebook that nbformat accepts, as a tree of which {@link fileText} makes its file. */
export const notebook = fc
  .record({
    nbformat: fc.constant(4),
    nbformat_minor: fc.integer({ min: 0, max: 5 }),
    metadata,
    cells: fc.array(cell, { maxLength: 4 }),
  })
  .map((it) => ({ ...it, cells: it.cells.map((one, i) => (it.nbformat_minor >= 5 ? { ...one, id: `cell-${i}` } : one)) }));

/** The file of a tree, its numerals as they are. */
export function fileText(tree: unknown): string {
  if (tree instanceof Numeral) return tree.text;
  if (Array.isArray(tree)) return `[${tree.map(fileText).join(",")}]`;
  if (typeof tree !== "object" || tree === null) return JSON.stringify(tree);
  const entries = Object.entries(tree).filter(([, value]) => value !== undefined);
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}: ${fileText(value)}`).join(",\n")}}`;
}
