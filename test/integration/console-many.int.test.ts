/** A list of a thousand sessions in the console: found, gone through by keys and wheel, and no more drawn than is in sight. */
import { afterAll, expect, onTestFinished, test } from "vitest";
import { ConsoleBrowser, closeChrome } from "./world/console.ts";
import { fact } from "./world/processes.ts";
import { say, world } from "./world/world.ts";

afterAll(closeChrome);

const MANY = 1_000;
const AT_ONCE = 16;
/** More than a screen of them, and its neighbours. */
const MOST_DRAWN = 60;

test("a thousand sessions are listed, filtered to one, gone through by keys and by the wheel, and no more are drawn than are in sight", async () => {
  const w = await world();
  const admin = await w.connect();
  const names = Array.from({ length: MANY }, (_, n) => `job-${String(n).padStart(4, "0")}`);
  const startedAt = performance.now();
  const left = [...names];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let name = left.shift(); name; name = left.shift()) await w.open(admin, { name, kind: "pipes", command: ["true"] });
    }),
  );
  say(`${MANY} sessions in ${Math.round(performance.now() - startedAt)} ms`);
  const { id } = await w.open(admin, { name: "live", script: "sleep 600" });
  // A command beside it is no session of its own.
  expect((await admin.exec(id, ["true"])).exit?.code).toBe(0);
  await fact("all have ended", async () => (await admin.list({})).length === 1);

  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.page.getByRole("row", { name: "live" }).waitFor();
  await ana.page.getByRole("button", { name: `Ended ${MANY}` }).click();
  const list = ana.page.getByRole("grid", { name: "Sessions" }).or(ana.page.getByRole("treegrid", { name: "Sessions" }));
  await list.getByRole("row").nth(5).waitFor();
  const drawn = async (): Promise<number> => list.getByRole("row").count();
  const elements = (): Promise<number> => ana.page.evaluate("document.querySelectorAll('*').length") as Promise<number>;
  expect(await list.getAttribute("aria-rowcount")).toBe(String(MANY + 1));
  expect(await drawn()).toBeLessThan(MOST_DRAWN);
  const before = await elements();

  // By keys: to the last, and to the first.
  await list.getByRole("row").first().focus();
  await ana.page.keyboard.press("End");
  await ana.page.locator("[role=row]:focus").getByText("job-", { exact: false }).first().waitFor();
  const lastIndex = await ana.page.locator("[role=row]:focus").getAttribute("aria-rowindex");
  expect(lastIndex).toBe(String(MANY + 1));
  for (let n = 0; n < 5; n++) await ana.page.keyboard.press("PageUp");
  expect(Number(await ana.page.locator("[role=row]:focus").getAttribute("aria-rowindex"))).toBeLessThan(MANY - 30);
  await ana.page.keyboard.press("Home");
  await ana.page.locator("[role=row]:focus[aria-rowindex='1']").waitFor();
  expect(await drawn()).toBeLessThan(MOST_DRAWN);

  // By the wheel: as far as it goes.
  const box = (await list.boundingBox())!;
  await ana.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  let most = 0;
  await fact("the wheel reaches the end", async () => {
    await ana.page.mouse.wheel(0, 6_000);
    most = Math.max(most, await drawn());
    return list.locator(`[aria-rowindex='${MANY + 1}']`).isVisible();
  });
  expect(most).toBeLessThan(MOST_DRAWN);
  expect(Math.abs((await elements()) - before)).toBeLessThan(before / 2);

  // One of them.
  const cdp = await ana.context.newCDPSession(ana.page);
  onTestFinished(() => cdp.detach().catch(() => {}));
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  const busyMs = async (): Promise<number> => {
    const { metrics } = await cdp.send("Performance.getMetrics");
    return (metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0) * 1_000;
  };
  const busyBefore = await busyMs();
  const filter = ana.page.getByLabel("Filter sessions");
  await filter.pressSequentially("job-0777");
  await fact("one is left", async () => (await drawn()) === 1);
  say(`filtered in ${Math.round((await busyMs()) - busyBefore)} ms of the page's processor`);
  await list.getByRole("row", { name: "job-0777" }).click();
  await ana.page.getByText("This session ended with code 0.").waitFor();
  // What happens to one of them is drawn beside all others.
  await ana.page.getByRole("button", { name: "All sessions" }).first().click();
  await ana.page.getByRole("row", { name: "live" }).waitFor();
  await ana.page.getByRole("button", { name: `Ended ${MANY}` }).click();
  await list.getByRole("row").nth(5).waitFor();
  const told = await busyMs();
  const changes = ["one", "two", "three", "four", "renamed"];
  for (const name of changes) {
    await admin.rename(id, name);
    await ana.page.getByRole("row", { name, exact: true }).waitFor();
  }
  say(`a change is drawn in ${Math.round(((await busyMs()) - told) / changes.length)} ms of the page's processor`);
  await ana.isSound("a thousand sessions");
  expect(ana.complaints).toEqual([]);
});
