/** The pure pieces of core's terminal room, by their own names. */
import { terminal } from "@holdfast/core";

export const { ModeState, QueryScanner, skim } = terminal;
export type ModeState = terminal.ModeState;
export type KeyboardStack = terminal.KeyboardStack;
