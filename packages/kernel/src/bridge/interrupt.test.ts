import { expect, test } from "vitest";
import { interruptPlan } from "./interrupt.ts";

const plan = (implementation: string, interruptMode: "signal" | "message" = "signal", argv: string[] = ["k"]) =>
  interruptPlan({ implementation, interruptMode, argv });

test("a signal is safe for kernels that keep their state under it, and for no other", () => {
  expect(["ipython", "IRkernel", "tslab"].map((name) => plan(name).isSafe)).toEqual([true, true, true]);
  expect(plan("xeus-python")).toEqual({ way: "signal", isSafe: false, detail: "xeus-python exits on SIGINT" });
  expect(plan("Deno kernel").isSafe).toBe(false);
  expect(plan("strange")).toMatchObject({ isSafe: false, detail: "nobody has tried whether strange survives SIGINT" });
});

test("a kernel that is not ready yet is known by its argv, if at all", () => {
  expect(plan("", "signal", ["/usr/bin/python3", "-m", "ipykernel_launcher", "-f", "x"]).isSafe).toBe(true);
  expect(plan("", "signal", ["/usr/bin/xpython"]).isSafe).toBe(false);
});

test("a message is safe for every kernel, by its spec or when asked", () => {
  expect(plan("strange", "message")).toMatchObject({ way: "message", isSafe: true });
  expect(interruptPlan({ implementation: "Deno kernel", interruptMode: "signal", argv: [] }, "message").isSafe).toBe(true);
});
