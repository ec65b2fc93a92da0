/** Typing of an agent whose calls are repeated and whose decisions grow old, with a real `hold mcp`, host and shell. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { world } from "../../../test/integration/world/world.ts";
import { agent } from "./agent.ts";

test("an input is typed once however often its call is made, over the death of `hold mcp` and of the host, and at a prompt that is gone", async () => {
  const w = await world();
  const first = await agent(w, "v2");
  const session = (await first.call("session_open", { name: "work" })).told["session"] as string;
  const asked = (await first.call("run", { session, command: "read -p 'go? ' a; echo got $a; cat", wait_seconds: 45 })).told;
  expect(asked["state"]).toBe("waiting_input");
  const input = { session, text: "yes", submit: true, expect_state: "waiting_input", input_id: "answer-1" };
  const typed = (await first.call("send_text", input)).told;
  expect(typed).toMatchObject({ status: "applied" });
  expect((await first.call("wait", { session, pattern: "got yes", cursor: asked["cursor"] })).told["fired"]).toBe("match");
  await first.close();
  await w.killHost();
  const second = await agent(w, "v1");
  const again = (await second.call("send_text", input)).told;
  expect(again).toMatchObject({ repeated: true, status: "applied", input_seq: typed["input_seq"] });
  // As new ones they would be answered by cat.
  expect((await second.call("send_text", { ...input, text: "other" })).told).toMatchObject({ code: "bad_request" });
  await second.call("send_text", { session, text: "end", submit: true, input_id: "answer-2" });
  const { output } = (await second.call("wait", { session, pattern: "^end", cursor: again["cursor"] })).told;
  expect(output.text.match(/yes/g)).toHaveLength(2);
  expect(output.text).not.toContain("other");
});

test("what was decided on a prompt is not typed into what runs there by now", async () => {
  const w = await world();
  const ai = await agent(w, "v2");
  const session = (await ai.call("session_open", { name: "work" })).told["session"] as string;
  await ai.call("run", { session, command: "true" });
  const stale = { session, text: "rm -rf build", submit: true, expect_state: "waiting_input" };
  const refused = await ai.call("send_text", stale);
  expect(refused.isError).toBe(true);
  expect(refused.told).toMatchObject({ refused: true, code: "other_state", state: "idle_prompt", expected: "waiting_input" });
  expect((await ai.call("send_keys", { session, keys: ["C-u"], expect_state: "idle_prompt" })).told).toMatchObject({
    status: "applied",
  });
  const ran = (await ai.call("run", { session, command: "echo kept" })).told;
  expect(ran).toMatchObject({ state: "finished", output: { text: "kept\n" } });
});

test("a command is run once however often its call is made: the second waits for the same end, a third is told of it, over the death of both processes", async () => {
  const w = await world();
  const first = await agent(w, "v2");
  const session = (await first.call("session_open", { name: "work" })).told["session"] as string;
  await first.call("run", { session, command: `cd ${w.files}` });
  const command = "echo x >>typed; until [ -e go ]; do sleep 0.05; done; echo done; (exit 6)";
  const run = { session, command, input_id: "build-1" };
  expect((await first.call("run", { ...run, wait_seconds: 1 })).told["state"]).toBe("running");
  await first.close();
  const second = await agent(w, "v1");
  const waiting = second.call("run", { ...run, wait_seconds: 45 });
  writeFileSync(w.path("go"), "");
  expect((await waiting).told).toMatchObject({
    ...{ repeated: true, fired: "command", exit_code: 6, output: { text: expect.stringContaining("done") } },
  });
  await second.close();
  await w.killHost();
  const third = await agent(w, "v2");
  expect((await third.call("run", run)).told).toMatchObject({ repeated: true, fired: "command", exit_code: 6 });
  expect((await third.call("run", { ...run, command: "echo other" })).told).toMatchObject({ code: "bad_request" });
  expect(readFileSync(w.path("typed"), "utf8")).toBe("x\n");
});
