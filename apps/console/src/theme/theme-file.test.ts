import { expect, test } from "vitest";
import { builtIn, coloursNamed } from "./built-in.ts";
import { COLOURS, contrastOf, isDark, readColour, readTheme } from "./theme.ts";
import { isPlist, type Plist, type ReadThemes, themeInPlist, themesInJson } from "./theme-file.ts";

const json = (value: unknown): ReadThemes => themesInJson(JSON.stringify(value), "file");
const why = (read: ReadThemes): string => (read.ok ? "" : read.why);
const part = (red: number, green: number, blue: number): Plist => ({
  "Red Component": red,
  "Green Component": green,
  "Blue Component": blue,
});

test("an iTerm2 file's parts of colours become colours under xterm's names", () => {
  const list = {
    "Background Color": part(0, 0.5, 1),
    "Foreground Color": { ...part(1, 1, 1), "Alpha Component": 1 },
    "Ansi 1 Color": part(0.8, 0, 0),
    "Ansi 13 Color": part(1, 0, 1),
    "Cursor Text Color": part(0, 0, 0),
    "Badge Color": part(1, 0, 0),
  };
  expect(themeInPlist(list, "Ocean")).toEqual({
    ok: true,
    themes: [
      {
        name: "Ocean",
        colours: {
          background: "#0080ff",
          foreground: "#ffffff",
          red: "#cc0000",
          brightMagenta: "#ff00ff",
          cursorAccent: "#000000",
        },
      },
    ],
  });
  expect(why(themeInPlist({ "Foreground Color": part(1, 1, 1) }, "x"))).toBe("it says no `Background Color`");
  expect(why(themeInPlist({ "Background Color": part(1, 1, 2), "Foreground Color": part(1, 1, 1) }, "x"))).toMatch(
    /^its `Background Color` is no colour/,
  );
});

test("Windows Terminal's scheme, and its settings with several, are read under its own names of colours", () => {
  const one = { name: "Campbell", background: "#0C0C0C", foreground: "#CCCCCC", purple: "#881798", cursorColor: "#FFFFFF" };
  const read = { background: "#0c0c0c", foreground: "#cccccc", magenta: "#881798", cursor: "#ffffff" };
  expect(json(one)).toEqual({ ok: true, themes: [{ name: "Campbell", colours: read }] });
  expect(json({ profiles: {}, schemes: [one, { ...one, name: "Other" }] })).toMatchObject({
    themes: [{ name: "Campbell" }, { name: "Other", colours: read }],
  });
  expect(why(json({ schemes: [] }))).toMatch(/empty/);
  expect(why(json({ ...one, purple: "plum" }))).toBe('its `purple` is no colour: "plum". A colour is `#rrggbb`');
});

test("a VS Code theme is read with its comments, and its editor's ground stands in for the terminal's", () => {
  const text = `// A theme
  { "name": "Night", "type": "dark",
    "colors": {
      "editor.background": "#102030", /* of the editor */
      "terminal.foreground": "#abc",
      "terminal.ansiBrightRed": "#ff000080",
      "terminalCursor.foreground": "#ffffff",
    },
  }`;
  expect(themesInJson(text, "file")).toEqual({
    ok: true,
    themes: [
      { name: "Night", colours: { background: "#102030", foreground: "#aabbcc", brightRed: "#ff000080", cursor: "#ffffff" } },
    ],
  });
  expect(why(json({ colors: {} }))).toBe("it says no `terminal.background` and no `terminal.foreground`");
});

test("xterm's own theme is taken by the file's name, and says which of its colours is none", () => {
  expect(json({ background: "#000", foreground: "#fff", red: "#f00" })).toEqual({
    ok: true,
    themes: [{ name: "file", colours: { background: "#000000", foreground: "#ffffff", red: "#ff0000" } }],
  });
  expect(why(json({ background: "#000", foreground: "#fff", red: "url(x)" }))).toMatch(/^its `red` is no colour: "url\(x\)"/);
  expect(why(json({ background: "#000", foreground: 7 }))).toMatch(/^its `foreground` is no colour: 7/);
});

test("what is no theme at all is said to be none, with the line where it stops to be JSON", () => {
  expect(why(themesInJson("{\n  nonsense", "x"))).toMatch(/^it is neither an iTerm2 file nor JSON: .* in line 2$/);
  for (const value of [3, null, [], "x", { any: "thing" }, { version: 2, width: 80 }])
    expect(why(json(value))).toMatch(/no theme|none of its names/);
  expect([isPlist('\ufeff<?xml version="1.0"?>'), isPlist("<plist>"), isPlist("{}"), isPlist("<html>")]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test("a theme's name is one short line, whatever the file says", () => {
  const named = json({ name: `a\u0000b\n\u202ec ${"x".repeat(90)}`, background: "#000", foreground: "#fff" });
  expect(named.ok && named.themes[0]!.name).toMatch(/^a b c x{20,24}$/);
  expect(json({ name: "\n", background: "#000", foreground: "#fff" })).toMatchObject({ themes: [{ name: "Unnamed" }] });
});

test("what was kept is a theme again, and a colour is a number and nothing else", () => {
  for (const theme of builtIn) expect(readTheme(JSON.parse(JSON.stringify(theme)))).toEqual(theme);
  for (const kept of [
    null,
    {},
    { name: "x" },
    { name: "x", colours: { background: "#000" } },
    { name: "", colours: builtIn[0].colours },
  ])
    expect(readTheme(kept)).toBe(null);
  for (const text of ["red", "#12", "#12345", "#gggggg", "#000;x", 0, undefined]) expect(readColour(text)).toBe(null);
});

test("a name leads to its colours with what they leave unsaid, and one that is gone to the page's own", () => {
  const own = { name: "Own", colours: { background: "#101010", foreground: "#eeeeee" } };
  const colours = coloursNamed("Own", [own], "light");
  expect(colours).toMatchObject({ ...own.colours, cursor: "#eeeeee", red: builtIn[1].colours.red });
  expect(coloursNamed("gone", [], "dark")).toEqual(builtIn[1].colours);
});

test("the page's own themes can be read: 4.5 and more for letters, 7 in those of high contrast", () => {
  for (const { name, colours } of builtIn.filter((one) => !one.name.startsWith("Solarized"))) {
    const least = name.startsWith("High") ? 7 : 4.5;
    expect([name, contrastOf(colours.background, colours.foreground) >= least]).toEqual([name, true]);
    const faint = COLOURS.slice(-16).filter((colour) => {
      const own = (colours as Record<string, string>)[colour]!;
      return colour !== "black" && contrastOf(colours.background, own) < 4.5;
    });
    expect([name, faint]).toEqual([name, []]);
    expect(isDark(colours)).toBe(name.endsWith("dark"));
  }
  expect(contrastOf("#000000", "#ffffff")).toBe(21);
});
