import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { quoteWords } from "../wrap.ts";
import { ShellSession, shells } from "./shell-session.ts";

vi.setConfig({ testTimeout: 15_000 });

const words = [
  "plain",
  "a b",
  "it's",
  '"',
  "",
  "$HOME",
  "`id`",
  "$(id)",
  "~",
  "*",
  "?",
  "[a]",
  "{a,b}",
  "a\\b",
  "\\",
  "'",
  "''",
  "!x",
  "!!",
  "#c",
  "a#b",
  "-n",
  "--",
  "a=b",
  ";",
  "&",
  "|",
  "<",
  ">",
  "(",
  ")",
  "a\nb",
  "\ttab\t",
  " lead",
  "trail ",
  "ü漢🌊",
  "%s",
  "=ls",
  "^a",
  "a^b",
  "\\n",
  "$'x'",
  "@(a)",
  "a,b",
  "+1",
  "1>2",
];

describe.each(shells)("%s hands over word for word", (shell) => {
  let session: ShellSession;
  beforeAll(async () => {
    session = await ShellSession.open(shell);
  });
  afterAll(() => session.close());
  test.each(words)("%j", async (word) => {
    const { output: json } = await session.run(
      quoteWords(shell, ["/usr/bin/python3", "-c", "import sys, json; print(json.dumps(sys.argv[1:]))", word, word + word]),
    );
    expect(JSON.parse(json)).toEqual([word, word + word]);
  });
});
