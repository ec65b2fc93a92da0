import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { corpus } from "./corpus.ts";
import { ShellSession, shells } from "./shell-session.ts";

vi.setConfig({ testTimeout: 15_000 });

test("the corpus is large enough to mean something", () => expect(corpus.length).toBeGreaterThanOrEqual(100));

describe.each(shells)("%s tells the exit and the exact output of", (shell) => {
  let session: ShellSession;
  beforeAll(async () => {
    session = await ShellSession.open(shell);
  });
  afterAll(() => session.close());
  test.each(corpus.map((c) => ({ ...c, text: typeof c.text === "string" ? c.text : c.text[shell] })))(
    "$text",
    async ({ text, exit, out }) => {
      const { output, ...rest } = await session.run(text);
      expect({ exit: rest.exit, outcome: rest.outcome, output: output.replaceAll("\r\n", "\n") }).toEqual({
        exit,
        outcome: "prompt",
        output: out,
      });
    },
  );
});
