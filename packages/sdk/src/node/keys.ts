/** Credentials on this machine: Ed25519 keys as 0600 files in the home's `keys`, one an operator; plain, or kept by a passphrase. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { files, folders, makeHome } from "@holdfast/carrier";
import { HoldError } from "@holdfast/protocol";
import type { AskPassphrase } from "../api/index.ts";
import type { Credential, HostVerifier } from "../client/credential.ts";
import { isSealed, seal, unseal } from "./sealed-key.ts";

const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const NAME = /^[a-z][a-z0-9._-]{0,31}$/;
/** Tried for a new key, where the first ones are taken. */
const MOST_NAMES = 9;

/** How often a passphrase is asked for. */
const TRIES = 3;

/** A credential whose key is here. */
export interface HeldCredential extends Credential {
  readonly key: KeyObject;
  /** Raw, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** A key that was made: raw, 32 bytes, and the file that holds it. */
export interface GeneratedKey {
  readonly publicKey: Uint8Array;
  readonly path: string;
}

/** Makes a key for an operator that is about to be added. Refuses to replace one. */
export function generateKey(home: string, name: string): GeneratedKey {
  const path = newPath(home, name);
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  writeFileSync(path, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600, flag: "wx" });
  return { publicKey: rawOf(publicKey), path };
}

/** As {@link generateKey}, and only this passphrase opens it. */
export async function generateSealedKey(home: string, name: string, passphrase: string): Promise<GeneratedKey> {
  const path = newPath(home, name);
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  writeFileSync(path, await seal(privateKey, passphrase), { mode: 0o600, flag: "wx" });
  return { publicKey: rawOf(publicKey), path };
}

function rawOf(key: KeyObject): Uint8Array {
  return key.export({ format: "der", type: "spki" }).subarray(SPKI_PREFIX.length);
}

function newPath(home: string, name: string): string {
  if (!NAME.test(name))
    throw new HoldError(
      "bad_request",
      `operator name ${JSON.stringify(name)}: lower-case letters, digits, dot, dash and underscore, 32 at most, a letter first`,
    );
  makeHome(home);
  const path = join(folders.keys(home), `${name}.key`);
  if (existsSync(path))
    throw new HoldError("name_taken", `there is a key for ${name} already (${path}); remove it, or choose another name`);
  return path;
}

/** Operators that this home has a key for. */
export function credentialNames(home: string): string[] {
  if (!existsSync(folders.keys(home))) return [];
  return readdirSync(folders.keys(home))
    .filter((f) => f.endsWith(".key"))
    .map((f) => f.slice(0, -4))
    .sort();
}

export function defaultKeyName(home: string): string | null {
  return existsSync(files.defaultKey(home)) ? readFileSync(files.defaultKey(home), "utf8").trim() : null;
}

/** Names that a new key may have here, the first one first: `base` (default: this machine's user), then numbered. */
export function freeKeyNames(home: string, base = userName()): string[] {
  const here = credentialNames(home);
  return Array.from({ length: MOST_NAMES }, (_, i) => (i === 0 ? base : `${base.slice(0, 28)}-${i + 1}`)).filter(
    (name) => !here.includes(name),
  );
}

/** As a name of an operator; people whose login is none are guests. */
function userName(): string {
  try {
    const name = userInfo()
      .username.toLowerCase()
      .replaceAll(/[^a-z0-9._-]/g, "-")
      .slice(0, 28);
    if (/^[a-z]/.test(name)) return name;
  } catch {
    // A uid without a name: containers do that.
  }
  return "guest";
}

/** Takes a key away that no host has come to know. */
export function discardKey(path: string): void {
  rmSync(path, { force: true });
}

/** One that no passphrase keeps. */
export function credentialOf(home: string, as: string | undefined): HeldCredential {
  const { name, path } = keyPath(home, as);
  return credentialWith(readKey(path, name));
}

