/**
 * The unix carrier: frames over a socket in an owner-only folder. Nothing listens on TCP. The folder's mode is the first
 * gate (0700, ours), the handshake is the second.
 */
import { chmodSync, closeSync, lstatSync, openSync, rmSync, writeSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import { HoldError, limits } from "@holdfast/protocol";
import { Deframer, framed, header, HEADER_BYTES } from "../framing.ts";
import type { Acceptor, Link, LinkHandlers } from "../link.ts";

/** sun_path holds 108 bytes with the final NUL. */
const SUN_PATH_BYTES = 107;
/** Below this, header and message are copied into one buffer; above, they are written as two. */
const COPY_BYTES = 8 * 1024;

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
  const link = new StreamLink(socket);
  link.open(accept(link));
  return link;
}

/**
 * A link over any byte-stream socket. Frames sent in one turn of the loop leave in one write.
 *
 * What is small and has nothing before it is written to the descriptor itself: a stream's own way to the same call takes longer
 * than the call, and a key waits for it twice. What the kernel does not take at once goes through the stream, as all that is large.
 */
export class StreamLink implements Link {
  readonly carrier = "unix";
  readonly #socket: Socket;
  #handlers: LinkHandlers | null = null;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #over = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  open(handlers: LinkHandlers): void {
    this.#handlers = handlers;
    const deframer = new Deframer(() => handlers.maxFrameBytes ?? limits.frameBytes);
    const socket = this.#socket;
    socket.on("data", (chunk: Buffer) => {
      try {
        deframer.push(chunk, (channel, message) => {
          if (!this.#over) handlers.frame(channel, message);
        });
      } catch (fault) {
        this.#end(fault instanceof HoldError ? fault.toString() : String(fault));
        socket.destroy();
        if (!(fault instanceof HoldError)) throw fault;
      }
    });
    socket.on("drain", () => handlers.drained?.());
    socket.on("error", (fault) => this.#end(fault.message));
    socket.on("close", () => this.#end("closed"));
  }

  get buffered(): number {
    return this.#socket.writableLength + this.#waitingBytes;
  }

  send(channel: number, message: Uint8Array): void {
    if (this.#over) return;
    if (this.#waiting.length === 0) process.nextTick(() => this.#flush());
    if (message.length <= COPY_BYTES) {
      this.#waiting.push(framed(channel, message));
    } else {
      this.#waiting.push(header(channel, message.length), message);
    }
    this.#waitingBytes += message.length + HEADER_BYTES;
  }

  #flush(): void {
    const waiting = this.#waiting;
    const bytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#over || waiting.length === 0) return;
    const socket = this.#socket;
    if (bytes <= COPY_BYTES && socket.writableLength === 0) {
      const whole = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting, bytes);
      const taken = writeNow(socket, whole);
      if (taken < bytes) socket.write(whole.subarray(taken));
      return;
    }
    socket.cork();
    for (const piece of waiting) socket.write(piece);
    socket.uncork();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#flush();
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#end("closed");
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#handlers?.closed(reason);
  }
}

/** Writes to the socket's descriptor: how many bytes the kernel took; 0 where it has no room, or where there is no descriptor to write to. */
function writeNow(socket: Socket, bytes: Uint8Array): number {
  const { fd } = (socket as { _handle?: { fd?: number } | null })._handle ?? {};
  if (fd === undefined || fd < 0 || socket.connecting) return 0;
  try {
    return writeSync(fd, bytes);
  } catch {
    // Whatever is the matter, the stream finds it again and tells.
    return 0;
  }
}
