/** The SSH server's own key: Ed25519, made once, in the format of OpenSSH, 0600 in the home. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { HoldError } from "@holdfast/protocol";
import type ssh2 from "ssh2";

export interface SshHostKey {
  readonly privateKey: string;
  /** As in `known_hosts`: `ssh-ed25519 AAAA…`. */
  readonly publicKey: string;
}

/** ssh2 leaves a leading zero of a key out, one time in some hundred, and can't read what it wrote then: such a key is not kept. */
export function newKey({ utils }: Pick<typeof ssh2, "utils">): string {
  for (let left = 16; ; left--) {
    const { private: made } = utils.generateKeyPairSync("ed25519", { comment: "holdfast" });
    if (!(utils.parseKey(made) instanceof Error)) return made;
    if (left === 0) throw new HoldError("start_failed", "no key for ssh can be made");
  }
}

/** Reads the key, or makes it. A key that is there and can't be read is replaced by nobody but its owner: clients know it. */
export async function sshHostKey(path: string): Promise<SshHostKey> {
  const { default: library } = await import("ssh2");
  if (!existsSync(path)) {
    const made = newKey(library);
    // Whole or not at all: a host can't start on half a key.
    rmSync(`${path}.new`, { force: true });
    writeFileSync(`${path}.new`, made, { mode: 0o600, flag: "wx", flush: true });
    renameSync(`${path}.new`, path);
  }
  const privateKey = readFileSync(path, "utf8");
  const parsed = library.utils.parseKey(privateKey);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined || key instanceof Error || key.type !== "ssh-ed25519" || !key.isPrivateKey())
    throw new HoldError(
      "start_failed",
      `${path} holds no Ed25519 key of OpenSSH's (${key instanceof Error ? key.message : "it is of another kind"}); put it back from a copy, or remove it and have clients trust a new one`,
    );
  return { privateKey, publicKey: `${key.type} ${key.getPublicSSH().toString("base64")}` };
}
