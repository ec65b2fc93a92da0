/** The pure pieces of `core/terminal`, entered here only. (core's root does not export them yet.) */
export { ModeState, QuerySplitter, type KeyboardStack } from "../../../core/src/terminal/index.ts";
