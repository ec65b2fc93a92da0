/** An agent's work as it goes: what it is told where it waits for nothing, meets a full-screen program, a password, its own half line, or a person's hand. */
import { expect, test } from "vitest";
import { fact } from "../../../test/integration/world/processes.ts";
import { bytes, world } from "../../../test/integration/world/world.ts";
import { agent } from "./agent.ts";

test("a wait for a command where none runs says so instead of waiting, and one from a cursor before its end has its code", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const session = (await ai.call("session_open")).told["session"] as string;
  await ai.call("run", { session, command: "true" });
  const none = (await ai.call("wait", { session, until: ["command"] })).told;
  expect(none).toMatchObject({
    fired: "input_needed",
    state: "idle_prompt",
    next_step: expect.stringContaining("no command runs"),
  });
  const asked = (await ai.call("run", { session, command: "read -p 'name? ' n; (exit 3)", wait_seconds: 45 })).told;
  expect(asked).toMatchObject({ state: "waiting_input", next_step: expect.stringContaining("send_text") });
  // Input is not what this one waits for; what it says at its end is still what is to be done.
  const late = (await ai.call("wait", { session, until: ["command"], timeout_seconds: 1 })).told;
  expect(late).toMatchObject({ fired: "timeout", state: "waiting_input", next_step: expect.stringContaining("send_text") });
  const answered = (await ai.call("send_text", { session, text: "ann", submit: true })).told;
  expect((await ai.call("wait", { session, until: ["command"], cursor: answered["cursor"] })).told).toMatchObject({
    fired: "command",
    exit_code: 3,
  });
});

test("a full-screen program is told by its screen, and what it draws is not in the output", async () => {
  const w = await world();
  const ai = await agent(w, "v1");
  const session = (await ai.call("session_open")).told["session"] as string;
  const vim = await ai.call("run", {
    session,
    command: "echo before; vim -u NONE -i NONE -N note; echo after",
    wait_seconds: 45,
  });
  expect(vim.told).toMatchObject({ state: "interactive_app", output: { text: "before\n" }, screen: { untrusted: true } });
  expect(vim.told.output).toMatchObject({ drawn_bytes: expect.any(Number), omitted_bytes: 0 });
  expect(vim.told["screen"].text).toContain("~\n~");
  expect(vim.bytes).toBeLessThan(4_096);
  await ai.call("send_keys", { session, keys: ["i"] });
  await ai.call("send_text", { session, text: "one\ntwo" });
  await ai.call("send_keys", { session, keys: ["Escape"] });
  await ai.call("send_text", { session, text: ":wq", submit: true });
  const done = await ai.call("wait", { session, until: ["command"], cursor: vim.told["cursor"] });
  expect(done.told).toMatchObject({ fired: "command", exit_code: 0 });
  expect((await ai.call("file_read", { session, path: "note" })).told["content"]).toMatchObject({ text: "one\ntwo\n" });
  expect((await ai.call("log", { session })).told.output.text).toMatch(/before\nafter\n/);
});

test("who else typed since a cursor is told with what was printed, without a word of it", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const ana = await w.operator("ana");
  const session = (await ai.call("session_open", { command: ["cat"] })).told["session"] as string;
  const sent = (await ai.call("send_text", { session, text: "of the AI", submit: true })).told;
  for (const text of ["of a person\n", "again\n"]) await ana.send(session, bytes(text));
  const waited = (await ai.call("wait", { session, pattern: "again", cursor: sent["cursor"] })).told;
  expect(waited["others_typed"]).toEqual([{ who: "ana", inputs: 2, bytes: 18 }]);
  expect((await ai.call("log", { session, cursor: waited["cursor"] })).told["others_typed"]).toBeUndefined();
});

test("at a password the agent is told how its person types it, and of its own half line how to send or clear that", async () => {
  const w = await world();
  const ai = await agent(w, "v1");
  const session = (await ai.call("session_open", { name: "work" })).told["session"] as string;
  const secret = (await ai.call("run", { session, command: "read -rs -p 'password: ' P", wait_seconds: 45 })).told;
  expect(secret).toMatchObject({ state: "waiting_secret", next_step: expect.stringContaining("`hold attach work`") });
  await ai.call("send_keys", { session, keys: ["C-c"] });
  await fact("the shell reads anew", async () => (await ai.call("session_get", { session })).told["state"] === "idle_prompt");
  await ai.call("send_text", { session, text: "echo half" });
  const refused = (await ai.call("run", { session, command: "true" })).told;
  expect(refused).toMatchObject({ code: "line_not_empty", who: secret["actor"], next_step: expect.stringContaining("C-u") });
  await ai.call("send_keys", { session, keys: ["C-u"] });
  expect((await ai.call("run", { session, command: "true" })).told).toMatchObject({ state: "finished", exit_code: 0 });
});
