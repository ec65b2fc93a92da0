import { expect, test } from "vitest";
import { FloorMode } from "@holdfast/protocol";
import type { InputOptions, Seat } from "./seat.ts";
import { Typing } from "./typing.ts";

function typist({ isPipe = false, hasFloor = true, mode = FloorMode.TURN as number } = {}) {
  const sent: (InputOptions & { text: string })[] = [];
  const commands: string[] = [];
  const timers: { run: () => void; off: boolean }[] = [];
  const seat = {
    hasFloor,
    input: (bytes: Uint8Array, options: InputOptions = {}) => {
      sent.push({ text: Buffer.from(bytes).toString("latin1"), ...options });
      return Promise.resolve({ isApplied: true, code: "" });
    },
    roomForInput: () => Promise.resolve(),
  } as unknown as Seat;
  let units = 0;
  const typing = new Typing({
    seat,
    isPipe,
    isOpen: () => mode === FloorMode.OPEN,
    command: (key) => void commands.push(key),
    newUnit: () => `u${++units}`,
    later: (_ms, run) => {
      const timer = { run, off: false };
      timers.push(timer);
      return () => {
        timer.off = true;
      };
    },
  });
  const quiet = async (): Promise<void> => {
    for (const timer of timers.splice(0)) if (!timer.off) timer.run();
    await typing.end();
  };
  return { take: (text: string) => typing.take(Buffer.from(text, "latin1")), quiet, sent, commands };
}

test("keys go one by one, interrupts as such, and the prefix with the key behind it nowhere", async () => {
  const { take, sent, commands } = typist();
  for (const key of ["a", "\x03", "\x11", "d", "\x11t", "\x11", "\x11", "b"]) await take(key);
  expect(commands).toEqual(["d", "t"]);
  expect(sent.map((s) => [s.text, s.interrupt])).toEqual([
    ["a", false],
    ["\x03", true],
    ["\x11", false],
    ["b", false],
  ]);
});

test("a paste of several reads is one unit, whole and in order, and its prefix keys are text", async () => {
  const { take, quiet, sent, commands } = typist();
  const paste = `\x11${"x".repeat(100_000)}\x11d`;
  for (let at = 0; at < paste.length; at += 4_096) await take(paste.slice(at, at + 4_096));
  await quiet();
  expect(sent.map((s) => s.text).join("")).toBe(paste);
  expect(new Set(sent.map((s) => s.unit))).toEqual(new Set(["u1"]));
  expect(sent.map((s) => s.unitEnd ?? false)).toEqual(sent.map((_, i) => i === sent.length - 1));
  expect(commands).toEqual([]);
  await take("k");
  expect(sent.at(-1)).toMatchObject({ text: "k" });
});

test("reports of the terminal go to who steers, or where all do, and take nothing from anybody else", async () => {
  for (const [options, goes] of [
    [{}, true],
    [{ hasFloor: false }, false],
    [{ hasFloor: false, mode: FloorMode.OPEN }, true],
  ] as const) {
    const { take, sent } = typist(options);
    for (const report of ["\x1b[<0;3;4M", "\x1b[I", "\x1b[12;40R", "\x1b]11;rgb:0/0/0\x07", "\x1b[?1;2c"]) await take(report);
    expect(sent.length).toBe(goes ? 5 : 0);
    // F3 with a modifier, and an arrow, are keys.
    await take("\x1b[1;2R");
    await take("\x1b[A");
    expect(sent.slice(-2).map((s) => s.text)).toEqual(["\x1b[1;2R", "\x1b[A"]);
  }
});

test("for a session on pipes Enter is a line's end", async () => {
  const { take, sent } = typist({ isPipe: true });
  await take("ok\r");
  expect(sent.map((s) => s.text)).toEqual(["ok\n"]);
});
