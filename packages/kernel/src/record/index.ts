export * from "./decoder.ts";
export * from "./record.ts";
export * from "./words.ts";
