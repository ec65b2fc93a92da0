/** What tests of mirrors share. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Objm, type ObjectStore } from "@nats-io/obj";
import { connect as connectNats } from "@nats-io/transport-node";
import type { HostClient } from "@holdfast/sdk";
import { onTestFinished } from "vitest";
import { held, type Machine, machine } from "./hold.ts";
import type { NatsProcess } from "./nats.ts";
import { kill, shimsOf } from "./processes.ts";
import type { World } from "./world.ts";

/** Mirrors, and has a machine elsewhere know where, with the key. */
export async function mirrored(w: World, nats: NatsProcess, name = "laptop"): Promise<Machine> {
  await held(w, "host", "mirror", nats.url);
  return knows(w, nats, name);
}

async function knows(w: World, nats: NatsProcess, name: string): Promise<Machine> {
  const key = w.path(`${name}.key`);
  writeFileSync(key, await held(w, "host", "mirror", "key"));
  const laptop = machine(w, name);
  await held(laptop, "context", "set", "box", "--mirror", nats.url, "--mirror-key", key);
  return laptop;
}

/** Fire: nothing of the host is left, nor of what it kept. */
export async function burn(w: World): Promise<void> {
  const { keeperPid, hostPid } = await w.status();
  for (const pid of [keeperPid, hostPid, ...shimsOf(w.home)]) kill(pid);
  rmSync(w.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

export async function bucketOf(nats: NatsProcess): Promise<ObjectStore> {
  const connection = await connectNats({ servers: nats.url });
  onTestFinished(() => connection.close());
  return new Objm(connection).open("holdfast");
}

export const pieces = async (bucket: ObjectStore): Promise<string[]> =>
  (await bucket.list()).filter((o) => !o.deleted && !o.name.endsWith("/head")).map((o) => o.name);

export function textBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");
}

export const status = async (client: HostClient): Promise<string> => (await client.mirrorStatus()).state;
/** Lines of `--json` without what says where they are from. */
export const lines = (text: string): unknown[] =>
  text.split("\n").map((line) => {
    const { from: _, asOf: __, ...rest } = JSON.parse(line) as Record<string, unknown>;
    return rest;
  });
