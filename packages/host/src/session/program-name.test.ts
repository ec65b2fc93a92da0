import { expect, test } from "vitest";
import { programName } from "./program-name.ts";

test("a program is called as the kernel says, and Node by its file, where that is told", async () => {
  const exe = (file: string) => async (): Promise<string> => file;
  expect(await programName("bash", exe("/usr/bin/dash"))).toBe("bash");
  expect(await programName("MainThread", exe("/usr/bin/node"))).toBe("node");
  expect(await programName("MainThread", exe("/opt/node/bin/node (deleted)"))).toBe("node");
  expect(await programName("MainThread", exe(""))).toBe("MainThread");
});
