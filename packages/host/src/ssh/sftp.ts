/**
 * SFTP (version 3, as OpenSSH speaks it) for the session's files: as the user that the host and its sessions run as, from the session's directory
 * of now, by whoever may type there.
 *
 *   F1  Each request is admitted as the call of ours that it is like (call/answer.ts), and stands in the session's record as that would: who read and
 *       wrote which file, with its hash. Other changes stand there as notes. What could not be recorded is refused before it is done.
 *   F2  Files are written in place, as by any SFTP server: what is to be replaced whole or not at all goes through `hold files put`.
 *   F3  Requests are carried out one after the other. While many wait, the connection is not read; while the client does not read, none is begun.
 *   F4  Only regular files are opened: a pipe that nobody writes would hold up a thread of the host.
 */
import { createHash, type Hash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import {
  chmod,
  chown,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rmdir,
  stat,
  symlink,
  truncate,
  unlink,
  utimes,
} from "node:fs/promises";
import type { Socket } from "node:net";
import { join, resolve } from "node:path";
import { MonotonicMs } from "@holdfast/core";
import { create, EventBody_NoteSchema, FileReadCallSchema, FileWriteCallSchema, HoldError } from "@holdfast/protocol";
import type { Attributes, SFTPWrapper } from "ssh2";
import { demandCall } from "../call/answer.ts";
import { directoryOf } from "../session/surroundings.ts";
import { hashOf, used } from "../call/files.ts";
import type { Host } from "../host.ts";
import type { Proven } from "../link/handshake.ts";
import type { LiveSession } from "../session/session.ts";
import { plain } from "./channel.ts";
import { longName } from "./long-name.ts";
import type { Outlet } from "./sink.ts";
import { unsentOf } from "./ssh2-inside.ts";

/** Of one channel at once. */
const MOST_HANDLES = 64;
/** F3: bytes of requests that wait before the connection is not read, and again is. */
const WAITING_BYTES = 2 * 1024 * 1024;
const AGAIN_BYTES = 512 * 1024;
const REQUEST_BYTES = 256;
const UNREAD_MS = 10;
const READ_BYTES = 256 * 1024;
const LISTED = 64;
/** What the user's umask usually is: the host's own lets nobody else read. */
const UMASK = 0o022;

const FLAG = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const;
const STATUS = { ok: 0, eof: 1, noSuchFile: 2, denied: 3, failure: 4 } as const;

export interface FilesParts {
  readonly host: Host;
  readonly proven: Proven;
  readonly session: string;
  readonly socket: Socket;
  readonly outlet: Outlet;
}

/** What was read or written of an open file, as it will stand in the record. */
interface Use {
  readonly op: "read" | "write";
  readonly hash: Hash;
  /** Up to here it went from the beginning on without a gap; -1: it did not. */
  at: number;
  bytes: number;
  /** Of what a write replaces. */
  readonly before: Buffer | null;
}

interface OpenFile {
  readonly kind: "file";
  readonly path: string;
  readonly file: FileHandle;
  readonly isAppending: boolean;
  readonly uses: Map<Use["op"], Use>;
  readonly before: Buffer | null;
}

interface OpenFolder {
  readonly kind: "folder";
  readonly path: string;
  names: readonly string[];
}

/** One kind of request: its number, and what ssh2 has read of it. */
type On = <A extends readonly unknown[]>(event: string, run: (id: number, ...args: A) => Promise<void>) => void;

/** Resolves when the client is done and what it did is recorded. */
export function serveFiles(files: SFTPWrapper, parts: FilesParts): Promise<void> {
  return new FileServer(files, parts).run();
}

class FileServer {
  readonly #files: SFTPWrapper;
  readonly #parts: FilesParts;
  readonly #over = new AbortController();
  readonly #handles = new Map<number, OpenFile | OpenFolder>();
  readonly #base: string;
  #nextHandle = 1;
  #turn: Promise<void> = Promise.resolve();
  #waitingBytes = 0;

  constructor(files: SFTPWrapper, parts: FilesParts) {
    this.#files = files;
    this.#parts = parts;
    const session = this.#admit("read");
    if (session.isOver)
      throw new HoldError("session_ended", `session ${session.facts.name} (${session.id}) has ended and has no directory of now`);
    this.#base = directoryOf(session);
  }

  async run(): Promise<void> {
    this.#listen();
    const done = Promise.withResolvers<void>();
    this.#files.once("end", done.resolve);
    this.#files.once("close", done.resolve);
    this.#parts.socket.once("close", done.resolve);
    await done.promise;
    if (this.#parts.socket.destroyed) this.#over.abort();
    await this.#turn;
    this.#over.abort();
    for (const handle of [...this.#handles.keys()]) await this.#close(handle).catch((fault: unknown) => this.#log(fault));
  }

  #log(fault: unknown): void {
    this.#parts.host.ports.log(`sftp of ${this.#parts.proven.operator.name}: ${String(fault)}`);
  }

  // --- admission and record (F1) ---

  #admit(like: "read" | "write"): LiveSession {
    const { host, proven, session } = this.#parts;
    const { operator, via } = proven;
    const verb =
      like === "read"
        ? { case: "fileRead" as const, value: create(FileReadCallSchema, { session }) }
        : { case: "fileWrite" as const, value: create(FileWriteCallSchema, { session }) };
    demandCall({ host, operator, via, verb, signal: this.#over.signal });
    // One request of many: nobody is asked about each, so what the policy does not allow an AI outright it does not do here.
    host.gate.demand(operator, like === "read" ? "files.read" : "files.write", host.findFor(operator, session));
    const { frozen } = host.ports.journal;
    if (frozen)
      throw new HoldError("journal_frozen", `the journal can't be written (${frozen.message}): nothing is done unrecorded`);
    return host.findFor(operator, session);
  }

  get #actor() {
    return { operator: this.#parts.proven.operator, via: this.#parts.proven.via };
  }

  /** A change of the machine's files that is no reading or writing. */
  async #change(text: string, run: () => Promise<void>): Promise<void> {
    const session = this.#admit("write");
    await run();
    const { operator, via } = this.#actor;
    session.record(
      { id: operator.id, via },
      { case: "note", value: create(EventBody_NoteSchema, { text: plain(`sftp: ${text}`) }) },
    );
  }

  // --- requests (F3) ---

  #listen(): void {
    const files = this.#files;
    const on: On = (event, run) => {
      const emitter = files as unknown as NodeJS.EventEmitter;
      emitter.on(event, (id: number, ...args: unknown[]) => this.#queue(id, args, () => run(id, ...(args as never))));
    };
    on("OPEN", (id: number, path: string, flags: number, attributes: Attributes) => this.#open(id, path, flags, attributes));
    on("READ", (id: number, handle: Buffer, offset: number, length: number) => this.#read(id, handle, offset, length));
    on("WRITE", (id: number, handle: Buffer, offset: number, data: Buffer) => this.#write(id, handle, offset, data));
    on("CLOSE", async (id: number, handle: Buffer) => {
      await this.#close(numberIn(handle));
      files.status(id, STATUS.ok);
    });
    on("FSTAT", async (id: number, handle: Buffer) => files.attrs(id, attributesOf(await this.#fileOf(handle).file.stat())));
    on("STAT", async (id: number, path: string) => files.attrs(id, attributesOf(await stat(this.#looked(path)))));
    on("LSTAT", async (id: number, path: string) => files.attrs(id, attributesOf(await lstat(this.#looked(path)))));
    on("REALPATH", async (id: number, path: string) => {
      const at = this.#looked(path);
      const real = await realpath(at).catch(() => at);
      files.name(id, [{ filename: real, longname: real, attrs: {} as Attributes }]);
    });
    on("READLINK", async (id: number, path: string) => {
      const target = await readlink(this.#looked(path));
      files.name(id, [{ filename: target, longname: target, attrs: {} as Attributes }]);
    });
    on("OPENDIR", async (id: number, path: string) => {
      const at = this.#looked(path);
      this.#hand(id, { kind: "folder", path: at, names: [".", "..", ...(await readdir(at)).sort()] });
    });
    on("READDIR", (id: number, handle: Buffer) => this.#list(id, handle));
    this.#listenToChanges(on);
  }

  #listenToChanges(on: On): void {
    const done = (id: number, text: string, run: () => Promise<void>): Promise<void> =>
      this.#change(text, run).then(() => this.#files.status(id, STATUS.ok));
    const at = (path: string): string => resolve(this.#base, path);
    on("REMOVE", (id: number, path: string) => done(id, `removed ${at(path)}`, () => unlink(at(path))));
    on("RMDIR", (id: number, path: string) => done(id, `removed the folder ${at(path)}`, () => rmdir(at(path))));
    on("MKDIR", (id: number, path: string, { mode }: Attributes) =>
      done(id, `made the folder ${at(path)}`, async () => {
        await mkdir(at(path));
        await chmod(at(path), (mode ?? 0o777) & 0o7777 & ~UMASK);
      }),
    );
    on("RENAME", (id: number, from: string, to: string) =>
      done(id, `renamed ${at(from)} to ${at(to)}`, async () => {
        // Version 3 replaces nothing.
        if (await lstat(at(to)).catch(() => null)) throw new HoldError("file_failed", `${at(to)} is there already`);
        await rename(at(from), at(to));
      }),
    );
    on("SYMLINK", (id: number, path: string, target: string) =>
      done(id, `made ${at(path)} a link to ${target}`, () => symlink(target, at(path))),
    );
    on("SETSTAT", (id: number, path: string, attributes: Attributes) =>
      done(id, `changed attributes of ${at(path)}`, () => setAttributes(at(path), attributes)),
    );
    on("FSETSTAT", (id: number, handle: Buffer, attributes: Attributes) => {
      const { path, file } = this.#fileOf(handle);
      return done(id, `changed attributes of ${path}`, () => setAttributes(file, attributes));
    });
  }

  #queue(id: number, args: readonly unknown[], run: () => Promise<void>): void {
    const bytes = args.reduce((n: number, arg) => n + (arg instanceof Uint8Array ? arg.length : 0), REQUEST_BYTES);
    const { socket } = this.#parts;
    this.#waitingBytes += bytes;
    if (this.#waitingBytes > WAITING_BYTES) socket.pause();
    this.#turn = this.#turn.then(async () => {
      try {
        await this.#roomForAnswer();
        if (!this.#over.signal.aborted) await run();
      } catch (fault) {
        this.#fail(id, fault);
      }
      this.#waitingBytes -= bytes;
      if (this.#waitingBytes < AGAIN_BYTES && socket.isPaused()) socket.resume();
    });
  }

  async #roomForAnswer(): Promise<void> {
    const { host, outlet } = this.#parts;
    await outlet.room();
    const { clock, wakeAt } = host.ports;
    while (unsentOf(this.#files) > 0 && !this.#over.signal.aborted && !this.#parts.socket.destroyed)
      await new Promise<void>((go) => void wakeAt(MonotonicMs(clock.monoMs() + UNREAD_MS), go));
  }

  #fail(id: number, fault: unknown): void {
    const { code, message } = fault as NodeJS.ErrnoException;
    if (fault instanceof HoldError) {
      const status =
        fault.code === "file_failed" ? STATUS.failure : fault.code === "no_such_file" ? STATUS.noSuchFile : STATUS.denied;
      return void this.#files.status(id, status, plain(fault.toString()));
    }
    if (code === undefined) this.#log(fault instanceof Error ? fault.stack : fault);
    const status =
      code === "ENOENT" || code === "ENOTDIR"
        ? STATUS.noSuchFile
        : code === "EACCES" || code === "EPERM"
          ? STATUS.denied
          : STATUS.failure;
    this.#files.status(id, status, plain(code === undefined ? "the host failed on that" : message));
  }

  #looked(path: string): string {
    this.#admit("read");
    return resolve(this.#base, path);
  }

  // --- files ---

  #hand(id: number, handle: OpenFile | OpenFolder): void {
    const number = this.#nextHandle++;
    this.#handles.set(number, handle);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(number);
    this.#files.handle(id, bytes);
  }

  #fileOf(handle: Buffer): OpenFile {
    const found = this.#handles.get(numberIn(handle));
    if (found?.kind !== "file") throw new HoldError("file_failed", "no such open file");
    return found;
  }

  async #open(id: number, name: string, flags: number, { mode }: Attributes): Promise<void> {
    const isWriting = (flags & FLAG.write) !== 0;
    this.#admit(isWriting ? "write" : "read");
    if (this.#handles.size >= MOST_HANDLES)
      throw new HoldError("file_failed", `${MOST_HANDLES} files are open already; close one`);
    const path = resolve(this.#base, name);
    const was = isWriting ? await stat(path).catch(() => null) : null;
    if (was && !was.isFile()) throw new HoldError("file_failed", `${path} is no regular file`);
    // Before it is emptied: what a write replaces is known by its hash.
    const before = was && was.size > 0 ? await hashOf({ signal: this.#over.signal }, path) : null;
    const file = await open(path, systemFlags(flags), 0o600);
    try {
      if (!(await file.stat()).isFile()) throw new HoldError("file_failed", `${path} is no regular file`);
      if (isWriting && !was) await file.chmod((mode ?? 0o666) & 0o777 & ~UMASK);
      if (flags & FLAG.truncate && isWriting) await file.truncate(0);
    } catch (fault) {
      await file.close();
      throw fault;
    }
    this.#hand(id, { kind: "file", path, file, isAppending: (flags & FLAG.append) !== 0, uses: new Map(), before });
  }

  async #read(id: number, handle: Buffer, offset: number, length: number): Promise<void> {
    this.#admit("read");
    const open = this.#fileOf(handle);
    const bytes = Buffer.allocUnsafe(Math.min(length, READ_BYTES));
    const { bytesRead } = await open.file.read(bytes, 0, bytes.length, offset);
    if (bytesRead === 0) return void this.#files.status(id, STATUS.eof);
    const data = bytes.subarray(0, bytesRead);
    note(useOf(open, "read"), offset, data);
    this.#files.data(id, data);
  }

  async #write(id: number, handle: Buffer, offset: number, data: Buffer): Promise<void> {
    this.#admit("write");
    const open = this.#fileOf(handle);
    const use = useOf(open, "write");
    for (let at = 0; at < data.length; ) {
      const { bytesWritten } = await open.file.write(data, at, data.length - at, open.isAppending ? null : offset + at);
      at += bytesWritten;
    }
    if (open.isAppending) use.at = -1;
    note(use, offset, data);
    this.#files.status(id, STATUS.ok);
  }

  async #close(number: number): Promise<void> {
    const handle = this.#handles.get(number);
    if (!handle) throw new HoldError("file_failed", "no such open file");
    this.#handles.delete(number);
    if (handle.kind === "folder") return;
    const { path, file, uses } = handle;
    const { size } = await file.stat();
    await file.close();
    for (const use of uses.values()) await this.#record(path, use, size);
  }

  async #record(path: string, use: Use, size: number): Promise<void> {
    const { host, proven, session } = this.#parts;
    const isWhole = use.at === size;
    const sha256 = isWhole
      ? use.hash.digest()
      : use.op === "read"
        ? Buffer.alloc(0)
        : ((await hashOf({ signal: new AbortController().signal }, path)) ?? Buffer.alloc(0));
    const bytes = use.op === "read" && !isWhole ? use.bytes : size;
    used(this.#actor, host.findFor(proven.operator, session), {
      op: use.op,
      path,
      bytes,
      sha256,
      before: use.before ?? Buffer.alloc(0),
    });
  }

  async #list(id: number, handle: Buffer): Promise<void> {
    this.#admit("read");
    const folder = this.#handles.get(numberIn(handle));
    if (folder?.kind !== "folder") throw new HoldError("file_failed", "no such open folder");
    const names = folder.names.slice(0, LISTED);
    folder.names = folder.names.slice(LISTED);
    if (names.length === 0) return void this.#files.status(id, STATUS.eof);
    const listed = await Promise.all(
      names.map(async (filename) => {
        const facts = await lstat(join(folder.path, filename)).catch(() => null);
        return facts && { filename, longname: longName(filename, facts), attrs: attributesOf(facts) };
      }),
    );
    const there = listed.filter((entry) => entry !== null);
    // What went meanwhile is not listed; that nothing came is no end.
    if (there.length === 0) return this.#list(id, handle);
    this.#files.name(id, there);
  }
}

function useOf(open: OpenFile, op: Use["op"]): Use {
  let use = open.uses.get(op);
  if (!use)
    open.uses.set(op, (use = { op, hash: createHash("sha256"), at: 0, bytes: 0, before: op === "write" ? open.before : null }));
  return use;
}

function note(use: Use, offset: number, data: Buffer): void {
  use.bytes += data.length;
  if (use.at === offset) {
    use.hash.update(data);
    use.at += data.length;
  } else use.at = -1;
}

function numberIn(handle: Buffer): number {
  return handle.length === 4 ? handle.readUInt32BE() : 0;
}

/** Not to be emptied before what is in it is known (see `truncate`), nor to wait for anybody. */
function systemFlags(flags: number): number {
  const isReading = (flags & FLAG.read) !== 0;
  const isWriting = (flags & FLAG.write) !== 0;
  return (
    (isWriting ? (isReading ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY) |
    (flags & FLAG.append ? constants.O_APPEND : 0) |
    (isWriting && flags & FLAG.create ? constants.O_CREAT : 0) |
    (isWriting && flags & FLAG.exclusive ? constants.O_EXCL : 0) |
    constants.O_NONBLOCK
  );
}

function attributesOf(facts: Stats): Attributes {
  const { mode, uid, gid, size } = facts;
  return { mode, uid, gid, size, atime: Math.trunc(facts.atimeMs / 1000), mtime: Math.trunc(facts.mtimeMs / 1000) };
}

async function setAttributes(
  of: string | FileHandle,
  { mode, uid, gid, size, atime, mtime }: Partial<Attributes>,
): Promise<void> {
  const isPath = typeof of === "string";
  if (size !== undefined) await (isPath ? truncate(of, size) : of.truncate(size));
  if (mode !== undefined) await (isPath ? chmod(of, mode & 0o7777) : of.chmod(mode & 0o7777));
  if (uid !== undefined && gid !== undefined) await (isPath ? chown(of, uid, gid) : of.chown(uid, gid));
  if (atime !== undefined && mtime !== undefined) await (isPath ? utimes(of, atime, mtime) : of.utimes(atime, mtime));
}
