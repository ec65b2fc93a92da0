/**
 * The policy file: TOML text into what core/policy rules by. Its form is docs/policy.md.
 *
 *   F1  A file is taken whole or not at all. Everything that is wrong with it is told at once, each with its line or key and with
 *       what would be right there.
 *   F2  A key that is not known is wrong: a misspelt `deny` must not read as nothing said.
 */
import {
  type AiPolicy,
  approvalLimits,
  type CommandRule,
  type Deed,
  deeds,
  type Level,
  neverAsked,
  type Ruling,
  rulings,
  type Section,
  usualSecretNames,
} from "@holdfast/core";
import { parse, TomlError } from "smol-toml";

export type ReadPolicy =
  | { readonly ok: true; readonly policy: AiPolicy }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Of the whole text: it is parsed in the loop that moves everybody's bytes. */
const MAX_BYTES = 64 * 1024;
const MAX_SECTIONS = 200;
const MAX_RULES = 500;
const MAX_NAMES = 200;
/** Of a variable, with `*` and `?`; `*` alone would make a secret of the user's own name. */
const VARIABLE = /^(?=.*[A-Za-z0-9_])[A-Za-z0-9_*?]{1,64}$/;
const LIKE = /^[A-Za-z0-9._*?-]{1,64}$/;

type Table = Readonly<Record<string, unknown>>;

export function readPolicy(text: string): ReadPolicy {
  const problems: string[] = [];
  const policy = new Reader(problems).read(text);
  return policy && problems.length === 0 ? { ok: true, policy } : { ok: false, problems };
}

class Reader {
  readonly #problems: string[];
  #rules = 0;

  constructor(problems: string[]) {
    this.#problems = problems;
  }

