import { expect, test } from "vitest";
import { ScreenModel } from "./screen-model.ts";
import { serialize } from "./serialize.ts";
import { terminalState } from "./terminal-state.ts";
import { coreOf } from "./xterm-internals.ts";

const encode = (s: string): Uint8Array => new TextEncoder().encode(s);
/** Every kind of cell: colours, underlines, links, wide and combined characters, half a wide one, erased cells with a background, wrapped rows. */
const bytes = encode(
  Array.from(
    { length: 300 },
    (_, i) =>
      `\x1b[3${i % 8};${i % 3 === 0 ? "4:3;58;5;9" : "1"}m${i} ${"word 日本 e\u0301😀 ".repeat(i % 7)}\x1b[m` +
      (i % 5 === 0 ? `\x1b]8;id=${i % 10};https://a.example/${i % 20}\x1b\\link\x1b]8;;\x07` : "") +
      (i % 4 === 0 ? "\x1b[48;2;1;2;3m\x1b[K\x1b[m" : "") +
      (i % 11 === 0 ? "\x1b[5G日\x1b[6Gx" : ""),
  ).join("\r\n"),
);

function pair(cols = 40, rows = 10, scrollback = 150): [packed: ScreenModel, plain: ScreenModel] {
  return [new ScreenModel(cols, rows, { scrollback }), new ScreenModel(cols, rows, { scrollback })];
}
const same = ([packed, plain]: [ScreenModel, ScreenModel], what: string): void => {
  expect(terminalState(packed.term), what).toEqual(terminalState(plain.term));
  expect(serialize(packed), what).toEqual(serialize(plain));
};

test("a packed model is the same terminal, and so is what it becomes", () => {
  const models = pair();
  for (const m of models) m.write(bytes);
  expect(models[0].pack()).toBe(150);
  same(models, "packed");
  for (const n of [1, 70, 149, 150, 151, 400]) {
    const more = encode(Array.from({ length: n }, (_, i) => `\r\n\x1b[4${i % 8}mmore ${i}\x1b[m`).join(""));
    for (const m of models) m.write(more);
    same(models, `${n} lines on`);
    models[0].pack();
    same(models, `${n} lines on, packed again`);
  }
});

test("a packed model reflows as one that never was", () => {
  const models = pair();
  for (const [cols, rows] of [
    [80, 24],
    [20, 6],
    [7, 3],
    [2, 1],
    [133, 40],
    [40, 10],
  ] as const) {
    for (const m of models) m.write(bytes);
    models[0].pack();
    for (const m of models) m.resize(cols, rows);
    same(models, `${cols}×${rows}`);
  }
});

test("links of packed lines stay known, and a full reset lets go of all", () => {
  const models = pair();
  for (const m of models) m.write(bytes);
  models[0].pack();
  const links = Array.from({ length: 4200 }, (_, i) => `\x1b]8;;https://b.example/${i}\x1b\\x\r\x1b]8;;\x07`).join("");
  for (const m of models) m.write(encode(links));
  same(models, "after the links that nothing shows were swept");
  for (const m of models) m.write(encode("\x1bcnew"));
  same(models, "after RIS");
});

test("a model that was packed takes less than a quarter for its lines", () => {
  const model = new ScreenModel(120, 40, { scrollback: 1000 });
  model.write(
    encode(Array.from({ length: 2000 }, (_, i) => `\x1b[3${i % 8}mline ${i}\x1b[m and some more of it, 60 wide`).join("\r\n")),
  );
  model.pack();
  const buffers = new Set<ArrayBufferLike>();
  const { lines } = coreOf(model.term)._bufferService.buffers.normal;
  for (let y = 0; y < lines.length; y++) {
    const line = lines.get(y) as unknown as { block?: Uint8Array; _data?: Uint32Array };
    buffers.add((line.block ?? line._data)!.buffer);
  }
  const total = [...buffers].reduce((n, b) => n + b.byteLength, 0);
  expect(total).toBeLessThan((1040 * 120 * 12) / 4);
});
