/** A kernel session in the console: what ran and for whom, code to run, a question that is answered, an interrupt. */
import { afterAll, expect, test } from "vitest";
import { ConsoleBrowser, closeChrome } from "./world/console.ts";
import { fact } from "./world/processes.ts";
import { world } from "./world/world.ts";

afterAll(closeChrome);

test("a kernel is a page of who ran what: one runs code there, answers, interrupts, and starts a dead one anew", async () => {
  const w = await world();
  const client = await w.connect();
  const { id } = await w.open(client, { kind: "kernel", kernel: "python3", name: "data" });
  const ben = await w.operator("ben");
  await ben.kernels.run(id, "x = 41\nprint('from ben')");
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.page.getByRole("row", { name: "data", exact: true }).click();
  const shown = ana.page.getByRole("list", { name: "What ran, and what it showed" });
  await shown.getByText("from ben", { exact: true }).waitFor();
  await shown.getByText("In [1] ben").waitFor();
  await ana.isSound("a kernel");

  const code = ana.page.getByRole("textbox", { name: "Code" });
  await code.fill("x + 1");
  await code.press("Control+Enter");
  await shown.getByText("42", { exact: true }).waitFor();
  // What a program prints never becomes a page's markup.
  await code.fill("print('<img src=x onerror=alert(1)>')");
  await ana.page.getByRole("button", { name: "Run" }).click();
  await shown.getByText("<img src=x onerror=alert(1)>").last().waitFor();
  expect(await shown.locator("img").count()).toBe(0);

  await code.fill("got = input('which? ')");
  await code.press("Control+Enter");
  await ana.page.getByRole("textbox", { name: "which?" }).fill("this one");
  await ana.isSound("a kernel that asks");
  await ana.page.getByRole("button", { name: "Answer" }).click();
  let answer = "";
  await client.kernels.run(id, "print(got)", { text: (text) => void (answer += text) });
  expect(answer).toBe("this one\n");

  await code.fill("import time; print('in', flush=True); time.sleep(600)");
  await code.press("Control+Enter");
  await shown.getByText("in", { exact: true }).waitFor();
  await ana.page.getByRole("list", { name: "Runs and waits" }).getByText("runs").waitFor();
  await ana.page.getByRole("button", { name: "Interrupt what runs" }).click();
  await shown.getByText("KeyboardInterrupt").first().waitFor();

  await code.fill("import os; os._exit(1)");
  await code.press("Control+Enter");
  await ana.page.getByRole("button", { name: "Start it anew" }).click();
  await fact("it is there again", async () => (await client.show(id)).kernel?.phase === "ready");
  await ana.page.getByText("python3: idle").waitFor();
  await code.waitFor();
  if (process.env["HOLDFAST_LOOK"]) await ana.page.screenshot({ path: process.env["HOLDFAST_LOOK"] });
  expect(ana.complaints).toEqual([]);
});
