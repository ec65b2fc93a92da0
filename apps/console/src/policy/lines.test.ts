import { expect, test } from "vitest";
import { readPolicy } from "../../../../packages/host/src/policy/file.ts";
import { lineOf } from "./lines.ts";

const linesOf = (text: string): (number | null)[] => {
  const read = readPolicy(text);
  return read.ok ? [] : read.problems.map((problem) => lineOf(problem, text));
};

test("what the host finds wrong stands on the line that it is told of", () => {
  expect(linesOf("version = 1\n[ai\n")).toEqual([2]);
  expect(linesOf("# mine\nversion = 2\n")).toEqual([2]);
  expect(linesOf('version = 1\n\n[ai] # all\nrun = "ask"\nkeys = "perhaps"\n')).toEqual([5]);
  expect(linesOf('version = 1\n[ai]\nfiles.read = "no"\n')).toEqual([3]);
  expect(linesOf('version = 1\n[ai]\nexek = "deny"\n[approvals]\nseconds = 4\n')).toEqual([3, 5]);
  expect(linesOf('version = 1\nrun = "deny"\n[ai]\n')).toEqual([2]);
});

test("of the second section and the second rule, it is the second one's line", () => {
  const sections = '[[session]]\nname = "a"\nrun = "deny"\n\n[[session]]\nname = "b"\nrun = "no"\n';
  expect(linesOf(`version = 1\n${sections}`)).toEqual([8]);
  expect(linesOf('version = 1\n[[session]]\nname = "a"\n[[session]]\nrun = "deny"\n')).toEqual([4]);
  const rules = '[[ai.commands]]\nis = ["ls"]\nrule = "allow"\n[[ai.commands]]\nis = ["ls"]\nrule = "no"\n';
  expect(linesOf(`version = 1\n[ai]\n${rules}`)).toEqual([6]);
});

test("where nothing says which line it is, no line is made up", () => {
  expect(lineOf("it has more than 65536 bytes, which is the most", "version = 1")).toBeNull();
  expect(lineOf("[ai] run is 3", "version = 1")).toBeNull();
});
