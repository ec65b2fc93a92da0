import { expect, test } from "vitest";
import type { Entry } from "../journal/journal.ts";
import { OutputView } from "./output-view.ts";
import { kinds } from "./record.ts";

const entry = (seq: number, text: string, kind: number = kinds.output, stream = 0): Entry =>
  ({ seq, kind, stream, payload: Buffer.from(text), payloadBytes: text.length }) as unknown as Entry;
const from =
  (records: readonly Entry[], asked: number[] = []) =>
  (first: number, last: number): { entry: Entry; body: null }[] => {
    const found = records.filter((r) => r.seq >= first && r.seq <= last);
    asked.push(found.length);
    return found.map((e) => ({ entry: e, body: null }));
  };
const shown = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test("queries are taken out of what others are shown, also when they are cut, and it is known that one was there", () => {
  const view = new OutputView();
  const live = (seq: number, text: string): string => shown(view.live(entry(seq, text), Buffer.from(text), () => []));
  expect(live(1, "a\x1b[6nb")).toBe("ab");
  expect(view.sawQuery).toBe(true);
  expect(live(2, "c\x1b[")).toBe("c");
  expect(view.sawQuery).toBe(false);
  expect(live(3, "6nd")).toBe("d");
  expect(view.sawQuery).toBe(true);
});

test("stderr of a pipe is nobody's terminal: it is shown as it is", () => {
  const view = new OutputView();
  expect(shown(view.live(entry(1, "\x1b[6n", kinds.output, 2), Buffer.from("\x1b[6n"), () => []))).toBe("\x1b[6n");
});

test("a reader that begins in the middle of a query is not shown its end", () => {
  const records = [entry(1, "text \x1b["), entry(2, "x", kinds.input), entry(3, "6n after")];
  const { queries, nextSeq } = new OutputView().filterAt(3, from(records));
  expect(nextSeq).toBe(3);
  expect(shown(queries.filter(records[2]!.payload))).toBe(" after");
});

test("however much was typed between the two halves of it", () => {
  const records = [
    entry(1, "\x1b["),
    ...Array.from({ length: 12 }, (_, n) => entry(n + 2, "k", kinds.input)),
    entry(14, "6n after"),
  ];
  const { queries } = new OutputView().filterAt(14, from(records));
  expect(shown(queries.filter(records.at(-1)!.payload))).toBe(" after");
});

test("the first output in a life of the host goes on with what stood before it", () => {
  const view = new OutputView();
  const before = entry(1, "text \x1b[");
  expect(shown(view.live(entry(2, "6n after"), Buffer.from("6n after"), from([before])))).toBe(" after");
});

test("what stands before a reader is looked for in few readings, and not further back than it must", () => {
  const inputs = Array.from({ length: 10_000 }, (_, n) => entry(n + 1, "k", kinds.input));
  const asked: number[] = [];
  new OutputView().filterAt(10_001, from(inputs, asked));
  expect(asked).toEqual([16, 64, 256, 1_024, 2_736]);
  const outputs = Array.from({ length: 10_000 }, (_, n) => entry(n + 1, "o"));
  asked.length = 0;
  new OutputView().filterAt(10_001, from(outputs, asked));
  expect(asked).toEqual([16]);
});
