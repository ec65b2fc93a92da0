import { describe, expect, test } from "vitest";
import { Offset, UnixMs } from "../id.ts";
import { echoes } from "./noise.ts";
import { applyShell, isDoubtful, lineDirt, refuseRun, type ShellState, unknownShell } from "./command.ts";
import type { Mark } from "./marks.ts";
import { titleNoise } from "./noise.ts";
import { type RunFact, type RunOutput, sentRun, stepRun } from "./run.ts";

type Meaning = Mark extends infer M ? (M extends Mark ? Omit<M, "startOffset" | "endOffset" | "count"> : never) : never;
/** A mark of ten bytes at an offset. */
const mark = (at: number, meaning: Meaning): Mark =>
  ({ ...meaning, startOffset: Offset(at), endOffset: Offset(at + 10), count: at }) as Mark;
const ready = (at: number, historyNumber: number | null = null) =>
  mark(at, { kind: "ready", bracketedPaste: true, historyNumber });
const prompt = (at: number, exit: number | null = 0) => mark(at, { kind: "prompt", exit });
const start = (at: number, text = "cmd", historyNumber: number | null = null) => mark(at, { kind: "start", text, historyNumber });
const end = (at: number, exit: number | null) => mark(at, { kind: "end", exit });
const text = (s: string) => new Uint8Array(Buffer.from(s));

const feed = (state: ShellState, ...facts: (Mark | { by: string; keys: string; at: number })[]) =>
  facts.reduce<ShellState>(
    (s, f) =>
      applyShell(
        s,
        "kind" in f
          ? { kind: "mark", mark: f, at: UnixMs(0) }
          : { kind: "input", by: f.by, bytes: text(f.keys), outputOffset: Offset(f.at) },
      ),
    state,
  );
const atPrompt = feed(unknownShell, end(10, 0), prompt(20), ready(50));

describe("a line is dirty", () => {
  const at = (...facts: Parameters<typeof feed>[1][]) => lineDirt(feed(atPrompt, ...facts));
  test("from the first byte typed at a prompt, and clean again at the next", () => {
    expect(at()).toBeNull();
    expect(at({ by: "bo", keys: "l", at: 60 })).toBe("bo");
    expect(at({ by: "bo", keys: "ls\r", at: 60 })).toBe("bo");
    expect(at({ by: "bo", keys: "ls\r", at: 60 }, start(70), end(90, 0), prompt(100), ready(110))).toBeNull();
    expect(at({ by: "bo", keys: "x\x03", at: 60 }, end(70, 130), prompt(80), ready(100))).toBeNull();
  });
  test("unless Ctrl-U surely erased it", () => {
    expect(at({ by: "bo", keys: "ls", at: 60 }, { by: "bo", keys: "\x15", at: 62 })).toBeNull();
    expect(at({ by: "bo", keys: "ls\x1b[D", at: 60 }, { by: "bo", keys: "\x15", at: 62 })).toBe("bo");
  });
  test("for what is typed behind a Ctrl-C, before its prompt has come", () => {
    const state = feed(
      atPrompt,
      { by: "bo", keys: "x\x03", at: 60 },
      { by: "cy", keys: "y", at: 60 },
      end(70, 130),
      prompt(80),
      ready(100),
    );
    expect([isDoubtful(state), lineDirt(state)]).toEqual([true, "cy"]);
    const known = (echoed: boolean) => applyShell(state, { kind: "quiet", echoed });
    expect([isDoubtful(known(false)), lineDirt(known(false)), lineDirt(known(true))]).toEqual([false, null, "cy"]);
  });
  test("by what is found quiet a moment later no more than by what was typed meanwhile", () => {
    const state = feed(atPrompt, { by: "bo", keys: "y", at: 45 }, { by: "cy", keys: "z", at: 60 });
    expect(lineDirt(applyShell(state, { kind: "quiet", echoed: false }))).toBe("cy");
  });
  test("C5, found: for what was written before the prompt had been seen, until the editor was seen to sleep without an echo", () => {
    const state = feed(atPrompt, { by: "bo", keys: "y", at: 45 });
    expect([lineDirt(state), isDoubtful(state)]).toEqual(["bo", true]);
    expect(lineDirt(applyShell(state, { kind: "quiet", echoed: false }))).toBeNull();
  });
  test("C4: until who typed it into a program hands the floor over, and nobody else, nor at a prompt", () => {
    const typed = feed(unknownShell, { by: "bo", keys: "j", at: 5 });
    const handed = (state: ShellState, by: string) => lineDirt(applyShell(state, { kind: "handed_over", by }));
    expect([handed(typed, "bo"), handed(typed, "cy")]).toEqual([null, "bo"]);
    expect(handed(feed(atPrompt, { by: "bo", keys: "rm", at: 60 }), "bo")).toBe("bo");
    // Nor does it at the next one, should the line come back.
    const next = applyShell(feed(atPrompt, { by: "bo", keys: "rm", at: 60 }), { kind: "handed_over", by: "bo" });
    expect(lineDirt(feed(next, ready(100)))).toBe("bo");
  });
  test.each([
    ["a short echo", "ls", true],
    ["zsh's own noise", "\x1b[?2004h", false],
    ["zsh's own noise and an echo", "\x1b[?2004hx", true],
    ["nothing", "", false],
  ])("where the editor printed %s: %j, %s", (_, shown, echoed) => expect(echoes(text(shown))).toBe(echoed));
  test("by the last byte alone in a program without marks", () => {
    const typed = (keys: string) => lineDirt(feed(unknownShell, { by: "bo", keys, at: 5 }));
    expect(typed("yes")).toBe("bo");
    for (const keys of ["yes\r", "yes\n", "yes\x03", "yes\x15", "\x04"]) expect(typed(keys)).toBeNull();
  });
  test("never by the terminal's own replies", () => {
    expect(at({ by: "system:terminal", keys: "\x1b[?1;2c", at: 60 })).toBeNull();
  });
});

