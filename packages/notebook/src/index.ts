/** Notebooks: read, written, edited by several, filled by kernels, shown. Pure: no clock, no chance, no I/O, no await. */
export * as document from "./document/index.ts";
export type { Document, DocumentEvent, Edit, EditCommand, EditRefusal, HeldCell } from "./document/index.ts";
export * from "./format/index.ts";
export * from "./json/index.ts";
export * from "./output/index.ts";
export * from "./text/index.ts";
