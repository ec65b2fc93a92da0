/**
 * What can be wrong with an installation, one check each. A check looks and never repairs; each that finds something says the next step.
 *   D1  A check that fails to look says so, and the others go on.
 */
import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import type { Context } from "../app/context.ts";
import { lingering } from "../commands/host-install.ts";
import { bytesText } from "../show/time.ts";

export interface Check {
  readonly what: string;
  readonly state: "ok" | "note" | "wrong";
  readonly found: string;
  readonly next?: string;
}
type Look = (context: Context) => Check | Promise<Check>;

const oldest = [22, 15] as const;

const node: Look = () => {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
  const found = `${process.versions.node} at ${process.execPath}`;
  return ok
    ? { what: "node", state: "ok", found }
    : { what: "node", state: "wrong", found, next: "put Node 22.15 or newer on the PATH, or set HOLDFAST_NODE to one" };
};

/** dist/shim/…, as `npm run build` and the package lay it out, seen from this bundle or from the source. */
const shim: Look = () => {
  let folder = import.meta.dirname;
  const platform = `${process.platform}-${process.arch}`;
  for (let up = 0; up < 6; up++, folder = dirname(folder)) {
    for (const at of [`shim/${platform}/holdfast-shim`, `dist/shim/${platform}/holdfast-shim`]) {
      const file = join(folder, at);
      if (!existsSync(file)) continue;
      try {
        accessSync(file, constants.X_OK);
        return { what: "shim", state: "ok", found: file };
      } catch {
        return {
          what: "shim",
          state: "wrong",
          found: `${file} can't be run`,
          next: `chmod 755 ${file}, or unpack the package on a file system without noexec`,
        };
      }
    }
  }
  return {
    what: "shim",
    state: "note",
    found: `no prebuilt one for ${platform} beside this program`,
    next: "the host builds it when it starts, if there is a C compiler: `cc --version`",
  };
};

const home: Look = async (context) => {
  const folder = await context.home();
  if (!existsSync(folder)) {
    let above = dirname(folder);
    while (!existsSync(above)) above = dirname(above);
    try {
      accessSync(above, constants.W_OK | constants.X_OK);
    } catch {
      return {
        what: "home",
        state: "wrong",
        found: `${folder} is not there and can't be made: ${above} is not ours to write`,
        next: "set HOLDFAST_HOME to a folder of your own",
      };
    }
    return { what: "home", state: "ok", found: `${folder}, made at first use` };
  }
  const { mode, uid } = statSync(folder);
  if (uid !== process.getuid?.())
    return {
      what: "home",
      state: "wrong",
      found: `${folder} belongs to uid ${uid}`,
      next: "set HOLDFAST_HOME to a folder of your own, or take this one over with chown",
    };
  if ((mode & 0o077) !== 0)
    return {
      what: "home",
      state: "wrong",
      found: `${folder} is open to others (mode ${(mode & 0o777).toString(8)})`,
      next: `chmod 700 ${folder}`,
    };
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return {
      what: "home",
      state: "wrong",
      found: `${folder} can't be written`,
      next: `chmod u+rwx ${folder}; is the file system mounted read-only?`,
    };
  }
  return { what: "home", state: "ok", found: folder };
};

const machine: Look = () => {
  for (const file of ["/etc/machine-id", "/var/lib/dbus/machine-id"]) {
    if (existsSync(file) && /^[0-9a-f]{32}$/.test(readFileSync(file, "utf8").trim()))
      return { what: "machine id", state: "ok", found: file };
  }
  return process.platform === "linux"
    ? {
        what: "machine id",
        state: "note",
        found: "there is none, so the host name stands in",
        next: "run `systemd-machine-id-setup` as root if this home is shared between machines",
      }
    : { what: "machine id", state: "ok", found: "the host name stands in on this system" };
};

const host: Look = async (context) => {
  try {
    const status = await (await context.client({ start: false })).status();
    if (status.frozen)
      return {
        what: "host",
        state: "wrong",
        found: `pid ${status.pid}; the journal is frozen: ${status.frozen}`,
        next: "free space or mend the disk; the host tries every second and goes on by itself, and the programs with it",
      };
    if (status.version !== context.version)
      return {
        what: "host",
        state: "wrong",
        found: `pid ${status.pid} is ${status.version}, this command ${context.version}`,
        next: "hold host down, then any command starts the new one; sessions run on",
      };
    return { what: "host", state: "ok", found: `${status.version}, pid ${status.pid}, ${status.running} sessions` };
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "unreachable")
      return { what: "host", state: "note", found: "none runs", next: "any command that needs it starts it, or `hold host up`" };
    return { what: "host", state: "wrong", found: `[${code ?? "internal"}] ${(error as Error).message}`, next: "hold host logs" };
  }
};

