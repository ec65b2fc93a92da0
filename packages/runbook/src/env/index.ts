export * from "./dotenv.ts";
export * from "./stored.ts";
export * from "./ask.ts";
