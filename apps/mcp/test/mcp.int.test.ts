/** `hold mcp`, by the libraries that agent hosts are made of, against a real host with real shells. */
import { execFileSync } from "node:child_process";
import { OperatorKind } from "@holdfast/sdk";
import { describe, expect, test } from "vitest";
import { fact } from "../../../test/integration/world/processes.ts";
import { bytes, record, world } from "../../../test/integration/world/world.ts";
import { agent, hold } from "./agent.ts";

const RESULT_BYTES = 32 * 1024;

describe.each(["v1", "v2"] as const)("a %s client", (line) => {
  test("opens a session, runs in it with state, sees its screen, and is an AI that acts for somebody", async () => {
    const w = await world();
    const ai = await agent(w, line);
    const names = (await ai.tools()).map((t) => t.name);
    expect(names).toEqual(
      expect.arrayContaining(["session_list", "session_open", "run", "exec", "wait", "screen", "log", "floor"]),
    );
    const me = (await ai.call("whoami")).told;
    expect(me).toMatchObject({ kind: "ai", role: "operator", via: "mcp" });
    expect(me["may"]).not.toContain("floor.pause_ai");
    const session = (await ai.call("session_open", { name: "work" })).told["session"] as string;
    expect((await ai.call("run", { session, command: "mkdir deep; cd deep; export WORD=kept" })).told).toMatchObject({
      state: "finished",
      exit_code: 0,
    });
    const ran = await ai.call("run", { session, command: "pwd; echo $WORD; (exit 7)" });
    expect(ran.told).toMatchObject({ state: "finished", exit_code: 7, code_known: true, actor: me["operator"] });
    expect(ran.told.output).toMatchObject({ untrusted: true, truncated: false, text: `${w.path("deep")}\nkept\n` });
    expect(ran.text).toContain("untrusted text of a terminal");
    expect((await ai.call("screen", { session })).told["screen"].text).toContain("kept");
    const beside = (await ai.call("exec", { session, argv: ["sh", "-c", "pwd; echo wrong >&2; exit 3"] })).told;
    expect(beside).toMatchObject({ state: "finished", exit_code: 3 });
    expect([beside["stdout"].text, beside["stderr"].text]).toEqual([`${w.path("deep")}\n`, "wrong\n"]);
    expect((await ai.call("session_list")).told["sessions"]).toMatchObject([{ id: session, name: "work" }]);
    expect((await ai.call("session_get", { session: "work" })).told).toMatchObject({
      state: "idle_prompt",
      floor: { holder: me["operator"] },
    });
    expect((await ai.call("search", { session, text: "kept" })).told["hits"].length).toBeGreaterThan(0);
    const person = await w.connect();
    const { events } = await record(person, session);
    const inputs = events.filter((e) => e.body?.kind.case === "input");
    expect(inputs.length).toBe(2);
    for (const e of inputs) expect([e.actor, e.via]).toEqual([me["operator"], "mcp"]);
    const known = (await person.operatorList()).find((o) => o.id === me["operator"]);
    expect(known).toMatchObject({ kind: OperatorKind.AI, onBehalfOf: person.operator.operator?.id });
    const log = execFileSync(hold, ["log", session, "--kind", "input", "--json"], { env: w.env, encoding: "utf8" });
    const entry = { actor: me["operator"], via: "mcp", onBehalfOf: person.operator.operator?.id };
    for (const l of log.trim().split("\n")) expect(JSON.parse(l)).toMatchObject(entry);
    expect((await ai.call("session_kill", { session, grace_ms: 0 })).told).toMatchObject({ state: "finished" });
  });
});

test("the operator is made once, by however many start at the same time; --as makes or takes another; a person is refused", async () => {
  const w = await world();
  const person = await w.connect();
  const crowd = await Promise.all([agent(w, "v1"), agent(w, "v2"), agent(w, "v2")]);
  const ids = await Promise.all(crowd.map(async (a) => (await a.call("whoami")).told["operator"]));
  expect(new Set(ids).size).toBe(1);
  expect((await person.operatorList()).length).toBe(2);
  const other = await agent(w, "v2", ["--as", "reviewer"]);
  expect((await other.call("whoami")).told).toMatchObject({
    operator: "reviewer",
    kind: "ai",
    on_behalf_of: person.operator.operator?.id,
  });
  await w.operator("ana");
  await expect(agent(w, "v1", ["--as", "ana"])).rejects.toThrow();
});

test("what is refused is a result with the code, who holds the floor, and what to do next", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const ana = await w.operator("ana");
  const session = (await ai.call("session_open", { name: "shared" })).told["session"] as string;
  await ai.call("run", { session, command: "true" });
  const seat = await ana.attach({ session }, {});
  await seat.input(bytes("echo half"));
  for (const [name, args] of [
    ["run", { command: "echo no" }],
    ["send_text", { text: "no" }],
  ] as const) {
    const refused = await ai.call(name, { session, ...args });
    expect(refused.isError).toBe(true);
    // A person's turn is short; what they left half typed is theirs all the same.
    expect(["floor_held", "line_not_empty"], name).toContain(refused.told["code"]);
    expect(refused.told["who"], name).toBe("ana");
    expect(refused.told["next_step"]).not.toBe("");
  }
  await seat.input(bytes("\x15"));
  const other = await agent(w, "v1", ["--as", "reviewer"]);
  const shared = (await other.call("session_open")).told["session"] as string;
  await other.call("floor", { session: shared, verb: "take" });
  const held = await ai.call("send_text", { session: shared, text: "no" });
  expect(held.told).toMatchObject({ refused: true, code: "floor_held", who: "reviewer", advice: "wait" });
  expect(held.told["next_step"]).toContain("ask");
  expect((await ai.call("floor", { session: shared, verb: "ask" })).told["floor"]).toMatchObject({
    holder: "reviewer",
    asking: [expect.stringMatching(/-ai$/)],
  });
  await seat.aiPause();
  expect((await ai.call("send_keys", { session, keys: ["C-c"] })).told).toMatchObject({
    code: "ai_paused",
    state: "paused_by_operator",
  });
  expect((await ai.call("session_get", { session })).told["floor"]).toMatchObject({ ai_paused: true });
  expect((await ai.call("session_get", { session: "nowhere" })).told).toMatchObject({ code: "no_such_session" });
  expect((await ai.call("send_text", { session, text: "a\u0003" })).told).toMatchObject({ code: "bad_request" });
  expect((await ai.call("send_keys", { session, keys: ["Ctrl-Hyper"] })).told).toMatchObject({ code: "bad_request" });
  const { events } = await record(ana, session);
  const ours = events.filter((e) => e.body?.kind.case === "input" && e.actor !== "ana");
  expect(ours.length).toBe(1);
});

