/** The operators of every world: people (eva approves), services and AIs (bot acts for ana), with keys that are always the same. Made once a process, in a real folder. */
import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folders } from "@holdfast/carrier";
import { OperatorRegistry, type HostIdentity } from "@holdfast/host";
import type { Credential, HostVerifier } from "@holdfast/sdk/client";
import type { Random } from "../clock/index.ts";
import { hostKey } from "./life.ts";

export const kinds = { ana: "human", ben: "human", bot: "ai", hal: "ai", ci: "service", job: "service", eva: "human" } as const;
export type Name = keyof typeof kinds;
/** Who is at work in a storm. */
export const names: readonly Name[] = ["ana", "ben", "bot", "ci"];

const PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** Of all worlds alike. */
export function keyOf(name: Name): KeyObject {
  return createPrivateKey({
    key: Buffer.concat([PREFIX, createHash("sha256").update(`holdfast sim ${name}`).digest()]),
    format: "der",
    type: "pkcs8",
  });
}

function rawPublic(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
}

const hostPublic = rawPublic(hostKey);
export const identity: HostIdentity = {
  key: hostKey,
  publicKey: hostPublic,
  id: createHash("sha256").update(hostPublic).digest("hex").slice(0, 32),
};

/** A registry in a folder of its own, with all of {@link kinds} in it. */
export function makeRegistry(): OperatorRegistry {
  const home = mkdtempSync(join(tmpdir(), "holdfast-sim-"));
  try {
    mkdirSync(folders.keys(home), { recursive: true });
    const registry = OperatorRegistry.open(home, 0);
    for (const [name, kind] of Object.entries(kinds))
      registry.add({
        name,
        kind,
        role: name === "eva" ? "approver" : "operator",
        publicKey: rawPublic(keyOf(name as Name)),
        isProtected: name === "eva",
        onBehalfOf: name === "bot" ? "ana" : "",
        by: "system:host",
        nowUnixMs: 0,
      });
    return registry;
  } finally {
    rmSync(home, { recursive: true });
  }
}

/** As it is for a host that starts once these are revoked. */
export function withRevoked(registry: OperatorRegistry, revoked: ReadonlySet<string>): OperatorRegistry {
  const byName: OperatorRegistry["byName"] = (name) => {
    const known = registry.byName(name);
    return known && revoked.has(known.id) ? { ...known, revoked: true } : known;
  };
  return new Proxy(registry, { get: (target, key) => (key === "byName" ? byName : Reflect.get(target, key).bind?.(target)) });
}

export function credential(name: Name): Credential {
  const key = keyOf(name);
  return { keyId: createHash("sha256").update(rawPublic(key)).digest(), sign: (bytes) => sign(null, bytes, key) };
}

const hostPublicKey = createPublicKey(hostKey);

export function verifier(random: Random): HostVerifier {
  return {
    verify: (key, words, signature) => hostPublic.equals(key) && verify(null, words, hostPublicKey, signature),
    randomBytes: (n) => random.bytes(n),
  };
}
