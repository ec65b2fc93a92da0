export * from "./edit.ts";
export * from "./identity.ts";
