/**
 * What lies in the mirror, as who keeps it sees it: JWEs (RFC 7516) in compact form, `dir` with A256GCM, by one key of the host.
 *
 *   E1  The name of an object stands in the protected header of what it holds: an object under another's name is found out.
 *   E2  A piece's name is a keyed hash of its content and place: it tells nothing to who has no key, and to who has it whether the piece is what the head names.
 *   E3  Two keys come of the mirror's (HKDF, RFC 5869): one seals, one names.
 */
import { createHash, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { HoldError } from "@holdfast/protocol";

const KEY_BYTES = 32;
const TYPE = "holdfast-mirror+jwe";

export interface MirrorKeys {
  readonly sealing: Uint8Array;
  readonly naming: Uint8Array;
}

export function mirrorKeys(key: Uint8Array): MirrorKeys {
  const derived = (info: string): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", key, new Uint8Array(0), `holdfast.mirror.1 ${info}`, 32));
  return { sealing: derived("seal"), naming: derived("name") };
}

/** Reads the key, or makes it. */
export function mirrorKeyFile(path: string): Uint8Array {
  if (!existsSync(path)) {
    rmSync(`${path}.new`, { force: true });
    writeFileSync(`${path}.new`, `${randomBytes(KEY_BYTES).toString("base64url")}\n`, { mode: 0o600, flag: "wx", flush: true });
    renameSync(`${path}.new`, path);
  }
  return keyFrom(readFileSync(path, "utf8"));
}

export function keyFrom(text: string): Uint8Array {
  const key = Buffer.from(text.trim(), "base64url");
  if (key.length !== KEY_BYTES) throw new HoldError("bad_request", "that is no key of a mirror: `hold host mirror key` shows it");
  return key;
}

/** E2. `epoch`: of the host that writes; another one's objects are never its own. */
export function pieceName(
  keys: MirrorKeys,
  place: { readonly hostId: string; readonly epoch: number },
  path: string,
  piece: number,
  content: Uint8Array,
): string {
  const hash = createHash("sha256").update(content).digest();
  const name = createHmac("sha256", keys.naming).update(`${path}\n${piece}\n`).update(hash).digest().subarray(0, 24);
  return `${place.hostId}/${place.epoch}/${name.toString("base64url")}`;
}

export const headName = (hostId: string): string => `${hostId}/head`;

// Loaded by who has something to seal: it is a tenth of a second of a start.
const jose = (): Promise<typeof import("jose")> => import("jose");

export async function seal(keys: MirrorKeys, name: string, content: Uint8Array): Promise<Uint8Array> {
  const { CompactEncrypt } = await jose();
  const jwe = await new CompactEncrypt(content)
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", typ: TYPE, obj: name })
    .encrypt(keys.sealing);
  return Buffer.from(jwe, "latin1");
}

/** Throws `mirror_tampered`, with what is wrong. */
export async function unseal(keys: MirrorKeys, name: string, sealed: Uint8Array): Promise<Uint8Array> {
  const { compactDecrypt } = await jose();
  let opened: Awaited<ReturnType<typeof compactDecrypt>>;
  try {
    opened = await compactDecrypt(Buffer.from(sealed).toString("latin1"), keys.sealing, {
      keyManagementAlgorithms: ["dir"],
      contentEncryptionAlgorithms: ["A256GCM"],
    });
  } catch {
    throw tampered(`object ${name} can't be opened with this key: it was changed, or it is another host's`);
  }
  // E1
  if (opened.protectedHeader["obj"] !== name)
    throw tampered(`object ${name} holds what belongs to ${String(opened.protectedHeader["obj"])}`);
  return opened.plaintext;
}

export const tampered = (what: string): HoldError =>
  new HoldError("mirror_tampered", `the mirror is not as the host wrote it: ${what}`);
