/**
 * What an AI may do beyond what its role lets it: the policy's ruling on one deed. The policy is read from a file by the host
 * (host/policy); rights that no AI holds whatever the policy says are policy.ts P2.
 *
 *   A1  What a session's own sections say goes before what is said for everywhere; where neither says anything, `otherwise` holds.
 *   A2  At one level the rules about commands that match go before the word for the deed, and of several the strictest counts:
 *       deny over ask over allow.
 *   A3  A command line that is not plain words (words.ts) is matched by no rule that allows and by every one that does not, and
 *       the strictest of those and the word for the deed counts: nobody knows what is in it.
 *   A4  No AI opens a session that has sections of its own, unless these say so: a name is no way into looser rules.
 */
import { isLike } from "./like.ts";
import { usualSecretNames } from "./secret-names.ts";

/** Everything that an AI can do, in the words of the file. */
export const deeds = [
  "observe",
  "run",
  "exec",
  "keys",
  "signals",
  "files.read",
  "files.write",
  "resize",
  "floor",
  "open",
  "end",
] as const;
export type Deed = (typeof deeds)[number];

/** From the loosest to the strictest. */
export const rulings = ["allow", "ask", "deny"] as const;
export type Ruling = (typeof rulings)[number];

/** Deeds that nobody is asked about: they come with every frame, or change nothing that a person could look at first. */
export const neverAsked: readonly Deed[] = ["observe", "resize", "floor"];

/** A rule about what `run` and `exec` may start. */
export interface CommandRule {
  /** The first words of the command, each equal to the last letter. */
  readonly words: readonly string[];
  /** These words and no more. */
  readonly isWhole: boolean;
  readonly ruling: Ruling;
  /** For this deed alone; null: for both. */
  readonly only: "run" | "exec" | null;
}

export interface Level {
  readonly words: Readonly<Partial<Record<Deed, Ruling>>>;
  readonly commands: readonly CommandRule[];
}

/** Of the sessions whose name or group it is: `*` stands for any text, `?` for one character. */
export interface Section extends Level {
  readonly name: string | null;
  readonly group: string | null;
}

export interface AiPolicy {
  readonly everywhere: Level;
  readonly sections: readonly Section[];
  readonly otherwise: "allow" | "deny";
  /** How long a request waits for a person. */
  readonly approvalMs: number;
  /** Names of variables whose values no AI is shown, in whatever letters: `*` stands for any text, `?` for one character. */
  readonly secretNames: readonly string[];
}

export const approvalLimits = { leastMs: 5_000, mostMs: 300_000, usualMs: 60_000 } as const;

/** Without a file: an AI may do what its role lets it. */
export const openPolicy: AiPolicy = {
  everywhere: { words: {}, commands: [] },
  sections: [],
  otherwise: "allow",
  approvalMs: approvalLimits.usualMs,
  secretNames: usualSecretNames,
};

/** For a file that was in force and can't be read any more. */
export const closedPolicy: AiPolicy = { ...openPolicy, otherwise: "deny" };

export interface SessionNames {
  readonly name: string;
  readonly group: string;
}

export interface Question {
  readonly deed: Deed;
  /** Null: no session yet, nor one of that name. */
  readonly session: SessionNames | null;
  /** Of `run` and `exec`: the words, or null for a command line that is not plain words. Absent for every other deed. */
  readonly command?: readonly string[] | null;
}

export interface Ruled {
  readonly ruling: Ruling;
  /** Where that is said, for whoever is refused. */
  readonly because: string;
}

export function ruleOn(policy: AiPolicy, question: Question): Ruled {
  const own = sectionsOf(policy, question.session);
  const said = strictest(own.map((section) => saidAt(section, question, labelOf(section))));
  if (said) return said;
  if (question.deed === "open" && own.length > 0)
    return { ruling: "deny", because: `${labelOf(own[0]!)}, which says nothing of open` };
  return (
    saidAt(policy.everywhere, question, "[ai]") ?? {
      ruling: policy.otherwise,
      because: `[ai], which says nothing of ${question.deed}`,
    }
  );
}

/** The sections that speak of this session. */
export function sectionsOf({ sections }: AiPolicy, session: SessionNames | null): readonly Section[] {
  if (!session) return [];
  return sections.filter(
    ({ name, group }) =>
      (name === null || isLike(name, session.name)) && (group === null || (session.group !== "" && isLike(group, session.group))),
  );
}

/** A1: several sections of one session are one level. */
function strictest(said: readonly (Ruled | null)[]): Ruled | null {
  return said.reduce((most, one) => (!most || (one && rank(one) > rank(most)) ? one : most), null);
}

const rank = ({ ruling }: Pick<Ruled, "ruling">): number => rulings.indexOf(ruling);

function saidAt(level: Level, { deed, command }: Question, where: string): Ruled | null {
  const word = level.words[deed];
  const base: Ruled | null = word ? { ruling: word, because: `${where} ${deed} = ${JSON.stringify(word)}` } : null;
  if (command === undefined) return base;
  const told = level.commands
    .filter((rule) => rule.only === null || rule.only === deed)
    .filter((rule) => (command === null ? rule.ruling !== "allow" : matches(rule, command)))
    .map((rule) => ({ ruling: rule.ruling, because: `${where} the rule about ${JSON.stringify(rule.words.join(" "))}` }));
  if (command === null) return strictest([base, ...told]);
  return strictest(told) ?? base;
}

/** A stricter rule matches a program by its path's last part too. It is no fence: only what is allowed can be listed to the end. */
function matches(rule: CommandRule, argv: readonly string[]): boolean {
  const { words, isWhole, ruling } = rule;
  if (isWhole ? argv.length !== words.length : argv.length < words.length) return false;
  return words.every(
    (word, i) => word === argv[i] || (i === 0 && ruling !== "allow" && word === argv[0]?.slice(argv[0].lastIndexOf("/") + 1)),
  );
}

function labelOf({ name, group }: Section): string {
  return `[[session]] ${name !== null ? `name = ${JSON.stringify(name)}` : ""}${name !== null && group !== null ? " " : ""}${group !== null ? `group = ${JSON.stringify(group)}` : ""}`;
}
