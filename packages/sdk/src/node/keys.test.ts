import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { credentialOf, generateKey } from "./keys.ts";

function emptyHome(): string {
  const home = mkdtempSync(join(tmpdir(), "hold-keys-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

test("a home without a key says how one comes into it; one whose keys are each for a host asks which is meant", () => {
  const home = emptyHome();
  expect(() => credentialOf(home, undefined)).toThrow(/^(?=.*no key).*hold join hold1.*hold host up/);
  expect(() => credentialOf(home, "ana")).toThrow(/no key for "ana".*hold operator add ana$/);
  generateKey(home, "guest");
  generateKey(home, "guest-2");
  expect(() => credentialOf(home, undefined)).toThrow(/say which to show, with --as: guest, guest-2$/);
  expect(credentialOf(home, "guest-2").publicKey).not.toEqual(credentialOf(home, "guest").publicKey);
});
