export * from "./policy.ts";
export * from "./ai.ts";
export * from "./words.ts";
