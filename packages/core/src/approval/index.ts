export * from "./approval.ts";
