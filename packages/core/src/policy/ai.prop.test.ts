/** The ruling against a model that knows nothing of how it is found: a list of everything that was said, and which word counts. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type AiPolicy,
  type CommandRule,
  type Deed,
  deeds,
  isLike,
  type Level,
  type Ruling,
  ruleOn,
  rulings,
  type Section,
} from "./index.ts";

const ruling = fc.constantFrom(...rulings);
const word = fc.constantFrom("ls", "rm", "git", "status", "push", "/bin/rm");
const argv = fc.array(word, { minLength: 1, maxLength: 3 });
const deed = fc.constantFrom<Deed>("run", "exec", "keys", "open", "signals");
const rule: fc.Arbitrary<CommandRule> = fc.record({
  words: argv,
  isWhole: fc.boolean(),
  ruling,
  only: fc.constantFrom("run" as const, "exec" as const, null),
});
const level: fc.Arbitrary<Level> = fc.record({
  words: fc.dictionary(deed, ruling, { maxKeys: 4 }) as fc.Arbitrary<Partial<Record<Deed, Ruling>>>,
  commands: fc.array(rule, { maxLength: 3 }),
});
const name = fc.constantFrom("a", "ab", "prod", "prod-1");
const like = fc.constantFrom("a", "a*", "prod*", "*", "pro?");
const section: fc.Arbitrary<Section> = fc
  .tuple(
    level,
    fc.oneof(fc.record({ name: like, group: fc.constant(null) }), fc.record({ name: fc.constant(null), group: like })),
  )
  .map(([l, of]) => ({ ...l, ...of }));
const policy: fc.Arbitrary<AiPolicy> = fc.record({
  everywhere: level,
  sections: fc.array(section, { maxLength: 3 }),
  otherwise: fc.constantFrom("allow" as const, "deny" as const),
  approvalMs: fc.constant(60_000),
  secretNames: fc.constant([]),
});

interface Asked {
  readonly deed: Deed;
  readonly session: { readonly name: string; readonly group: string };
  readonly command: readonly string[] | null | undefined;
}
const question: fc.Arbitrary<Asked> = fc
  .record({
    deed,
    session: fc.record({ name, group: fc.constantFrom("", "prod", "a") }),
    command: fc.oneof(argv, fc.constant(null)),
  })
  .map((q) => (q.deed === "run" || q.deed === "exec" ? q : { ...q, command: undefined }));

/** Ten lines. */
function model(p: AiPolicy, q: Asked): Ruling {
  const strict = (words: Ruling[]): Ruling | undefined => (["deny", "ask", "allow"] as const).find((w) => words.includes(w));
  const hits = (r: CommandRule, c: readonly string[]): boolean =>
    r.words.join() === c.slice(0, r.words.length).join() && (!r.isWhole || c.length === r.words.length);
  const base = (c: readonly string[]): string[] => [c[0]!.split("/").at(-1)!, ...c.slice(1)];
  const at = (l: Level): Ruling | undefined => {
    const own = l.words[q.deed] ? [l.words[q.deed]!] : [];
    if (q.command === undefined) return own[0];
    const rules = l.commands.filter((r) => r.only === null || r.only === q.deed);
    if (q.command === null) return strict([...own, ...rules.filter((r) => r.ruling !== "allow").map((r) => r.ruling)]);
    const c = q.command;
    return strict(rules.filter((r) => hits(r, c) || (r.ruling !== "allow" && hits(r, base(c)))).map((r) => r.ruling)) ?? own[0];
  };
  const mine = p.sections.filter((s) =>
    s.name ? isLike(s.name, q.session.name) : q.session.group !== "" && isLike(s.group!, q.session.group),
  );
  const said = strict(mine.flatMap((s) => at(s) ?? []));
  return said ?? (q.deed === "open" && mine.length > 0 ? "deny" : (at(p.everywhere) ?? p.otherwise));
}

const ask = (p: AiPolicy, { command, ...q }: Asked): Ruling => ruleOn(p, command === undefined ? q : { ...q, command }).ruling;

test("the ruling is what the model says, for any policy and question", () => {
  fc.assert(
    fc.property(policy, question, (p, q) => {
      expect(ask(p, q)).toBe(model(p, q));
    }),
    { numRuns: 3_000 },
  );
});

test("A3: a line that is not plain words is never ruled more loosely than any plain command at the same level would allow it", () => {
  fc.assert(
    fc.property(policy, question, argv, (p, q, hidden) => {
      fc.pre(q.command !== undefined && p.sections.length === 0 && p.everywhere.words[q.deed] !== undefined);
      const unknown = ask(p, { ...q, command: null });
      const told = p.everywhere.commands.filter((r) => (r.only === null || r.only === q.deed) && r.ruling !== "allow");
      // Whatever is hidden in it, its own ruling is no stricter, unless a rule that allows made it looser.
      if (told.length > 0)
        for (const r of told) expect(rulings.indexOf(unknown)).toBeGreaterThanOrEqual(rulings.indexOf(r.ruling));
      expect(rulings.indexOf(unknown)).toBeGreaterThanOrEqual(rulings.indexOf(p.everywhere.words[q.deed]!));
      expect(rulings.indexOf(unknown)).toBeGreaterThanOrEqual(
        rulings.indexOf(ask(p, { ...q, command: hidden }) === "allow" ? "allow" : unknown),
      );
    }),
  );
});

test("adding a rule that denies never loosens anything", () => {
  fc.assert(
    fc.property(policy, question, argv, (p, q, words) => {
      const more = {
        ...p,
        everywhere: {
          ...p.everywhere,
          commands: [...p.everywhere.commands, { words, isWhole: false, ruling: "deny" as const, only: null }],
        },
      };
      const before = ask(p, q);
      const after = ask(more, q);
      expect(rulings.indexOf(after)).toBeGreaterThanOrEqual(rulings.indexOf(before));
    }),
  );
});

test("a pattern of stars and question marks means what a regular expression of it does, and takes no longer for being long", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ab*?]{0,8}$/), fc.stringMatching(/^[ab]{0,8}$/), (pattern, text) => {
      const regex = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
      expect(isLike(pattern, text)).toBe(regex.test(text));
    }),
  );
  expect(isLike(`${"*a".repeat(31)}*b`, "a".repeat(64))).toBe(false);
});

test("every deed is one that a question may ask about", () => {
  for (const d of deeds)
    expect(rulings).toContain(
      ruleOn(
        { everywhere: { words: {}, commands: [] }, sections: [], otherwise: "deny", approvalMs: 1, secretNames: [] },
        { deed: d, session: null },
      ).ruling,
    );
});
