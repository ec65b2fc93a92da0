/** An agent at a kernel: its code has a turn among everybody's, and what it shows comes as text and pictures. */
import { expect, test } from "vitest";
import { fact } from "../../../test/integration/world/processes.ts";
import { world } from "../../../test/integration/world/world.ts";
import { agent } from "./agent.ts";

const PICTURE =
  "from IPython.display import Image, display; import base64; display(Image(base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')))";

test("an agent runs code that keeps its variables, is shown pictures, answers a question, interrupts, and reads who ran what", async () => {
  const w = await world();
  const person = await w.connect();
  const ai = await agent(w, "v2");
  const opened = (await ai.call("session_open", { kind: "kernel", kernel: "python3", name: "data" })).told;
  expect(opened).toMatchObject({ kind: "kernel", kernel: { name: "python3" } });
  const session = opened["session"] as string;
  expect((await ai.call("kernel_execute", { session, code: "x = 41; print(x + 1)" })).told).toMatchObject({
    ...{ state: "finished", ended: "ended", outcome: "ok", execution_count: 1 },
    output: { text: "42\n", untrusted: true },
  });
  const failed = await ai.call("kernel_execute", { session, code: "1/0" });
  expect([failed.isError, failed.told["outcome"]]).toEqual([false, "error"]);
  expect(failed.told.output.text).toContain("ZeroDivisionError");
  const drawn = await ai.call("kernel_execute", { session, code: PICTURE });
  expect([drawn.pictures, drawn.told["pictures"]]).toEqual([["image/png"], 1]);

  const asked = (await ai.call("kernel_execute", { session, code: "name = input('who? '); print('hello', name)" })).told;
  expect(asked).toMatchObject({ state: "waiting_input", question: { text: "who? ", password: false } });
  expect((await ai.call("session_get", { session })).told).toMatchObject({ state: "waiting_input", kernel: { asks: true } });
  await ai.call("kernel_control", { session, verb: "reply", prompt: asked["question"].prompt, text: "ann" });
  const greeted = (await ai.call("wait", { session, pattern: "hello", cursor: asked["cursor"] })).told;
  expect(greeted).toMatchObject({ fired: "match", matched: { text: "hello ann" } });

  const slow = (await ai.call("kernel_execute", { session, code: "import time; time.sleep(600)", wait_seconds: 1 })).told;
  expect(slow).toMatchObject({ state: "running", ended: "timed_out" });
  await ai.call("kernel_control", { session, verb: "interrupt" });
  await fact("nothing runs", async () => (await ai.call("session_get", { session })).told["state"] === "idle_prompt");

  await person.kernels.run(session, "print('a person')");
  const log = (await ai.call("log", { session })).told.output.text;
  expect(log).toMatch(/In \[1\] \S+: x = 41; print\(x \+ 1\)\n42\n/);
  expect(log).toMatch(new RegExp(`In \\[6\\] ${person.operator.operator!.name}: print\\('a person'\\)\na person\n`));
  expect((await ai.call("screen", { session })).told["screen"].text).toMatch(/hello ann[\s\S]*a person/);
  expect(
    (await ai.call("run", { session: (await ai.call("session_open")).told["session"], command: "true" })).told["exit_code"],
  ).toBe(0);
});
