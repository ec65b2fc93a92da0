import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { policyExample, type PolicyInForce } from "@holdfast/sdk";
import { describe, expect, onTestFinished, test } from "vitest";
import { readPolicy } from "../../../../packages/host/src/policy/file.ts";
import { hold, host, nowMs } from "../app/fake.ts";

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
    const folder = mkdtempSync(join(tmpdir(), "hold-cli-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "p.toml");
    writeFileSync(file, "version = 2\n");
    const client = host({ policyCheck: async (text: string) => (text === "version = 2\n" ? ["version is 2"] : []) });
    const wrong = await hold(["policy", "check", file], { client });
    expect([wrong.code, wrong.out.text]).toEqual([1, `${file}: version is 2\n`]);
    writeFileSync(file, "version = 1\n");
    const right = await hold(["policy", "check", file, "--json"], { client });
    expect([right.code, JSON.parse(right.out.text)]).toEqual([0, { file, problems: [] }]);
  });
});
