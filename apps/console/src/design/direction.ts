/** Which way the page reads: its reader's choice. Its parts that move by arrow keys and open beside others go the same way. */
import { settings } from "../settings.ts";

const LEADING = navigator.language;
const FROM_THE_RIGHT = new Set(["Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg", "Mand", "Samr"]);

export type Direction = "ltr" | "rtl";

/** Of the reader's language, where it reads that way. */
export function localeFor(direction: Direction): string {
  const own = FROM_THE_RIGHT.has(new Intl.Locale(LEADING).maximize().script ?? "") ? "rtl" : "ltr";
  if (own === direction) return LEADING;
  return direction === "rtl" ? "he" : "en";
}

function show(): void {
  document.documentElement.dir = settings.value.direction;
}

settings.follow(show);
show();
