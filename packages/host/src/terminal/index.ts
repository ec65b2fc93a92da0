export type { ModelHandlers, ModelPosition, QueryReply, ScreenText, Snapshot, TerminalModels } from "./model.ts";
export { startTerminalModels, type TerminalModelOptions } from "./models.ts";
export { isSizeAllowed, SIZE_LIMITS } from "./size.ts";
