/** Keys as ssh shows them to people. */
import { createHash } from "node:crypto";

/** Of `ssh-ed25519 AAAA…`, what ssh shows when it asks whether that is the host: `SHA256:…`. */
export function sshFingerprint(publicKey: string): string {
  const blob = Buffer.from(publicKey.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}
