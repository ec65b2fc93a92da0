import { mkdtempSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { forgetMirror, keepSeen, type KeptMirror, readMirror, writeMirror } from "./kept.ts";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "kept-"));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

const box: KeptMirror = { url: "nats://a:4222", bucket: "holdfast", hostId: "0".repeat(32), key: "k" };

test("who reads keeps how far, and of two the one who saw further", () => {
  const at = folder();
  writeMirror(at, "box", box);
  keepSeen(at, "box", box, { epoch: 1, serial: 8 });
  keepSeen(at, "box", box, { epoch: 1, serial: 7 });
  expect(readMirror(at, "box")).toEqual({ ...box, seen: { epoch: 1, serial: 8 } });
  keepSeen(at, "box", box, { epoch: 2, serial: 3 });
  expect(readMirror(at, "box").seen).toEqual({ epoch: 2, serial: 3 });
});

test("a context that was set anew or forgotten while its mirror was read stays so", () => {
  const at = folder();
  writeMirror(at, "box", { ...box, url: "nats://b:4222" });
  keepSeen(at, "box", box, { epoch: 1, serial: 8 });
  expect(readMirror(at, "box")).toEqual({ ...box, url: "nats://b:4222" });
  forgetMirror(at, "box");
  keepSeen(at, "box", box, { epoch: 1, serial: 8 });
  expect(readdirSync(join(at, "mirrors"))).toEqual([]);
});

test("another's half-written file is nobody's hindrance, and none is left", () => {
  const at = folder();
  mkdirSync(join(at, "mirrors", "box.json.new"), { recursive: true });
  writeMirror(at, "box", box);
  expect(readdirSync(join(at, "mirrors")).sort()).toEqual(["box.json", "box.json.new"]);
});
