import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Invitations } from "./invitations.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hold-invitations-"));
  path = join(folder, "invitations.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const token = Uint8Array.from({ length: 32 }, (_, i) => i);
const init = (id: string, more: object = {}) => ({
  id,
  operator: "",
  kind: "human" as const,
  role: "observer",
  guest: null,
  invitedBy: "ana",
  invitedUnixMs: 1_000,
  redeemUntilUnixMs: 2_000,
  ...more,
});

test("I1: the file is its owner's and holds no token", () => {
  Invitations.open(path).add(init("i1"), token);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const text = readFileSync(path, "utf8");
  for (const form of ["hex", "base64", "base64url"] as const) expect(text).not.toContain(Buffer.from(token).toString(form));
});

test("I2: what was taken stays taken, though its taker died of it", () => {
  Invitations.open(path).add(init("i1"), token);
  Invitations.open(path).take(token, 1_500);
  expect(() => Invitations.open(path).take(token, 1_500)).toThrow("taken up already");
});

test("I2: one that nothing came of can be taken again", () => {
  const invitations = Invitations.open(path);
  invitations.add(init("i1"), token);
  invitations.reopen(invitations.take(token, 1_500));
  expect(Invitations.open(path).take(token, 1_999).id).toBe("i1");
});

test("I3: at the end of its time it is closed, a millisecond before it is not", () => {
  const invitations = Invitations.open(null);
  invitations.add(init("i1"), token);
  expect(() => invitations.take(token, 2_000)).toThrow("until 1970-01-01T00:00:02.000Z");
  expect(invitations.take(token, 1_999).id).toBe("i1");
});

test("one that was taken back is open to nobody, and 256 are all that may be open", () => {
  const invitations = Invitations.open(null);
  invitations.add(init("i0"), token);
  invitations.revoke("i0");
  expect(() => invitations.take(token, 1_500)).toThrow("taken back");
  for (let n = 1; n <= 256; n++) invitations.add(init(`i${n}`), Uint8Array.of(n, n >> 8));
  expect(() => invitations.add(init("i257"), Uint8Array.of(9, 9, 9))).toThrow("256 invitations are open");
  invitations.add(init("later", { invitedUnixMs: 5_000, redeemUntilUnixMs: 6_000 }), Uint8Array.of(9, 9, 9));
});

test("I3: who guesses is told nothing of what there is", () => {
  const invitations = Invitations.open(null);
  const said = (): string => {
    try {
      invitations.take(Uint8Array.of(1), 1_500);
      return "taken";
    } catch (fault) {
      return String(fault);
    }
  };
  const before = said();
  invitations.add(init("i1"), token);
  expect(said()).toBe(before);
});

test("what an operator invited to, and other keys for them, are withdrawn with them; what was taken stays so", () => {
  const invitations = Invitations.open(path);
  const tokenOf = (n: number) => Uint8Array.of(n);
  invitations.add(init("by-ana"), tokenOf(1));
  invitations.add(init("for-ana", { invitedBy: "root", operator: "ana" }), tokenOf(2));
  invitations.add(init("by-root", { invitedBy: "root" }), tokenOf(3));
  invitations.add(init("taken"), tokenOf(4));
  invitations.take(tokenOf(4), 1_500);
  invitations.withdraw("ana");
  expect(
    Invitations.open(path)
      .list()
      .map((i) => [i.id, i.state]),
  ).toEqual([
    ["by-ana", "revoked"],
    ["for-ana", "revoked"],
    ["by-root", "open"],
    ["taken", "taken"],
  ]);
});

test("a file that can't be read lets nobody in, and is not written over", () => {
  writeFileSync(path, "{");
  expect(() => Invitations.open(path)).toThrow("put it right, or aside");
  expect(readFileSync(path, "utf8")).toBe("{");
});
