export * from "./policy.ts";
export * from "./ai.ts";
export { isLike } from "./like.ts";
export * from "./secret-names.ts";
export * from "./words.ts";
