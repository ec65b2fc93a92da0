import { HoldError, type HostClient } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { HostWay } from "./link.ts";

/** Clients of a host, each with one link; what is asked of one that was closed is refused. */
function scene() {
  const made: { isOver: boolean; isClosed: boolean }[] = [];
  const way = new HostWay(async () => {
    const state = { isOver: false, isClosed: false };
    made.push(state);
    return {
      get isOver() {
        return state.isOver;
      },
      list: async () => {
        if (state.isClosed) throw new HoldError("cancelled", "the client left");
        return [];
      },
      close: () => {
        state.isClosed = true;
      },
    } as unknown as HostClient;
  });
  return { made, way };
}

test("a call that goes on over a lost link keeps its client, whoever else finds the link gone; then that is closed", async () => {
  const { made, way } = scene();
  const longer = Promise.withResolvers<void>();
  const long = way.change(async (client) => {
    await longer.promise;
    return client.list();
  });
  await way.change((client) => client.list());
  made[0]!.isOver = true;
  await way.change((client) => client.list());
  expect([made.length, made[0]!.isClosed]).toEqual([2, false]);
  longer.resolve();
  expect(await long).toEqual([]);
  expect(made.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  way.close();
  await Promise.resolve();
  expect(made[1]!.isClosed).toBe(true);
});