/** Any; `ask` is asked for the passphrase of one that has one, until it is right, null is answered, or three were wrong. */
export async function openCredential(
  home: string,
  as: string | undefined,
  ask: AskPassphrase | undefined,
): Promise<HeldCredential> {
  const { name, path } = keyPath(home, as);
  const file = readFileSync(path, "utf8");
  if (!isSealed(file)) return credentialWith(readKey(path, name));
  for (let attempt = 1; ask && attempt <= TRIES; attempt++) {
    const passphrase = await ask({ name, path, attempt });
    if (passphrase === null) break;
    const key = await unseal(file, passphrase, path);
    if (key) return credentialWith(key);
  }
  throw new HoldError(
    "unknown_credential",
    ask
      ? `that does not open the key of ${name} (${path}): its passphrase is wrong, or the file is damaged`
      : `the key of ${name} is kept by a passphrase (${path}), and nobody can be asked for it here`,
    { path },
  );
}

function keyPath(home: string, as: string | undefined): { readonly name: string; readonly path: string } {
  const name = as ?? defaultKeyName(home);
  const path = join(folders.keys(home), `${name}.key`);
  if (name && NAME.test(name) && existsSync(path)) return { name, path };
  const here = credentialNames(home);
  const known = here.join(", ") || "none";
  throw new HoldError(
    "unknown_credential",
    name
      ? `no key for ${JSON.stringify(name)} in ${folders.keys(home)}; there is: ${known}. An admin adds one with: hold operator add ${name}`
      : here.length === 0
        ? `there is no key in ${folders.keys(home)} yet, and a host lets in nobody without one: an invitation brings it (hold join hold1.…), or \`hold host up\` makes one for this machine`
        : `none of the keys in ${folders.keys(home)} is known to be for that host or relay; say which to show, with --as: ${known}`,
  );
}

function credentialWith(key: KeyObject): HeldCredential {
  const publicKey = rawOf(createPublicKey(key));
  return {
    key,
    publicKey,
    keyId: createHash("sha256").update(publicKey).digest(),
    sign: (bytes) => sign(null, bytes, key),
  };
}

function readKey(path: string, name: string): KeyObject {
  let why: string;
  try {
    const file = readFileSync(path, "utf8");
    if (isSealed(file))
      throw new HoldError(
        "unknown_credential",
        `the key of ${name} is kept by a passphrase (${path}), and nobody can be asked for it here`,
        {
          path,
        },
      );
    const key = createPrivateKey(file);
    if (key.asymmetricKeyType === "ed25519") return key;
    why = `it is of type ${key.asymmetricKeyType}`;
  } catch (fault) {
    if (fault instanceof HoldError) throw fault;
    why = (fault as Error).message;
  }
  throw new HoldError(
    "unknown_credential",
    `${path} holds no Ed25519 key that can be read (${why}): put it back from a copy, or use another operator of this home with --as NAME (there is: ${
      credentialNames(path.slice(0, path.lastIndexOf("/keys/")))
        .filter((n) => n !== name)
        .join(", ") || "none"
    }). What runs is not touched by this`,
    { path },
  );
}

/** Trusts the host whose public key the home holds: the folder is ours alone, so nobody else wrote it. */
export function homeVerifier(home: string): HostVerifier {
  return pinned(() => readFileSync(files.hostPublicKey(home)));
}

/** Trusts the host of this raw public key. */
export function keyVerifier(hostKey: Uint8Array): HostVerifier {
  return pinned(() => hostKey);
}

function pinned(pin: () => Uint8Array): HostVerifier {
  return {
    verify: (key, words, signature) => Buffer.from(key).equals(pin()) && isSignedBy(key, words, signature),
    randomBytes: (n) => randomBytes(n),
  };
}

/** Whether the holder of this raw Ed25519 public key signed `words`. */
export function isSignedBy(key: Uint8Array, words: Uint8Array, signature: Uint8Array): boolean {
  if (key.length !== 32) return false;
  return verify(null, words, createPublicKey({ key: Buffer.concat([SPKI_PREFIX, key]), format: "der", type: "spki" }), signature);
}
