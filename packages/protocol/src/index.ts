/** What is said: message types, codes, limits and the frame codec. The schema is proto/; the rules are docs/protocol.md. */
export * from "./message.ts";
export * from "./wire/names.ts";
export * from "./code.ts";
export * from "./exact-text.ts";
export * from "./frame.ts";
export * from "./limits.ts";
export * from "./transcript.ts";
export * from "./head/index.ts";
export * from "./without-secret.ts";