const record: Look = async (context) => {
  try {
    const [alarm, ...more] = (await (await context.client({ start: false })).status()).witnessAlarms;
    if (!alarm) return { what: "record", state: "ok", found: "nothing that was seen of it elsewhere contradicts it" };
    return {
      what: "record",
      state: "wrong",
      found: `it contradicts record ${alarm.head?.lsn ?? 0n} as ${alarm.by} has kept it (${alarm.found})${more.length > 0 ? `, and ${more.length} more` : ""}`,
      next: "keep a copy of the home and look with `hold audit verify`; if a copy was put back on purpose: hold audit accept",
    };
  } catch {
    return { what: "record", state: "note", found: "no host runs that would tell", next: "`hold audit verify` reads the files" };
  }
};

const linger: Look = () => {
  if (process.platform !== "linux" || !existsSync("/run/systemd/system"))
    return { what: "lingering", state: "ok", found: "no systemd here that would end sessions at logout" };
  const { username } = userInfo();
  const on = lingering(username);
  if (on === true) return { what: "lingering", state: "ok", found: "on: sessions outlive your last logout" };
  return {
    what: "lingering",
    state: "note",
    found: on === null ? "loginctl does not tell" : "off: the system may end your sessions at your last logout",
    next: `loginctl enable-linger ${username}`,
  };
};

const cgroup: Look = () => {
  if (process.platform !== "linux") return { what: "cgroup", state: "ok", found: "this system has none" };
  if (!existsSync("/sys/fs/cgroup/cgroup.controllers"))
    return {
      what: "cgroup",
      state: "note",
      found: "version 2 is not mounted, so a session is no unit to the system",
      next: "nothing to do; limits and OOM kills act on single processes",
    };
  const own = readFileSync("/proc/self/cgroup", "utf8").split("\n")[0]?.slice(3) ?? "/";
  try {
    accessSync(join("/sys/fs/cgroup", own, "cgroup.procs"), constants.W_OK);
    return { what: "cgroup", state: "ok", found: `${own}, ours to divide` };
  } catch {
    return {
      what: "cgroup",
      state: "note",
      found: `${own} is not ours to divide`,
      next: "`hold host install` gives the host a unit of its own",
    };
  }
};

/** What the journal keeps back on the disk. */
const RESERVE_BYTES = 8 * 1024 * 1024;

const disk: Look = async (context) => {
  let folder = await context.home();
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize, ffree } = statfsSync(folder);
  const state = await context.home();
  // A frozen journal has let go of what it holds back for its last words, and takes it again first.
  const owed = existsSync(join(state, "journal")) && !existsSync(join(state, "journal", "reserve")) ? RESERVE_BYTES : 0;
  const free = Math.max(0, bavail * bsize - owed);
  if (free < 64 * 1024 * 1024)
    return {
      what: "disk",
      state: "wrong",
      found: `${bytesText(free)} free at ${folder}${owed > 0 ? `, besides ${bytesText(owed)} that the journal takes back first` : ""}; programs block when it is full`,
      next: "make room, or set HOLDFAST_HOME to a larger disk",
    };
  if (ffree > 0 && ffree < 1000)
    return {
      what: "disk",
      state: "wrong",
      found: `${ffree} files free at ${folder}`,
      next: "remove files: the file system is out of inodes",
    };
  return {
    what: "disk",
    state: free < 1024 ** 3 ? "note" : "ok",
    found: `${bytesText(free)} free at ${folder}`,
    ...(free < 1024 ** 3 ? { next: "a session may keep 64 MiB: `hold rm` what you no longer need" } : {}),
  };
};

const terminal: Look = (context) => {
  const term = context.env["TERM"] ?? "";
  const locale = context.env["LC_ALL"] || context.env["LC_CTYPE"] || context.env["LANG"] || "";
  if (!context.out.isTty) return { what: "terminal", state: "ok", found: "standard output is none" };
  if (term === "" || term === "dumb")
    return {
      what: "terminal",
      state: "wrong",
      found: `TERM is ${term || "not set"}`,
      next: "set TERM to what your terminal is, e.g. xterm-256color",
    };
  if (!/utf-?8/i.test(locale))
    return {
      what: "terminal",
      state: "note",
      found: `${term}, and the locale (${locale || "C"}) is not UTF-8`,
      next: "export LANG=C.UTF-8",
    };
  return {
    what: "terminal",
    state: "ok",
    found: `${term}, ${context.out.columns} columns${context.env["HOLDFAST_SESSION"] ? ", inside a session" : ""}`,
  };
};

const settings: Look = async (context) => {
  try {
    const { file, problems } = await context.settings();
    if (problems.length > 0) return { what: "settings", state: "wrong", found: problems.join("; "), next: "hold config edit" };
    return { what: "settings", state: "ok", found: existsSync(file) ? file : `no ${file}: defaults` };
  } catch (error) {
    return { what: "settings", state: "wrong", found: (error as Error).message, next: "hold config edit" };
  }
};

export async function* checks(context: Context): AsyncGenerator<Check> {
  for (const [what, look] of Object.entries({
    node,
    shim,
    home,
    "machine id": machine,
    host,
    record,
    lingering: linger,
    cgroup,
    disk,
    terminal,
    settings,
  })) {
    try {
      yield await look(context);
    } catch (error) {
      yield { what, state: "note", found: `could not look: ${(error as Error).message}` };
    }
  }
}
