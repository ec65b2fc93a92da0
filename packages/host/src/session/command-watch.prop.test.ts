import type { command } from "@holdfast/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CommandWatch, type SavedCommands } from "./command-watch.ts";

const NONCE = "0123456789abcdef";
let count = 0;
const mark = (kind: string, fields: string): string => `\x1b]633;hold;${kind};${NONCE};${++count};${fields}\x07`;
const prompt = (code: number): string => `${mark("D", `${code}`)}${mark("A", `${code}`)}$ ${mark("B", "1;7")}`;

test("a run is known, and ends alike, whichever bytes of its marks and its output a host had read when another took its place", () => {
  count = 0;
  const before = Buffer.from(prompt(0));
  const stream = Buffer.from(`echo\r\n${mark("C", "7;echo")}one\r\ntwo \x1b[31mred\r\n${prompt(3)}`);
  const seen = (cuts: readonly number[]): { run: command.KnownRun | null; state: command.ShellState } => {
    let watch = new CommandWatch(() => 0);
    watch.opened(true, NONCE);
    watch.output(before, 0);
    watch.input(7, "ana", Buffer.from("echo\r"), "ana/w/1");
    watch.settled({ seq: 7 as never, status: "applied", bytes: 5, refusal: "" }, before.length);
    let at = 0;
    for (const cut of [...cuts, stream.length]) {
      watch.output(stream.subarray(at, cut), before.length + at);
      at = cut;
      watch = new CommandWatch(() => 0, JSON.parse(JSON.stringify(watch.save())) as SavedCommands);
    }
    return { run: watch.run("ana/w/1"), state: watch.state };
  };
  const whole = seen([]);
  expect(whole.run?.end).toMatchObject({ kind: "ended", outcome: "prompt", exit: 3 });
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 6 }), (cuts) => {
      expect(seen(cuts.sort((a, b) => a - b))).toEqual(whole);
    }),
  );
});
