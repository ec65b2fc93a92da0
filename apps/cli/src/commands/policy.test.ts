import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { HoldError, policyExample, type PolicyInForce, type PolicyQuestion, type PolicyTried } from "@holdfast/sdk";
import { describe, expect, onTestFinished, test } from "vitest";
import { readPolicy } from "../../../../packages/host/src/policy/file.ts";
import { hold, host, nowMs, type World } from "../app/fake.ts";

const policy = (over: Partial<PolicyInForce> = {}): PolicyInForce => ({
  text: "version = 1\n",
  sha256: "ab".repeat(32),
  loadedUnixMs: nowMs,
  loadedBy: "ana",
  path: "/home/ana/policy.toml",
  file: "same",
  fileText: null,
  ...over,
});

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "hold-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("what people are given to begin with, and what the documents show, can be loaded", () => {
  expect(readPolicy(policyExample)).toMatchObject({ ok: true });
  const docs = readFileSync(new URL("../../../../docs/policy.md", import.meta.url), "utf8");
  const shown = [...docs.matchAll(/```toml\n([\s\S]*?)```/g)].map(([, text]) => text!);
  expect(shown.length).toBeGreaterThan(0);
  for (const text of shown) expect(readPolicy(text)).toMatchObject({ ok: true });
});

describe("hold policy", () => {
  test("shows the text that is in force, and nothing else on standard output", async () => {
    const client = host({ policy: async () => policy({ file: "changed", text: "version = 1 # \x1b[2J\n" }) });
    const { out, err } = await hold("policy", { client });
    expect(out.text).toBe("version = 1 # \\e[2J\n");
    expect(err.text).toContain("by ana");
    expect(err.text).toContain("hold policy reload");
    const none = await hold("policy show --json", {
      client: host({ policy: async () => policy({ text: "", sha256: "", loadedBy: "", file: "new" }) }),
    });
    expect(JSON.parse(none.out.text)).toMatchObject({ loaded: false, text: null, file: "new" });
  });

  test("check says what is wrong, with exit 1, and changes nothing", async () => {
    const file = join(scratch(), "p.toml");
    writeFileSync(file, "version = 2\n");
    const client = host({ policyCheck: async (text: string) => (text === "version = 2\n" ? ["version is 2"] : []) });
    const wrong = await hold(["policy", "check", file], { client });
    expect([wrong.code, wrong.out.text]).toEqual([1, `${file}: version is 2\n`]);
    writeFileSync(file, "version = 1\n");
    const right = await hold(["policy", "check", file, "--json"], { client });
    expect([right.code, JSON.parse(right.out.text)]).toEqual([0, { file, problems: [] }]);
  });

  test("check without a file reads the file of the host that is asked, wherever that is", async () => {
    const path = "/home/ben/policy.toml";
    const asks = (read: Partial<PolicyInForce>, capabilities = ["policy.write"]) =>
      hold("--host box policy check", {
        client: host({
          operator: { operator: { id: "op-ana", name: "ana", role: "admin", capabilities } } as never,
          policy: async () => policy({ path, ...read }),
          policyCheck: async (text: string) => (text === "version = 2\n" ? ["version is 2"] : []),
        }),
      });
    const wrong = await asks({ fileText: "version = 2\n", file: "changed" });
    expect([wrong.code, wrong.out.text]).toEqual([1, `${path}: version is 2\n`]);
    const right = await asks({ fileText: "version = 1\n" });
    expect([right.code, right.err.text]).toEqual([0, `${path} can be loaded\n`]);
    const none = await asks({ file: "gone" });
    expect([none.code, none.err.text]).toEqual([1, expect.stringContaining(`[no_such_file] there is no ${path}`)]);
    const shut = await asks({ file: "changed" });
    expect([shut.code, shut.err.text]).toEqual([2, expect.stringContaining(`${path} can't be read by its host`)]);
    const other = await asks({ file: "same" }, []);
    expect([other.code, other.err.text]).toEqual([4, expect.stringContaining("[not_permitted]")]);
  });
});

