/** `.env` files and the spec beside them. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { HoldError } from "@holdfast/protocol";
import { parseEnv, parseSpec, type Spec, usualEnvFiles } from "@holdfast/runbook";

export interface EnvFiles {
  readonly variables: Readonly<Record<string, string>>;
  readonly specs: readonly Spec[];
}

/**
 * `files`, the best first, relative to `folder`; default `.env.local`, `.env`, and those only where they are there. One that was named and is not there throws
 * HoldError `no_such_file`. `.env.spec` of the folder tells which are secret.
 */
export async function readEnvFiles(folder: string, files?: readonly string[]): Promise<EnvFiles> {
  const variables: Record<string, string> = {};
  for (const name of (files ?? usualEnvFiles).toReversed()) {
    const path = resolve(folder, name);
    const text = await readFile(path, "utf8").catch((fault: unknown) => {
      if (files === undefined) return "";
      throw new HoldError(
        "no_such_file",
        `the env file ${name} can't be read: ${fault instanceof Error ? fault.message : String(fault)}`,
        { path },
        { cause: fault },
      );
    });
    Object.assign(variables, parseEnv(text));
  }
  const spec = await readFile(resolve(folder, ".env.spec"), "utf8").catch(() => "");
  return { variables, specs: parseSpec(spec) };
}
