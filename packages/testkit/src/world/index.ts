export * from "./checks.ts";
export * from "./operators.ts";
export * from "./sim-client.ts";
export * from "./storm.ts";
export * from "./world.ts";
