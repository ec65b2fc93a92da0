/**
 * The host's process: `host.mjs --home FOLDER --shim BINARY`, started by the keeper and started again when it dies.
 * It opens the home, takes up what lives, and listens on the home's socket; on a network only where that was asked for (listen/).
 */
import { randomBytes, randomInt } from "node:crypto";
import { mkdirSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { files, folders, type Link, type LinkHandlers, listenUnix, makeHome } from "@holdfast/carrier";
import { type ListenWish, pageFolder, readListen, readPage } from "@holdfast/carrier/listen";
import { MonotonicMs } from "@holdfast/core";
import { bytesOf, HoldError, type Init, type Surroundings } from "@holdfast/protocol";
import { connectShim, spawnShim, writeSpec } from "@holdfast/shim";
import { AuditReader } from "./audit/reader.ts";
import { checkpointFiles } from "./checkpoint-files.ts";
import { lacking } from "./descriptors.ts";
import { Host } from "./host.ts";
import { collectWhenIdle } from "./idle-memory.ts";
import { NodeDisk, openJournal, systemRandom } from "./journal/index.ts";
import { loopLag } from "./loop-lag.ts";
import { RunFolder } from "./run-folder.ts";
import { isJournalFault } from "./session/journal-fault.ts";
import { Console, CONSOLE_SHUT } from "./console/console.ts";
import { lazyJupyter, type LazyJupyter } from "./jupyter/lazy.ts";
import type { Listener, Routes } from "./listen/index.ts";
import type { Proven } from "./link/handshake.ts";
import type { HostIdentity } from "./link/identity.ts";
import { HostLink, turnAway } from "./link/host-link.ts";
import { keyFile, keyIdOf, rawPublicKey } from "./operator/key.ts";
import { Continuity, continuityFile } from "./operator/continuity.ts";
import { Invitations } from "./operator/invitations.ts";
import { KeyUses } from "./operator/key-uses.ts";
import { OidcIssuer, type OidcSettings, readOidc } from "./operator/oidc.ts";
import { OperatorRegistry } from "./operator/registry.ts";
import { PolicyStore } from "./policy/store.ts";
import type { SessionPorts } from "./session/ports.ts";
import { readSettings } from "./settings.ts";
import type { MeetSsh, SshServer } from "./ssh/index.ts";
import { cannotStart } from "./start-log.ts";
import { startTerminalModels } from "./terminal/index.ts";
import { Mirror } from "./mirror/mirror.ts";
import { Relays } from "./uplink/relays.ts";
import { Alarms } from "./witness/alarms.ts";
import { HostWitness } from "./witness/witness.ts";

const ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
/** The keeper has 16 connections, and one more puts out the oldest. */
const SPAWNS = 8;
/** How often what is not on the disk is looked for: with the sync itself, within the 200 ms that P2 names. */
const SYNC_MS = 100;
/** How often a frozen journal is probed. */
const THAW_MS = 1_000;
/** The exit status of a host that another took a shim from. */
const FENCED = 71;
/** How long leaving may take: a last sync of the journal on a slow disk. */
const LEAVE_MS = 10_000;
/** setTimeout takes no more. */
const MAX_TIMER_MS = 2_147_483_647;

const { values } = parseArgs({
  options: {
    home: { type: "string" },
    shim: { type: "string" },
    listen: { type: "string" },
    "tls-cert": { type: "string" },
    "tls-key": { type: "string" },
    "allow-host": { type: "string", multiple: true },
    "allow-origin": { type: "string", multiple: true },
    console: { type: "boolean" },
    "oidc-issuer": { type: "string" },
    "oidc-client-id": { type: "string" },
    ssh: { type: "string" },
  },
});
if (!values.home || !values.shim) {
  process.stderr.write("usage: host.mjs --home FOLDER --shim BINARY (hold host up does this)\n");
  process.exit(2);
}
const wish: ListenWish | null = values.listen
  ? {
      listen: values.listen,
      tlsCert: values["tls-cert"],
      tlsKey: values["tls-key"],
      allowHosts: values["allow-host"] ?? [],
      allowOrigins: values["allow-origin"] ?? [],
      console: values.console ?? false,
    }
  : null;
const login = values["oidc-issuer"] ? { issuer: values["oidc-issuer"], clientId: values["oidc-client-id"] ?? "" } : null;
await serve(values.home, values.shim, { wish, login, ssh: values.ssh ?? null }).catch((fault: unknown) => {
  // For whoever started this one (start.ts): the last line, and the stack behind it for whoever reads the log.
  const why = fault instanceof Error ? fault.message : String(fault);
  const stack = fault instanceof Error ? (fault.stack ?? "") : "";
  process.stderr.write(`${new Date().toISOString()} host ${process.pid}: ${cannotStart(why)}\n${stack}\n`);
  process.exit(70);
});

interface Asked {
  readonly wish: ListenWish | null;
  readonly login: OidcSettings | null;
  readonly ssh: string | null;
}

async function serve(home: string, shimBinary: string, { wish, login, ssh }: Asked): Promise<void> {
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
  writePublic(files.hostPublicKey(home), publicKey);
  const auditKey = keyFile(files.auditKey(home));
  const auditPublicKey = rawPublicKey(auditKey);
  writePublic(files.auditPublicKey(home), auditPublicKey);

  const clock = { monoMs: () => MonotonicMs(performance.now()), monoNs: () => process.hrtime.bigint(), wallMs: () => Date.now() };
  const bootId = readBootId();
  const settings = readSettings(process.env, log);
  const journal = openJournal(new NodeDisk(), {
    folder: folders.journal(home),
    now: () => ({ wallMs: clock.wallMs(), monoNs: clock.monoNs() }),
    randomBytes: systemRandom,
    payloadBytes: settings.outputBytes,
    recordDays: settings.recordDays,
    recordBytes: settings.recordBytes,
    auditKey: auditKey.export({ format: "der", type: "pkcs8" }),
    bootId,
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
        for (const session of host.sessions.values()) session.modelsLost();
      },
    },
    built ? { workerUrl: pathToFileURL(join(here, "terminal-worker.mjs")) } : {},
  );
  const ports: SessionPorts = {
    clock,
    journal,
    models,
    checkpoints: checkpointFiles(folders.checkpoints(home), log),
    connectShim: (path, ackedOffsets, handlers) => connectShim(path, { ackedOffsets }, handlers),
    defer: (run) => void setImmediate(run),
    wakeAt(at, run) {
      const timer = setTimeout(run, Math.min(MAX_TIMER_MS, Math.max(0, at - performance.now())));
      return () => clearTimeout(timer);
    },
    newId: (chars) => Array.from({ length: chars }, () => ID_ALPHABET[randomInt(ID_ALPHABET.length)]).join(""),
    log,
  };
  const notice = (text: string): void => {
    host.notices.push(text);
    log(text);
  };
  const run = folders.run(home);
  const runFolder = new RunFolder({ folder: run, connectShim: (path, handlers) => connectShim(path, {}, handlers), log, notice });
  const spawning = atOnce(SPAWNS);
  const links = new Set<HostLink>();
  const lag = loopLag();
  let server: Server | null = null;
  let listener: Listener | null = null;
  let console: Console | null = null;
  let jupyter: LazyJupyter | null = null;
  let sshServer: SshServer | null = null;
  let relays: Relays | null = null;
  let mirror: Mirror | null = null;
  let leaving = false;
  const leave = async (code: number): Promise<void> => {
    if (leaving) return;
    leaving = true;
    // Whatever else fails: a host that neither serves nor goes is the one thing that the keeper can't mend.
    setTimeout(() => process.exit(code), LEAVE_MS).unref();
    server?.close();
    void listener?.close();
    console?.leave();
    jupyter?.leave();
    sshServer?.close();
    relays?.stop();
    void mirror?.stop();
    host.leave();
    await journal.close().catch((fault: unknown) => log(`journal: ${String(fault)}`));
    await models.stop();
    process.exit(code);
  };
  host = new Host({
    ports,
    registry: OperatorRegistry.open(home, clock.wallMs()),
    invitations: Invitations.open(files.invitations(home)),
    continuity: new Continuity({ ports, bootId, store: continuityFile(files.continuity(home)) }),
    keyUses: KeyUses.open(files.keyUses(home)),
    policy: PolicyStore.open({ file: files.policy(home), inForce: files.policyInForce(home) }),
    version: process.env["HOLDFAST_VERSION"] ?? "0.0.0-dev",
    maxSessions: settings.sessions,
    forwarding: settings.forwarding,
    home,
    journalFolder: folders.journal(home),
    auditPublicKey,
    shimBinary,
    startedAtUnixMs: clock.wallMs(),
    linkCount: () => links.size,
    lacking: () => lacking("session"),
    onDown: () => void leave(0),
    opener: {
      files: runFolder,
      shellFolder: built ? join(here, "shell") : join(here, "shell", "scripts"),
      newNonce: () => randomBytes(16).toString("hex"),
      bootId,
      kernels: {
        bridge: built ? join(here, "kernel-bridge.mjs") : join(here, "..", "..", "..", "dist", "kernel-bridge.mjs"),
        node: process.execPath,
        folder: (id) => runFolder.kernelFolder(id),
      },
      async startShim(id, spec) {
        const path = runFolder.specPath(id);
        await writeSpec(path, spec, bytesOf);
        if (spec.respawn) {
          mkdirSync(runFolder.kernelFolder(id), { recursive: true, mode: 0o700 });
          await writeSpec(runFolder.keptSpecPath(id), spec, bytesOf);
        }
        try {
          return await spawning(() => spawnShim(run, path));
        } catch (fault) {
          // It holds an environment, and nobody will read it any more.
          rmSync(path, { force: true });
          throw fault;
        }
      },
    },
  });
  const witness = new HostWitness({
    ...{ journal, clock, identity, log },
    alarms: Alarms.open(files.headAlarms(home)),
    record: (by, body) => host.record(by, body),
  });
  host.witness = witness;
  host.lag = lag;
  host.surroundings = ownSurroundings();
  host.oidc = issuerOf(login ?? settings.oidc, host);
  // Not 0: whoever it was, the home's keeper still holds the home, and must not end with us.
  host.onFenced = () => void leave(FENCED);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void leave(0));

  const started = performance.now();
  const { adopted, lost } = await host.adopt(process.pid);
  runFolder.sweep({
    isLive: (id) => host.sessions.get(id)?.isOver === false,
    isOver: (id) => host.withId(id)?.isOver ?? journal.isRemoved(id),
    mayHaveShim: (id) => ["opening", "running", "ended"].includes(host.sessions.get(id)?.facts.state ?? ""),
  });
  const meet = (
    link: Link,
    proven: Proven | null = null,
    known: () => void = () => {},
    begins: "open" | "hello" = "open",
  ): LinkHandlers => {
    const lack = lacking("link");
    if (lack) return turnAway(link, lack, ports);
    const bound = new HostLink(host, identity, link, proven, begins);
    bound.onOpen = known;
    links.add(bound);
    lag.follow(links.size);
    bound.onOver = () => {
      links.delete(bound);
      lag.follow(links.size);
    };
    return bound;
  };
  server = await listenUnix(files.socket(home), (link) => meet(link));
  // Not even a descriptor to refuse a link with, for one: those that stand go on.
  server.on("error", (fault) => log(`a link can't be taken: ${fault.message}`));
  log(`serving ${home}: ${adopted} sessions taken up, ${lost} lost, in ${Math.round(performance.now() - started)} ms`);
  collectWhenIdle();
  keepJournal(ports, log, {
    thawed() {
      for (const session of host.sessions.values()) session.thawed();
    },
    makeRoom: () => host.makeRoom(),
    look: () => witness.look(),
  });
  listener = await listen(wish ?? settings.listen, host, identity.id, meet);
  console = host.console = new Console({
    path: files.console(home),
    log,
    notice,
    told: (url) => {
      const stale = host.notices.findIndex((text) => text.startsWith(CONSOLE_SHUT));
      if (stale >= 0) host.notices.splice(stale, 1);
      if (url) host.addresses.set("console", url);
      else host.addresses.delete("console");
    },
    listen: async (port) => listenWith({ listen: `127.0.0.1:${port}` }, host, identity.id, meet, pageRoutes(here)),
  });
  await console.restore();
  jupyter = host.jupyter = lazyJupyter({
    host,
    identity: { hostId: identity.id, hostKey: identity.publicKey },
    path: files.jupyter(home),
    notice,
    listen: async (address, routes) => {
      const { Listener } = await import("./listen/index.ts");
      return Listener.open(readListen({ listen: address }), routes, { log });
    },
  });
  await jupyter.restore();
  const { registry, invitations, version } = host;
  relays = new Relays({
    ...{ path: files.relays(home), identity, version, registry, invitations, witness, log },
    meet: (link) => meet(link),
    wallMs: () => clock.wallMs(),
  });
  host.relays = relays;
  relays.start();
  const workerUrl = built ? pathToFileURL(join(here, "mirror-worker.mjs")) : new URL("mirror/worker.ts", import.meta.url);
  mirror = host.mirror = new Mirror({ host, hostId: identity.id, workerUrl });
  mirror.start();
  const readerUrl = built ? pathToFileURL(join(here, "audit-worker.mjs")) : new URL("audit/worker.ts", import.meta.url);
  host.audit = new AuditReader(home, readerUrl);
  sshServer = await listenSsh(ssh ?? settings.ssh, host, (link, proven, begins) => meet(link, proven, () => {}, begins));
}

