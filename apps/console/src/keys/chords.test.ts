import { expect, test } from "vitest";
import { actionOn, chordFor, holderOf, type Place, readChords } from "./chords.ts";

const page: Place = { isTerminal: false, isField: false, isSessions: false };
const pressed = (text: string): KeyboardEvent => {
  const parts = text.split("+");
  return {
    ...{ key: parts.at(-1), code: "" },
    getModifierState: (name: string) => parts.slice(0, -1).includes(name),
  } as unknown as KeyboardEvent;
};

test("a key does what it does where it does it: in a field it is a letter, in a terminal the program's", () => {
  expect(actionOn(pressed("n"), {}, { ...page, isSessions: true })).toBe("new");
  expect(actionOn(pressed("n"), {}, page)).toBe(null);
  expect(actionOn(pressed("n"), {}, { ...page, isSessions: true, isField: true })).toBe(null);
  expect(actionOn(pressed("Control+k"), {}, { ...page, isField: true })).toBe("palette");
  expect(actionOn(pressed("Control+k"), {}, { ...page, isTerminal: true })).toBe(null);
  expect(actionOn(pressed("Control+Shift+K"), {}, { ...page, isTerminal: true })).toBe("palette-anywhere");
  expect(actionOn(pressed("Control+Shift+F"), {}, { ...page, isTerminal: true })).toBe("find");
  expect(actionOn(pressed("Control+Shift+F"), {}, page)).toBe(null);
});

test("what somebody chose comes before what is so by default, and what was taken away does nothing", () => {
  const chosen = { hosts: "Control+Shift+K", find: null };
  expect(actionOn(pressed("Control+Shift+K"), chosen, page)).toBe("hosts");
  expect(actionOn(pressed("Control+Shift+F"), chosen, { ...page, isTerminal: true })).toBe(null);
  expect([chordFor("hosts", chosen), chordFor("find", chosen), chordFor("copy", chosen)]).toEqual([
    "Control+Shift+K",
    null,
    "Control+Shift+C",
  ]);
});

test("who has a chord already is told by it, in whichever way it is written", () => {
  expect(holderOf("Shift+Control+f", {}, "hosts")).toBe("find");
  expect(holderOf("Control+Shift+F", {}, "find")).toBe(null);
  expect(holderOf("Control+Shift+F", { find: null }, "hosts")).toBe(null);
});

test("of what was kept, chords that can't be chosen are left out", () => {
  expect(readChords({ find: "Control+F", hosts: "Control+W", copy: null, new: "Alt+N", gone: "K" })).toEqual({
    copy: null,
    new: "Alt+N",
  });
  for (const kept of [null, "x", 3, []]) expect(readChords(kept)).toEqual({});
});
