/** The host's log, told over a link. */
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { held } from "./world/hold.ts";
import { fact } from "./world/processes.ts";
import { refusal, world } from "./world/world.ts";

test("an admin is told the log's last lines and each that comes, once and whole, also when it was begun anew; secrets are stars", async () => {
  const w = await world();
  const admin = await w.connect();
  const path = join(w.home, "host.log");
  const told: string[] = [];
  await admin.log((lines) => void told.push(...lines));
  expect(told.join("\n")).toMatch(/host \d+: serving /);

  const [followed, over] = [[] as string[], new AbortController()];
  const following = admin.log((lines) => void followed.push(...lines), { lines: 1, follow: true, signal: over.signal });
  await fact("it follows", () => followed.length > 0);
  expect(followed).toEqual([told.at(-1)]);
  appendFileSync(path, "half a li");
  appendFileSync(path, "ne ü\nhold join hold1.abcdef at ws://ana:pass@box\n");
  await fact("they came", () => followed.length === 3);
  expect(followed.slice(1)).toEqual(["half a line ü", "hold join hold1.*** at ws://***@box"]);
  writeFileSync(path, "anew\n");
  await fact("the new one came", () => followed.at(-1) === "anew");
  over.abort();
  await following;
});

test("nobody else is told the log, whatever else they may see", async () => {
  const w = await world();
  for (const [kind, role] of [
    ["human", "auditor"],
    ["human", "operator"],
    ["ai", "auditor"],
  ] as const)
    expect(await refusal((await w.operator(`${kind}-${role}`, kind, role)).log(() => {}))).toBe("not_permitted");
});

test("the host tells how late its loop is, in its status and by the command line", async () => {
  const w = await world();
  const admin = await w.connect();
  await fact("it is known", async () => (await admin.status()).lagUsP99 > 0n);
  expect((JSON.parse(await held(w, "host", "status", "--json")) as { lagUsP99: number }).lagUsP99).toBeGreaterThan(0);
  expect(await held(w, "host", "status")).toMatch(/loop lag +\d+\.\d ms at p99/);
});
