import { expect, test } from "vitest";
import { isFamily, readSettings } from "./settings.ts";

const DEFAULTS = readSettings(null);
const OWN = { name: "Own", colours: { background: "#000000", foreground: "#ffffff" } };

test("what a browser kept is taken where it is sound, and the rest is as it is by default", () => {
  expect(DEFAULTS).toMatchObject({ readsAloud: false, letterPx: 13, letterFamily: "", imported: [], chords: {} });
  expect(readSettings('{"readsAloud":true,"letterPx":16}')).toEqual({ ...DEFAULTS, readsAloud: true, letterPx: 16 });
  for (const text of ["", "{", '{"readsAloud":"yes","letterPx":1e9}', '{"letterPx":"14","themes":3,"imported":{},"chords":"x"}'])
    expect(readSettings(text)).toEqual(DEFAULTS);
});

test("themes and keys that were kept are read again, and what is no theme and no chord is left out", () => {
  const kept = {
    themes: { dark: "Own" },
    imported: [OWN, { name: "", colours: OWN.colours }, { name: "bad", colours: { background: "red" } }, null],
    chords: { hosts: "Control+Shift+H", new: null, find: "Control+F", copy: 3, unknown: "N" },
  };
  expect(readSettings(JSON.stringify(kept))).toEqual({
    ...DEFAULTS,
    themes: { light: "Holdfast light", dark: "Own" },
    imported: [OWN],
    chords: { hosts: "Control+Shift+H", new: null },
  });
});

test("a page reads from the left unless its reader chose otherwise", () => {
  expect([readSettings('{"direction":"rtl"}').direction, readSettings('{"direction":"up"}').direction]).toEqual(["rtl", "ltr"]);
});

test("a list of fonts is names, and nothing that could end it in a style", () => {
  for (const text of ["", "Fira Code", '"Iosevka Term", Menlo', "源ノ角ゴシック"]) expect(isFamily(text)).toBe(true);
  for (const text of ["a; color: red", "x}", 'Fira "Code', "url(x)", "a\nb", 3, "x".repeat(201)])
    expect(isFamily(text)).toBe(false);
});
