/** What a plan asks of this machine. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { isSecretName, usualSecretNames } from "@holdfast/core";
import type { Machine } from "@holdfast/runbook";
import type { EnvFiles } from "./env-files.ts";

export interface HereOptions {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the caller says, over all files. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly envFiles?: EnvFiles;
  /** Cells run on another machine, of which nothing is known: each language has its first program, and the environment here says nothing. Default false. */
  readonly isElsewhere?: boolean;
}

export function machineHere({ root, env, variables = {}, envFiles, isElsewhere = false }: HereOptions): Machine {
  const known = { ...(isElsewhere ? {} : env), ...envFiles?.variables, ...variables };
  const specs = new Map((envFiles?.specs ?? []).map((spec) => [spec.name, spec.isSecret]));
  return {
    root,
    isElsewhere,
    shell: isElsewhere ? null : (env["SHELL"] ?? null),
    hasProgram: (name) => isElsewhere || isThere(name, env["PATH"] ?? ""),
    kernels: [],
    env: (name) => known[name],
    isSecret: (name) => specs.get(name) ?? isSecretName(usualSecretNames, name),
  };
}

function isThere(name: string, path: string): boolean {
  return (isAbsolute(name) ? [name] : path.split(delimiter).map((folder) => join(folder || ".", name))).some((file) => {
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  });
}
