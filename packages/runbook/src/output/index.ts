export * from "./output.ts";
export * from "./html.ts";
