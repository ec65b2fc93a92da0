import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cannotStart, reasonAfter, reasonIn, sizeOf } from "./start-log.ts";

test("the reason of a host that could not start is found in the log, and nothing else is taken for one", () => {
  const said = `2026-01-02T12:00:00.000Z host 7: ${cannotStart("EACCES: permission denied, open '/home/x/journal/1'")}`;
  expect(reasonIn(`2026-01-02 keeper 3: started host 7 (start 1)\n${said}\n    at serve (host.mjs:1:1)\n`)).toBe(
    "EACCES: permission denied, open '/home/x/journal/1'",
  );
  expect(reasonIn("cannot start the host /no/node: No such file or directory\n")).toBe("/no/node: No such file or directory");
  expect(
    reasonIn("2026 host 7: serving /home/x: 3 sessions taken up, 0 lost, in 20 ms\n2026 host 7: defect, restarting: Error"),
  ).toBe(null);
});

test("what an earlier start left in the log is no reason for this one", () => {
  const folder = mkdtempSync(join(tmpdir(), "hold-start-log-"));
  const path = join(folder, "host.log");
  expect([sizeOf(path), reasonAfter(path, 0)]).toEqual([0, null]);
  writeFileSync(path, `t host 1: ${cannotStart("old")}\n`);
  const from = sizeOf(path);
  expect(reasonAfter(path, from)).toBe(null);
  writeFileSync(path, `t host 2: ${cannotStart("new")}\n`, { flag: "a" });
  expect(reasonAfter(path, from)).toBe("new");
  rmSync(folder, { recursive: true });
});
