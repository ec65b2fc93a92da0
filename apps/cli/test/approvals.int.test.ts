/** A person who approves, at a terminal: the passphrase typed unseen, and the word of what waits. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { holdCommand, World } from "./terminal.ts";

let w: World;
beforeAll(() => {
  w = new World();
});
afterAll(() => w.end());

test("a passphrase is typed unseen; whoever is attached and may decide is told what waits, in the notice line and not in the session", async () => {
  expect(w.hold("new", "work", "-d", "--", "cat").code).toBe(0);
  const t = await w.terminal("approver");
  const secret = "correct horse battery";
  t.type("hold operator add eva --role approver --passphrase", "Enter");
  await t.until("passphrase for the key of eva:");
  t.type(secret, "Enter");
  await t.until("the same again:");
  t.type(secret, "Enter");
  expect(await t.until("eva is a human")).not.toContain("horse");
  const me = JSON.parse(w.hold("whoami", "--json").out).name as string;
  w.hold("operator", "add", "bot", "--kind", "ai", "--on-behalf-of", me);
  const { path } = JSON.parse(w.hold("policy", "show", "--json").out);
  writeFileSync(path, 'version = 1\n[ai]\notherwise = "allow"\nkeys = "ask"\n', { mode: 0o600 });
  expect(w.hold("policy", "reload").code).toBe(0);

  t.type("clear; hold --as eva attach work", "Enter");
  await t.until("passphrase for the key of eva:");
  t.type(secret, "Enter");
  await t.until("work · you alone");
  const sent = spawn(holdCommand, ["--as", "bot", "send", "work", "from the bot", "--enter"], { env: w.env, stdio: "ignore" });
  const ended = new Promise<number | null>((resolve) => sent.once("exit", resolve));
  await t.until("1 waits for approval or an answer: hold approvals");
  const before = w.hold("screen", "work").out;
  expect(before).not.toContain("approval");
  expect(before).not.toContain("from the bot");

  const other = await w.terminal("second", 120);
  other.type("hold --as eva approvals", "Enter");
  await other.until("passphrase for the key of eva:");
  other.type(secret, "Enter");
  const shown = await other.until(/bot for .* work +keys +from the bot\\r/);
  const id = /^(\w{8}) /m.exec(shown)![1]!;
  const pass = join(w.folder, "pass");
  writeFileSync(pass, `${secret}\n`, { mode: 0o600 });
  other.type(`clear; hold --as eva --passphrase-fd 3 approvals allow ${id} 3<${pass}`, "Enter");
  await other.until(`allowed, once: ${id}`);
  expect(await ended).toBe(0);
  await t.until("from the bot");
  const log = w.hold("log", "work", "--kind", "approval", "--json").out.trim().split("\n");
  expect(log.map((l) => JSON.parse(l).kind)).toEqual(["approval_asked", "approval_decided", "approval_over"]);
});
