/** What output does to a terminal besides drawing: modes that it sets, queries that it asks. Pure, and follows bytes however they are cut. */
export { ModeTracker } from "./mode-tracker.ts";
export { type ColorSlot, type KeyboardStack, ModeState } from "./modes.ts";
export { mayContainQuery, QueryFilter, QueryScanner } from "./queries.ts";
export { type Skim, skim } from "./skim.ts";
