/** The command line, run as a person of some machine would run it. */
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { homeFolder } from "@holdfast/sdk/node";
import { leftMs } from "./processes.ts";
import type { World } from "./world.ts";

export const holdPath = fileURLToPath(new URL("../../../bin/hold", import.meta.url));

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a machine is to a command: its environment, and the home that follows from it. */
export interface Machine {
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
}

/** Another machine than the world's: no host, no key, nothing known. */
export function machine(w: World, name: string): Machine {
  const user = w.path(name);
  mkdirSync(user);
  const env = { ...w.env, HOME: user, HOLDFAST_HOME: `${user}/state`, XDG_CONFIG_HOME: `${user}/.config` };
  return { env, home: homeFolder(env) };
}

/** `cwd`: default this process's. */
export function hold({ env, cwd }: Pick<Machine, "env"> & { readonly cwd?: string }, ...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(holdPath, args, { env, cwd, encoding: "utf8", timeout: leftMs() }, (fault, out, err) =>
      resolve({ code: fault ? (typeof fault.code === "number" ? fault.code : -1) : 0, out: out.trim(), err: err.trim() }),
    );
  });
}

/** The same where it must not fail; what it printed. */
export async function held(on: Pick<Machine, "env">, ...args: readonly string[]): Promise<string> {
  const { code, out, err } = await hold(on, ...args);
  if (code !== 0) throw new Error(`hold ${args.join(" ")}: exit ${code}, ${err}`);
  return out;
}