  read(text: string): AiPolicy | null {
    if (Buffer.byteLength(text) > MAX_BYTES) return this.#wrong(`it has more than ${MAX_BYTES} bytes, which is the most`);
    let root: Table;
    try {
      root = parse(text) as Table;
    } catch (fault) {
      if (!(fault instanceof TomlError)) throw fault;
      return this.#wrong(
        `line ${fault.line}, column ${fault.column}: ${fault.message.split("\n")[0]!.replace(/^Invalid TOML document: /, "")}`,
      );
    }
    this.#known(root, ["version", "ai", "session", "approvals", "secrets"], "at the top");
    if (root["version"] !== 1) this.#wrong(`version is ${shown(root["version"])}; this host reads version = 1`);
    const ai = this.#table(root["ai"], "[ai]");
    const { otherwise, ...said } = ai;
    if (otherwise !== undefined && otherwise !== "allow" && otherwise !== "deny")
      this.#wrong(`[ai] otherwise is ${shown(otherwise)}; "allow" or "deny" is meant`);
    const sections = root["session"] ?? [];
    if (!Array.isArray(sections) || sections.length > MAX_SECTIONS)
      this.#wrong(`session is ${shown(sections)}; sections are written [[session]], ${MAX_SECTIONS} at most`);
    return {
      everywhere: this.#level(said, "[ai]"),
      sections: (Array.isArray(sections) ? sections : []).map((section, i) =>
        this.#section(section, `[[session]] number ${i + 1}`),
      ),
      otherwise: otherwise === "allow" ? "allow" : "deny",
      approvalMs: this.#approvalMs(this.#table(root["approvals"], "[approvals]")),
      secretNames: this.#secretNames(this.#table(root["secrets"], "[secrets]")),
    };
  }

  #section(value: unknown, where: string): Section {
    const { name, group, ...said } = this.#table(value, where);
    for (const [key, like] of [
      ["name", name],
      ["group", group],
    ] as const)
      if (like !== undefined && !(typeof like === "string" && LIKE.test(like)))
        this.#wrong(
          `${where}: ${key} is ${shown(like)}; a name is meant, in which * stands for any text and ? for one character`,
        );
    if (name === undefined && group === undefined)
      this.#wrong(`${where} has neither a name nor a group: which sessions is it about?`);
    return {
      ...this.#level(said, where),
      name: typeof name === "string" ? name : null,
      group: typeof group === "string" ? group : null,
    };
  }

  #level(table: Table, where: string): Level {
    const { commands, files, ...rest } = table;
    // `files.read = …` is a table of its own to TOML.
    const inFiles = this.#table(files, `${where} files`);
    const said = { ...rest, ...Object.fromEntries(Object.entries(inFiles).map(([key, value]) => [`files.${key}`, value])) };
    this.#known(said, deeds, where);
    const words: Partial<Record<Deed, Ruling>> = {};
    for (const deed of deeds) {
      const word = (said as Table)[deed];
      if (word === undefined) continue;
      const may = rulings.filter((r) => r !== "ask" || !neverAsked.includes(deed));
      if (may.includes(word as Ruling)) words[deed] = word as Ruling;
      else this.#wrong(`${where} ${deed} is ${shown(word)}; ${either(may)} is meant`);
    }
    return { words, commands: this.#commands(commands, where) };
  }

  #commands(value: unknown, where: string): CommandRule[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.#wrong(
        `${where} commands is ${shown(value)}; rules are written [[${where.includes("session") ? "session" : "ai"}.commands]]`,
      );
      return [];
    }
    this.#rules += value.length;
    if (this.#rules > MAX_RULES)
      this.#wrong(`${where}: there are more than ${MAX_RULES} rules about commands, which is the most`);
    return value.flatMap((rule, i) => this.#command(rule, `${where} command rule number ${i + 1}`) ?? []);
  }

  #command(value: unknown, where: string): CommandRule | null {
    const table = this.#table(value, where);
    this.#known(table, ["starts", "is", "rule", "only"], where);
    const { starts, is, rule, only } = table;
    const words = starts ?? is;
    if ((starts === undefined) === (is === undefined) || !isWords(words))
      return this.#wrong(
        `${where}: starts = ["git", "status"] (these words first) or is = ["ls"] (these and no more) is meant, one of the two, with a word or more`,
      );
    if (words[0]!.includes("=") || words.some((word) => word === ""))
      return this.#wrong(`${where}: ${shown(words)} begins with no program's name, or holds an empty word`);
    if (!rulings.includes(rule as Ruling)) return this.#wrong(`${where}: rule is ${shown(rule)}; ${either(rulings)} is meant`);
    if (only !== undefined && only !== "run" && only !== "exec")
      return this.#wrong(`${where}: only is ${shown(only)}; "run" or "exec" is meant`);
    return { words, isWhole: is !== undefined, ruling: rule as Ruling, only: only ?? null };
  }

  #approvalMs(table: Table): number {
    this.#known(table, ["seconds"], "[approvals]");
    const { leastMs, mostMs, usualMs } = approvalLimits;
    const { seconds } = table;
    if (seconds === undefined) return usualMs;
    if (typeof seconds === "number" && seconds * 1_000 >= leastMs && seconds * 1_000 <= mostMs)
      return Math.round(seconds * 1_000);
    this.#wrong(`[approvals] seconds is ${shown(seconds)}; a number from ${leastMs / 1_000} to ${mostMs / 1_000} is meant`);
    return usualMs;
  }

  #secretNames(table: Table): readonly string[] {
    this.#known(table, ["names"], "[secrets]");
    const { names } = table;
    if (names === undefined) return usualSecretNames;
    if (
      Array.isArray(names) &&
      names.length <= MAX_NAMES &&
      names.every((name) => typeof name === "string" && VARIABLE.test(name))
    )
      return names as string[];
    this.#wrong(
      `[secrets] names is ${shown(names)}; names of variables are meant, ${MAX_NAMES} at most, like ["API_KEY", "*_TOKEN"]; [] for none`,
    );
    return usualSecretNames;
  }

  #table(value: unknown, where: string): Table {
    if (value === undefined) return {};
    if (typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)) return value as Table;
    this.#wrong(`${where} is ${shown(value)}; a table is meant`);
    return {};
  }

  #known(table: Table, keys: readonly string[], where: string): void {
    for (const key of Object.keys(table))
      if (!keys.includes(key)) this.#wrong(`${where}: there is no key ${JSON.stringify(key)}; keys are ${keys.join(", ")}`);
  }

  #wrong(problem: string): null {
    this.#problems.push(problem);
    return null;
  }
}

function isWords(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.length <= 32 && value.every((word) => typeof word === "string");
}

function shown(value: unknown): string {
  return value === undefined ? "missing" : (JSON.stringify(value) ?? String(value)).slice(0, 80);
}

function either(words: readonly string[]): string {
  return words.map((word) => JSON.stringify(word)).join(" or ");
}
