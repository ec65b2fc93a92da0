/** Notebooks: read, written, edited by several, filled by kernels, shown. Pure: no clock, no chance, no I/O, no await. */
export * from "./format/index.ts";
export * from "./json/index.ts";
export * from "./output/index.ts";
