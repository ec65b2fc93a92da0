export * from "./standing.ts";
export * from "./words.ts";
