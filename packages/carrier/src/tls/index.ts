export * from "./certificate.ts";
export * from "./secure.ts";
