import { createHash, generateKeyPairSync, sign, verify } from "node:crypto";
import { expect, test } from "vitest";
import { credentialFrom, generateKeyPair, pinnedVerifier, publicKeyOf } from "./key.ts";

const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const words = Uint8Array.from(Buffer.from("what both have said"));

test("a page's key signs as a file's does, and can't be read out", async () => {
  const pair = await generateKeyPair();
  const raw = await publicKeyOf(pair);
  const credential = await credentialFrom(pair);
  expect(Buffer.from(credential.keyId)).toEqual(createHash("sha256").update(raw).digest());
  const key = { key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" } as const;
  expect(verify(null, words, key, await credential.sign(words))).toBe(true);
  await expect(crypto.subtle.exportKey("pkcs8", pair.privateKey)).rejects.toThrow(/extract/i);
});

test("a host is known by its key, or by that one's hash, and by nothing else", async () => {
  const host = generateKeyPairSync("ed25519");
  const raw = Uint8Array.from(host.publicKey.export({ format: "der", type: "spki" }).subarray(-32));
  const signature = sign(null, words, host.privateKey);
  const hash = createHash("sha256").update(raw).digest();
  for (const pin of [raw, hash]) {
    const verifier = pinnedVerifier(pin);
    expect(await verifier.verify(raw, words, signature)).toBe(true);
    expect(await verifier.verify(raw, words, signature.fill(0, 0, 1))).toBe(false);
    signature.set(sign(null, words, host.privateKey));
    const other = Uint8Array.from(generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" }).subarray(-32));
    expect(await verifier.verify(other, words, signature)).toBe(false);
  }
  expect(() => pinnedVerifier(raw.subarray(1))).toThrow(/32 bytes/);
});
