import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { isSealed, seal, unseal } from "./sealed-key.ts";

/** Of a guess, for a test that makes several. */
const cheap = { N: 1_024, r: 8, p: 1 };
const key = generateKeyPairSync("ed25519").privateKey;
const publicHalf = (k: typeof key): string => createPublicKey(k).export({ format: "pem", type: "spki" }).toString();

test("a key is opened by its passphrase alone, whatever way that is written in Unicode, and the file holds nothing of it", async () => {
  const file = await seal(key, "caf\u00e9 au lait", cheap);
  expect(isSealed(file)).toBe(true);
  expect(publicHalf((await unseal(file, "cafe\u0301 au lait", "k"))!)).toBe(publicHalf(key));
  for (const wrong of ["cafe au lait", "caf\u00e9 au lait ", ""]) expect(await unseal(file, wrong, "k")).toBeNull();
  // Not without the work that scrypt asks for either: the passphrase is not the PEM's own.
  for (const passphrase of ["caf\u00e9 au lait", undefined])
    expect(() => createPrivateKey({ key: file.slice(file.indexOf("-----")), ...(passphrase ? { passphrase } : {}) })).toThrow();
  expect(isSealed(key.export({ format: "pem", type: "pkcs8" }).toString())).toBe(false);
});

test("one that is damaged opens with nothing, and one that asks for endless work is not begun", async () => {
  const file = await seal(key, "correct horse", cheap);
  const damaged = file.replace(/\n([A-Za-z0-9+/])/, (_, c: string) => `\n${c === "A" ? "B" : "A"}`);
  expect(await unseal(damaged, "correct horse", "k")).toBeNull();
  for (const cost of ["N=16777216,r=8,p=1", "N=131072,r=99,p=1", "N=131072,r=8,p=9", "N=131071,r=8,p=1", "N=0,r=8,p=1"])
    await expect(unseal(file.replace(/N=\d+,r=\d+,p=\d+/, cost), "correct horse", "k")).rejects.toMatchObject({
      code: "unknown_credential",
    });
  await expect(unseal(file.slice(file.indexOf("-----")), "correct horse", "k")).rejects.toMatchObject({
    code: "unknown_credential",
  });
});

test("a passphrase that is guessed at once is refused", async () => {
  await expect(seal(key, "1234567")).rejects.toMatchObject({ code: "bad_request" });
});
