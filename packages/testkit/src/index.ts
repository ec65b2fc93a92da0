/** A world we control: what the suites run on. Private to this repository. */
export * from "./disk/index.ts";
