import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, expect, test } from "vitest";
import { newKey, sshHostKey } from "./host-key.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "hold-ssh-key-"));
  folders.push(folder);
  return join(folder, "key");
}

test("a key is made once, for its owner alone, and is the same from then on", async () => {
  const path = place();
  const made = await sshHostKey(path);
  expect(made.publicKey).toMatch(/^ssh-ed25519 AAAA[A-Za-z0-9+/]+=*$/);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await sshHostKey(path)).toEqual(made);
});

test("what is no key of OpenSSH's is told, and is not replaced", async () => {
  const path = place();
  const { private: rsa } = ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 });
  for (const content of ["", "no key", rsa]) {
    writeFileSync(path, content);
    await expect(sshHostKey(path)).rejects.toMatchObject({ code: "start_failed" });
    expect(readFileSync(path, "utf8")).toBe(content);
  }
});

test("a key that the library made and can't read is not kept", () => {
  const short = { private: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", public: "" };
  const good = { private: newKey(ssh2), public: "" };
  const made = [short, short, good];
  const utils = { ...ssh2.utils, generateKeyPairSync: (() => made.shift()!) as typeof ssh2.utils.generateKeyPairSync };
  expect(newKey({ utils })).toBe(good.private);
});
