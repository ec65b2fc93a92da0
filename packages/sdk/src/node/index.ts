/** The SDK on Node: over the home's unix socket, with keys from its folder. */
import { setTimeout as delay } from "node:timers/promises";
import { connectUnix, files, homeFolder } from "@holdfast/carrier";
import { HoldError } from "@holdfast/protocol";
import type { ConnectOptions, FoundHost, HostClient, KeptByRelay, NetworkOptions, Reach, SshOptions } from "../api/index.ts";
import { Client } from "../client/client.ts";
import { Connection } from "../client/connection.ts";
import type { Credential } from "../client/credential.ts";
import { anyWay, type Way } from "../client/way.ts";
import { isRelayed } from "./relayed.ts";
import type { LookOptions } from "./network.ts";
import type { Joined, JoinRequest } from "./join-invite.ts";
import { homeVerifier, openCredential } from "./keys.ts";
import { redialWith, surroundings, witnessFor } from "./machine.ts";
import { witnessFile } from "./witnessed.ts";

export * from "../everywhere.ts";
export { type BridgeOptions, bridgeStdio } from "./bridge.ts";
export { configFolder, files, folders, homeFolder } from "@holdfast/carrier";
export { type Env, exactArguments, exactDirectory, exactEnvironment } from "./exact.ts";
export type { Dial } from "../client/handshake.ts";
export type { Acceptor, Link, LinkHandlers } from "@holdfast/carrier/link";
export type { Joined, JoinRequest } from "./join-invite.ts";
export type { FoundHost } from "../api/index.ts";
export { isRelayed } from "./relayed.ts";
export { type DialAs, joinHost, type JoinOptions } from "./join.ts";
export type { LookOptions } from "./network.ts";
export { connectThrough } from "./program.ts";
export {
  defaultKeyName,
  type GeneratedKey,
  type HeldCredential,
  generateKey,
  generateSealedKey,
  credentialNames,
} from "./keys.ts";
export { type Copied, type CopyOptions, copyHere, copyThere } from "./copy.ts";
export { connectPort, forward, type Forward, type ForwardOptions } from "./forward.ts";
export { witnessFile } from "./witnessed.ts";
export { hostIdOf, knownHostId, rememberHost } from "./known-hosts.ts";

/** Who answers at an address (network.ts). */
export async function lookAtHost(
  url: string,
  options: LookOptions = {},
): Promise<{ readonly address: string; readonly key: Uint8Array; readonly id: string }> {
  if (isRelayed(url)) return (await import("./relay.ts")).lookAtRelayed(url, options);
  return (await import("./network.ts")).lookAtHost(url, options);
}

/** Hosts that let a credential of `home` in and are connected to one of these relays now. */
export async function findHosts(relays: readonly string[], options: LookOptions = {}): Promise<readonly FoundHost[]> {
  return (await import("./relay.ts")).findHosts(relays, options);
}

/** What the relay before a host has kept of its audit chain; of several, one that answers. */
export async function relayHeads(there: Pick<NetworkOptions, "url" | "relays">, options: LookOptions = {}): Promise<KeptByRelay> {
  return (await import("./relay.ts")).relayHeads(there, options);
}

/** Taking up an invitation that came as a text (join-invite.ts). */
export async function joinByInvite(request: JoinRequest): Promise<Joined> {
  return (await import("./join-invite.ts")).joinByInvite(request);
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** Connects to the host of `home`, starting it if that is asked for; or to one that listens, at `url` or for `ssh`. Throws {@link HoldError}: `unreachable`, `unknown_credential`, `revoked`, … */
export async function connect(options: ConnectOptions | NetworkOptions | SshOptions): Promise<HostClient> {
  const also = await Promise.all((options.also ?? []).map((other) => wayOf(other, options.home)));
  const way = anyWay(await wayOf(options, undefined), also);
  const home = "url" in options ? (options.home ?? homeFolder()) : "ssh" in options ? undefined : options.home;
  const witness = witnessFor(
    options.witness === undefined && home !== undefined ? witnessFile(files.witnessed(home)) : options.witness,
  );
  if ("ssh" in options)
    return new Client(await (await import("./ssh.ts")).sshWay(options)(null), redialWith(way), surroundings(), witness);
  const first = "url" in options ? way(null) : firstConnection(() => way(null), options);
  return new Client(await first, redialWith(way), surroundings(), witness);
}

// Loaded by who needs it: a WebSocket is no part of a command on this machine.
async function wayOf(options: Reach, home: string | undefined): Promise<Way> {
  if ("url" in options && isRelayed(options.url))
    return (await import("./relay.ts")).relayWay(options.home ?? home ?? homeFolder(), options);
  if ("url" in options && (options.relays ?? []).length > 0)
    throw new HoldError("usage", `${options.url} is not behind a relay, and others are named that should lead there too`);
  if ("url" in options) return (await import("./network.ts")).networkWay(options.home ?? home ?? homeFolder(), options);
  if ("ssh" in options) return (await import("./ssh.ts")).sshWay(options, { isAgain: true });
  if ("argv" in options) {
    const { AGAIN_MS, programWay } = await import("./program.ts");
    return programWay(options, options.argv, options.timeoutMs ?? AGAIN_MS);
  }
  let opened: Credential | null = null;
  return async (resume) => {
    // A passphrase is asked for once, and before a link waits for it.
    if (options.grant === undefined) opened ??= await openCredential(options.home, options.as, options.passphrase);
    return Connection.open({
      dial: (accept) => connectUnix(files.socket(options.home), accept),
      credential: opened,
      grant: options.grant,
      verifier: homeVerifier(options.home),
      resume,
      via: options.via ?? "sdk",
      client: options.client ?? "holdfast-sdk",
      signal: AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    });
  };
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
      const isOwn = options.as === undefined && options.grant === undefined;
      const unborn = error.code === "unknown_credential" && !started && isOwn;
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
