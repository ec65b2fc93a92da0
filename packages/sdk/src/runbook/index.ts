/**
 * Runbooks: Markdown whose cells run in live sessions. Reading, changing, choosing and planning (packages/runbook, pure) and {@link runRunbook}; in a page
 * as on Node. Files of a tree and `.env` files are `@holdfast/sdk/runbook/node`'s.
 */
export * from "@holdfast/runbook";
export type { CellCall, CellEnd, Executor } from "./executor.ts";
export { type JUnitOptions, junit } from "./junit.ts";
export { type CellOutcome, nameOf, runRunbook, type RunbookEvent, type RunbookOptions, type RunbookOutcome } from "./run.ts";
export { type SavedFile, type SavedFormat, savedOutputs } from "./save.ts";