test("an observer may look and nothing else", async () => {
  const w = await world();
  await w.operator("eye", "ai", "observer");
  const person = await w.connect();
  const session = await w.open(person);
  const ai = await agent(w, "v1", ["--as", "eye"]);
  expect((await ai.call("session_get", { session: session.id })).isError).toBe(false);
  for (const [name, args] of [
    ["run", { command: "true" }],
    ["exec", { argv: ["true"] }],
    ["send_text", { text: "x" }],
    ["send_keys", { keys: ["x"] }],
    ["floor", { verb: "take" }],
    ["signal", { signal: "INT" }],
    ["session_kill", {}],
  ] as const)
    expect((await ai.call(name, { session: session.id, ...args })).told, name).toMatchObject({
      refused: true,
      code: "not_permitted",
    });
  expect((await ai.call("session_open")).told).toMatchObject({ code: "not_permitted" });
});

test("a flood comes as head and tail with exact counts, no result passes 32 KiB, and the cursor leads to all of it", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const session = (await ai.call("session_open")).told["session"] as string;
  const ran = await ai.call("run", { session, command: "seq 100000", max_bytes: 12_288 });
  expect(ran.bytes).toBeLessThanOrEqual(RESULT_BYTES);
  expect(ran.told).toMatchObject({ state: "finished", exit_code: 0 });
  const { text, omitted_bytes, omitted_lines, omitted_cursor } = ran.told.output;
  const shown = text
    .split("\n")
    .filter((l) => /^\d+$/.test(l))
    .map(Number);
  expect([shown[0], shown.at(-1), shown.length + omitted_lines]).toEqual([1, 100_000, 100_000]);
  const gapAt = shown.findIndex((n, i) => i > 0 && n !== shown[i - 1]! + 1);
  let missing = 0;
  for (let n = shown[gapAt - 1]! + 1; n < shown[gapAt]!; n++) missing += String(n).length + 2;
  expect(omitted_bytes).toBe(missing);
  const on = await ai.call("log", { session, cursor: omitted_cursor, max_bytes: 1_024 });
  expect(Number(on.told.output.text.split("\n")[0])).toBe(shown[gapAt - 1]! + 1);
  const further = await ai.call("log", { session, cursor: on.told["cursor"], max_bytes: 1_024 });
  const last = Number(on.told.output.text.trimEnd().split("\n").at(-1));
  expect(Number(further.told.output.text.split("\n")[0])).toBe(last + 1);
  const nasty = await ai.call("run", { session, command: `yes '"\\"\\"' | head -c 200000`, max_bytes: 12_288 });
  expect(nasty.bytes).toBeLessThanOrEqual(RESULT_BYTES);
  const events = await ai.call("log", { session, view: "events", limit: 500 });
  expect(events.bytes).toBeLessThanOrEqual(RESULT_BYTES);
});

test("escapes, titles and invisible characters never reach a result, and a secret that a person types does not either", async () => {
  const w = await world();
  const ai = await agent(w, "v1");
  const ana = await w.operator("ana");
  const session = (await ai.call("session_open")).told["session"] as string;
  const ran = await ai.call("run", {
    session,
    command: String.raw`printf '\033]0;obey\007\033[31mred\033[0m\033]52;c;aGk=\007 a\xe2\x80\xaeb \xf3\xa0\x81\x81 10%%\r100%%\n'`,
  });
  expect(ran.told.output.text).toBe("100%a\\u202eb \\u{e0041} 10%\n");
  expect(JSON.stringify(ran)).not.toMatch(/\\u001b|\\u0007|\u202e|\u{e0041}/u);
  const asked = await ai.call("run", { session, command: "read -rs -p 'password: ' P; echo got ${#P}", wait_seconds: 40 });
  expect(asked.told).toMatchObject({ state: "waiting_secret" });
  const seat = await ana.attach({ session, take: true }, {});
  await seat.input(bytes("hunter2canary\r"));
  const after = await ai.call("wait", { session, until: ["command"], cursor: asked.told["cursor"] });
  expect(after.told.output.text).toContain("got 13");
  const all = [
    after,
    await ai.call("log", { session, view: "events" }),
    await ai.call("log", { session }),
    await ai.call("screen", { session }),
  ];
  expect(JSON.stringify(all)).not.toContain("canary");
  expect(JSON.stringify(all[1]!.told["events"])).toMatch(/"secret":true/);
  await fact(
    "the journal has no such word either",
    async () =>
      !JSON.stringify((await record(ana, session)).events.map((e) => Buffer.from(e.data).toString())).includes("canary"),
  );
});
