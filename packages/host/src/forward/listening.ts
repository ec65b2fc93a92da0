/**
 * Which ports of this machine's loopback belong to a session: those that programs below its shim listen on. The shim reaps whatever its
 * programs leave behind, so what they sent to the background is below it too. What another program was asked to start (a container's engine,
 * the machine's service manager) is not, nor what runs as another user: the kernel does not say what that has open.
 */
import { readdir, readFile, readlink } from "node:fs/promises";
import { HoldError } from "@holdfast/protocol";
import { programName } from "../session/program-name.ts";

export interface Listening {
  readonly port: number;
  /** Where it is reached: of a program that listens everywhere, the loopback. */
  readonly address: string;
  readonly pid: number;
  readonly program: string;
}

/** What is read of /proc, so that a test can stand in for it. A file or folder that is gone is empty. */
export interface Proc {
  read(path: string): Promise<string>;
  list(path: string): Promise<readonly string[]>;
  link(path: string): Promise<string>;
}

const proc: Proc = {
  read: (path) => readFile(`/proc/${path}`, "utf8").catch(() => ""),
  list: (path) => readdir(`/proc/${path}`).catch(() => []),
  link: (path) => readlink(`/proc/${path}`).catch(() => ""),
};

const LISTEN = "0A";
const V4 = "127.0.0.1";
const V6 = "::1";

/** By port and then address. `roots`: pids of the session's shims. Throws `unsupported` where there is no /proc. */
export async function listeningBelow(roots: readonly number[], from: Proc = proc): Promise<readonly Listening[]> {
  const sockets = new Map([...(await tableOf(from, "net/tcp")), ...(await tableOf(from, "net/tcp6"))]);
  if (sockets.size === 0 && (await from.read("net/tcp")) === "")
    throw new HoldError("unsupported", "this system does not tell which ports are a session's");
  const found = new Map<string, Listening>();
  for (const pid of await treeOf(from, roots)) {
    for (const fd of await from.list(`${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(await from.link(`${pid}/fd/${fd}`))?.[1];
      const place = inode === undefined ? undefined : sockets.get(inode);
      if (!place || found.has(`${place.port} ${place.address}`)) continue;
      const comm = (await from.read(`${pid}/comm`)).trim();
      found.set(`${place.port} ${place.address}`, {
        ...place,
        pid,
        program: await programName(comm, () => from.link(`${pid}/exe`)),
      });
    }
  }
  return [...found.values()].sort((a, b) => a.port - b.port || (a.address < b.address ? -1 : 1));
}

/** The processes below, and the roots themselves. */
async function treeOf(from: Proc, roots: readonly number[]): Promise<readonly number[]> {
  const tree = new Set(roots);
  // A set is walked to its end, what is added meanwhile included.
  for (const pid of tree)
    for (const thread of await from.list(`${pid}/task`))
      for (const child of (await from.read(`${pid}/task/${thread}/children`)).split(" ").filter(Boolean)) tree.add(Number(child));
  return [...tree];
}

/** Listening sockets by inode, of those that the loopback leads to. */
async function tableOf(from: Proc, path: string): Promise<Map<string, { readonly port: number; readonly address: string }>> {
  const found = new Map<string, { port: number; address: string }>();
  for (const line of (await from.read(path)).split("\n").slice(1)) {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    if (state !== LISTEN) continue;
    const [hex = "", port = ""] = local.split(":");
    const address = loopbackOf(hex);
    if (address !== null) found.set(inode, { port: Number.parseInt(port, 16), address });
  }
  return found;
}

/** `hex`: 32-bit words as this machine has them in memory. Null: another interface's address. */
function loopbackOf(hex: string): string | null {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.map((word) => (isLittle ? word.match(/../g)!.reverse().join("") : word)).join("");
  const v4 = bytes.length === 8 ? bytes : /^0{20}(?:FFFF)(.{8})$/.exec(bytes)?.[1];
  if (v4 !== undefined) return v4 === "7F000001" || v4 === "00000000" ? V4 : null;
  if (/^0{32}$/.test(bytes) || /^0{31}1$/.test(bytes)) return V6;
  return null;
}
const isLittle = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
