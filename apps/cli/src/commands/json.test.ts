import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commands } from "../spec/index.ts";
import { hold, host, session } from "../app/fake.ts";

const folder = () => mkdtempSync(join(tmpdir(), "hold-cli-"));

describe("--json of what acts", () => {
  const acting = (seen: unknown[]) =>
    host({
      listed: [session()],
      signal: async (...a) => void seen.push(a),
      rename: async (...a) => void seen.push(a),
      resize: async (...a) => void seen.push(a),
      remove: async (...a) => void seen.push(a),
      operatorRevoke: async (...a) => void seen.push(a),
      operatorList: async () =>
        [
          { id: "ana", name: "ana", kind: 1, role: "operator", capabilities: [], keyIds: [], keys: [], protectedKeyIds: [] },
        ] as never,
    });
  test.each([
    ["signal work TERM --to tree", { id: "01jdwork0000", signal: "SIGTERM", number: 15, to: "tree" }],
    ["rename work deploy", { id: "01jdwork0000", state: "running" }],
    ["resize work 100x30", { id: "01jdwork0000", size: { cols: 80, rows: 24 } }],
    ["rm work", { id: "01jdwork0000", name: "work", removed: true }],
    ["operator revoke ana", { id: "ana", revoked: true }],
  ])("`hold %s` tells on what it acted", async (line, says) => {
    const seen: unknown[] = [];
    const { code, out } = await hold(`${line} --json`, { client: acting(seen) });
    expect([code, out.lines.length, seen.length]).toEqual([0, 1, 1]);
    expect(JSON.parse(out.text)).toMatchObject(says);
  });
  test("`hold config set` tells what it wrote and where", async () => {
    const configFolder = folder();
    const { out } = await hold("config set attach.prefix C-a --json", { configFolder });
    expect(JSON.parse(out.text)).toEqual({
      key: "attach.prefix",
      value: "C-a",
      source: "config",
      file: join(configFolder, "config.toml"),
    });
  });
  test("every command that changes something has it, but for those that are a terminal's or an editor's", () => {
    const without = commands.filter((c) => !("json" in c.flags) && !c.hidden).map((c) => c.path.join(" "));
    expect(without).toEqual([
      "attach",
      // Its own output may be JSON.
      "notebook convert",
      "export",
      "audit export",
      "mcp",
      "policy edit",
      "host logs",
      "host install",
      "config edit",
      "help",
      "completion",
    ]);
  });
});
