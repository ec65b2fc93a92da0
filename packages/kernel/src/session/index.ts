export * from "./comms.ts";
export * from "./displays.ts";
export * from "./run.ts";
export * from "./session.ts";
export * from "./saved.ts";
