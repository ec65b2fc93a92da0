/**
 * The host's process: `host.mjs --home FOLDER --shim BINARY`, started by the keeper and started again when it dies.
 * It opens the home, takes up what lives, and listens on the home's socket; nothing listens on TCP.
 */
import { randomBytes, randomInt } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { files, folders, listenUnix, makeHome } from "@holdfast/carrier";
import { MonotonicMs } from "@holdfast/core";
import { connectShim, spawnShim, writeSpec } from "@holdfast/shim";
import { checkpointFiles } from "./checkpoint-files.ts";
import { Host } from "./host.ts";
import { NodeDisk, openJournal, systemRandom } from "./journal/index.ts";
import { HostLink, type HostIdentity } from "./link/host-link.ts";
import { keyFile, keyIdOf, rawPublicKey } from "./operator/key.ts";
import { OperatorRegistry } from "./operator/registry.ts";
import type { SessionPorts } from "./session/ports.ts";
import { startTerminalModels } from "./terminal/index.ts";

const ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const MAX_SESSIONS = 4_000;
/** The keeper has 16 connections, and one more puts out the oldest. */
const SPAWNS = 8;
/** How often a frozen journal is probed. */
const THAW_MS = 1_000;
/** setTimeout takes no more. */
const MAX_TIMER_MS = 2_147_483_647;

const { values } = parseArgs({ options: { home: { type: "string" }, shim: { type: "string" } } });
if (!values.home || !values.shim) {
  process.stderr.write("usage: host.mjs --home FOLDER --shim BINARY (hold host up does this)\n");
  process.exit(2);
}
await serve(values.home, values.shim);

async function serve(home: string, shimBinary: string): Promise<void> {
  process.umask(0o077);
  process.title = "hold-host";
  makeHome(home);
  const log = (text: string): void => void process.stderr.write(`${new Date().toISOString()} host ${process.pid}: ${text}\n`);
  process.on("uncaughtException", (fault) => {
    // A defect: crash, and be rebuilt from the journal. Sessions do not notice.
    log(`defect, restarting: ${fault.stack ?? String(fault)}`);
    process.exit(70);
  });
  process.on("unhandledRejection", (fault) => log(`unhandled: ${fault instanceof Error ? fault.stack : String(fault)}`));

  const hostKey = keyFile(files.hostKey(home));
  const publicKey = rawPublicKey(hostKey);
  const identity: HostIdentity = { key: hostKey, publicKey, id: keyIdOf(publicKey).toString("hex").slice(0, 32) };
  writeOnce(files.hostPublicKey(home), publicKey);
  const auditKey = keyFile(files.auditKey(home));
  const auditPublicKey = rawPublicKey(auditKey);
  writeOnce(files.auditPublicKey(home), auditPublicKey);

  const clock = { monoMs: () => MonotonicMs(performance.now()), monoNs: () => process.hrtime.bigint(), wallMs: () => Date.now() };
  const bootId = readBootId();
  const journal = openJournal(new NodeDisk(), {
    folder: folders.journal(home), now: () => ({ wallMs: clock.wallMs(), monoNs: clock.monoNs() }), randomBytes: systemRandom,
    auditKey: auditKey.export({ format: "der", type: "pkcs8" }), bootId,
  });
  for (const line of journal.recovery) log(`journal: ${line}`);

  const built = fileURLToPath(import.meta.url).endsWith(".mjs");
  const here = import.meta.dirname;
  let host: Host;
  const models = startTerminalModels(
    {
      reply: (r) => host.sessions.get(r.session)?.reply(r.offset, r.bytes),
      parsed: (session) => host.sessions.get(session)?.parsed(),
      notice: () => {},
      lost: (detail) => {
        log(`the terminal models are gone and will be rebuilt: ${detail}`);
        for (const session of host.sessions.values()) session.screen.lost();
      },
    },
    built ? { workerUrl: pathToFileURL(join(here, "terminal-worker.mjs")) } : {},
  );
  const ports: SessionPorts = {
    clock, journal, models, checkpoints: checkpointFiles(folders.checkpoints(home), log),
    connectShim: (path, ackedOffsets, handlers) => connectShim(path, { ackedOffsets }, handlers),
    defer: (run) => void setImmediate(run),
    wakeAt(at, run) {
      const timer = setTimeout(run, Math.min(MAX_TIMER_MS, Math.max(0, at - performance.now())));
      return () => clearTimeout(timer);
    },
    newId: (chars) => Array.from({ length: chars }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join(""),
    log,
  };
  const run = folders.run(home);
  const spawning = atOnce(SPAWNS);
  for (const folder of ["agent", "environment"]) mkdirSync(join(run, folder), { recursive: true, mode: 0o700 });
  const links = new Set<HostLink>();
  let server: Server | null = null;
  let leaving = false;
  const leave = async (code: number): Promise<void> => {
    if (leaving) return;
    leaving = true;
    server?.close();
    host.leave();
    await journal.close().catch((fault: unknown) => log(`journal: ${String(fault)}`));
    await models.stop();
    process.exit(code);
  };
  host = new Host({
    ports, registry: OperatorRegistry.open(home, clock.wallMs()), version: process.env["HOLDFAST_VERSION"] ?? "0.0.0-dev", maxSessions: MAX_SESSIONS, home,
    journalFolder: folders.journal(home), agentFolder: join(run, "agent"), auditPublicKey, shimBinary, startedAtUnixMs: clock.wallMs(), linkCount: () => links.size,
    onDown: () => void leave(0),
    opener: {
      socketPath: (id) => join(run, `${id}.sock`),
      environmentPath: (id) => join(run, "environment", id),
      shellFolder: built ? join(here, "shell") : join(here, "shell", "scripts"),
      newNonce: () => randomBytes(16).toString("hex"),
      bootId,
      async startShim(id, spec) {
        const path = join(run, `${id}.spec`);
        await writeSpec(path, spec);
        return spawning(() => spawnShim(run, path));
      },
    },
  });
  host.onFenced = () => void leave(0);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void leave(0));

  const started = performance.now();
  const { adopted, lost } = await host.adopt(process.pid);
  server = await listenUnix(files.socket(home), (link) => {
    const bound = new HostLink(host, identity, link);
    links.add(bound);
    bound.onOver = () => links.delete(bound);
    return bound;
  });
  log(`serving ${home}: ${adopted} sessions taken up, ${lost} lost, in ${Math.round(performance.now() - started)} ms`);
  keepJournal(ports, log, () => {
    for (const session of host.sessions.values()) session.thawed();
  });
}

/** Seals when due, and goes on by itself when a full disk has room again. */
function keepJournal({ journal }: SessionPorts, log: (text: string) => void, thawed: () => void): void {
  let wasFrozen = false;
  setInterval(() => {
    if (journal.frozen) {
      if (!wasFrozen) log(`the journal is frozen, input is refused: ${journal.frozen.message}`);
      wasFrozen = !journal.thaw();
      if (!wasFrozen) {
        log("the journal can be written again");
        thawed();
      }
    }
    if (journal.nextWakeNs !== null && process.hrtime.bigint() >= journal.nextWakeNs) journal.tick();
  }, THAW_MS).unref();
}

/** Lets so many run at once; the others wait their turn. */
function atOnce(most: number): <T>(run: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (run) => {
    if (running >= most) await new Promise<void>((turn) => waiting.push(turn));
    else running++;
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

function writeOnce(path: string, bytes: Uint8Array): void {
  if (!existsSync(path)) writeFileSync(path, bytes, { mode: 0o600 });
}

/** What tells a restarted machine from a restarted host. */
function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

