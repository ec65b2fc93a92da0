export * from "./crash.ts";
export * from "./sim-fs.ts";
