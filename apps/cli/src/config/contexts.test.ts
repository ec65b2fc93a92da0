import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readContexts, writeContexts } from "./contexts.ts";

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "hold-contexts-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "holdfast");
}

test("contexts are read as they were written, from a file that is its owner's alone and never half there", () => {
  const folder = place();
  expect(readContexts(folder)).toEqual({ current: "", places: {} });
  const contexts = { current: "work", places: { work: { relay: "https://relay.example:7444", as: "eva" } } };
  writeContexts(folder, { current: "", places: {} });
  writeContexts(folder, contexts);
  expect(readContexts(folder)).toEqual(contexts);
  expect(readdirSync(folder)).toEqual(["contexts.json"]);
  expect(statSync(join(folder, "contexts.json")).mode & 0o777).toBe(0o600);
});

test("a file that can't be read is told of: what is meant is not guessed", () => {
  const folder = place();
  writeContexts(folder, { current: "", places: {} });
  for (const text of ["", "{", "null", "[]", '"work"', '{"places":[]}', '{"places":{"a":1}}', '{"current":7}']) {
    writeFileSync(join(folder, "contexts.json"), text);
    expect(() => readContexts(folder), text).toThrow(/can't be read/);
  }
});
