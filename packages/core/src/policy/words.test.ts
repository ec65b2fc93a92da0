import { expect, test } from "vitest";
import { plainWords, ruleOn, type AiPolicy } from "./index.ts";

test.each([
  ["ls", ["ls"]],
  ["ls -la  /tmp ", ["ls", "-la", "/tmp"]],
  ["git commit -m 'two words'", ["git", "commit", "-m", "two words"]],
  ['grep "a b" file', ["grep", "a b", "file"]],
  ["make --jobs=4 X=1", ["make", "--jobs=4", "X=1"]],
  ["echo --text='a b'", ["echo", "--text=a b"]],
])("%s is plain words", (line, words) => {
  expect(plainWords(line)).toEqual(words);
});

/** Each is one program with an innocent name to whoever reads the first word alone (crush#2882). */
const sly = [
  "ls && rm -rf /",
  "ls&&rm x",
  "ls; rm x",
  "ls | sh",
  "ls || rm x",
  "ls & rm x",
  "ls $(rm x)",
  "ls `rm x`",
  'ls "$(rm x)"',
  'ls "`rm x`"',
  "ls <(rm x)",
  "ls > /etc/passwd",
  "ls >> x",
  "ls < x",
  "ls\nrm x",
  "ls\rrm x",
  "ls\trm",
  "ls # rm",
  "ls ~",
  "ls *",
  "ls ?",
  "ls [ab]",
  "ls {a,b}",
  "ls $HOME",
  'ls "$HOME"',
  "ls !!",
  'ls "!!"',
  "^ls^rm",
  "ls \\; rm",
  "ls 'a'\\''b'",
  "ls 'a\\' rm 'b'",
  "ls ''''",
  "ls 'a''b'",
  "ls 'unterminated",
  'ls "unterminated',
  "ls (rm x)",
  "A=b ls",
  "PATH=/tmp ls",
  "=ls",
  "ls =ls",
  'ls ""=ls',
  "%1",
  "ls %1",
  "ls\u00a0rm",
  "\u00a0ls",
  "ls\u2028rm",
  "lѕ",
  "ls \x00",
  "ls \x1b[A",
  "ls \x03rm",
  "",
  "   ",
  "''x'' y",
];
test.each(sly)("%j is not plain words", (line) => {
  expect(plainWords(line)).toBeNull();
});

test("no line that a shell could read as more than one program is let through by a rule for its first words", () => {
  const policy: AiPolicy = {
    everywhere: { words: { run: "ask" }, commands: [{ words: ["ls"], isWhole: false, ruling: "allow", only: null }] },
    sections: [],
    otherwise: "deny",
    approvalMs: 60_000,
    secretNames: [],
  };
  const ruling = (line: string) => ruleOn(policy, { deed: "run", session: null, command: plainWords(line) }).ruling;
  expect(ruling("ls -l /tmp")).toBe("allow");
  for (const line of sly) expect([line, ruling(line)]).toEqual([line, "ask"]);
});
