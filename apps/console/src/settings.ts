/** What this browser's person has chosen for this page, kept in this browser. Nothing of it is a secret, and no host is told. */
import { Store } from "./store.ts";

export interface Settings {
  /** Each line of a terminal as text for a screen reader too; it costs some speed. */
  readonly readsAloud: boolean;
  /** CSS pixels of a terminal's letters, 8 to 32. */
  readonly letterPx: number;
}

const KEY = "holdfast.settings";
const DEFAULTS: Settings = { readsAloud: false, letterPx: 13 };

/** What was kept, where it is sound; anything else as it is by default. */
export function readSettings(text: string | null): Settings {
  try {
    const kept = JSON.parse(text ?? "") as Partial<Settings>;
    const { letterPx = DEFAULTS.letterPx } = kept;
    return {
      readsAloud: kept.readsAloud === true,
      letterPx: Number.isInteger(letterPx) && letterPx >= 8 && letterPx <= 32 ? letterPx : DEFAULTS.letterPx,
    };
  } catch {
    return DEFAULTS;
  }
}

export const settings = new Store<Settings>(readSettings(globalThis.localStorage?.getItem(KEY) ?? null));

export function choose(change: Partial<Settings>): void {
  settings.set(readSettings(JSON.stringify({ ...settings.value, ...change })));
  localStorage.setItem(KEY, JSON.stringify(settings.value));
}
