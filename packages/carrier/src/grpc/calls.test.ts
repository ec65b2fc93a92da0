import { Socket } from "node:net";
import type { HoldError } from "@holdfast/protocol";
import { expect, onTestFinished, test, vi } from "vitest";
import { relayAddress } from "./address.ts";
import { RelayClient } from "./calls.ts";

test("a relay that is not there is dialled once, and no more when the attempt is over; the kernel's word is the cause", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const dials = vi.spyOn(Socket.prototype, "connect");
  onTestFinished(() => {
    vi.useRealTimers();
    dials.mockRestore();
  });
  const fault = await RelayClient.open(relayAddress("https://127.0.0.1:9")).catch((failed: HoldError) => failed);
  expect(fault).toMatchObject({ code: "unreachable", cause: { code: "ECONNREFUSED" } });
  await vi.advanceTimersByTimeAsync(600_000);
  expect(dials).toHaveBeenCalledTimes(1);
});
