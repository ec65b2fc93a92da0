/** Debian's nbformat in one Python process, asked one question after another. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Debian's own Python, which Debian's packages belong to; another one may come first on the path. */
const PYTHON = "/usr/bin/python3";

export interface Oracle {
  ask(question: string, text: string, more?: object): Promise<unknown>;
  close(): Promise<void>;
}

export function startOracle(): Oracle {
  const child = spawn(PYTHON, [`${import.meta.dirname}/oracle.py`], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(question, text, more = {}) {
      child.stdin.write(`${JSON.stringify({ ask: question, text, ...more })}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`the oracle ended at ${question} ${JSON.stringify(text)}`);
      return JSON.parse(value);
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
