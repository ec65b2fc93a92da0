export * from "./binary.ts";
export * from "./connect.ts";
export * as shimFrame from "./frame.ts";
export type { KeeperStatus } from "./frame.ts";
export * from "./keeper.ts";
export * from "./link.ts";
export * from "./spec.ts";
