/** What is said: message types, codes, limits and the frame codec. The schema is proto/; the rules are docs/protocol.md. */
export * from "@holdfast/protocol/wire/session";
export * from "@holdfast/protocol/wire/event";
export * from "@holdfast/protocol/wire/error";
export * from "@holdfast/protocol/wire/link";
export * from "./code.ts";
export * from "./frame.ts";
export * from "./limits.ts";
export * from "./transcript.ts";
