/** What this browser's person has chosen for this page, kept in this browser. Nothing of it is a secret, and no host is told. */
import { type ChosenChords, readChords } from "./keys/chords.ts";
import { Store } from "./store.ts";
import { readTheme, type Theme } from "./theme/theme.ts";

export interface Settings {
  /** Each line of a terminal as text for a screen reader too; it costs some speed. */
  readonly readsAloud: boolean;
  /** CSS pixels of a terminal's letters, 8 to 32. */
  readonly letterPx: number;
  /** Families of a terminal's letters as CSS lists them, before the page's own; "": none. */
  readonly letterFamily: string;
  /** By name, in each scheme; one that is not there is the page's own. */
  readonly themes: Readonly<Record<"light" | "dark", string>>;
  /** From files; at most {@link MOST_THEMES}, no two of a name. */
  readonly imported: readonly Theme[];
  readonly chords: ChosenChords;
  /** Which way the page reads; terminals read from the left. */
  readonly direction: "ltr" | "rtl";
}

const KEY = "holdfast.settings";
export const MOST_THEMES = 30;
export const LETTER_PX = { least: 8, most: 32 } as const;

const DEFAULTS: Settings = {
  readsAloud: false,
  letterPx: 13,
  letterFamily: "",
  themes: { light: "Holdfast light", dark: "Holdfast dark" },
  imported: [],
  chords: {},
  direction: "ltr",
};

/** What was kept, where it is sound; anything else as it is by default. */
export function readSettings(text: string | null): Settings {
  try {
    const kept = JSON.parse(text ?? "") as Partial<Record<keyof Settings, unknown>>;
    const { letterPx = DEFAULTS.letterPx, letterFamily, imported } = kept;
    const themes = (kept.themes ?? {}) as Partial<Record<"light" | "dark", unknown>>;
    const { least, most } = LETTER_PX;
    return {
      readsAloud: kept.readsAloud === true,
      letterPx:
        Number.isInteger(letterPx) && Number(letterPx) >= least && Number(letterPx) <= most
          ? Number(letterPx)
          : DEFAULTS.letterPx,
      letterFamily: isFamily(letterFamily) ? letterFamily : DEFAULTS.letterFamily,
      themes: { light: nameOr(themes.light, DEFAULTS.themes.light), dark: nameOr(themes.dark, DEFAULTS.themes.dark) },
      imported: Array.isArray(imported) ? imported.flatMap((one) => readTheme(one) ?? []).slice(-MOST_THEMES) : [],
      chords: readChords(kept.chords),
      direction: kept.direction === "rtl" ? "rtl" : "ltr",
    };
  } catch {
    return DEFAULTS;
  }
}

/** Names of fonts, and nothing that could end the list in a style. */
export function isFamily(text: unknown): text is string {
  return typeof text === "string" && /^[\p{L}\p{N} ,"._-]{0,200}$/u.test(text) && text.split('"').length % 2 === 1;
}

const nameOr = (name: unknown, otherwise: string): string => (typeof name === "string" && name !== "" ? name : otherwise);

export const settings = new Store<Settings>(readSettings(globalThis.localStorage?.getItem(KEY) ?? null));

/** Throws where the browser keeps nothing more. */
export function choose(change: Partial<Settings>): void {
  const chosen = readSettings(JSON.stringify({ ...settings.value, ...change }));
  localStorage.setItem(KEY, JSON.stringify(chosen));
  settings.set(chosen);
}
