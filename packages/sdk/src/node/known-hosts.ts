/**
 * Hosts that this home knows by address: `known_hosts`, a line each, `NAME:PORT` and the host's raw public key in base64. As ssh's file of that
 * name, it says whom a person has once made sure of.
 *
 *   K1  A host that is not in it is not spoken to, unless the caller says that this one is to be trusted, by its id or at first sight.
 *   K2  A host that is in it with another key is not spoken to at all.
 *   K3  The home's own host is known by its own key wherever it answers, but where the file says otherwise.
 */
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { files, makeHome } from "@holdfast/carrier";
import { HoldError } from "@holdfast/protocol";
import type { HostVerifier } from "../client/credential.ts";
import { isSignedBy } from "./keys.ts";

/** The id of a host, as `hold host status` shows it: half of its key's SHA-256, in hex. */
export function hostIdOf(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 32);
}

/** Keys under which `address` (`NAME:PORT`) is known. */
function knownKeys(home: string, address: string): Buffer[] {
  const path = files.knownHosts(home);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([name]) => name === address)
    .map(([, key]) => Buffer.from(key ?? "", "base64"));
}

export function rememberHost(home: string, address: string, key: Uint8Array): void {
  if (knownKeys(home, address).some((known) => known.equals(key))) return;
  makeHome(home);
  appendFileSync(files.knownHosts(home), `${address} ${Buffer.from(key).toString("base64")}\n`, { mode: 0o600, flush: true });
}

/** `trust`: `first` for whoever answers, if nobody is known there yet; or the id of the host that is meant. */
export function networkVerifier(home: string, url: URL, trust?: string): HostVerifier {
  const address = url.host;
  return {
    verify(key, words, signature) {
      if (!isSignedBy(key, words, signature)) return false;
      const known = knownKeys(home, address);
      if (known.length > 0) return known.some((k) => k.equals(key));
      const own = files.hostPublicKey(home);
      if (existsSync(own) && readFileSync(own).equals(key)) return true;
      const id = hostIdOf(key);
      if (trust !== "first" && trust !== id)
        throw new HoldError(
          "host_key_unknown",
          trust === undefined
            ? `${address} is not known here yet; who answers has the id ${id}. Compare it with what \`hold host status\` says on that machine, then: hold host trust ${url.origin} --id ${id}`
            : `who answers at ${address} has the id ${id}, and ${trust} is meant; nothing was sent to it`,
          { address, id, key: Buffer.from(key).toString("base64") },
        );
      rememberHost(home, address, key);
      return true;
    },
    randomBytes: (n) => randomBytes(n),
  };
}
