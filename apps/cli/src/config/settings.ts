/**
 * Settings: `config.toml` in the configuration folder, over the built-in defaults. The command line's own are listed here; the host
 * reads its limits from the same file, so unknown tables are left alone.
 *   C1  A missing file is no error. A file that can't be read as TOML is one that names the line.
 *   C2  A wrong value is reported with its key and what it may be, and is never taken for the default: using it fails, and what
 *       does not use it goes on.
 *   C3  A key that nobody knows is told of, with the line and what was perhaps meant; it stops nothing, since an older `hold` may
 *       read a newer one's file.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HoldError, parseKey } from "@holdfast/sdk";
import { parseDuration } from "../read/duration.ts";
import { didYouMean } from "../read/near.ts";
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
  readonly remoteSsh: string;
  readonly remoteHold: string;
  readonly all: readonly Setting[];
  /** What is wrong with the file, each with its line: unknown keys, and values that will not do. */
  readonly problems: readonly string[];
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
const text = (what: string) => (v: unknown) => (typeof v === "string" ? null : what);
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
  "remote.ssh": {
    brief: "program that reaches other machines, as `ssh` would be called",
    fallback: "ssh",
    check: (v) => (typeof v === "string" && v !== "" ? null : "a program's name or path"),
  },
  "remote.hold": {
    brief: "what `hold` is called on other machines, where it is not on the path of a login without a terminal",
    fallback: "hold",
    check: (v) => (typeof v === "string" && v !== "" ? null : "a program's name or path"),
  },
  "host.sessions": { brief: "most live sessions", fallback: 4_000, check: count },
  "host.listen": {
    brief: "where the host listens besides its socket; empty: nowhere",
    fallback: "",
    check: text("an address and port such as 127.0.0.1:7433"),
  },
  "host.tls_cert": { brief: "certificate chain for that, PEM", fallback: "", check: text("a path") },
  "host.tls_key": { brief: "its key, PEM", fallback: "", check: text("a path") },
  "host.allow_host": { brief: "names that clients may ask for, with blanks between", fallback: "", check: text("names") },
  "host.console": {
    brief: "where the host listens, serve the console too",
    fallback: false,
    check: (v) => (typeof v === "boolean" ? null : "true or false"),
  },
  "host.allow_origin": { brief: "origins whose pages may connect, with blanks between", fallback: "", check: text("URLs") },
  "host.ssh": {
    brief: "where the host takes ssh clients; empty: nowhere",
    fallback: "",
    check: text("an address and port such as 127.0.0.1:2222"),
  },
  "host.forward": {
    brief: "who is led to ports of sessions: nobody, `ssh -L` alone, or `hold forward` and `hold preview` too",
    fallback: "ssh",
    check: oneOf("off", "ssh", "on"),
  },
  "host.output_retention_mib": { brief: "output kept of a session, MiB", fallback: 64, check: count },
  "host.record_retention_days": { brief: "how long it is kept who did what, days", fallback: 90, check: count },
  "host.record_retention_mib": { brief: "and how much of it, MiB", fallback: 2_048, check: count },
  "oidc.issuer": {
    brief: "where people of this host log in; empty: nowhere",
    fallback: "",
    check: text("a URL such as https://login.example"),
  },
  "oidc.client_id": { brief: "what this host is called there", fallback: "", check: text("a client id") },
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

export function checkSetting(key: string, value: unknown, where: string): string | number | boolean {
  const wrong = known[key]?.check(value) ?? null;
  if (wrong !== null) throw new HoldError("usage", wrongValue(key, value, wrong, where));
  return value as string | number | boolean;
}

function wrongValue(key: string, value: unknown, wanted: string, where: string): string {
  return `${where}: ${key} is ${JSON.stringify(value)} and must be ${wanted}; \`hold config set ${key} VALUE\` corrects it`;
}

/** Line of a TOML text that sets `key` (dotted), from 1; 0 where it is written in a way that is not looked for. */
export function lineOf(text: string, key: string): number {
  let head = "";
  for (const [i, line] of text.split("\n").entries()) {
    head = /^\s*\[\s*([\w.-]+)\s*\]/.exec(line)?.[1] ?? head;
    const name = /^\s*([\w.-]+)\s*=/.exec(line)?.[1];
    if (name !== undefined && (head === "" ? name : `${head}.${name}`) === key) return i + 1;
  }
  return 0;
}

export async function loadSettings(folder: string, env: Readonly<Record<string, string | undefined>>): Promise<Settings> {
  const file = configFile(folder);
  let set = new Map<string, unknown>();
  let text = "";
  if (existsSync(file)) {
    // Loaded only where there is a file: most starts have none.
    const { parse } = await import("smol-toml");
    try {
      text = readFileSync(file, "utf8");
      set = flatten(parse(text));
    } catch (error) {
      throw new HoldError(
        "usage",
        `${file} could not be read: ${(error as Error).message.split("\n")[0]}; \`hold config edit\` opens it`,
        {},
        { cause: error },
      );
    }
  }
  const at = (key: string): string => {
    const line = lineOf(text, key);
    return line > 0 ? `${file}:${line}` : file;
  };
  const wrong = new Map<string, string>();
  const problems = [...set.keys()]
    .filter((key) => !Object.hasOwn(known, key))
    .map((key) => `${at(key)}: there is no setting ${JSON.stringify(key)}${didYouMean(key, Object.keys(known))}`);
  const all: Setting[] = Object.entries(known).map(([key, { brief, fallback, env: name, check }]) => {
    const fromEnv = name ? env[name] : undefined;
    const [value, source, where] =
      fromEnv !== undefined && fromEnv !== ""
        ? ([fromEnv, "environment", `$${name}`] as const)
        : set.has(key)
          ? ([set.get(key), "config", at(key)] as const)
          : ([fallback, "default", ""] as const);
    const wanted = check(value);
    if (wanted !== null) wrong.set(key, wrongValue(key, value, wanted, where));
    return { key, brief, value: value as Setting["value"], source };
  });
  problems.push(...wrong.values());
  // C2: the use of a value throws, and not the reading of the file.
  const of = (key: string): Setting["value"] => {
    const why = wrong.get(key);
    if (why !== undefined) throw new HoldError("usage", why);
    return all.find((s) => s.key === key)!.value;
  };
  return {
    file,
    all,
    problems,
    get prefix() {
      return parseKey(String(of("attach.prefix")))!;
    },
    get colour() {
      return of("show.colour") as ColourChoice;
    },
    get screen() {
      return of("attach.screen") as "alternate" | "main";
    },
    get remoteSsh() {
      return String(of("remote.ssh"));
    },
    get remoteHold() {
      return String(of("remote.hold"));
    },
    get statusMs() {
      return parseDuration(String(of("attach.status")))!;
    },
    get shell() {
      return String(of("new.shell")) || undefined;
    },
    get floor() {
      return of("new.floor") as "turn" | "open";
    },
  };
}
