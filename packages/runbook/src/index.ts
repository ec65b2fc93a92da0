/** What a runbook says: Markdown read, changed and planned, without a clock, a disk or a process. */
export * from "./document/index.ts";
export * from "./cell/index.ts";
export { type Block, blocksOf, type Fence, type Span } from "./markdown/index.ts";
export * from "./edit/index.ts";
export * from "./select/index.ts";
export * from "./discover/index.ts";
export * from "./env/index.ts";
export * from "./output/index.ts";
export * from "./plan/index.ts";
