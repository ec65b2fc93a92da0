/**
 * A host over a record that was fetched: it answers who asks about one session as the host that wrote it would have, and changes nothing that anybody
 * keeps. It takes no session up, and its folder goes with it.
 */
import { generateKeyPairSync, randomBytes, randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { files, folders, type Link, type LinkHandlers, listenUnix } from "@holdfast/carrier";
import { pageFolder, readListen, readPage } from "@holdfast/carrier/listen";
import { LINK_PATH } from "@holdfast/carrier/websocket";
import { MonotonicMs } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import type { AuditOrigin } from "../audit.ts";
import { AuditReader } from "../audit/reader.ts";
import { checkpointFiles } from "../checkpoint-files.ts";
import { Host, HOST_SESSION, type RecordOf } from "../host.ts";
import { NodeDisk, openJournal, systemRandom } from "../journal/index.ts";
import { httpLinkRoutes } from "../listen/http-link-route.ts";
import { Listener, type Routes } from "../listen/index.ts";
import { linkRoute } from "../listen/link-route.ts";
import type { HostIdentity } from "../link/identity.ts";
import { HostLink } from "../link/host-link.ts";
import { Continuity } from "../operator/continuity.ts";
import { Invitations } from "../operator/invitations.ts";
import { keyFile, keyIdOf, rawPublicKey } from "../operator/key.ts";
import { OperatorRegistry } from "../operator/registry.ts";
import type { SessionPorts } from "../session/ports.ts";
import { startTerminalModels } from "../terminal/index.ts";

export interface KeptHost {
  /** Whose key lies in its home: they may read. */
  readonly as: string;
  close(): Promise<void>;
}

const nobody = (): never => {
  throw new HoldError("unsupported", "this is the record of a host: there is nothing to start here");
};

interface Kept {
  readonly host: Host;
  readonly identity: HostIdentity;
  close(): Promise<void>;
}

/** `linkCount`, `recordOf`: as the host tells them. */
function openKept(home: string, linkCount: () => number, recordOf?: RecordOf): Kept {
  const hostKey = keyFile(files.hostKey(home));
  const publicKey = rawPublicKey(hostKey);
  writeFileSync(files.hostPublicKey(home), publicKey, { mode: 0o600 });
  const clock = { monoMs: () => MonotonicMs(performance.now()), monoNs: () => process.hrtime.bigint(), wallMs: () => Date.now() };
  const journal = openJournal(new NodeDisk(), {
    folder: folders.journal(home),
    now: () => ({ wallMs: clock.wallMs(), monoNs: clock.monoNs() }),
    randomBytes: systemRandom,
    reserveBytes: 0,
    auditKey: generateKeyPairSync("ed25519").privateKey.export({ format: "der", type: "pkcs8" }),
    isExcerpt: true,
  });
  let host: Host | null = null;
  const models = startTerminalModels(
    { reply: () => {}, parsed: (id) => host?.sessions.get(id)?.parsed(), notice: () => {}, lost: () => {} },
    workerBeside(),
  );
  const ports: SessionPorts = {
    clock,
    journal,
    models,
    checkpoints: checkpointFiles(folders.checkpoints(home), () => {}),
    connectShim: nobody,
    defer: (run) => void setImmediate(run),
    wakeAt(at, run) {
      const timer = setTimeout(run, Math.min(2_147_483_647, Math.max(0, at - performance.now())));
      return () => clearTimeout(timer);
    },
    newId: (chars) => Array.from({ length: chars }, () => randomInt(36).toString(36)).join(""),
    log: () => {},
  };
  const registry = OperatorRegistry.open(home, clock.wallMs());
  host = new Host({
    ports,
    registry,
    invitations: Invitations.open(null),
    continuity: new Continuity({ ports, bootId: "", store: null }),
    version: "mirror",
    maxSessions: 0,
    home,
    journalFolder: folders.journal(home),
    auditPublicKey: new Uint8Array(32),
    shimBinary: "",
    startedAtUnixMs: clock.wallMs(),
    linkCount,
    ...(recordOf ? { recordOf } : {}),
    onDown: null,
    opener: {
      files: {
        socketPath: (id) => join(folders.run(home), id),
        environmentPath: (id) => join(folders.run(home), `${id}.env`),
        agentPath: (id) => join(folders.run(home), `${id}.agent`),
        pointAgent: nobody,
        specAgain: () => null,
        forgetAgent: () => {},
        forget: () => {},
      },
      shellFolder: "",
      newNonce: nobody,
      kernels: { bridge: "", node: "", folder: nobody },
      bootId: "",
      startShim: nobody,
    },
  });
  const identity = { key: hostKey, publicKey, id: keyIdOf(publicKey).toString("hex").slice(0, 32) };
  const opened = host;
  return {
    host: opened,
    identity,
    async close() {
      for (const session of opened.sessions.values()) session.leave();
      await journal.close();
      await models.stop();
    },
  };
}

/** Listens on the socket of `home`. */
export async function serveKept(home: string, session: string): Promise<KeptHost> {
  const kept = openKept(home, () => 1);
  const { host, identity } = kept;
  host.find(session);
  const as = `mirror-reader-${randomBytes(4).toString("hex")}`;
  const key = rawPublicKey(keyFile(join(folders.keys(home), `${as}.key`)));
  host.registry.add({
    name: as,
    kind: "human",
    role: "observer",
    publicKey: key,
    onBehalfOf: "",
    by: "system:host",
    nowUnixMs: Date.now(),
  });
  const server = await listenUnix(files.socket(home), (link) => new HostLink(host, identity, link));
  return {
    as,
    async close() {
      server.close();
      await kept.close();
    },
  };
}

export interface KeptPage {
  /** `http://127.0.0.1:40001` */
  readonly url: string;
  /** 32 bytes each. The token lets one browser in. */
  readonly hostKey: Uint8Array;
  readonly token: Uint8Array;
  readonly redeemUntilUnixMs: number;
  close(): Promise<void>;
}

export interface PageOf {
  readonly recordOf: RecordOf;
  /** Where the same files lie as they were copied: this host's own books are no part of what is verified. */
  readonly untouched: string;
  readonly origin: AuditOrigin;
  /** How long the token can be taken up. */
  readonly redeemMs: number;
}

/**
 * The console's page over all sessions in `home`, on a free port of this machine's loopback (ADR 179).
 *   K1  Its key, and those that browsers make, are of this one run: they are worth nothing to any host, nor to the next run.
 *   K2  It has the page and links, and no other door; and its rights are reading (rights R5).
 */
export async function serveKeptPage(home: string, { recordOf, untouched, origin, redeemMs }: PageOf): Promise<KeptPage> {
  const links = new Set<HostLink>();
  const kept = openKept(home, () => links.size, recordOf);
  const { host, identity } = kept;
  for (const { session } of host.ports.journal.tails()) if (session !== HOST_SESSION) host.withId(session);
  host.addresses.set("mirror", recordOf.url);
  host.audit = new AuditReader(untouched, auditWorker(), origin);
  const stranger = (link: Link, known: () => void): LinkHandlers => {
    const bound = new HostLink(host, identity, link);
    bound.onOpen = known;
    links.add(bound);
    bound.onOver = () => links.delete(bound);
    return bound;
  };
  const page = Object.entries(readPage(pageFolder(import.meta.dirname)));
  const routes: Routes = {
    ...Object.fromEntries(page.map(([path, answer]) => [path, { credential: "none", page: answer } as const])),
    [LINK_PATH]: await linkRoute(stranger),
    ...(await httpLinkRoutes(stranger)),
  };
  const listener = await Listener.open(readListen({ listen: "127.0.0.1:0" }), routes, { log: () => {} });
  const token = randomBytes(32);
  const now = Date.now();
  // An invitation is somebody's. Nobody has this one's key.
  const inviter = host.registry.add({
    name: `mirror-${randomBytes(4).toString("hex")}`,
    kind: "service",
    role: "observer",
    publicKey: rawPublicKey(generateKeyPairSync("ed25519").privateKey),
    onBehalfOf: "",
    by: "system:host",
    nowUnixMs: now,
  });
  const { redeemUntilUnixMs } = host.invitations.add(
    {
      id: host.ports.newId(8),
      operator: "",
      kind: "human",
      role: "admin",
      name: `mirror-reader-${randomBytes(4).toString("hex")}`,
      guest: null,
      invitedBy: inviter.id,
      invitedUnixMs: now,
      redeemUntilUnixMs: now + redeemMs,
    },
    token,
  );
  return {
    url: listener.url.replace(/^ws/, "http"),
    hostKey: identity.publicKey,
    token,
    redeemUntilUnixMs,
    async close() {
      await listener.close();
      await kept.close();
    },
  };
}

const isBuilt = import.meta.filename.endsWith(".cjs");

function workerBeside(): { readonly workerUrl?: URL } {
  return isBuilt ? { workerUrl: pathToFileURL(join(import.meta.dirname, "terminal-worker.mjs")) } : {};
}

function auditWorker(): URL {
  const beside = isBuilt ? "audit-worker.mjs" : join("..", "audit", "worker.ts");
  return pathToFileURL(join(import.meta.dirname, beside));
}
