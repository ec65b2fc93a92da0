export * from "./message/index.ts";
export * from "./record/index.ts";
export * from "./session/index.ts";
