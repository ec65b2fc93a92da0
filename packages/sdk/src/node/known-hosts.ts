/**
 * Hosts that this home knows by address: `known_hosts`, a line each, `NAME:PORT`, the host's raw public key in base64, and the name of the
 * credential that is used there, if one was made for it. As ssh's file of that name, it says whom a person has once made sure of.
 *
 *   K1  A host that is not in it is signed nothing, unless the caller says that this one is to be trusted, by its id or at first sight.
 *   K2  A host that is in it with another key is signed nothing. An address has one key: a new one takes the old one's place.
 *   K3  The home's own host is known by its own key wherever it answers, but where the file says otherwise.
 *   K4  Who says by its id which host is meant means that one, whatever is known.
 *   K5  A credential that was made for an address is used there and nowhere else, unless it is named; behind several relays, for the same host by each.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { files, makeHome } from "@holdfast/carrier";
import { HoldError } from "@holdfast/protocol";
import type { HostVerifier } from "../client/credential.ts";
import { isSignedBy } from "./keys.ts";

/** The id of a host, as `hold host status` shows it: half of its key's SHA-256, in hex. */
export function hostIdOf(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 32);
}

interface Known {
  readonly address: string;
  readonly key: Buffer;
  readonly as: string | undefined;
}

/** What `address` (`NAME:PORT`) is known by. */
function knownAt(home: string, address: string): Known[] {
  return allKnown(home).filter((known) => known.address === address);
}

function allKnown(home: string): Known[] {
  const path = files.knownHosts(home);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .map(([address = "", key, as]) => ({ address, key: Buffer.from(key ?? "", "base64"), as }));
}

/** K5. The name of the credential; undefined: none was made for that address. */
export function credentialAt(home: string, address: string): string | undefined {
  return knownAt(home, address)[0]?.as;
}

/** K5. The same of a host behind a relay that is named by its id: it may be known there by its name. */
export function credentialBehind(home: string, authority: string, id: string): string | undefined {
  return allKnown(home).find(({ address, key }) => address.startsWith(`${authority}/`) && hostIdOf(key) === id)?.as;
}

/** Names of all credentials that were made for hosts behind a relay. */
export function credentialsBehind(home: string, authority: string): string[] {
  const all = allKnown(home).flatMap(({ address, as }) => (as !== undefined && address.startsWith(`${authority}/`) ? [as] : []));
  return [...new Set(all)];
}

/** The id of the host that an address is known to lead to; null if it is not known. */
export function knownHostId(home: string, address: string): string | null {
  const [known] = knownAt(home, address);
  return known ? hostIdOf(known.key) : null;
}

/** K2. `as`: of the credential that is used there from now on (K5); without, the one that was. */
export function rememberHost(home: string, address: string, key: Uint8Array, as = credentialAt(home, address)): void {
  makeHome(home);
  const path = files.knownHosts(home);
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  const others = lines.filter((line) => line.trim() !== "" && line.trim().split(/\s+/)[0] !== address);
  const line = `${address} ${Buffer.from(key).toString("base64")}${as === undefined ? "" : ` ${as}`}`;
  const text = [...others, line, ""].join("\n");
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

/** Where a host answers, and how `hold host trust` is told that. */
export interface Place {
  /** `NAME:PORT`, or `NAME:PORT/HOST` behind a relay. */
  readonly host: string;
  readonly origin: string;
}

/** `trust`: `first` for whoever answers, if nobody is known there yet; or the id of the host that is meant. */
export function networkVerifier(home: string, at: Place, trust?: string): HostVerifier {
  return {
    verify(key, words, signature) {
      if (!isSignedBy(key, words, signature)) return false;
      checkHost(home, at, { key, trust });
      return true;
    },
    randomBytes: (n) => randomBytes(n),
  };
}

/** `as`: used there from now on, where the address was not known (K5). Throws `host_key_unknown` or `host_key_changed` for a key that is not the one of the host that is meant there. That it is held is shown elsewhere. */
export function checkHost(
  home: string,
  at: Place,
  { key, trust, as }: { readonly key: Uint8Array; readonly trust: string | undefined; readonly as?: string | undefined },
): void {
  const { host: address, origin } = at;
  const id = hostIdOf(key);
  const details = { address, id, key: Buffer.from(key).toString("base64") };
  if (trust !== undefined && trust !== "first" && trust !== id)
    throw new HoldError(
      "host_key_unknown",
      `who answers at ${address} has the id ${id}, and ${trust} is meant; nothing was signed for it`,
      details,
    );
  const known = knownAt(home, address).map((k) => k.key);
  if (known.some((k) => k.equals(key))) return;
  if (known.length > 0)
    throw new HoldError(
      "host_key_changed",
      `who answers at ${address} has the id ${id}, and is known here by another key (${hostIdOf(known[0]!)}); nothing was signed for it. If its key was replaced on purpose, compare the id with \`hold host status\` there, then: hold host trust ${origin} --id ${id}`,
      details,
    );
  const own = files.hostPublicKey(home);
  if (existsSync(own) && readFileSync(own).equals(key)) return;
  if (trust === undefined)
    throw new HoldError(
      "host_key_unknown",
      `${address} is not known here yet; who answers has the id ${id}. Compare it with what \`hold host status\` says on that machine, then: hold host trust ${origin} --id ${id}`,
      details,
    );
  rememberHost(home, address, key, as);
}
