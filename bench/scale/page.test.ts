import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { withTables } from "../marks.ts";
import type { Measured } from "./inputs.ts";
import { group } from "./group.ts";
import { tablesOf } from "./tables.ts";

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

test("docs/scale.md has the tables that the model gives now; `npm run scale` puts them there", () => {
  const page = read("../../docs/scale.md");
  expect(withTables(page, tablesOf(JSON.parse(read("measured.json")) as Measured, group))).toBe(page);
  // A relay's death among ten thousand is some million events.
}, 60_000);

test("a mark that a page does not have is told", () => {
  expect(() => withTables("nothing", { growth: "" })).toThrow("no marks for growth");
});
