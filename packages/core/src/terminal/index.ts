export { ModeState, type ColorSlot, type KeyboardStack } from "./modes.ts";
export { QuerySplitter } from "./queries.ts";
