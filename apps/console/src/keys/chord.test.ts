import { expect, test } from "vitest";
import { chordOf, chordText, isPressed, isSameChord, isTerminals, isTyping, type Pressed, readChord, whyNot } from "./chord.ts";

const keys = (key: string, held = "", code = ""): Pressed => ({
  ...{ key, code },
  ...{ ctrlKey: held.includes("c"), altKey: held.includes("a"), shiftKey: held.includes("s"), metaKey: held.includes("m") },
});
const pressed = (...args: Parameters<typeof keys>): KeyboardEvent => {
  const own = keys(...args);
  const held: Readonly<Record<string, boolean>> = {
    Control: own.ctrlKey,
    Alt: own.altKey,
    Shift: own.shiftKey,
    Meta: own.metaKey,
  };
  return { ...own, getModifierState: (name: string) => held[name] ?? false } as unknown as KeyboardEvent;
};

test("what is pressed is a chord once a key is down that is no modifier", () => {
  expect(chordOf(keys("k", "c"))).toBe("Control+K");
  expect(chordOf(keys("K", "sc"))).toBe("Control+Shift+K");
  expect(chordOf(keys("n"))).toBe("N");
  expect(chordOf(keys("ArrowUp", "m"))).toBe("Meta+ArrowUp");
  for (const key of ["Control", "Shift", "AltGraph", "Dead", ""]) expect(chordOf(keys(key, "c"))).toBe(null);
});

test("a letter of another alphabet, a space, and what Option makes of a letter are known by their places", () => {
  expect(chordOf(keys("л", "c", "KeyK"))).toBe("Control+KeyK");
  expect(chordOf(keys("˚", "a", "KeyK"))).toBe("Alt+KeyK");
  expect(chordOf(keys(" ", "c", "Space"))).toBe("Control+Space");
  expect(isPressed(pressed("л", "c", "KeyK"), "Control+KeyK")).toBe(true);
});

test("what was recorded is heard again, and with another modifier it is not", () => {
  for (const [key, held, code] of [
    ["k", "c", "KeyK"],
    ["K", "cs", "KeyK"],
    ["+", "c", "Equal"],
    [",", "m", "Comma"],
    ["F5", "s", "F5"],
    ["/", "", "Slash"],
  ] as const) {
    const chord = chordOf(keys(key, held, code))!;
    expect(readChord(chord)).toBe(chord);
    expect([chord, isPressed(pressed(key, held, code), chord)]).toEqual([chord, true]);
    expect([chord, isPressed(pressed(key, `${held}a`, code), chord)]).toEqual([chord, false]);
  }
});

test("chords are the same whichever way they are written, and shown as they stand on keys", () => {
  expect(isSameChord("Shift+Control+k", "Control+Shift+K")).toBe(true);
  expect(isSameChord("$mod+K", "Control+k")).toBe(true);
  expect(isSameChord("Control+K", "Control+Shift+K")).toBe(false);
  expect(chordText("Control+Shift+K", false)).toBe("Ctrl Shift K");
  expect(chordText("Control+Alt+Meta+KeyK", true)).toBe("⌃ ⌥ ⌘ K");
  expect(chordText("Control++", false)).toBe("Ctrl +");
});

test("what the browser keeps, what moves through a page, and in a terminal what is its program's can't be chosen", () => {
  expect(whyNot("Control+W", "page")).toMatch(/browser keeps/);
  expect(whyNot("Tab", "page")).toMatch(/moves through/);
  expect(whyNot("ArrowDown", "page")).toMatch(/moves through/);
  expect(whyNot("Control+F", "terminal")).toMatch(/its program's/);
  expect([whyNot("Control+F", "page"), whyNot("Control+Shift+F", "terminal"), whyNot("Meta+F", "terminal")]).toEqual([
    null,
    null,
    null,
  ]);
  expect([isTerminals("Alt+Shift+K"), isTerminals("Control+Shift+K")]).toEqual([false, true]);
  expect([isTyping("Shift+K"), isTyping("N"), isTyping("F5"), isTyping("Alt+K")]).toEqual([true, true, false, false]);
});

test("a text that is no chord is read as none", () => {
  for (const text of [3, null, "", "Control+", "Hyper+K", "(.*)", "[Shift]+K", "g i", "x".repeat(41)])
    expect(readChord(text)).toBe(null);
});
