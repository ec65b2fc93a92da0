/**
 * Keys that are pressed together, as tinykeys writes them: `Control+Shift+K`, `N`, `$mod+,`.
 *   C1  A chord has one key that is no modifier. One that the browser never gives away, or that moves through a page, is refused.
 *   C2  What a program in a terminal can be sent stays the program's: a chord that works in a terminal has ⌘, or Ctrl and Shift.
 */
import { type KeybindingPress, matchKeybindingPress, parseKeybinding } from "tinykeys";
import type { Action } from "./action.ts";

/** What of a KeyboardEvent tells a chord. */
export interface Pressed {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly metaKey: boolean;
}

const MODIFIERS = ["Control", "Alt", "Shift", "Meta"];
/** Chromium's and Firefox's own, which no page is told of. */
const BROWSERS = new Set([
  "Control+N",
  "Control+T",
  "Control+W",
  "Control+Shift+N",
  "Control+Shift+T",
  "Control+Shift+W",
  "Control+Tab",
]);
/** Of somebody who has no pointer. */
const MOVES = new Set([..."Tab Escape Enter Space Backspace Delete Home End PageUp PageDown".split(" "), "ContextMenu"]);

/** Null while only modifiers are down. */
export function chordOf({ key, code, ctrlKey, altKey, shiftKey, metaKey }: Pressed): string | null {
  if (key === "" || key === "Dead" || key === "Unidentified" || [...MODIFIERS, "AltGraph", "CapsLock", "Fn"].includes(key))
    return null;
  const isAscii = key.length === 1 && key > " " && key <= "~";
  // Of another alphabet, and of what Option makes of a letter, the place on the keyboard is what can be pressed again.
  const own = isAscii ? key.toUpperCase() : key.length === 1 ? code : key;
  const held = [ctrlKey, altKey, shiftKey, metaKey];
  return [...MODIFIERS.filter((_, n) => held[n]), own].join("+");
}

export function isPressed(event: KeyboardEvent, chord: string): boolean {
  const press = pressOf(chord);
  return press !== null && matchKeybindingPress(event, press);
}

export function isSameChord(one: string, other: string): boolean {
  return plain(one) === plain(other);
}

/** Why it can't be chosen for something that works there; null: it can. */
export function whyNot(chord: string, where: Action["in"]): string | null {
  const { modifiers, key } = partsOf(chord);
  if (BROWSERS.has(plain(chord))) return "The browser keeps these keys for itself.";
  if (modifiers.length === 0 && (MOVES.has(key) || key.startsWith("Arrow"))) return "This key moves through the page.";
  if (where === "terminal" && !isTerminals(chord))
    return "In a terminal this is its program's: take one with Ctrl and Shift, or with ⌘.";
  return null;
}

/** C2: no program in a terminal is sent it. */
export function isTerminals(chord: string): boolean {
  const { modifiers } = partsOf(chord);
  return modifiers.includes("Meta") || (modifiers.includes("Control") && modifiers.includes("Shift"));
}

/** Typing somewhere is no chord. */
export function isTyping(chord: string): boolean {
  return !partsOf(chord).modifiers.some((modifier) => modifier !== "Shift") && !/^F\d+$/.test(partsOf(chord).key);
}

/** As it stands on keys: `Ctrl Shift K`, and `⇧ ⌘ K` on a Mac. */
export function chordText(chord: string, isMac: boolean): string {
  const names: Readonly<Record<string, string>> = isMac
    ? { Control: "⌃", Alt: "⌥", Shift: "⇧", Meta: "⌘" }
    : { Control: "Ctrl", Meta: "⌘" };
  const { modifiers, key } = partsOf(chord);
  const own = key.replace(/^(?:Key|Digit|Arrow)(?=.)/, "");
  return [...modifiers.map((modifier) => names[modifier] ?? modifier), own].join(" ");
}

/** A chord that was kept, or null for a text that is none. */
export function readChord(text: unknown): string | null {
  if (typeof text !== "string" || text.length > 40 || /[\s()[\]]/.test(text)) return null;
  const [held, , key] = pressOf(text) ?? [["none"]];
  return held.every((modifier) => MODIFIERS.includes(modifier)) && key !== "" ? text : null;
}

function plain(chord: string): string {
  const { modifiers, key } = partsOf(chord);
  return [...modifiers, key].join("+");
}

function partsOf(chord: string): { readonly modifiers: readonly string[]; readonly key: string } {
  const [held = [], , key = ""] = pressOf(chord) ?? [];
  const own = String(key);
  return { modifiers: MODIFIERS.filter((modifier) => held.includes(modifier)), key: own.length === 1 ? own.toUpperCase() : own };
}

function pressOf(chord: string): KeybindingPress | null {
  return parseKeybinding(chord)[0] ?? null;
}
