/** An agent that asks, and a person who answers on the command line: a real `hold mcp`, host, shell and `read -s`. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { openSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fact } from "../../../test/integration/world/processes.ts";
import { tracesOf } from "../../../test/integration/world/traces.ts";
import { bytes, record, type World, world } from "../../../test/integration/world/world.ts";
import { type Agent, agent, hold } from "./agent.ts";

/** The person whose home it is. */
function person(w: World, args: readonly string[], secret?: string): { status: number | null; out: string; err: string } {
  const stdio: ("ignore" | "pipe" | number)[] = ["ignore", "pipe", "pipe"];
  if (secret !== undefined) {
    writeFileSync(w.path("../given"), `${secret}\n`, { mode: 0o600 });
    stdio.push(openSync(w.path("../given"), "r"));
  }
  const { status, stdout, stderr } = spawnSync(hold, args, { env: w.env, stdio, encoding: "utf8" });
  if (secret !== undefined) writeFileSync(w.path("../given"), "");
  return { status, out: stdout, err: stderr };
}

const listed = (w: World, deed: string): Promise<{ id: string; [key: string]: unknown }> =>
  fact("the person sees it", () => {
    const { out } = person(w, ["approvals", "--json"]);
    const all = out.split("\n").flatMap((l) => (l === "" ? [] : [JSON.parse(l)]));
    return all.find((a) => a.deed === deed && a.state === "pending") ?? null;
  });

async function opened(ai: Agent, name = "work"): Promise<string> {
  const session = (await ai.call("session_open", { name })).told["session"] as string;
  await ai.call("run", { session, command: "true" });
  return session;
}

test("a question is answered on the command line by the AI's own person, with a choice and with words, and declined", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const session = await opened(ai);
  const question = { session, question: "Which branch shall I build?", options: ["main", "next"] };
  const asked = ai.call("ask_operator", question);
  const shown = await listed(w, "question");
  expect(shown).toMatchObject({ what: question.question, options: question.options, mayDecide: true, readBy: null });
  const text = person(w, ["approvals", "show", shown.id]).out;
  expect(text).toMatch(/its words +"Which branch shall I build\?"/);
  expect(text).toMatch(/it offers +1 +"main"/);
  expect(person(w, ["approvals", "allow", shown.id]).status).not.toBe(0);
  expect(person(w, ["approvals", "answer", shown.id, "2"])).toMatchObject({ status: 0 });
  const me = (await ai.call("whoami")).told["on_behalf_of"];
  expect((await asked).told).toMatchObject({ outcome: "answered", answer: "next", choice: 1, who: me, state: "idle_prompt" });

  const late = await ai.call("ask_operator", { session, question: "Still there?", wait_seconds: 1, expires_seconds: 300 });
  expect(late.isError).toBe(true);
  expect(late.told).toMatchObject({ state: "needs_approval", next_step: expect.stringContaining("still stands") });
  const other = await agent(w, "v1");
  const again = other.call("ask_operator", { session, question: "Still there?", wait_seconds: 40, expires_seconds: 300 });
  const id = (await listed(w, "question")).id;
  expect(late.told["approval"]).toBe(id);
  expect(person(w, ["approvals", "answer", id, "yes,", "I", "am"])).toMatchObject({ status: 0 });
  expect((await again).told).toMatchObject({ answer: "yes, I am", question: id });

  const no = ai.call("ask_operator", { session, question: "May I stop?" });
  expect(person(w, ["approvals", "deny", (await listed(w, "question")).id, "--reason", "go on"]).status).toBe(0);
  expect((await no).told).toMatchObject({
    refused: true,
    code: "approval_denied",
    who: me,
    message: expect.stringContaining("go on"),
  });
  const log = person(w, ["log", session, "--kind", "approval"]).out;
  expect(log).toMatch(/asks people .*"Which branch shall I build\?"/);
  expect(log).toMatch(/is answered: next/);
});