describe("a run is refused", () => {
  test.each([
    ["no_integration", unknownShell],
    ["not_at_prompt", feed(atPrompt, start(70))],
    ["not_at_prompt", feed(unknownShell, prompt(10))],
    ["incomplete_command", feed(atPrompt, mark(70, { kind: "continuation" }))],
    ["line_not_empty", feed(atPrompt, { by: "bo", keys: "x", at: 60 })],
    [null, atPrompt],
  ] as const)("%s", (code, state) => expect(refuseRun(state)).toBe(code));
});

describe("the state", () => {
  test("keeps the last command with its exit, text and places", () => {
    expect(feed(atPrompt, start(70, "make"), end(99, 2), prompt(110, 2), ready(130)).last).toEqual({
      startOffset: 70,
      outputOffset: 80,
      text: "make",
      startedAt: 0,
      exit: 2,
      endOffset: 99,
      endedAt: 0,
    });
  });
  test("takes no text from a history that did not grow", () => {
    expect(feed(feed(unknownShell, ready(10, 5)), start(30, "old", 4)).command?.text).toBeNull();
    expect(feed(feed(unknownShell, ready(10, 5)), start(30, "new", 5)).command?.text).toBe("new");
  });
  test("knows no exit where a prompt follows without an end", () => {
    expect(feed(atPrompt, start(70), ready(99)).last).toMatchObject({ exit: null, endOffset: 99 });
    expect(feed(atPrompt, start(70), prompt(99, 4), ready(120)).last).toMatchObject({ exit: 4, endOffset: 99 });
  });
  test("ends with the program, whose exit is the command's", () => {
    const state = applyShell(feed(atPrompt, start(70)), { kind: "exited", exit: null, outputOffset: Offset(90), at: UnixMs(1) });
    expect(state).toMatchObject({ phase: "unknown", command: null, last: { exit: null, endOffset: 90 } });
  });
});

