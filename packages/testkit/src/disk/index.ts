export * from "./sim-fs.ts";
export * from "./crash.ts";
