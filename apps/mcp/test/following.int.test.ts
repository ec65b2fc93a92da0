/** Long work followed through `hold mcp`: waits that end nothing, people who step in, hosts that die. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fact } from "../../../test/integration/world/processes.ts";
import { bytes, world } from "../../../test/integration/world/world.ts";
import { agent } from "./agent.ts";

const RESULT_BYTES = 32 * 1024;

test("a long build is followed in three calls after its start: bounded, with its exit code", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const session = (await ai.call("session_open")).told["session"] as string;
  const build = `for i in $(seq 1 2000); do echo "[$i/2000] compile file$i.c with a line that is long enough to flood a context"; done; touch '${w.path("begun")}'; until [ -e '${w.path("go")}' ]; do sleep 0.1; done; echo linked; exit 3`;
  const started = await ai.call("run", { session, command: `sh -c '${build.replaceAll("'", `'\\''`)}'`, wait_seconds: 2 });
  expect(started.told["state"]).toBe("running");
  const answers = [started];
  const waiting = ai.call("wait", { session, until: ["command", "exit"], cursor: started.told["cursor"], timeout_seconds: 50 });
  await fact("the build has printed", () => existsSync(w.path("begun")));
  writeFileSync(w.path("go"), "");
  answers.push(await waiting);
  if (answers.at(-1)!.told["fired"] === "timeout")
    answers.push(await ai.call("wait", { session, until: ["command", "exit"], cursor: answers.at(-1)!.told["cursor"] }));
  const last = answers.at(-1)!.told;
  expect(last).toMatchObject({ fired: "command", exit_code: 3 });
  expect(last.output.text).toContain("linked");
  expect(answers.length - 1).toBeLessThanOrEqual(3);
  for (const a of answers) expect(a.bytes).toBeLessThanOrEqual(RESULT_BYTES);
});

test("a wait whose time is up says so, ends nothing, and the next one from its cursor misses nothing", async () => {
  const w = await world();
  const ai = await agent(w, "v1");
  const session = (
    await ai.call("session_open", { command: ["awk", 'BEGIN { print "up"; fflush(); getline x < "-"; print "got " x; exit 5 }'] })
  ).told["session"] as string;
  const up = await ai.call("wait", { session, pattern: "^up", cursor: "0", timeout_seconds: 40 });
  expect(up.told).toMatchObject({ fired: "match", matched: { untrusted: true, text: "up" } });
  const late = await ai.call("wait", { session, until: ["exit"], cursor: up.told["cursor"], timeout_seconds: 0.2 });
  expect(late.told).toMatchObject({ fired: "timeout", exit_code: null });
  expect((await ai.call("wait", { session, until: ["input_needed"] })).told).toMatchObject({
    fired: "input_needed",
    state: "waiting_input",
  });
  await ai.call("send_text", { session, text: "word", submit: true });
  const over = await ai.call("wait", { session, cursor: late.told["cursor"] });
  expect(over.told).toMatchObject({ fired: "exit", state: "finished", exit_code: 5 });
  expect(over.told.output.text).toContain("got word");
  const again = await ai.call("wait", { session, until: ["exit"] });
  expect(again.told).toMatchObject({ fired: "exit", exit_code: 5 });
});

test("a wait of more than 50 s is cut to that, unless the client hears of its progress", async () => {
  const w = await world();
  const ai = await agent(w, "v1");
  const session = (await ai.call("session_open", { command: ["sh", "-c", "exit 0"] })).told["session"] as string;
  await ai.call("wait", { session, until: ["exit"] });
  const args = { session, until: ["exit"], timeout_seconds: 600 };
  expect((await ai.call("wait", args)).told["wait_clamped_to_seconds"]).toBe(50);
  expect((await ai.call("wait", args, { onProgress: () => {} })).told["wait_clamped_to_seconds"]).toBeUndefined();
});

test("while a call goes on, a client that asked hears of it", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const session = (await ai.call("session_open")).told["session"] as string;
  await ai.call("run", { session, command: "true" });
  let heard = 0;
  const running = ai.call("run", { session, command: "read word", wait_seconds: 45 }, { onProgress: () => heard++ });
  expect((await running).told["state"]).toBe("waiting_input");
  const waiting = ai.call("wait", { session, until: ["command"], timeout_seconds: 50 }, { onProgress: () => heard++ });
  await fact("progress was told", () => heard > 0);
  await ai.call("send_text", { session, text: "enough", submit: true });
  expect((await waiting).told).toMatchObject({ fired: "command", exit_code: 0 });
});

test("a person's first key takes the floor: the call that runs says preempted and who, and the command goes on", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const ana = await w.operator("ana");
  const session = (await ai.call("session_open")).told["session"] as string;
  await ai.call("run", { session, command: "true" });
  const running = ai.call("run", { session, command: "sleep 1000; echo over", wait_seconds: 45 });
  const seat = await ana.attach({ session }, {});
  await fact("it runs", async () => (await ana.show(session)).running.startsWith("sleep"));
  await seat.input(bytes("mine\n"));
  const ended = (await running).told;
  expect(ended).toMatchObject({ state: "preempted", who: "ana" });
  expect((await ana.show(session)).running).toContain("sleep");
  const waiting = ai.call("wait", { session, until: ["command"], cursor: ended["cursor"] });
  await seat.input(bytes("\x03"), { interrupt: true });
  expect((await waiting).told).toMatchObject({ fired: "command", exit_code: 130 });
});

test("a wait of an AI that steers is ended by a person who takes the floor; one that only looks on is not", async () => {
  const w = await world();
  const ai = await agent(w, "v1");
  const ana = await w.operator("ana");
  const session = (await ai.call("session_open")).told["session"] as string;
  await w.operator("ben");
  const started = await ai.call("run", { session, command: "sleep 1000", wait_seconds: 0 });
  let isTold = false;
  const steering = ai.call("wait", { session, until: ["exit"], cursor: started.told["cursor"] }).finally(() => {
    isTold = true;
  });
  await fact("it runs", async () => (await ana.show(session)).running.startsWith("sleep"));
  // A person's floor is free after 4 s: on a busy machine the wait may begin later than that.
  await fact("a person who goes on steering ends it", async () => {
    await ana.floor(session, "take");
    return isTold;
  });
  expect((await steering).told).toMatchObject({ fired: "preempted", state: "preempted", who: "ana" });
  const watching = ai.call("wait", { session, until: ["exit"] });
  // Whether hers is over by now or not.
  await ana.floor(session, "pass", "ben");
  await ana.kill(session, 0);
  const seen = (await watching).told;
  expect(seen["fired"]).toBe("exit");
  // It is asked first, and forced at once after that: either may be what it ended of.
  expect([1, 9, 15]).toContain(seen["signal"]);
});

test("a person who pauses the AI ends its waiting, not its command", async () => {
  const w = await world();
  const ai = await agent(w, "v1");
  const ana = await w.operator("ana");
  const session = (await ai.call("session_open")).told["session"] as string;
  await ai.call("run", { session, command: "true" });
  const running = ai.call("run", { session, command: "sleep 1000", wait_seconds: 45 });
  await fact("it runs", async () => (await ana.show(session)).running.startsWith("sleep"));
  await ana.floor(session, "ai_pause");
  expect((await running).told).toMatchObject({ state: "paused_by_operator" });
  expect((await ana.show(session)).running).toContain("sleep");
});

test("a host that is killed in the middle of a wait costs it nothing", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const session = (await ai.call("session_open", { command: ["sh", "-c", "echo before; read x; echo after; exit 4"] })).told[
    "session"
  ] as string;
  const first = await ai.call("wait", { session, pattern: "before", cursor: "0" });
  const waiting = ai.call("wait", { session, until: ["exit"], cursor: first.told["cursor"], timeout_seconds: 50 });
  await w.killHost();
  const person = await w.connect();
  await person.send(session, bytes("\n"));
  expect((await waiting).told).toMatchObject({ fired: "exit", exit_code: 4, output: { text: expect.stringContaining("after") } });
});

test("a host that is killed in the middle of a command or of a program beside it costs the call nothing: both ran once", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const session = (await ai.call("session_open", { command: ["bash", "--norc"] })).told["session"] as string;
  const until = "until [ -e go ]; do sleep 0.05; done";
  const running = ai.call("run", {
    session,
    command: `cd ${w.files}; echo x >>typed; echo before; ${until}; echo after; (exit 6)`,
    wait_seconds: 50,
  });
  const beside = ai.call("exec", {
    session,
    argv: ["sh", "-c", `cd ${w.files}; echo x >>started; ${until}; echo out; echo err >&2; exit 7`],
    wait_seconds: 50,
  });
  await fact("both run", () => existsSync(w.path("typed")) && existsSync(w.path("started")));
  await w.killHost();
  writeFileSync(w.path("go"), "");
  expect((await running).told).toMatchObject({ state: "finished", exit_code: 6, output: { text: "before\nafter\n" } });
  expect((await beside).told).toMatchObject({
    state: "finished",
    exit_code: 7,
    stdout: { text: "out\n" },
    stderr: { text: "err\n" },
  });
  expect(["typed", "started"].map((name) => readFileSync(w.path(name), "utf8"))).toEqual(["x\n", "x\n"]);
});

test("half a sequence at the end is waited for once, and never where nothing comes any more: reading comes to its end", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const session = (await ai.call("session_open", { command: ["printf", "abc\\033]0;half"] })).told["session"] as string;
  await ai.call("wait", { session, until: ["exit"], cursor: "0", timeout_seconds: 40 });
  const read = await ai.call("log", { session });
  expect(read.told.output.text).toContain("abc");
  expect(read.told["at_end"]).toBe(true);
  const live = (await ai.call("session_open", { command: ["sh", "-c", "printf 'abc\\033]0;half'; exec sleep 1000"] })).told[
    "session"
  ];
  const first = await fact("its output is there", async () => {
    const now = await ai.call("log", { session: live });
    return now.told["cursor"] === "0" ? null : now;
  });
  const second = await ai.call("log", { session: live, cursor: first.told["cursor"] });
  expect(first.told.output.text + second.told.output.text).toContain("abc");
  expect(second.told["at_end"]).toBe(true);
});

test("what a person took back or lifted before the wait is no news to it", async () => {
  const w = await world();
  const ai = await agent(w, "v1");
  const ana = await w.connect();
  const session = (await ai.call("session_open", { command: ["cat"] })).told["session"] as string;
  await ana.floor(session, "ai_pause");
  await ana.floor(session, "ai_resume");
  const waited = await ai.call("wait", { session, until: ["exit"], cursor: "0", timeout_seconds: 0.3 });
  expect(waited.told).toMatchObject({ fired: "timeout" });
  await ana.floor(session, "ai_pause");
  const paused = await ai.call("wait", { session, until: ["exit"], cursor: "0", timeout_seconds: 20 });
  expect(paused.told).toMatchObject({ fired: "paused_by_operator", state: "paused_by_operator" });
});
