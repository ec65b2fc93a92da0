/** Plain words against the shells themselves. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { plainWords } from "./index.ts";

const shells = (
  [
    ["/bin/bash", ["--norc", "-c"]],
    ["/usr/bin/zsh", ["-f", "-c"]],
    ["/usr/bin/fish", ["-N", "-c"]],
  ] as const
).filter(([path]) => existsSync(path));

test("what is plain words here is these very arguments to the shells of this machine", () => {
  const pieces = [
    "ls",
    "a",
    "-x",
    "--y=z",
    "'q r'",
    '"s t"',
    "1",
    ".",
    "/",
    "@",
    "%",
    "+",
    ",",
    ":",
    "=",
    "''",
    '""',
    "'",
    "$",
    "\\",
    "&",
    "~",
    "!",
    "*",
    "(",
    " ",
    "  ",
  ];
  const lines = fc.sample(fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 6 }), { numRuns: 4_000, seed: 7 });
  const plain = [...new Set(lines.map((l) => l.join("")))].filter((line) => plainWords(`p ${line}`) !== null);
  expect(plain.length).toBeGreaterThan(100);
  for (const [shell, args] of shells) {
    // One process for all: each line prints its arguments between marks.
    const script = plain.map((line) => `printf '<%s>' p ${line}; printf '\\n'`).join("\n");
    const printed = execFileSync(shell, [...args, script], { encoding: "utf8" })
      .trimEnd()
      .split("\n");
    const expected = plain.map((line) =>
      plainWords(`p ${line}`)!
        .map((w) => `<${w}>`)
        .join(""),
    );
    expect(printed, shell).toEqual(expected);
  }
});
