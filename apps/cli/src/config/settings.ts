/**
 * Settings: `config.toml` in the configuration folder, over the built-in defaults. The command line's own are listed here; the host
 * reads its limits from the same file, so unknown tables are left alone.
 *   C1  A missing file is no error. A file that can't be read as TOML is one that names the line.
 *   C2  A wrong value is reported with its key and what it may be, and is never taken for the default.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HoldError } from "@holdfast/sdk";
import { parseDuration } from "../read/duration.ts";
import { parseKey } from "../read/key.ts";
import type { ColourChoice } from "../show/colour.ts";

export type SettingSource = "default" | "config" | "environment";
export interface Setting {
  readonly key: string;
  readonly value: string | number | boolean;
  readonly source: SettingSource;
  readonly brief: string;
}

export interface Settings {
  readonly file: string;
  readonly prefix: string;
  readonly colour: ColourChoice;
  readonly screen: "alternate" | "main";
  readonly statusMs: number;
  readonly shell: string | undefined;
  readonly floor: "turn" | "open";
  readonly all: readonly Setting[];
}

interface Known {
  readonly brief: string;
  readonly fallback: string | number | boolean;
  readonly env?: string;
  /** Null if the value will do, else what it may be. */
  readonly check: (value: unknown) => string | null;
}

const oneOf =
  (...values: string[]) =>
  (v: unknown) =>
    values.includes(v as string) ? null : `one of ${values.join(", ")}`;
const duration = (v: unknown) => (typeof v === "string" && parseDuration(v) !== null ? null : 'a duration such as "10m"');
const count = (v: unknown) => (typeof v === "number" && Number.isInteger(v) && v >= 0 ? null : "a whole number, 0 or more");

/** Every setting that the command line and the host know, by its dotted key. */
export const known: Readonly<Record<string, Known>> = {
  "attach.prefix": {
    brief: "key that opens the commands of an attachment",
    fallback: "C-q",
    env: "HOLDFAST_PREFIX",
    check: (v) => (typeof v === "string" && (parseKey(v)?.length ?? 2) === 1 ? null : 'one key such as "C-q"'),
  },
  "attach.screen": {
    brief: "draw on the outer terminal's alternate or main screen",
    fallback: "alternate",
    check: oneOf("alternate", "main"),
  },
  "attach.status": {
    brief: "how long the line of who is there and who steers stays; 0s for never",
    fallback: "2s",
    check: duration,
  },
  "show.colour": { brief: "colour of tables and messages", fallback: "auto", check: oneOf("auto", "always", "never") },
  "new.shell": {
    brief: "shell of `hold new` without a command; empty: $SHELL",
    fallback: "",
    check: (v) => (typeof v === "string" ? null : "a path"),
  },
  "new.floor": { brief: "who may type into new sessions: one at a time, or all", fallback: "turn", check: oneOf("turn", "open") },
  "host.sessions": { brief: "most live sessions", fallback: 4_000, check: count },
  "host.output_retention_mib": { brief: "output kept of a session, MiB", fallback: 64, check: count },
  "host.record_retention_days": { brief: "how long it is kept who did what, days", fallback: 90, check: count },
  "host.record_retention_mib": { brief: "and how much of it, MiB", fallback: 2_048, check: count },
};

export function configFile(folder: string): string {
  return join(folder, "config.toml");
}

/** `{attach: {prefix: "C-a"}}` as `attach.prefix` → `C-a`. */
export function flatten(table: Readonly<Record<string, unknown>>, prefix = ""): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [key, value] of Object.entries(table)) {
    const name = prefix + key;
    if (value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Date))
      for (const [k, v] of flatten(value as Record<string, unknown>, `${name}.`)) flat.set(k, v);
    else flat.set(name, value);
  }
  return flat;
}

export function checkSetting(key: string, value: unknown, file: string): string | number | boolean {
  const wrong = known[key]?.check(value) ?? null;
  if (wrong !== null)
    throw new HoldError(
      "usage",
      `${file}: ${key} is ${JSON.stringify(value)} and must be ${wrong}; \`hold config set ${key} VALUE\` corrects it`,
    );
  return value as string | number | boolean;
}

export async function loadSettings(folder: string, env: Readonly<Record<string, string | undefined>>): Promise<Settings> {
  const file = configFile(folder);
  let set = new Map<string, unknown>();
  if (existsSync(file)) {
    // Loaded only where there is a file: most starts have none.
    const { parse } = await import("smol-toml");
    try {
      set = flatten(parse(readFileSync(file, "utf8")));
    } catch (error) {
      throw new HoldError(
        "usage",
        `${file} could not be read: ${(error as Error).message.split("\n")[0]}; \`hold config edit\` opens it`,
        {},
        { cause: error },
      );
    }
  }
  const all: Setting[] = Object.entries(known).map(([key, { brief, fallback, env: name }]) => {
    const fromEnv = name ? env[name] : undefined;
    if (fromEnv !== undefined && fromEnv !== "")
      return { key, brief, value: checkSetting(key, fromEnv, `$${name}`), source: "environment" as const };
    return set.has(key)
      ? { key, brief, value: checkSetting(key, set.get(key), file), source: "config" as const }
      : { key, brief, value: fallback, source: "default" as const };
  });
  const of = (key: string) => all.find((s) => s.key === key)!.value;
  return {
    file,
    prefix: parseKey(String(of("attach.prefix")))!,
    colour: of("show.colour") as ColourChoice,
    screen: of("attach.screen") as "alternate" | "main",
    statusMs: parseDuration(String(of("attach.status")))!,
    shell: String(of("new.shell")) || undefined,
    floor: of("new.floor") as "turn" | "open",
    all,
  };
}
