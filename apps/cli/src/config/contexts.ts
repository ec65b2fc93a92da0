/** Contexts as they are kept: `contexts.json` in the folder of config.toml, written by `hold context` alone. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { usage } from "../app/fail.ts";
import { type Contexts, NO_CONTEXTS } from "../app/target.ts";

const fileOf = (folder: string): string => join(folder, "contexts.json");

/** Throws `usage` for a file that can't be read: what is meant is not guessed. */
export function readContexts(folder: string): Contexts {
  const file = fileOf(folder);
  if (!existsSync(file)) return NO_CONTEXTS;
  try {
    const { current = "", places = {} } = objectIn(JSON.parse(readFileSync(file, "utf8"))) as Partial<Contexts>;
    if (typeof current !== "string") throw new Error("`current` is no text");
    for (const place of Object.values(objectIn(places))) objectIn(place);
    return { current, places };
  } catch (cause) {
    throw usage(`${file} can't be read (${(cause as Error).message}); put it right, or remove it`);
  }
}

function objectIn(value: unknown): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new Error("it is none of ours");
}

export function writeContexts(folder: string, contexts: Contexts): void {
  const file = fileOf(folder);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, `${JSON.stringify(contexts, null, 1)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
