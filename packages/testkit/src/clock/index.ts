export * from "./random.ts";
export * from "./scheduler.ts";
