import { describe, expect, test } from "vitest";
import { edited, empty, inserted, type Key, movedBy, newLine, seemsWhole, shared, written } from "./edit.ts";
import { coloursOnly, laid, linesIn } from "./layout.ts";
import { Past } from "./past.ts";

const typed = (edit = empty, ...keys: readonly Key[]) => keys.reduce((now, key) => edited(now, key) ?? now, edit);
const chars = (text: string): Key[] => [...text].map((char) => ({ sequence: char }));

describe("a text that is being written", () => {
  test("keys write where the cursor is, and a character of two units is one", () => {
    expect(typed(empty, ...chars("a😀b"), { name: "left" }, { name: "left" })).toEqual({ text: "a😀b", at: 1 });
    expect(typed(written("a😀"), { name: "backspace" })).toEqual({ text: "a", at: 1 });
    expect(typed({ text: "a😀b", at: 1 }, { name: "delete" })).toEqual({ text: "ab", at: 1 });
  });
  test("words and lines are gone over and taken out as in a shell", () => {
    const two = written("one two\nthree four");
    expect(typed(two, { name: "w", ctrl: true }).text).toBe("one two\nthree ");
    expect(typed(two, { name: "u", ctrl: true }).text).toBe("one two\n");
    expect(typed(two, { name: "a", ctrl: true }).at).toBe(8);
    expect(typed(two, { name: "left", ctrl: true }).at).toBe(14);
  });
  test("a control, an escape and an unknown key write nothing", () => {
    for (const sequence of ["\x1b", "\x00", "\x7f", "\t"]) expect(edited(empty, { sequence })).toBeNull();
    expect(edited(empty, { name: "x", sequence: "\x18", ctrl: true })).toBeNull();
  });
  test("a new line is as deep as the one before, and deeper as the kernel says", () => {
    expect(newLine(written("  if x:"), "  ").text).toBe("  if x:\n    ");
  });
  test("up and down keep the column where the line is long enough, and end at the text's ends", () => {
    const three = { text: "abcd\ne\nfghi", at: 10 };
    expect(movedBy(three, -1)).toEqual({ text: three.text, at: 6 });
    expect(movedBy({ text: three.text, at: 2 }, -1)).toBeNull();
    expect(movedBy({ text: three.text, at: 9 }, 1)).toBeNull();
  });
  test("without a kernel to ask, one line that opens nothing is whole, and several are after an empty one", () => {
    expect(["x = 1", "f(1)", "if x:", "f(", "a\\", "if x:\n  y", "if x:\n  y\n"].map(seemsWhole)).toEqual([
      ...[true, true, false, false, false, false, true],
    ]);
  });
  test("completions share their beginning", () => {
    expect([shared(["alpha", "alps"]), shared(["one"]), shared(["a", "b"]), shared([])]).toEqual(["alp", "one", "", ""]);
  });
});

describe("its place on the terminal", () => {
  const size = { cols: 21, rows: 10 };
  test("lines stand below where the first begins, and are cut before the terminal would wrap them", () => {
    expect(laid("In [1]: ", "abc\ndef", 5, size)).toEqual({ rows: ["In [1]: abc", "        def"], row: 1, col: 9 });
    expect(laid("In [1]: ", "0123456789abcdef", 16, size)).toEqual({
      rows: ["In [1]: 0123456789ab", "        cdef"],
      row: 1,
      col: 12,
    });
  });
  test("a wide character is never cut in two, and the cursor counts its columns", () => {
    expect(laid("> ", "漢字漢字漢字漢字漢字", 10, size)).toEqual({ rows: ["> 漢字漢字漢字漢字漢", "  字"], row: 1, col: 4 });
  });
  test("of more rows than there is room for, those about the cursor are drawn", () => {
    const text = Array.from({ length: 30 }, (_, i) => `l${i}`).join("\n");
    const shown = laid("> ", text, inserted(empty, text.slice(0, text.indexOf("l20"))).at, { cols: 40, rows: 5 });
    expect([shown.rows.length, shown.rows[shown.row]]).toEqual([5, "  l20"]);
  });
  test("what code prints keeps its colours, and can't move the cursor, ask the terminal or name its window", () => {
    expect(coloursOnly("\x1b[31mred\x1b[0m\x1b[2J\x1b[5;5H\x1b]0;title\x07\x1b[6n.")).toBe("\x1b[31mred\x1b[0m.");
    expect(coloursOnly("a\x9b2Jb")).not.toContain("\x9b");
  });
  test("a line that has not ended is begun anew by a carriage return, also where the next piece brings it", () => {
    const first = linesIn("", "done\n10%\r20%\r");
    expect(first).toEqual({ whole: ["done"], open: "20%\r" });
    expect(linesIn(first.open, "30%")).toEqual({ whole: [], open: "30%" });
    expect(linesIn(first.open, "\nnext")).toEqual({ whole: ["20%"], open: "next" });
  });
});

test("what was run is gone back over, and what was being written is there again at the end", () => {
  const past = new Past();
  past.add("b");
  past.add("b");
  past.addOlder(["a"]);
  expect([past.step(-1, "draft"), past.step(-1, "b"), past.step(-1, "a"), past.step(1, "a"), past.step(1, "b")]).toEqual([
    ...["b", "a", null, "b", "draft"],
  ]);
});
