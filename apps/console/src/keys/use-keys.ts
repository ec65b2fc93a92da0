/** The page's keys at work, and as views show them. */
import { useEffect, useRef } from "react";
import { settings } from "../settings.ts";
import { useStore } from "../store.ts";
import type { ActionId } from "./action.ts";
import { chordText } from "./chord.ts";
import { actionOn, chordFor, type Place } from "./chords.ts";

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

export type Deeds = Readonly<Partial<Record<ActionId, () => void>>>;

/** While a view stands: before anything else on the page hears them. */
export function useKeys(deeds: Deeds, isSessions: boolean): void {
  const now = useRef<{ readonly deeds: Deeds; readonly isSessions: boolean }>({ deeds, isSessions });
  now.current = { deeds, isSessions };
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.isComposing || within(event, "[data-records-keys]")) return;
      const place = { ...placeOf(event), isSessions: now.current.isSessions };
      const action = actionOn(event, settings.value.chords, place);
      const deed = action && now.current.deeds[action];
      if (!deed) return;
      event.preventDefault();
      event.stopPropagation();
      deed();
    };
    window.addEventListener("keydown", pressed, true);
    return () => window.removeEventListener("keydown", pressed, true);
  }, []);
}

/** As it stands on the keys; undefined: it has none. */
export function useShortcut(action: ActionId): string | undefined {
  const { chords } = useStore(settings);
  const chord = chordFor(action, chords);
  return chord === null ? undefined : chordText(chord, isMac);
}

/** In a field and in what has keys of its own, a letter is a letter. */
const FIELDS = "input, textarea, select, [contenteditable], [role=dialog], [role=alertdialog], [role=menu], [role=application]";

function placeOf(event: KeyboardEvent): Omit<Place, "isSessions"> {
  return { isTerminal: within(event, ".xterm"), isField: within(event, FIELDS) };
}

function within({ target }: KeyboardEvent, selector: string): boolean {
  return target instanceof Element && target.closest(selector) !== null;
}
