/**
 * A host over a record that was fetched: it answers who asks about one session as the host that wrote it would have, and changes nothing that anybody
 * keeps. It takes no session up, and its folder goes with it.
 */
import { generateKeyPairSync, randomBytes, randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { files, folders, listenUnix } from "@holdfast/carrier";
import { MonotonicMs } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import { checkpointFiles } from "../checkpoint-files.ts";
import { Host } from "../host.ts";
import { NodeDisk, openJournal, systemRandom } from "../journal/index.ts";
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

/** Listens on the socket of `home`. */
export async function serveKept(home: string, session: string): Promise<KeptHost> {
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
    linkCount: () => 1,
    onDown: null,
    opener: {
      files: {
        socketPath: (id) => join(folders.run(home), id),
        environmentPath: (id) => join(folders.run(home), `${id}.env`),
        agentPath: (id) => join(folders.run(home), `${id}.agent`),
        pointAgent: nobody,
        forgetAgent: () => {},
        forget: () => {},
      },
      shellFolder: "",
      newNonce: nobody,
      bootId: "",
      startShim: nobody,
    },
  });
  const kept = host.find(session);
  const as = `mirror-reader-${randomBytes(4).toString("hex")}`;
  const key = rawPublicKey(keyFile(join(folders.keys(home), `${as}.key`)));
  registry.add({
    name: as,
    kind: "human",
    role: "observer",
    publicKey: key,
    onBehalfOf: "",
    by: "system:host",
    nowUnixMs: clock.wallMs(),
  });
  const identity = { key: hostKey, publicKey, id: keyIdOf(publicKey).toString("hex").slice(0, 32) };
  const server = await listenUnix(files.socket(home), (link) => new HostLink(host, identity, link));
  return {
    as,
    async close() {
      server.close();
      kept.leave();
      await journal.close();
      await models.stop();
    },
  };
}

function workerBeside(): { readonly workerUrl?: URL } {
  return import.meta.filename.endsWith(".cjs")
    ? { workerUrl: pathToFileURL(join(import.meta.dirname, "terminal-worker.mjs")) }
    : {};
}