/** What a login of this machine's user would begin with, as far as the host was given it. */
function ownSurroundings(): Init<Surroundings> {
  const { username, homedir, shell } = ownUser();
  const kept = ["PATH", "HOME", "LANG", "LC_ALL", "TZ"].map((name) => [name, process.env[name]] as const);
  const env = {
    HOME: homedir,
    USER: username,
    LOGNAME: username,
    SHELL: shell || "/bin/sh",
    ...Object.fromEntries(kept.filter((kv) => kv[1] !== undefined)),
  };
  return {
    env: Object.entries(env).map(([name, value]) => bytesOf(`${name}=${value}`)),
    cwd: bytesOf(env.HOME),
    shell: env.SHELL,
    umask: 0o022,
  };
}

/** A uid without a name has none of this: containers do that. */
function ownUser(): { readonly username: string; readonly homedir: string; readonly shell: string | null } {
  try {
    return userInfo();
  } catch {
    return { username: "user", homedir: process.env["HOME"] ?? "/", shell: null };
  }
}

/** Where people log in. What stands in the way is told, and keeps out nobody who has a key. */
function issuerOf(asked: OidcSettings | null, { ports, notices }: Host): OidcIssuer | null {
  if (!asked) return null;
  try {
    return new OidcIssuer(readOidc(asked.issuer, asked.clientId), { log: ports.log, nowMs: () => performance.now() });
  } catch (fault) {
    const why = `nobody can log in: ${fault instanceof Error ? fault.message : String(fault)}`;
    notices.push(why);
    ports.log(why);
    return null;
  }
}

