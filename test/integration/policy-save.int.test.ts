/** A policy that is saved over a link. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { files } from "@holdfast/sdk/node";
import { expect, onTestFinished, test } from "vitest";
import { held, hold } from "./world/hold.ts";
import { refusal, type World, world } from "./world/world.ts";

const deny = 'version = 1\n[ai]\notherwise = "allow"\nexec = "deny"\n';
const allow = 'version = 1\n[ai]\notherwise = "allow"\n';

test("an admin's text is the file and in force at once, over the host's death too, and the record says who saved it", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { command: ["sleep", "1000"] });
  const ai = await w.operator("bot", "ai");
  expect((await ai.exec(session.id, ["true"])).exit?.code).toBe(0);
  const saved = await admin.policySave(deny, await admin.policy());
  expect(saved).toMatchObject({ text: deny, file: "same", fileText: deny });
  expect(readFileSync(files.policy(w.home), "utf8")).toBe(deny);
  expect(await refusal(ai.exec(session.id, ["true"]))).toBe("policy_denied");
  await w.killHost();
  expect(await refusal((await w.connect("bot")).exec(session.id, ["true"]))).toBe("policy_denied");
  const again = await w.connect();
  const told = (await held(w, "audit", "show", "--kind", "policy_loaded", "--json"))
    .split("\n")
    .map((line) => JSON.parse(line) as object);
  expect(told).toMatchObject([{ kind: "policy_loaded", actor: again.operator.operator!.id, saved: true, bytes: deny.length }]);
});

test("who saves over what was changed meanwhile is refused, be it in force or in the file, and loses nothing", async () => {
  const w = await world();
  const [ana, ben] = [await w.connect(), await w.operator("ben", "human", "admin")];
  const [anas, bens] = [await ana.policy(), await ben.policy()];
  await ana.policySave(deny, anas);
  expect(await refusal(ben.policySave(allow, bens))).toBe("file_changed");
  const read = await ben.policy();
  writeFileSync(read.path, `${deny}# by hand\n`);
  expect(await refusal(ben.policySave(allow, read))).toBe("file_changed");
  expect(await ben.policy()).toMatchObject({ text: deny, file: "changed", fileText: `${deny}# by hand\n` });
  expect(await ben.policySave(allow, await ben.policy())).toMatchObject({ text: allow, file: "same" });
});

test("a text with something wrong in it is not saved, and all that is wrong is told; who may not save it is not told the file either", async () => {
  const w = await world();
  const admin = await w.connect();
  await admin.policySave(deny, await admin.policy());
  const wrong = admin.policySave('version = 1\n[ai]\nrun = "perhaps"\nexek = "deny"\n', await admin.policy());
  await expect(wrong).rejects.toThrow(/exek.*run is "perhaps"|run is "perhaps".*exek/s);
  expect((await admin.policy()).text).toBe(deny);
  for (const [kind, role] of [
    ["human", "operator"],
    ["human", "approver"],
    ["ai", "operator"],
  ] as const) {
    const client = await w.operator(`${role}-${kind}`, kind, role);
    const read = await client.policy();
    expect([read.text, read.fileText]).toEqual([deny, null]);
    expect(await refusal(client.policySave(allow, { ...read, fileText: deny }))).toBe("not_permitted");
  }
});

/** Leaves this text in whatever file it is given. */
function editorOf(w: World, name: string, text: string): Record<string, string> {
  const [script, left] = [w.path(`${name}.sh`), w.path(`${name}.toml`)];
  writeFileSync(left, text);
  writeFileSync(script, `cp ${left} "$1"`);
  return { ...w.env, EDITOR: `sh ${script}` };
}

test("hold policy edit writes the policy of a host at an address, over what was read there, and loses nothing that was typed", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  await held(w, "host", "trust", url, "--yes");
  const admin = await w.connect();
  await held({ env: editorOf(w, "first", deny) }, "--host", url, "policy", "edit");
  expect(await admin.policy()).toMatchObject({ text: deny, file: "same", fileText: deny });

  const meanwhile = editorOf(w, "second", allow);
  writeFileSync(w.path("second.sh"), `cp ${w.path("second.toml")} "$1"; printf '# by hand\\n' >> ${(await admin.policy()).path}`);
  const { code, err } = await hold({ env: meanwhile }, "--host", url, "policy", "edit");
  expect([code, err]).toEqual([1, expect.stringContaining("[file_changed]")]);
  const draft = / --from (\S+)/.exec(err)![1]!;
  onTestFinished(() => rmSync(dirname(draft), { recursive: true }));
  expect([draft, join(dirname(draft), "policy-now.toml")].map((path) => readFileSync(path, "utf8"))).toEqual([
    allow,
    `${deny}# by hand\n`,
  ]);
  await held({ env: { ...w.env, EDITOR: "true" } }, "--host", url, "policy", "edit", "--from", draft);
  expect(await admin.policy()).toMatchObject({ text: allow, file: "same" });
});

test("a text that is tried is held against a session that there is, and nothing of it is in force", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "scratch", command: ["sleep", "1000"] });
  const text = `${deny}[[session]]\nname = "scratch"\nexec = "ask"\n`;
  writeFileSync(w.path("draft.toml"), text);
  const trial = ["policy", "try", "exec", "-f", w.path("draft.toml"), "--json"];
  const there = await hold(w, ...trial, "--session", "scratch", "--", "true");
  expect([there.code, JSON.parse(there.out)]).toMatchObject([1, { ruling: "ask", because: expect.stringContaining("scratch") }]);
  expect(JSON.parse((await hold(w, ...trial, "--", "true")).out)).toMatchObject({ ruling: "deny" });
  expect(JSON.parse(await held(w, "policy", "try", "exec", "--json", "--", "true"))).toMatchObject({
    ruling: "allow",
    because: "no policy was ever loaded",
  });
  expect((await admin.policy()).text).toBe("");
});
