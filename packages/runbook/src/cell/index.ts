export * from "./cell.ts";
export { type AnnotationForm, canonicalInfo, type Info, withAnnotations } from "./annotation.ts";
export * from "./language.ts";
export { namer } from "./name.ts";
