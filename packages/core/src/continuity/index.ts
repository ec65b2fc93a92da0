export * from "./continuity.ts";
