import { expect, test } from "vitest";
import { hold } from "../app/fake.ts";

const bin = "/opt/holdfast/bin/hold";

test("the configuration is there for every agent host, and starts this `hold` by its whole path", async () => {
  const { out, code } = await hold("mcp config");
  expect(code).toBe(0);
  for (const host of ["Claude Code", "Claude Desktop", "Codex CLI", "Cursor", "Gemini CLI", "VS Code"])
    expect(out.text).toContain(host);
});

test.each([
  ["claude-desktop", "mcpServers"],
  ["cursor", "mcpServers"],
  ["gemini", "mcpServers"],
  ["vscode", "servers"],
])("for %s it is JSON, and carries the home and the operator where they are given", async (host, key) => {
  const { out } = await hold(`mcp config --for ${host} --as reviewer`, { env: { HOLDFAST_HOME: "/srv/home" } });
  expect(JSON.parse(out.text)[key].holdfast).toMatchObject({
    command: bin,
    args: ["mcp", "--as", "reviewer"],
    env: { HOLDFAST_HOME: "/srv/home" },
  });
});

test("for claude-code it is a command, for codex a table", async () => {
  expect((await hold("mcp config --for claude-code")).out.text).toBe(`claude mcp add holdfast -- ${bin} mcp\n`);
  expect((await hold("mcp config --for codex")).out.text).toBe(`[mcp_servers.holdfast]\ncommand = "${bin}"\nargs = ["mcp"]\n`);
});

test("what is no form of it is said so", async () => {
  expect((await hold("mcp serve")).err.text).toContain("hold mcp config");
  expect((await hold("mcp --for codex")).code).toBe(2);
});
