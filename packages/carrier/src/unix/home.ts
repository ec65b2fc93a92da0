/**
 * Where the host of this machine and user keeps its state, and where its socket is: `$HOLDFAST_HOME` (default
 * `$XDG_STATE_HOME/holdfast`), a folder per machine below it, so that a shared home does not mix machines (design §5).
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join, resolve } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

export function homeFolder(env: Env = process.env): string {
  const base = env["HOLDFAST_HOME"] || join(env["XDG_STATE_HOME"] || join(userFolder(env), ".local", "state"), "holdfast");
  return join(resolve(base), machineId());
}

export function configFolder(env: Env = process.env): string {
  return join(env["XDG_CONFIG_HOME"] || join(userFolder(env), ".config"), "holdfast");
}

/** A uid without a name and without HOME has no folder: what is asked for there is not found, and that is all. */
function userFolder(env: Env): string {
  if (env["HOME"]) return env["HOME"];
  try {
    return homedir();
  } catch {
    return "/";
  }
}

export const folders = {
  run: (home: string): string => join(home, "run"),
  journal: (home: string): string => join(home, "journal"),
  keys: (home: string): string => join(home, "keys"),
  checkpoints: (home: string): string => join(home, "checkpoints"),
  tools: (home: string): string => join(home, "tools"),
};

export const files = {
  socket: (home: string): string => join(home, "run", "host.sock"),
  keeperSocket: (home: string): string => join(home, "run", "keeper.sock"),
  hostKey: (home: string): string => join(home, "host.key"),
  hostPublicKey: (home: string): string => join(home, "host.pub"),
  auditKey: (home: string): string => join(home, "audit.key"),
  auditPublicKey: (home: string): string => join(home, "audit.pub"),
  operators: (home: string): string => join(home, "operators.json"),
  invitations: (home: string): string => join(home, "invitations.json"),
  continuity: (home: string): string => join(home, "continuity.json"),
  keyUses: (home: string): string => join(home, "key-uses.json"),
  /** Of the SSH server. */
  sshHostKey: (home: string): string => join(home, "ssh_host_ed25519_key"),
  knownHosts: (home: string): string => join(home, "known_hosts"),
  /** What AIs may do, for people to write. */
  policy: (home: string): string => join(home, "policy.toml"),
  /** What of it is in force. */
  policyInForce: (home: string): string => join(home, "policy.json"),
  /** That the host dials. */
  relays: (home: string): string => join(home, "relays.json"),
  /** The port of its page, while that is open. */
  console: (home: string): string => join(home, "console.port"),
  /** Of the endpoint for clients of Jupyter: where it is, hashes of its tokens, which documents its kernels are of. */
  jupyter: (home: string): string => join(home, "jupyter.json"),
  /** What heads of its chain that others kept say against it. */
  headAlarms: (home: string): string => join(home, "head-alarms.json"),
  /** Heads of hosts' chains that a client of this home has seen. */
  witnessed: (home: string): string => join(home, "witnessed"),
  /** Where the record is copied to, by whom last, with what key. */
  mirrorFolder: (home: string): string => join(home, "mirror"),
  mirror: (home: string): string => join(home, "mirror", "mirror.json"),
  mirrorMemory: (home: string): string => join(home, "mirror", "written.json"),
  mirrorKey: (home: string): string => join(home, "mirror", "key"),
  log: (home: string): string => join(home, "host.log"),
  defaultKey: (home: string): string => join(home, "keys", "default"),
};

/** Makes the folders, owner-only. */
export function makeHome(home: string): void {
  for (const folder of [
    home,
    folders.run(home),
    folders.journal(home),
    folders.keys(home),
    folders.checkpoints(home),
    folders.tools(home),
  ])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
}

/** 12 hex digits that name this machine and tell nothing about it. */
function machineId(): string {
  let id = "";
  for (const path of ["/etc/machine-id", "/var/lib/dbus/machine-id"]) {
    try {
      id ||= readFileSync(path, "utf8").trim();
    } catch {
      // Not every system has one; the host's name is the fallback.
    }
  }
  return createHash("sha256")
    .update(`holdfast machine ${id || hostname()}`)
    .digest("hex")
    .slice(0, 12);
}
