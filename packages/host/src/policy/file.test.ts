import { describe, expect, test } from "vitest";
import { usualSecretNames } from "@holdfast/core";
import { readPolicy } from "./file.ts";

const problems = (text: string): string => {
  const read = readPolicy(text);
  return read.ok ? "" : read.problems.join("\n");
};

test("a whole file is read as it is meant", () => {
  const read = readPolicy(`
version = 1
[ai]
otherwise = "allow"
run = "ask"
files.write = "deny"
[[ai.commands]]
starts = ["git", "status"]
rule = "allow"
[[session]]
name = "scratch-*"
keys = "allow"
[[session.commands]]
is = ["make"]
rule = "allow"
only = "run"
[[session]]
group = "ci"
observe = "deny"
[approvals]
seconds = 120
[secrets]
names = ["*_TOKEN", "PGPASSWORD"]
`);
  expect(read).toEqual({
    ok: true,
    policy: {
      everywhere: {
        words: { run: "ask", "files.write": "deny" },
        commands: [{ words: ["git", "status"], isWhole: false, ruling: "allow", only: null }],
      },
      sections: [
        {
          name: "scratch-*",
          group: null,
          words: { keys: "allow" },
          commands: [{ words: ["make"], isWhole: true, ruling: "allow", only: "run" }],
        },
        { name: null, group: "ci", words: { observe: "deny" }, commands: [] },
      ],
      otherwise: "allow",
      approvalMs: 120_000,
      secretNames: ["*_TOKEN", "PGPASSWORD"],
    },
  });
});

test("what a file does not say is denied, and the usual names of secrets hold", () => {
  expect(readPolicy("version = 1")).toMatchObject({ ok: true, policy: { otherwise: "deny", secretNames: usualSecretNames } });
  expect(readPolicy("version = 1\n[secrets]\nnames = []")).toMatchObject({ ok: true, policy: { secretNames: [] } });
});

describe("what is wrong is told with its line or key, and what would be right", () => {
  test.each([
    ["version = 1\n[ai\nrun = 1", /^line 2, column \d+: /],
    ["", /^version is missing; this host reads version = 1$/],
    ["version = 2", /version is 2/],
    ["version = 1\n[ia]", /at the top: there is no key "ia"; keys are version, ai, session, approvals/],
    ['version = 1\n[ai]\nrnu = "deny"', /\[ai\]: there is no key "rnu"; keys are observe, run, exec/],
    ['version = 1\n[ai]\nrun = "maybe"', /\[ai\] run is "maybe"; "allow" or "ask" or "deny" is meant/],
    ['version = 1\n[ai]\nobserve = "ask"', /\[ai\] observe is "ask"; "allow" or "deny" is meant/],
    ['version = 1\n[ai]\notherwise = "ask"', /\[ai\] otherwise is "ask"; "allow" or "deny" is meant/],
    ["version = 1\nai = 3", /\[ai\] is 3; a table is meant/],
    ['version = 1\n[[session]]\nrun = "ask"', /\[\[session\]\] number 1 has neither a name nor a group/],
    ['version = 1\n[[session]]\nname = "a b"', /\[\[session\]\] number 1: name is "a b"; a name is meant/],
    ['version = 1\n[[ai.commands]]\nrule = "allow"', /\[ai\] command rule number 1: starts = /],
    ['version = 1\n[[ai.commands]]\nstarts = []\nrule = "allow"', /starts = /],
    ['version = 1\n[[ai.commands]]\nstarts = ["ls"]\nis = ["ls"]\nrule = "allow"', /one of the two/],
    ['version = 1\n[[ai.commands]]\nstarts = ["A=b"]\nrule = "allow"', /begins with no program's name/],
    ['version = 1\n[[ai.commands]]\nstarts = ["ls"]', /rule is missing; "allow" or "ask" or "deny" is meant/],
    ['version = 1\n[[ai.commands]]\nstarts = ["ls"]\nrule = "deny"\nonly = "keys"', /only is "keys"; "run" or "exec" is meant/],
    ["version = 1\n[approvals]\nseconds = 301", /\[approvals\] seconds is 301; a number from 5 to 300 is meant/],
    [`version = 1\n#${"x".repeat(70_000)}`, /more than 65536 bytes/],
  ])("%j", (text, told) => {
    expect(problems(text)).toMatch(told);
  });

  test("all of it at once", () => {
    expect(problems('version = 1\n[ai]\nrun = 1\nkeys = 2\n[approvals]\nseconds = "x"').split("\n").length).toBe(3);
  });
});
