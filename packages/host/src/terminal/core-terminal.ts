/** The pure pieces of `core/terminal`, entered here only. (core's root does not export them yet.) */
export { ModeState, QueryScanner, type KeyboardStack } from "../../../core/src/terminal/index.ts";
