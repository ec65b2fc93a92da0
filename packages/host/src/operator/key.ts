/** Ed25519 keys as files: PKCS#8 PEM, 0600. Raw public keys (32 bytes) travel and are stored; a key id is SHA-256 of that. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** DER prefix of an Ed25519 SubjectPublicKeyInfo (RFC 8410); the raw key follows. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

export function rawPublicKey(key: KeyObject): Buffer {
  return Buffer.from(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX.length));
}

export function publicKeyFromRaw(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" });
}

export function keyIdOf(raw: Uint8Array): Buffer {
  return createHash("sha256").update(raw).digest();
}

/** Reads the key, or makes it. */
export function keyFile(path: string): KeyObject {
  if (existsSync(path)) return createPrivateKey(readFileSync(path));
  const { privateKey } = generateKeyPairSync("ed25519");
  // Whole or not at all: a host can't start on half a key.
  rmSync(`${path}.new`, { force: true });
  writeFileSync(`${path}.new`, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600, flag: "wx", flush: true });
  renameSync(`${path}.new`, path);
  return privateKey;
}