/** Listens where that was asked for. What stands in the way is told, and stops nobody on this machine. */
async function listen(wish: ListenWish | null, host: Host, hostId: string, meet: MeetStranger): Promise<Listener | null> {
  if (!wish) return null;
  const { log } = host.ports;
  try {
    const listener = await listenWith(wish, host, hostId, meet, wish.console ? pageRoutes(import.meta.dirname) : {});
    host.addresses.set("websocket", listener.url);
    host.addresses.set("http", listener.url.replace(/^ws/, "http"));
    if (wish.console) host.addresses.set("network_console", listener.url.replace(/^ws/, "http"));
    log(`listening on ${listener.url}`);
    return listener;
  } catch (fault) {
    const why = fault instanceof Error ? fault.message : String(fault);
    host.notices.push(`not listening on ${wish.listen}: ${why}`);
    log(`not listening on ${wish.listen}: ${why}`);
    return null;
  }
}

type MeetStranger = (link: Link, proven: Proven | null, known?: () => void) => LinkHandlers;

/** Loaded by who listens. `page`: routes of the console. */
async function listenWith(wish: ListenWish, host: Host, hostId: string, meet: MeetStranger, page: Routes): Promise<Listener> {
  const [{ Listener }, { hostRoutes }] = await Promise.all([import("./listen/index.ts"), import("./listen/host-routes.ts")]);
  const { readGrant } = await import("./operator/grant.ts");
  const { registry, ports, refusals } = host;
  const grants = { registry, hostId, wallMs: () => ports.clock.wallMs() };
  return Listener.open(readListen(wish), await hostRoutes(host, meet, page), {
    log: ports.log,
    readGrant: (token) =>
      readGrant(token, grants).catch((fault: unknown) => {
        if (fault instanceof HoldError) refusals.tell(`${fault.code} over http, a grant`);
        throw fault;
      }),
  });
}

