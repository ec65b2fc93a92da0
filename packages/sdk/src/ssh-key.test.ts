import { expect, test } from "vitest";
import { openSshPublicKey } from "./ssh-key.ts";

/** Made by ssh-keygen; its raw key ends the blob. */
const LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g ana@box";

test("a line of OpenSSH gives the raw key, with a comment and without", () => {
  const raw = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
  expect(openSshPublicKey(LINE)).toEqual(raw);
  expect(openSshPublicKey(`  ${LINE.split(" ").slice(0, 2).join(" ")}\n`)).toEqual(raw);
});

test.each([
  ["another type", "ssh-rsa AAAAB3NzaC1yc2E= ana"],
  ["options before it", `no-pty ${LINE}`],
  ["a key cut short", LINE.split(" ").slice(0, 2).join(" ").slice(0, -8)],
  ["a key with more behind it", `ssh-ed25519 ${btoa(`${atob(LINE.split(" ")[1]!)}x`)}`],
  ["another type inside", `ssh-ed25519 ${btoa(atob(LINE.split(" ")[1]!).replace("ed25519", "ed25518"))}`],
  ["no base64", "ssh-ed25519 !!!"],
  ["nothing", ""],
])("%s is refused", (_, line) => {
  expect(() => openSshPublicKey(line)).toThrow(/ssh-ed25519/);
});
