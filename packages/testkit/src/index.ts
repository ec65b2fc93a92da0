/** A world we control: what the suites run on. Private to this repository. */
export * from "./clock/index.ts";
export * from "./disk/index.ts";
export * from "./network/index.ts";
export * from "./shim/index.ts";
export * from "./world/index.ts";
