/** The operators of every world: two people and an AI, with keys that are always the same. Made once a process, in a real folder. */
import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folders } from "@holdfast/carrier";
import { OperatorRegistry, type HostIdentity } from "@holdfast/host";
import type { Credential, HostVerifier } from "@holdfast/sdk/client";
import type { Random } from "../clock/index.ts";
import { hostKey } from "./life.ts";

export type Name = "ana" | "ben" | "bot";
export const names: readonly Name[] = ["ana", "ben", "bot"];
export const kinds = { ana: "human", ben: "human", bot: "ai" } as const;

const PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

function keyOf(name: Name): KeyObject {
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

/** A registry in a folder of its own, with all of {@link names} in it. */
export function makeRegistry(): OperatorRegistry {
  const home = mkdtempSync(join(tmpdir(), "holdfast-sim-"));
  try {
    mkdirSync(folders.keys(home), { recursive: true });
    const registry = OperatorRegistry.open(home, 0);
    for (const name of names)
      registry.add({
        name,
        kind: kinds[name],
        role: "operator",
        publicKey: rawPublic(keyOf(name)),
        onBehalfOf: "",
        by: "system:host",
        nowUnixMs: 0,
      });
    return registry;
  } finally {
    rmSync(home, { recursive: true });
  }
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
