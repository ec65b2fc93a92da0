export * from "./floor.ts";
