/**
 * Themes as other terminals keep them, out of a file that somebody picked.
 *   F1  What a file is, is told by what stands in it, not by its name: a property list (iTerm2), or JSON with comments (Windows Terminal's settings or
 *       one scheme, a VS Code theme, xterm's ITheme).
 *   F2  A colour that is none, or a theme without a ground and letters, is said with the name that it stands under, and nothing of the file is taken.
 */
import { type ParseError, parse, printParseErrorCode } from "jsonc-parser";
import { COLOURS, type Colour, type Colours, coloursOf, readColour, type Theme } from "./theme.ts";

export type ReadThemes =
  | { readonly ok: true; readonly themes: readonly Theme[] }
  /** Why, to the file's person. */
  | { readonly ok: false; readonly why: string };

/** Of a property list: by name, a number or such a list again; what else there may be is left out. */
export interface Plist {
  readonly [name: string]: number | Plist;
}

type Named = Readonly<Record<string, unknown>>;

const ANSI = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;
const bright = (name: string): Colour => `bright${name[0]!.toUpperCase()}${name.slice(1)}` as Colour;
const SIXTEEN: readonly Colour[] = [...ANSI, ...ANSI.map(bright)];

/** A theme file's text, at most this long: the largest VS Code themes have a fifth of it. */
export const MOST_CHARS = 1024 * 1024;

export function isPlist(text: string): boolean {
  return /^\ufeff?\s*<(\?xml|!DOCTYPE plist|plist)/.test(text);
}

/** F1: of a text that is no property list. `name`: the file's, for a theme that has none. */
export function themesInJson(text: string, name: string): ReadThemes {
  const errors: ParseError[] = [];
  const read: unknown = parse(text, errors, { allowTrailingComma: true });
  const [wrong] = errors;
  if (wrong) {
    const line = text.slice(0, wrong.offset).split("\n").length;
    return no(`it is neither an iTerm2 file nor JSON: ${printParseErrorCode(wrong.error)} in line ${line}`);
  }
  if (!isNamed(read)) return no("it is JSON, but no theme: a theme is an object of colours by name");
  if (Array.isArray(read["schemes"])) return all(read["schemes"].filter(isNamed).map((one) => fromWindowsTerminal(one, name)));
  if (isNamed(read["colors"])) return all([fromVsCode(read, read["colors"], name)]);
  if ("purple" in read || "cursorColor" in read) return all([fromWindowsTerminal(read, name)]);
  return all([fromXterm(read, name)]);
}

/** iTerm2's: parts of a colour from 0 to 1 each. */
export function themeInPlist(list: Plist, name: string): ReadThemes {
  const names: Readonly<Partial<Record<Colour, string>>> = {
    background: "Background Color",
    foreground: "Foreground Color",
    cursor: "Cursor Color",
    cursorAccent: "Cursor Text Color",
    selectionBackground: "Selection Color",
    selectionForeground: "Selected Text Color",
    ...Object.fromEntries(SIXTEEN.map((colour, n) => [colour, `Ansi ${n} Color`])),
  };
  return all([
    themeOf(
      name,
      mapped(names, (own) => fromParts(list[own])),
      (colour) => names[colour] ?? colour,
    ),
  ]);
}

function fromParts(parts: Plist[string] | undefined): string | undefined {
  if (typeof parts !== "object") return undefined;
  const part = (name: string): string => {
    const value = parts[`${name} Component`];
    if (typeof value !== "number" || !(value >= 0 && value <= 1)) return "?";
    return Math.round(value * 255)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${part("Red")}${part("Green")}${part("Blue")}`;
}

function fromWindowsTerminal(scheme: Named, name: string): ReadThemes {
  const own = (colour: Colour): string =>
    ({ cursor: "cursorColor", magenta: "purple", brightMagenta: "brightPurple" })[colour as string] ?? colour;
  const named = typeof scheme["name"] === "string" ? scheme["name"] : name;
  return themeOf(named, Object.fromEntries(COLOURS.map((colour) => [colour, scheme[own(colour)]])), own);
}

function fromVsCode(theme: Named, colors: Named, name: string): ReadThemes {
  const names: Readonly<Partial<Record<Colour, readonly string[]>>> = {
    background: ["terminal.background", "editor.background"],
    foreground: ["terminal.foreground", "editor.foreground", "foreground"],
    cursor: ["terminalCursor.foreground"],
    cursorAccent: ["terminalCursor.background"],
    selectionBackground: ["terminal.selectionBackground"],
    selectionForeground: ["terminal.selectionForeground"],
    selectionInactiveBackground: ["terminal.inactiveSelectionBackground"],
    ...Object.fromEntries(SIXTEEN.map((colour) => [colour, [`terminal.ansi${colour[0]!.toUpperCase()}${colour.slice(1)}`]])),
  };
  const found = mapped(names, (own) => own.map((one) => colors[one]).find((value) => value !== undefined && value !== null));
  const named = typeof theme["name"] === "string" ? theme["name"] : name;
  return themeOf(named, found, (colour) => names[colour]?.[0] ?? colour);
}

function fromXterm(theme: Named, name: string): ReadThemes {
  if (!COLOURS.some((colour) => colour in theme))
    return no("none of its names is a terminal's colour: `background`, `foreground`, `red` …");
  return themeOf(typeof theme["name"] === "string" ? theme["name"] : name, theme, (colour) => colour);
}

/** F2. `own`: what the file calls a colour. */
function themeOf(name: string, named: Named, own: (colour: Colour) => string): ReadThemes {
  const missing = (["background", "foreground"] as const).filter((colour) => named[colour] === undefined);
  if (missing.length > 0) return no(`it says no ${missing.map((colour) => `\`${own(colour)}\``).join(" and no ")}`);
  const wrong = COLOURS.find((colour) => named[colour] !== undefined && readColour(named[colour]) === null);
  if (wrong) return no(`its \`${own(wrong)}\` is no colour: ${shown(named[wrong])}. A colour is \`#rrggbb\``);
  return { ok: true, themes: [{ name: nameOf(name), colours: coloursOf(named) as Colours }] };
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 40);

/** One line that can be shown. */
function nameOf(text: string): string {
  const line = text.replace(/[\p{C}\s]+/gu, " ").trim();
  return Array.from(line).slice(0, 30).join("") || "Unnamed";
}

function all(read: readonly ReadThemes[]): ReadThemes {
  const wrong = read.find((one) => !one.ok);
  if (wrong) return wrong;
  const themes = read.flatMap((one) => (one.ok ? one.themes : []));
  return themes.length > 0 ? { ok: true, themes } : no("its list of schemes is empty");
}

const no = (why: string): ReadThemes => ({ ok: false, why });
const isNamed = (value: unknown): value is Named => typeof value === "object" && value !== null && !Array.isArray(value);

function mapped<T>(names: Readonly<Partial<Record<Colour, T>>>, found: (own: T) => unknown): Named {
  return Object.fromEntries(Object.entries(names).map(([colour, own]) => [colour, found(own)]));
}