/** Of the console. */
function pageRoutes(here: string): Routes {
  const page = Object.entries(readPage(pageFolder(here)));
  return Object.fromEntries(page.map(([path, answer]) => [path, { credential: "none", page: answer } as const]));
}

/** The same for ssh clients. */
async function listenSsh(wish: string | null, host: Host, meet: MeetSsh): Promise<SshServer | null> {
  if (!wish) return null;
  const { log } = host.ports;
  try {
    const { readSsh, sshHostKey, SshServer } = await import("./ssh/index.ts");
    const key = await sshHostKey(files.sshHostKey(host.home));
    const server = await SshServer.open(readSsh(wish), { host, key, meet, lacking: () => lacking("link") });
    host.addresses.set("ssh", server.url);
    host.sshHostKey = key.publicKey;
    log(`listening on ${server.url}`);
    return server;
  } catch (fault) {
    const why = fault instanceof Error ? fault.message : String(fault);
    host.notices.push(`not listening on ${wish} for ssh: ${why}`);
    log(`not listening on ${wish} for ssh: ${why}`);
    return null;
  }
}

/** Seals when due, tells heads, drops what retention has given up, and goes on by itself when a full disk has room again. */
function keepJournal(
  { journal }: SessionPorts,
  log: (text: string) => void,
  host: { thawed(): void; makeRoom(): void; look(): void },
): void {
  let wasFrozen = false;
  const look = (): void => {
    if (journal.frozen) {
      if (!wasFrozen) log(`the journal is frozen, input is refused: ${journal.frozen.message}`);
      wasFrozen = !journal.thaw();
      if (!wasFrozen) {
        log("the journal can be written again");
        host.thawed();
      }
    }
    host.makeRoom();
    if (journal.nextWakeNs !== null && process.hrtime.bigint() >= journal.nextWakeNs) journal.tick();
    host.look();
  };
  // P2: what a power cut may take is no older than 200 ms, however little it is.
  setInterval(() => {
    if (journal.unsyncedBytes > 0 && !journal.frozen) journal.durable(Number.MAX_SAFE_INTEGER).catch(() => {});
  }, SYNC_MS).unref();
  setInterval(() => {
    try {
      look();
    } catch (fault) {
      if (!isJournalFault(fault)) throw fault;
      log(`journal: ${fault.message}`);
    }
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

/** Public keys follow from the private ones: what a crash left half written, or somebody changed, is put right. */
function writePublic(path: string, bytes: Uint8Array): void {
  if (existsSync(path) && readFileSync(path).equals(bytes)) return;
  writeFileSync(`${path}.new`, bytes, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** What tells a restarted machine from a restarted host. */
function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
