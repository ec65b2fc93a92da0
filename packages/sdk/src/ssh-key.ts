/** Public keys as OpenSSH writes them, `ssh-ed25519 AAAA… comment`: a line of a .pub file or of authorized_keys. Pure. */
import { HoldError } from "@holdfast/protocol";

const TYPE = "ssh-ed25519";

/** The raw 32 bytes. Throws `usage` for another type of key, and for what is no such line. */
export function openSshPublicKey(line: string): Uint8Array {
  const [type = "", text = ""] = line.trim().split(/\s+/);
  if (type !== TYPE)
    throw new HoldError(
      "usage",
      `an Ed25519 key of OpenSSH begins with ${TYPE}, this begins with ${JSON.stringify(type.slice(0, 32))}; ssh-keygen -t ed25519 makes one`,
    );
  const key = keyOf(text);
  if (!key) throw new HoldError("usage", `what follows ${TYPE} is no key; copy the line whole from the .pub file`);
  return key;
}

/** RFC 8709 §4: the type and the key, each preceded by its length; nothing after them. */
function keyOf(text: string): Uint8Array | null {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
  const head = Uint8Array.of(0, 0, 0, TYPE.length, ...Array.from(TYPE, (c) => c.charCodeAt(0)), 0, 0, 0, 32);
  if (bytes.length !== head.length + 32 || head.some((byte, i) => bytes[i] !== byte)) return null;
  return bytes.slice(head.length);
}
