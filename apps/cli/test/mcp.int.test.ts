/** `hold mcp` as somebody tries it by hand. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { World } from "./terminal.ts";

let w: World;
beforeAll(() => {
  w = new World();
});
afterAll(() => w.end());

test("at a terminal, bare `hold mcp` prints what each agent host is to be given, makes the AI on its person's behalf, and serves until Ctrl-C", async () => {
  const t = await w.terminal("mcp", 120, 120);
  t.type("hold mcp", "Enter");
  const shown = await t.until("made the operator");
  for (const part of ["an agent host starts it", "[mcp_servers.holdfast]", "mcpServers"]) expect(shown).toContain(part);
  const me = JSON.parse(w.hold("whoami", "--json").out).name as string;
  const operators = w.hold("operator", "ls", "--json").out.trim().split("\n");
  expect(operators.map((l) => JSON.parse(l))).toContainEqual(
    expect.objectContaining({ name: `${me}-ai`, kind: "ai", onBehalfOf: me }),
  );
  t.type("C-c");
  await t.until(/\^C\s*outer\$/);
});
