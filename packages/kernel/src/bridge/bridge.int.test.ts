/** A real ipykernel under a real bridge under a real shim in pipe mode. */
import { expect, test } from "vitest";
import { KernelWorld } from "../../test/world.ts";

test("a kernel starts, runs what it is sent, and says who sent it in what it answers", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  const ready = await session.ready();
  expect(ready.info).toMatchObject({ implementation: "ipython" });
  const run = session.execute("print(6 * 7)");
  expect(await session.over(run)).toBe("ok");
  expect(session.text(run)).toBe("42\n");
  console.log(ready.tookMs, session.memoryMib(), session.words, Buffer.concat(session.stderr).toString());
});