/** Each time that it is opened, the editor leaves the next of these in the file. */
function editor(...texts: readonly string[]): Record<string, string> {
  const folder = scratch();
  for (const [i, text] of texts.entries()) writeFileSync(join(folder, String(i + 1)), text);
  const script = `n=$(($(cat "$0.n" 2>/dev/null || echo 0) + 1)); echo $n > "$0.n"; cp "$1" "$0.seen"; [ ! -e "$(dirname "$0")/$n" ] || cp "$(dirname "$0")/$n" "$1"`;
  writeFileSync(join(folder, "editor"), script);
  return { HOME: "/home/ana", EDITOR: `sh ${join(folder, "editor")}` };
}
const seenBy = (env: Record<string, string>): string => readFileSync(`${env["EDITOR"]!.slice(3)}.seen`, "utf8");

describe("hold policy edit", () => {
  const deny = 'version = 1\n[ai]\notherwise = "deny"\n';
  const admin = { operator: { id: "op-ana", name: "ana", role: "admin", capabilities: ["policy.write"] } };
  const text = "version = 1\n";
  const before = policy({ text, fileText: text });
  const now = policy({ text: "version = 1 # ben\n", fileText: "version = 1 # ben\n", sha256: "cd".repeat(32) });
  type Save = (text: string, read: PolicyInForce) => Promise<PolicyInForce>;

  /** A host whose policy is the next of these each time that it is read. */
  function world(reads: readonly PolicyInForce[], save: Save, more: Partial<World> = {}): World {
    const left = [...reads];
    const client = host({
      operator: admin as never,
      policy: async () => (left.length > 1 ? left.shift()! : left[0]!),
      policyCheck: async (written: string) => (written.includes("perhaps") ? ["run is perhaps"] : []),
      policySave: save as never,
    });
    return { client, ...more };
  }
  const raced = (): never => {
    throw new HoldError("file_changed", "another policy is in force");
  };
  const draftIn = (said: string): string => / --from (\S+)/.exec(said)![1]!;
  function keptDraft(said: string): string {
    const draft = draftIn(said);
    onTestFinished(() => rmSync(dirname(draft), { recursive: true, force: true }));
    return draft;
  }

  test("what is left in the editor is saved over what was read, and nothing of it stays on this machine", async () => {
    const saves: [string, PolicyInForce][] = [];
    const env = editor(deny);
    const save: Save = async (...asked) => {
      saves.push(asked);
      return policy({ text: deny, fileText: deny });
    };
    const { code, err } = await hold("policy edit", world([before], save, { env }));
    expect([code, saves]).toEqual([0, [[deny, before]]]);
    expect(seenBy(env)).toBe(text);
    expect(err.text).toMatch(/\/home\/ana\/policy\.toml and in force now/);
  });

  test("a file that is not in force is what one goes on from, and an example where there is nothing", async () => {
    for (const [read, begun] of [
      [policy({ text, fileText: deny, file: "changed" }), deny],
      [policy({ text: "", fileText: null, file: "none" }), policyExample],
    ] as const) {
      const env = editor();
      const { code, err } = await hold("policy edit", world([read], raced, { env }));
      expect([code, seenBy(env)]).toEqual([0, begun]);
      expect(err.text).toContain("nothing is saved");
    }
  });

  test("a lost race is told, with both texts kept, and what was there first is not written over", async () => {
    const { code, err } = await hold("policy edit", world([before, now], raced, { env: editor(deny) }));
    expect(code).toBe(1);
    expect(err.text).toContain("[file_changed]");
    const draft = keptDraft(err.text);
    expect(readFileSync(draft, "utf8")).toBe(deny);
    expect(readFileSync(join(dirname(draft), "policy-now.toml"), "utf8")).toBe(now.text);
  });

  test("who has seen what was there first may edit theirs again, and saves it over that", async () => {
    const saves: string[] = [];
    const save: Save = async (written, read) => {
      saves.push(`${written}over ${read.sha256.slice(0, 4)}`);
      return saves.length === 1 ? raced() : policy({ text: written, fileText: written });
    };
    const env = editor(deny, `${deny}# merged\n`);
    const { code, err } = await hold("policy edit", world([before, now], save, { env, tty: true, stdin: "y" }));
    expect([code, saves]).toEqual([0, [`${deny}over abab`, `${deny}# merged\nover cdcd`]]);
    expect(seenBy(env)).toBe(deny);
    expect(err.text).toContain("what is there now is in ");
  });

  test("what is wrong with a text is told, and the text is kept", async () => {
    const wrong = 'version = 1\n[ai]\nrun = "perhaps"\n';
    const { code, err } = await hold("policy edit", world([before], raced, { env: editor(wrong) }));
    expect(code).not.toBe(0);
    expect(err.text).toContain("run is perhaps\n");
    expect(readFileSync(keptDraft(err.text), "utf8")).toBe(wrong);
  });

  test("a save whose answer was lost with its link is found to be done", async () => {
    let saves = 0;
    const save: Save = async () => {
      if (++saves > 1) return raced();
      throw new HoldError("unreachable", "the link broke");
    };
    const saved = policy({ text: deny, fileText: deny });
    const { code, err } = await hold("policy edit", world([before, saved], save, { env: editor(deny) }));
    expect([code, saves]).toEqual([0, 2]);
    expect(err.text).toContain("in force now");
  });

  test("a text that is given is saved as it is, too", async () => {
    const file = join(scratch(), "mine.toml");
    writeFileSync(file, deny);
    const saves: string[] = [];
    const save: Save = async (written) => {
      saves.push(written);
      return policy({ text: deny, fileText: deny });
    };
    const line = ["policy", "edit", "--from", file];
    expect((await hold(line, world([before], save, { env: { EDITOR: "true" } }))).code).toBe(0);
    expect(saves).toEqual([deny]);
    expect(existsSync(file)).toBe(true);
  });

  test("who may not save one is told before they write anything", async () => {
    const eve = { operator: { id: "op-eve", name: "eve", role: "operator", capabilities: [] } };
    const client = host({ operator: eve as never, policy: async () => before });
    const { code, err } = await hold("policy edit", { client, env: { EDITOR: "false" } });
    expect([code, err.text]).toEqual([4, expect.stringContaining("[not_permitted] eve is operator here")]);
  });
});

