export * from "./program.ts";
export * from "./sim-shim.ts";
