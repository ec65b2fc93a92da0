import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Terminal } from "@xterm/headless";
import * as headless from "@xterm/headless";
import { expect, test } from "vitest";
import { ScreenModel } from "./screen-model.ts";
import { coreOf, missingInternals } from "./xterm-internals.ts";

test("the pinned xterm has every private field that the model reads", () => {
  expect(missingInternals(new ScreenModel(80, 24).term)).toEqual([]);
});

test("a field that is gone is named", () => {
  const { term } = new ScreenModel(80, 24);
  const pen = coreOf(term)._inputHandler._curAttrData as { fg?: number };
  delete pen.fg;
  expect(missingInternals(term)).toEqual(["_inputHandler._curAttrData.fg"]);
});

test("the version is the one that these fields were read in", () => {
  const manifest = JSON.parse(readFileSync(createRequire(import.meta.url).resolve("@xterm/headless/package.json"), "utf8")) as {
    version: string;
  };
  expect(manifest.version).toBe("6.0.0");
});

test("xterm is found by its default export in Node and by name in a bundle", () => {
  const anyShape = headless as unknown as { default?: { Terminal?: typeof Terminal }; Terminal?: typeof Terminal };
  expect(anyShape.Terminal ?? anyShape.default?.Terminal).toBeTypeOf("function");
});
