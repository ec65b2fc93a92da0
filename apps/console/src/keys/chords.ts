/**
 * Which chord does what in this browser.
 *   K1  A chord does one thing: of those that have it, what somebody chose it for, else the first of the list.
 */
import { type ActionId, actionIds, actions } from "./action.ts";
import { isPressed, isSameChord, isTerminals, isTyping, readChord, whyNot } from "./chord.ts";

/** What somebody chose instead of what it is by default; null: no keys. */
export type ChosenChords = Readonly<Partial<Record<ActionId, string | null>>>;

export const chordFor = (action: ActionId, chosen: ChosenChords): string | null => {
  const own = chosen[action];
  return own === undefined ? actions[action].chord : own;
};

/** What has that chord beside `action`; null: nothing. */
export function holderOf(chord: string, chosen: ChosenChords, action: ActionId): ActionId | null {
  return actionIds.find((one) => one !== action && isSameChord(chordFor(one, chosen) ?? "", chord)) ?? null;
}

/** Where the keys are pressed. */
export interface Place {
  readonly isTerminal: boolean;
  /** A field, a menu or a dialog has the keys. */
  readonly isField: boolean;
  readonly isSessions: boolean;
}

/** K1: what these keys do there; null: nothing of the page's. */
export function actionOn(
  event: KeyboardEvent,
  chosen: ChosenChords,
  { isTerminal, isField, isSessions }: Place,
): ActionId | null {
  const chosenFirst = [...actionIds.filter((action) => action in chosen), ...actionIds];
  const found = chosenFirst.find((action) => {
    const chord = chordFor(action, chosen);
    if (chord === null || !isPressed(event, chord)) return false;
    if (isTerminal ? !isTerminals(chord) : isField && isTyping(chord)) return false;
    const where = actions[action].in;
    return where === "page" || (where === "terminal" ? isTerminal : isSessions && !isTerminal);
  });
  return found ?? null;
}

/** What was kept, where it can be pressed and is nobody else's. */
export function readChords(kept: unknown): ChosenChords {
  const named = (typeof kept === "object" && kept !== null ? kept : {}) as Readonly<Record<string, unknown>>;
  const read: Partial<Record<ActionId, string | null>> = {};
  for (const action of actionIds) {
    const own = named[action];
    if (own === null) read[action] = null;
    const chord = readChord(own);
    if (chord !== null && whyNot(chord, actions[action].in) === null) read[action] = chord;
  }
  return read;
}
