export { overwritten } from "./overwrite.ts";
export { sanitized } from "./sanitize.ts";
export { cellText, imageOf, outputText, readableMime, type TextOptions } from "./show.ts";
