import { expect, test } from "vitest";
import { shortage } from "./open.ts";

test.each([
  ["pipe", "EMFILE", "ulimit -n"],
  ["pty", "EMFILE", "ulimit -n"],
  ["pipe", "ENFILE", "fs.file-max"],
  ["pty", "ENOSPC", "kernel.pty.max"],
  ["fork", "EAGAIN", "pids.max"],
])("what a machine lacks at %s with %s is told by the limit's name: %s", (step, errno, limit) => {
  const text = shortage(step, errno);
  expect(text).toContain(errno);
  expect(text).toContain(limit);
});

test("a program that is not there is no shortage", () => {
  expect(shortage("exec", "ENOENT")).toBeNull();
});
