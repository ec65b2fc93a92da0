/** The SDK on Node: over the home's unix socket, with keys from its folder. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { connectUnix, files } from "@holdfast/carrier";
import { MonotonicMs } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import type { ConnectOptions, HostClient } from "../api.ts";
import type { Redial } from "../client/attachment.ts";
import { Client, type Surroundings } from "../client/client.ts";
import { Connection } from "../client/connection.ts";
import { exactDirectory, exactEnvironment } from "./exact.ts";
import { credentialOf, homeVerifier } from "./keys.ts";

export { configFolder, files, folders, homeFolder } from "@holdfast/carrier";
export { exactArguments, exactDirectory, exactEnvironment } from "./exact.ts";
export { defaultKeyName, generateKey, keyNames } from "./keys.ts";

const DEFAULT_TIMEOUT_MS = 10_000;

/** Connects to the host of `home`, starting it if that is asked for. Throws {@link HoldError}: `unreachable`, `unknown_credential`, `revoked`, … */
export async function connect(options: ConnectOptions): Promise<HostClient> {
  const { home } = options;
  const open = (): Promise<Connection> =>
    Connection.open({
      dial: (accept) => connectUnix(files.socket(home), accept),
      credential: credentialOf(home, options.as),
      verifier: homeVerifier(home),
      via: options.via ?? "sdk",
      client: options.client ?? "holdfast-sdk",
      signal: AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    });
  const redial: Redial = {
    connect: () => open(),
    now: () => MonotonicMs(performance.now()),
    wait: (ms, signal) => delay(ms, undefined, { ref: true, ...(signal ? { signal } : {}) }),
    newId: () => randomBytes(12).toString("hex"),
  };
  return new Client(await firstConnection(open, options), redial, surroundings());
}

async function firstConnection(open: () => Promise<Connection>, options: ConnectOptions): Promise<Connection> {
  const deadline = performance.now() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  let started = false;
  for (let wait = 5; ; wait = Math.min(200, wait * 2)) {
    try {
      return await open();
    } catch (fault) {
      const error = fault as HoldError;
      // A home that no host has run in has no keys either: the host makes them.
      const unborn = error.code === "unknown_credential" && !started && options.as === undefined;
      if (error.code !== "unreachable" && !unborn) throw fault;
      if (!options.startHost)
        throw unborn
          ? new HoldError(
              "unreachable",
              `no host has run in ${options.home} yet; start it with: hold host up`,
              {},
              { cause: fault },
            )
          : fault;
      if (!started) {
        started = true;
        await options.startHost();
        continue;
      }
      if (performance.now() > deadline) throw fault;
      await delay(wait);
    }
  }
}

function surroundings(): Surroundings {
  const mask = process.umask();
  return {
    env: exactEnvironment(),
    cwd: exactDirectory(),
    shell: process.env["SHELL"] || loginShell(),
    umask: mask,
    nofile: openFileLimits(),
  };
}

function loginShell(): string {
  try {
    return userInfo().shell || "/bin/sh";
  } catch {
    return "/bin/sh";
  }
}

/** Node raises its own soft limit, and its children's with it: what this process was started with is in its parent. */
function openFileLimits(): { soft: number; hard: number } | null {
  try {
    const line = readFileSync(`/proc/${process.ppid}/limits`, "utf8")
      .split("\n")
      .find((l) => l.startsWith("Max open files"));
    const [soft, hard] = (line ?? "").replace("Max open files", "").trim().split(/\s+/);
    const read = (text: string | undefined): number => (text === "unlimited" ? -1 : Number(text));
    return soft && hard && !Number.isNaN(read(soft)) ? { soft: read(soft), hard: read(hard) } : null;
  } catch {
    return null;
  }
}
