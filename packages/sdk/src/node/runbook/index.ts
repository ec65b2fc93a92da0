/** Runbooks on this machine: {@link findRunbooks}, {@link readRunbook}, {@link machineHere}, {@link readEnvFiles}; and all of `@holdfast/sdk/runbook`. */
export * from "../../runbook/index.ts";
export { type EnvFiles, readEnvFiles } from "./env-files.ts";
export { type HereOptions, machineHere } from "./machine.ts";
export { findRunbooks, type FoundRunbooks, readRunbook, rootOf, type TreeOptions } from "./tree.ts";
export { ulid } from "./ulid.ts";