describe("hold policy try", () => {
  const ruled = (over: object = {}): PolicyTried =>
    ({ problems: [], ruling: "allow", because: "[ai] run", isOpaque: false, lacks: null, ...over }) as PolicyTried;
  function asking(answer: PolicyTried) {
    const asked: PolicyQuestion[] = [];
    const policyTry = async (question: PolicyQuestion) => {
      asked.push(question);
      return answer;
    };
    return { asked, client: host({ policyTry }) };
  }

  test.each<[string[], Partial<PolicyQuestion>]>([
    [["run", "git push", "--session", "build"], { command: "git push", session: "build" }],
    [["exec", "--session", "new-*", "--", "rm", "-rf", "/"], { command: ["rm", "-rf", "/"], session: "new-*" }],
    [["end", "--group", "lab"], { group: "lab" }],
    [["keys", "--ai", "bot"], { operator: "bot" }],
  ])("hold policy try %j", async (words, question) => {
    const { asked, client } = asking(ruled());
    expect((await hold(["policy", "try", ...words], { client })).code).toBe(0);
    expect(asked).toEqual([{ deed: words[0], ...question }]);
  });

  test("says the ruling and where it is said, with exit 1 unless it is allowed", async () => {
    const { client } = asking(ruled({ ruling: "ask", because: '[ai] run = "ask"', isOpaque: true }));
    const { code, out, err } = await hold(["policy", "try", "run", "a; b"], { client });
    expect([code, out.text]).toEqual([1, 'ask  [ai] run = "ask"\n']);
    expect(err.text).toContain("not plain words");
    const lacking = await hold("policy try keys --ai eye", { client: asking(ruled({ lacks: "session.input" })).client });
    expect([lacking.code, lacking.out.text]).toEqual([1, "deny  the role of eye leaves out session.input\n"]);
    const json = await hold("policy try keys --json", { client: asking(ruled()).client });
    expect(JSON.parse(json.out.text)).toMatchObject({ deed: "keys", session: null, ruling: "allow", lacks: null });
  });

  test("takes a text that is not in force, and says what is wrong with it", async () => {
    const file = join(scratch(), "p.toml");
    writeFileSync(file, "version = 2\n");
    const { asked, client } = asking({ problems: ["version is 2"] });
    const { code, out } = await hold(["policy", "try", "keys", "-f", file], { client });
    expect([code, out.text, asked[0]!.text]).toEqual([1, `${file}: version is 2\n`, "version = 2\n"]);
  });
});
