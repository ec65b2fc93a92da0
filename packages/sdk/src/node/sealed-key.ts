/**
 * Keys that a passphrase keeps (ADR 114): encrypted PKCS#8, under what scrypt makes of the passphrase. Its cost stands in front of
 * the PEM, where readers of PEM skip it:
 *
 *   Holdfast-Scrypt: N=131072,r=8,p=1,salt=BASE64
 *   -----BEGIN ENCRYPTED PRIVATE KEY-----
 *
 *   K1  Without the passphrase the file signs nothing; with it, it is a key like any other.
 *   K2  The passphrase is in nobody's arguments or environment, and no longer here than it takes to open the key.
 */
import { createPrivateKey, type KeyObject, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { HoldError } from "@holdfast/protocol";

interface Cost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}
/** 128 MiB and about half a second a guess. */
const COST: Cost = { N: 131_072, r: 8, p: 1 };
/** Of a file that somebody else may have written: no more than this is spent on it. */
const MOST_N = 1_048_576;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
/** Fewer are guessed, whatever a guess costs. */
const LEAST_CHARS = 8;
const HEAD = /^Holdfast-Scrypt: N=(\d{1,7}),r=(\d{1,2}),p=(\d{1,2}),salt=([A-Za-z0-9+/=]{1,64})$/m;

const derive = promisify(
  scrypt as (
    password: string,
    salt: Buffer,
    bytes: number,
    options: { N: number; r: number; p: number; maxmem: number },
    done: (fault: Error | null, key: Buffer) => void,
  ) => void,
);

async function secretOf(passphrase: string, salt: Buffer, cost: Cost): Promise<string> {
  // Twice what it needs: 128 · N · r bytes.
  const key = await derive(passphrase.normalize("NFC"), salt, KEY_BYTES, { ...cost, maxmem: 256 * cost.N * cost.r });
  return key.toString("base64");
}

export function isSealed(file: string): boolean {
  return file.includes("-----BEGIN ENCRYPTED PRIVATE KEY-----");
}

/** The file of a key under a passphrase. Throws `bad_request` for one that is too short. */
export async function seal(key: KeyObject, passphrase: string, cost: Cost = COST): Promise<string> {
  if ([...passphrase].length < LEAST_CHARS)
    throw new HoldError(
      "bad_request",
      `a passphrase has ${LEAST_CHARS} characters or more; several words are easy to keep and hard to guess`,
    );
  const salt = randomBytes(SALT_BYTES);
  const pem = key.export({
    format: "pem",
    type: "pkcs8",
    cipher: "aes-256-cbc",
    passphrase: await secretOf(passphrase, salt, cost),
  });
  return `Holdfast-Scrypt: N=${cost.N},r=${cost.r},p=${cost.p},salt=${salt.toString("base64")}\n${pem}`;
}

/** Null: not with this passphrase. Throws `unknown_credential` for a file that none opens. */
export async function unseal(file: string, passphrase: string, path: string): Promise<KeyObject | null> {
  const [, n, r, p, salt] = HEAD.exec(file) ?? [];
  const cost = { N: Number(n), r: Number(r), p: Number(p) };
  if (!salt || cost.N > MOST_N || cost.r > 16 || cost.p > 4 || (cost.N & (cost.N - 1)) !== 0 || cost.N < 2)
    throw new HoldError("unknown_credential", `${path} is kept by a passphrase in a way that this version does not know`, {
      path,
    });
  try {
    return createPrivateKey({
      key: file.slice(file.indexOf("-----BEGIN")),
      format: "pem",
      passphrase: await secretOf(passphrase, Buffer.from(salt, "base64"), cost),
    });
  } catch {
    // OpenSSL tells a wrong passphrase from a damaged file no better than this.
    return null;
  }
}
