/** What is true: pure rooms, fed by the edges. No clock, no I/O, no await. */
export * from "./id.ts";
export * as floor from "./floor/index.ts";
export type { Floor, FloorCommand, FloorEvent, FloorMode, FloorRefusal, GrantReason, LineDirt } from "./floor/index.ts";
export * from "./policy/index.ts";
export * as approval from "./approval/index.ts";
export type { Approval } from "./approval/index.ts";
export * from "./input/index.ts";
export * from "./attachment/index.ts";
export * as continuity from "./continuity/index.ts";
export * as session from "./session/index.ts";
export type { ExitFacts, FoldedEvent, SessionFacts } from "./session/index.ts";
export * as command from "./command/index.ts";
export * as activity from "./activity/index.ts";
export * as secret from "./secret/index.ts";
export * as terminal from "./terminal/index.ts";
