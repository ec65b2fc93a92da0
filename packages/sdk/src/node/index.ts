/** The SDK on Node: over the home's unix socket, with keys from its folder. */
import { setTimeout as delay } from "node:timers/promises";
import { connectUnix, files, homeFolder } from "@holdfast/carrier";
import { HoldError } from "@holdfast/protocol";
import type { ConnectOptions, HostClient, NetworkOptions } from "../api.ts";
import { Client } from "../client/client.ts";
import { Connection } from "../client/connection.ts";
import { credentialOf, homeVerifier } from "./keys.ts";
import { redialWith, surroundings } from "./machine.ts";

export { type BridgeOptions, bridgeStdio } from "./bridge.ts";
export { configFolder, files, folders, homeFolder } from "@holdfast/carrier";
export { exactArguments, exactDirectory, exactEnvironment } from "./exact.ts";
export { joinHost, type JoinOptions } from "./join.ts";
export { connectThrough, type ThroughOptions } from "./program.ts";
export { defaultKeyName, generateKey, keyNames } from "./keys.ts";
export { hostIdOf, knownHostId, rememberHost } from "./known-hosts.ts";

/** Who answers at an address (network.ts). */
export const lookAtHost: typeof import("./network.ts").lookAtHost = async (...args) =>
  (await import("./network.ts")).lookAtHost(...args);

const DEFAULT_TIMEOUT_MS = 10_000;

/** Connects to the host of `home`, starting it if that is asked for; or to one that listens, at `url`. Throws {@link HoldError}: `unreachable`, `unknown_credential`, `revoked`, … */
export async function connect(options: ConnectOptions | NetworkOptions): Promise<HostClient> {
  // Loaded by who needs it: a WebSocket is no part of a command on this machine.
  if ("url" in options) return (await import("./network.ts")).connectNetwork(options.home ?? homeFolder(), options);
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
  return new Client(await firstConnection(open, options), redialWith(open), surroundings());
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