describe("a run", () => {
  const play = (...facts: (Mark | RunFact)[]): RunOutput[] => {
    let run = sentRun;
    return facts.flatMap((f) => {
      const step = stepRun(run, "startOffset" in f ? { kind: "mark", mark: f } : (f as RunFact));
      run = step.run;
      return step.outputs;
    });
  };
  const told = { kind: "told" };
  const applied: RunFact = { kind: "input", status: "applied", outputOffset: Offset(60) };
  const ended = (exit: number | null, segments: [number, number][], more = {}) => ({
    kind: "ended",
    outcome: "prompt",
    exit,
    segments: segments.map(([from, to]) => ({ from, to })),
    ...more,
  });

  test("starts, ends at the next prompt, and has the output between", () => {
    expect(play(applied, start(70), end(100, 3), prompt(120, 3), ready(140))).toEqual([
      { kind: "started", outputOffset: 80 },
      told,
      ended(3, [[80, 100]]),
    ]);
  });
  test("holds several commands in segments, and ends with the last one's exit", () => {
    expect(play(applied, start(70), end(100, 1), start(130), end(150, 0), prompt(160), ready(180)).at(-1)).toEqual(
      ended(0, [
        [80, 100],
        [140, 150],
      ]),
    );
    expect(play(applied, start(70), start(100), end(150, 5), ready(180)).at(-1)).toEqual(
      ended(5, [
        [80, 100],
        [110, 150],
      ]),
    );
  });
  test("is over before its prompt where its caller knows that nothing follows, and not before its end was told", () => {
    const settled: RunFact = { kind: "settled" };
    expect(play(applied, settled, start(70), settled, end(100, 3), settled, ready(140))).toEqual([
      { kind: "started", outputOffset: 80 },
      told,
      ended(3, [[80, 100]]),
    ]);
    expect(play(settled, applied, end(70, 0), settled)).toEqual([]);
  });
  test("with no output has no segment", () =>
    expect(play(applied, start(70), end(80, 0), ready(99)).at(-1)).toEqual(ended(0, [])));
  test("counts marks that arrived before the input's answer, but none from before the input", () => {
    expect(play(end(30, 9), ready(40), start(70), end(100, 0), ready(120), applied)).toEqual([
      { kind: "started", outputOffset: 80 },
      told,
      ended(0, [[80, 100]]),
    ]);
  });
  test("has no exit where the shell told none", () => {
    expect(play(applied, start(70), ready(99)).at(-1)).toEqual(ended(null, [[80, 99]]));
    expect(play(applied, start(70), end(90, null), ready(99)).at(-1)).toEqual(ended(null, [[80, 90]]));
  });
  test("that ran nothing says so", () => {
    expect(play(applied, end(70, 0), prompt(80, 0), ready(99))).toEqual([ended(null, [], { outcome: "not_run" })]);
  });
  test("refused by the editor stays on its line, and is over when the editor reads anew", () => {
    const invalid = mark(70, { kind: "validity", validity: "invalid" });
    expect(play(applied, invalid)).toEqual([{ kind: "invalid" }]);
    expect(play(applied, invalid, ready(99)).at(-1)).toEqual(ended(null, [], { outcome: "not_run" }));
  });
  test("left open is incomplete, and may be completed", () => {
    expect(play(applied, mark(70, { kind: "continuation" }), start(90), end(120, 0), ready(140)).map((o) => o.kind)).toEqual([
      "incomplete",
      "started",
      "told",
      "ended",
    ]);
    expect(play(applied, mark(70, { kind: "validity", validity: "incomplete" }))).toEqual([{ kind: "incomplete" }]);
    expect(play(applied, mark(70, { kind: "validity", validity: "complete" }))).toEqual([]);
  });
  test("ends with the session, whose exit it has only if it had started", () => {
    const gone = (code: number | null): RunFact => ({ kind: "exited", code, outputOffset: Offset(95) });
    expect(play(applied, start(70), gone(4))).toEqual([
      { kind: "started", outputOffset: 80 },
      ended(4, [[80, 95]], { outcome: "session_exit" }),
    ]);
    expect(play(applied, start(70), gone(null)).at(-1)).toMatchObject({ exit: null });
    expect(play(applied, gone(0))).toEqual([ended(null, [], { outcome: "session_exit" })]);
    expect(play(gone(0))).toEqual([{ kind: "refused", code: "input_void" }]);
  });
  test.each(["void", "cut", "refused"] as const)("whose input was %s is refused, and is over", (status) => {
    expect(play({ kind: "input", status, outputOffset: Offset(60) }, start(70), ready(99))).toEqual([
      { kind: "refused", code: `input_${status}` },
    ]);
  });
});

test("fish's own bytes at the head of an output are told from the command's, however they arrive", () => {
  const own = "\x1b[?2004l\x1b]0;ls ~\x07\x1b[30m\x1b(B\x1b[m\r";
  const whole = text(`${own}\x1b[31mred`);
  expect(titleNoise(whole, true)).toBe(own.length);
  for (let n = 0; n < own.length; n++) expect(titleNoise(whole.subarray(0, n), false), `${n}`).toBeNull();
  expect(titleNoise(text(own), false)).toBe(own.length);
  expect(titleNoise(text("plain"), false)).toBe(0);
  expect(titleNoise(text("\x1b[?2004l\x1b[30m\x1b(B\x1b[mworks"), false)).toBe(19);
  expect(titleNoise(text("\x1b[31mred"), false)).toBe(0);
  expect(titleNoise(text(""), true)).toBe(0);
});
