import { describe, expect, test } from "vitest";
import { ModeTracker } from "./mode-tracker.ts";

const bytes = (s: string): Uint8Array => new Uint8Array(Buffer.from(s));
/** What undoes a stream, fed at once and byte by byte. */
function undoOf(stream: string): string {
  const whole = new ModeTracker();
  whole.feed(bytes(stream));
  const apart = new ModeTracker();
  for (const b of bytes(stream)) apart.feed(Uint8Array.of(b));
  const text = Buffer.from(whole.undo()).toString("latin1");
  expect(Buffer.from(apart.undo()).toString("latin1")).toBe(text);
  return text;
}

describe("undo", () => {
  test("is nothing when nothing was written, and an SGR reset after plain text", () => {
    expect(new ModeTracker().undo()).toEqual(new Uint8Array(0));
    expect(undoOf("hello")).toBe("\x1b[m");
  });

  test.each([
    ["alternate screen by 1049", "\x1b[?1049h", "\x1b[?1049l"],
    ["alternate screen by 47", "\x1b[?47h", "\x1b[?47l"],
    ["mouse", "\x1b[?1000h\x1b[?1003;1006h", "\x1b[?1003l\x1b[?1006l"],
    ["bracketed paste", "\x1b[?2004h", "\x1b[?2004l"],
    ["focus", "\x1b[?1004h", "\x1b[?1004l"],
    ["cursor keys and keypad", "\x1b[?1h\x1b=", "\x1b[?1l\x1b>"],
    ["cursor hidden", "\x1b[?25l", "\x1b[?25h"],
    ["cursor shape", "\x1b[5 q", "\x1b[0 q"],
    ["autowrap off", "\x1b[?7l", "\x1b[?7h"],
    ["insert and line feed mode", "\x1b[4;20h", "\x1b[4l\x1b[20l"],
    ["region", "\x1b[2;5r", "\x1b7\x1b[r\x1b8"],
    ["line drawing", "\x1b(0", "\x1b(B\x1b)B\x0f"],
    ["kitty keyboard, pushed twice", "\x1b[>1u\x1b[>3u", "\x1b[<2u"],
    ["kitty keyboard, set", "\x1b[=5;1u", "\x1b[=0;1u"],
    ["modifyOtherKeys", "\x1b[>4;2m", "\x1b[>4m"],
    ["margins", "\x1b[?69h\x1b[3;9s", "\x1b[?69l"],
    ["a palette colour and the background", "\x1b]4;3;rgb:1/2/3\x07\x1b]11;#000000\x1b\\", "\x1b]104;3\x1b\\\x1b]111\x1b\\"],
    ["a link left open", "\x1b]8;;https://a.example\x07x", "\x1b]8;;\x1b\\"],
    ["a title pushed", "\x1b[22;0t\x1b]0;vim\x07", "\x1b[23;0t"],
    ["synchronised output", "\x1b[?2026h", "\x1b[?2026l"],
    ["a mode that nobody knows", "\x1b[?7727h", "\x1b[?7727l"],
    ["protected attribute", '\x1b[1"q', '\x1b[0"q'],
  ])("%s", (_name, set, unset) => {
    const undone = undoOf(`text${set}`);
    expect(undone).toContain(unset);
    expect(undone.replace(unset, "").replace("\x1b[m", "")).toBe("");
  });

  test.each([
    [
      "set and unset",
      "\x1b[?2004h\x1b[?1049h\x1b[?25l\x1b[?1000;1006h\x1b[?1006l\x1b[?1000l\x1b[?25h\x1b[?1049l\x1b[?2004l\x1b[>1u\x1b[<u\x1b[22t\x1b[23t",
    ],
    ["set and reset", "\x1b[?2004h\x1b[?1049h\x1b=\x1b[4h\x1b[>4;2m\x1b[5 q\x1bc"],
    ["saved and restored", "\x1b[?2004s\x1b[?2004h\x1b[?2004r"],
    ["titles, marks and links that were closed", "\x1b]0;x\x07\x1b]133;A\x07\x1b]8;;https://a.example\x07x\x1b]8;;\x07"],
  ])("leaves no trace: %s", (_name, stream) => {
    expect(undoOf(stream)).toBe("\x1b[m");
  });

  test("leaves the keyboard of both screens as it was", () => {
    expect(undoOf("\x1b[>1u\x1b[?1049h\x1b[>9u")).toBe("\x1b[<1u\x1b[?1049l\x1b[<1u\x1b[m");
  });

  test("cancels a sequence that was cut in the middle", () => {
    for (const half of ["\x1b", "\x1b[?1", "\x1b]0;half a title", "\x1bPq#0", "\x1b_Gi=1"])
      expect(undoOf(`\x1b[?2004h${half}`)).toBe("\x18\x1b\\\x1b[?2004l\x1b[m");
  });

  test("is bounded, whatever was set", () => {
    const tracker = new ModeTracker();
    for (let i = 0; i < 20_000; i++) tracker.feed(bytes(`\x1b[?${i}h\x1b[>${i}u\x1b[${i}h\x1b[>${i};1m\x1b[22t`));
    expect(tracker.undo().length).toBeLessThan(16_384);
  });
});
