export * from "./cursor.ts";
export * from "./frames.ts";
export * from "./message.ts";
export * from "./text.ts";