test("a question that offers the floor is answered by taking it: the AI is told who, and what they did then", async () => {
  const w = await world();
  const ai = await agent(w, "v1");
  const session = await opened(ai);
  const asked = ai.call("ask_operator", { session, question: "Will you look at this?", handoff: true });
  expect(person(w, ["approvals", "answer", (await listed(w, "question")).id, "--take"])).toMatchObject({ status: 0 });
  const handed = (await asked).told;
  expect(handed).toMatchObject({ state: "preempted", outcome: "handed", next_step: expect.stringContaining("wait") });
  expect((await ai.call("session_get", { session })).told["floor"]).toMatchObject({
    holder: handed["who"],
    holder_kind: "human",
  });
  const root = await w.connect();
  await root.send(session, bytes("echo mended\r"));
  const after = (await ai.call("wait", { session, pattern: "^mended", cursor: handed["cursor"] })).told;
  expect(after["others_typed"]).toMatchObject([{ who: handed["who"], inputs: 1 }]);
});

test("a secret goes from a person to the program that reads it, and is in no result, no record, no file and nothing that `hold mcp` was told", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const session = await opened(ai);
  expect((await ai.call("send_secret", { session, secret: "a password" })).told).toMatchObject({
    ...{ refused: true, code: "other_state", next_step: expect.stringContaining("nobody was asked") },
  });
  const command = "read -rs -p 'password: ' P; echo; printf %s \"$P\" | sha256sum; unset P";
  const reads = (await ai.call("run", { session, command, wait_seconds: 45 })).told;
  expect(reads).toMatchObject({ state: "waiting_secret", next_step: expect.stringContaining("send_secret") });

  const asked = ai.call("send_secret", { session, secret: "the password of deploy@db" });
  const shown = await listed(w, "secret");
  expect(shown).toMatchObject({
    what: "the password of deploy@db",
    readBy: expect.stringMatching(/^bash \(\d+\) at "password:"$/),
  });
  expect(person(w, ["approvals", "answer", shown.id, "hunter2-canary"]).status).not.toBe(0);
  const given = person(w, ["approvals", "answer", shown.id, "--secret-fd", "3"], "hunter2-canary");
  expect(given, given.err).toMatchObject({ status: 0 });
  const told = await asked;
  expect(told.told).toMatchObject({ outcome: "given", who: (await ai.call("whoami")).told["on_behalf_of"] });
  const after = await ai.call("wait", { session, until: ["command"], cursor: reads["cursor"] });
  // Of `hunter2-canary`, as the program read it.
  expect(after.told.output.text).toContain(createHash("sha256").update("hunter2-canary").digest("hex"));
  expect(after.told["exit_code"]).toBe(0);

  const results = [
    told,
    after,
    await ai.call("log", { session, view: "events" }),
    await ai.call("log", { session }),
    await ai.call("screen", { session }),
  ];
  expect(JSON.stringify(results)).not.toContain("canary");
  expect(ai.said()).not.toContain("canary");
  const { events } = await record(await w.connect(), session);
  const inputs = events.flatMap((e) => (e.body?.kind.case === "input" ? [[e.actor, Buffer.from(e.data).toString()]] : []));
  expect(inputs.at(-1)).toEqual([told.told["who"], ""]);
  expect(tracesOf(w, { secret: "hunter2-canary" })).toEqual([]);

  // The next prompt is another one, and what is given for one that is gone is typed nowhere.
  await ai.call("run", { session, command: "read -rs -p 'again: ' P", wait_seconds: 45 });
  const second = ai.call("send_secret", { session, secret: "the password of deploy@db" });
  const { id } = await listed(w, "secret");
  expect(id).not.toBe(shown.id);
  await ai.call("send_keys", { session, keys: ["C-c"] });
  expect(person(w, ["approvals", "answer", id, "--secret-fd", "3"], "hunter3-canary").status).not.toBe(0);
  expect((await second).told).toMatchObject({ refused: true, code: "approval_void" });
  expect((await ai.call("screen", { session })).told["screen"].text).not.toContain("hunter3");
});

test("a secret that a person types at the prompt of their own terminal answers the request for it", async () => {
  const w = await world();
  const ai = await agent(w, "v1");
  const ana = await w.operator("ana");
  const session = await opened(ai);
  const reads = (await ai.call("run", { session, command: "read -rs -p 'password: ' P; echo got ${#P}", wait_seconds: 45 })).told;
  const asked = ai.call("send_secret", { session, secret: "any password" });
  await listed(w, "secret");
  const seat = await ana.attach({ session, take: true }, {});
  for (const key of ["h", "i", "\r"]) await seat.input(bytes(key));
  expect((await asked).told).toMatchObject({ outcome: "given", who: "ana" });
  expect((await ai.call("wait", { session, until: ["command"], cursor: reads["cursor"] })).told.output.text).toContain("got 2");
});
