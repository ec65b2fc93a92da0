export * as reader from "./reader.ts";
export type { Reader, SnapshotReason, Step } from "./reader.ts";
export * from "./outbox.ts";
export * as creditWindow from "./window.ts";
export type { Window } from "./window.ts";
