/**
 * The unix carrier: frames over a socket in an owner-only folder. The folder's mode is the first
 * gate (0700, ours), the handshake is the second.
 */
import { chmodSync, closeSync, lstatSync, openSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import { HoldError } from "@holdfast/protocol";
import type { Acceptor, Link } from "../link.ts";
import { StreamLink } from "../stream-link.ts";

/** sun_path holds 108 bytes with the final NUL. */
const SUN_PATH_BYTES = 107;

/** Runs `use` with a path that fits into sun_path: long ones go through the folder's descriptor. */
export function withShortPath<T>(path: string, use: (short: string, done: () => void) => T): T {
  if (Buffer.byteLength(path) <= SUN_PATH_BYTES) return use(path, () => {});
  const fd = openSync(dirname(path), "r");
  return use(join("/proc/self/fd", String(fd), basename(path)), () => closeSync(fd));
}

/** Throws `not_permitted` unless the folder is ours alone: else anybody could have put a socket there. */
export function assertOwnerOnly(folder: string): void {
  const facts = lstatSync(folder);
  if (!facts.isDirectory() || facts.uid !== process.geteuid!() || (facts.mode & 0o077) !== 0) {
    throw new HoldError("not_permitted", `${folder} must be a folder of this user alone (mode 0700); run: chmod 700 ${folder}`);
  }
}

/** Listens on `path`, 0600. A stale socket file is replaced; the caller holds the home's lock, so nobody can be behind it. */
export function listenUnix(path: string, accept: Acceptor): Promise<Server> {
  assertOwnerOnly(dirname(path));
  rmSync(path, { force: true });
  const server = createServer({ noDelay: false }, (socket) => bind(socket, accept));
  return withShortPath(
    path,
    (short, done) =>
      new Promise((resolve, reject) => {
        server.once("error", (cause) =>
          reject(new HoldError("internal", `cannot listen on ${path}: ${cause.message}`, {}, { cause })),
        );
        server.listen(short, () => {
          done();
          chmodSync(path, 0o600);
          resolve(server);
        });
      }),
  );
}

/** Connects; rejects with `unreachable` when nobody listens. */
export function connectUnix(path: string, accept: Acceptor): Promise<Link> {
  try {
    assertOwnerOnly(dirname(path));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    return Promise.reject(
      missing ? new HoldError("unreachable", `no host has run here yet (${dirname(path)} does not exist)`, {}, { cause }) : cause,
    );
  }
  return withShortPath(
    path,
    (short, done) =>
      new Promise((resolve, reject) => {
        const socket = connect(short);
        socket.once("error", (cause: NodeJS.ErrnoException) => {
          done();
          reject(new HoldError("unreachable", `no host answers on ${path} (${cause.code ?? cause.message})`, {}, { cause }));
        });
        socket.once("connect", () => {
          done();
          socket.removeAllListeners("error");
          resolve(bind(socket, accept));
        });
      }),
  );
}

function bind(socket: Socket, accept: Acceptor): Link {
  const link = new StreamLink("unix", socket, socket);
  link.open(accept(link));
  return link;
}
