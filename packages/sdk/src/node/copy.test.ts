import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoldError } from "@holdfast/protocol";
import { expect, onTestFinished, test } from "vitest";
import type { Files } from "../api/index.ts";
import { copyHere } from "./copy.ts";

test("a copy that is given up while there is no link is told as given up, and nothing is put in its place", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hold-copy-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const stop = new AbortController();
  let asked = 0;
  const files = {
    hash() {
      asked++;
      setTimeout(() => stop.abort(), 0);
      return Promise.reject(new HoldError("unreachable", "the host is away"));
    },
  } as unknown as Files;
  const copying = copyHere("there", join(folder, "here"), { files, signal: stop.signal });
  await expect(copying).rejects.toMatchObject({ code: "cancelled" });
  expect(asked).toBe(1);
});
