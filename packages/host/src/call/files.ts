/**
 * Calls on files of the machine, beside the terminal: as the user that the host and its sessions run as, from the session's directory
 * of now, by whoever may type there. What somebody reads or writes stands in the session's journal under their name.
 *
 *   F1  A file is replaced whole or not at all: what is read meanwhile is the old or the new one, over a crash too.
 *   F2  A condition is looked at last, just before the replacement. A program that writes the file in between is not noticed: files
 *       know no compare-and-swap.
 *   F3  Reading waits while its reader does not read; what was begun to be written is dropped after a minute of silence.
 *   F4  Only regular files are opened for good: a pipe that nobody writes would hold up a thread of the host, and with a few of them
 *       its journal's syncs.
 *   F5  Parts of one file are written one after the other, to the place that the first of them named.
 *   F6  Where a person is asked about what an AI writes, it is once all of the content has come, and before anything is replaced.
 */
import { createHash, type Hash, randomBytes } from "node:crypto";
import { constants, type Dirent, watch as watchPath } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { MonotonicMs } from "@holdfast/core";
import {
  bytesOf,
  create,
  EventBody_FileUsedSchema,
  FileChangeSchema,
  FileInfoSchema,
  FileListAnswerSchema,
  FilePartSchema,
  FileWriteAnswerSchema,
  HoldError,
  textOf,
  type FileInfo,
} from "@holdfast/protocol";
import type { Act } from "../approval/gate.ts";
import type { LiveSession } from "../session/session.ts";
import { operatorOf } from "../session/steering.ts";
import { directoryOf } from "../session/surroundings.ts";
import type { CallContext, Result, Verb } from "./context.ts";

/** Of one folder: more is counted and not listed. */
const MAX_ENTRIES = 10_000;
/** Of one part of a list, well below what a frame takes; an entry is its names and what comes with them. */
const LIST_BYTES = 256 * 1024;
const ENTRY_BYTES = 64;
const PART_BYTES = 256 * 1024;
/** Of new content, what a person who is asked about it is shown. */
const SHOWN_BYTES = 4 * 1024;
/** How soon a reader that did not read is looked at again. */
const ROOM_MS = 10;
/** F3. */
const IDLE_MS = 60_000;
/** Of one call of reading: who wants more asks again, so that nothing piles up at a slow reader. */
const MAX_READ_BYTES = 8 * 1024 * 1024;
/** Begun at once, over all links. */
const MAX_UPLOADS = 64;

interface Upload {
  readonly path: string;
  readonly file: FileHandle;
  readonly temporary: string;
  readonly hash: Hash;
  bytes: number;
  heardAt: number;
  /** A person looks at it. */
  isAsked: boolean;
}
const uploads = new Map<string, Upload>();
/** F5: a part of these is being written. */
const busy = new Set<string>();

export async function fileList(ctx: CallContext, call: Verb<"fileList">): Promise<Result> {
  const { path } = located(ctx, call);
  const found = await told(path, () => readdir(bytesOf(path) as Buffer, { withFileTypes: true, encoding: "buffer" }));
  const named = found.map((e) => [textOf(e.name as unknown as Buffer), e] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  let entries: FileInfo[] = [];
  let bytes = 0;
  for (const [name, entry] of named.slice(0, MAX_ENTRIES)) {
    const info = await infoOf(path, name, entry as unknown as Dirent);
    entries.push(info);
    bytes += ENTRY_BYTES + info.name.length + info.target.length;
    if (bytes < LIST_BYTES) continue;
    ctx.more({ case: "fileList", value: create(FileListAnswerSchema, { entries }) });
    entries = [];
    bytes = 0;
    await roomIn(ctx);
  }
  const value = { path: bytesOf(path), entries, omitted: BigInt(Math.max(0, named.length - MAX_ENTRIES)) };
  return { case: "fileList", value: create(FileListAnswerSchema, value) };
}

async function infoOf(folder: string, name: string, entry: Dirent): Promise<FileInfo> {
  const path = bytesOf(join(folder, name)) as Buffer;
  const kind = entry.isFile() ? "file" : entry.isDirectory() ? "folder" : entry.isSymbolicLink() ? "link" : "other";
  // It may be gone by now: then it is listed with what is known.
  const facts = await lstat(path).catch(() => null);
  const target = kind === "link" ? await readlink(path, { encoding: "buffer" }).catch(() => Buffer.alloc(0)) : Buffer.alloc(0);
  return create(FileInfoSchema, {
    name: bytesOf(name),
    kind,
    size: BigInt(facts?.size ?? 0),
    modifiedUnixMs: BigInt(Math.trunc(facts?.mtimeMs ?? 0)),
    mode: (facts?.mode ?? 0) & 0o7777,
    target,
  });
}

export async function fileRead(ctx: CallContext, call: Verb<"fileRead">): Promise<Result> {
  const { session, path } = located(ctx, call);
  const file = await openRegular(path);
  try {
    const facts = await file.stat();
    const hash = createHash("sha256");
    const end = call.hash ? facts.size : Number(call.offset) + Math.min(Number(call.maxBytes) || MAX_READ_BYTES, MAX_READ_BYTES);
    let at = call.hash ? 0 : Number(call.offset);
    while (at < end && !ctx.signal.aborted) {
      const bytes = Buffer.allocUnsafe(Math.min(PART_BYTES, end - at));
      const { bytesRead } = await told(path, () => file.read(bytes, 0, bytes.length, at));
      if (bytesRead === 0) break;
      const data = bytes.subarray(0, bytesRead);
      hash.update(data);
      at += bytesRead;
      if (call.hash) continue;
      ctx.more({ case: "fileRead", value: create(FilePartSchema, { data }) });
      await roomIn(ctx);
    }
    const sha256 = hash.digest();
    // Once for a file, not for each of its parts; a hash is asked of what may be written next.
    if (!call.hash && call.offset === 0n) {
      const isWhole = at >= facts.size;
      used(ctx, session, { op: "read", path, bytes: facts.size, sha256: isWhole ? sha256 : Buffer.alloc(0) });
    }
    const value = { path: bytesOf(path), size: BigInt(facts.size), modifiedUnixMs: BigInt(Math.trunc(facts.mtimeMs)), sha256 };
    return { case: "fileRead", value: create(FilePartSchema, value) };
  } finally {
    await file.close();
  }
}

export async function fileWrite(ctx: CallContext, call: Verb<"fileWrite">): Promise<Result> {
  const { session, path: named } = located(ctx, call);
  demandWrite(ctx, session, call.folders);
  const key = `${ctx.link}/${call.upload}`;
  if (busy.has(key))
    throw new HoldError("bad_request", "a part of this file is being written: send the next one after its answer");
  busy.add(key);
  try {
    return await writePart(ctx, call, session, uploads.get(key) ?? (await begin(ctx, await placeOf(named), call, key)), key);
  } finally {
    busy.delete(key);
  }
}

async function writePart(
  ctx: CallContext,
  call: Verb<"fileWrite">,
  session: LiveSession,
  upload: Upload,
  key: string,
): Promise<Result> {
  const { path } = upload;
  try {
    await told(path, () => upload.file.write(call.data));
    upload.hash.update(call.data);
    upload.bytes += call.data.length;
    upload.heardAt = ctx.host.ports.clock.monoMs();
    if (!call.last) return { case: "fileWrite", value: create(FileWriteAnswerSchema, { size: BigInt(upload.bytes) }) };
    await admitWrite(ctx, session, upload);
    const now = await hashOf(ctx, path);
    if (call.ifSha256 !== undefined && !sameState(now, call.ifSha256))
      throw new HoldError(
        "file_changed",
        now ? `${path} is not what it was: read it again` : `${path} is not there any more: read its folder again`,
        { path, ...(now ? { sha256: now.toString("hex") } : {}) },
      );
    await told(path, () => upload.file.sync());
    const sha256 = upload.hash.digest();
    // Since it was admitted the disk was waited for, and AIs may have been paused.
    if (ctx.operator.kind === "ai") {
      session.refuseBeside(operatorOf(ctx.operator), false);
      ctx.host.gate.demandUnpaused(ctx.operator, session);
    }
    // Recorded first: what can't be, is not done.
    used(ctx, session, { op: "write", path, bytes: upload.bytes, sha256, before: now ?? Buffer.alloc(0) });
    await told(path, () => rename(bytesOf(upload.temporary) as Buffer, bytesOf(path) as Buffer));
    await drop(key, upload, false);
    const value = { path: bytesOf(path), size: BigInt(upload.bytes), sha256 };
    return { case: "fileWrite", value: create(FileWriteAnswerSchema, value) };
  } catch (fault) {
    await drop(key, upload, true);
    throw fault;
  }
}

/** F6. */
async function admitWrite(ctx: CallContext, session: LiveSession, upload: Upload): Promise<void> {
  const { host, operator, via, signal } = ctx;
  if (operator.kind !== "ai") return;
  const head = Buffer.alloc(Math.min(upload.bytes, SHOWN_BYTES));
  await told(upload.path, () => upload.file.read(head, 0, head.length, 0));
  const act: Act = {
    deed: "files.write",
    session,
    what: `writes ${upload.path}`,
    data: head,
    dataBytes: upload.bytes,
    dataHash: upload.hash.copy().digest("hex"),
  };
  // A person takes longer to look than a client to send.
  upload.isAsked = true;
  try {
    const gone = (await host.gate.admit(operator, via, act, signal)).use();
    if (gone) throw gone;
  } finally {
    upload.isAsked = false;
    upload.heardAt = host.ports.clock.monoMs();
  }
}

/** F6: nothing is made, not even beside the file, for an AI that may write none. */
function demandWrite({ host, operator }: CallContext, session: LiveSession, folders: boolean): void {
  const ruling = host.gate.rulingOn(operator, "files.write", session);
  if (ruling === "ask" && folders)
    throw new HoldError(
      "policy_denied",
      "a person is asked about each file that is written, and the folders above would be made before that: make them first, then write it",
      { session: session.id, deed: "files.write" },
    );
}

/** What a link leads to is what is replaced. */
async function placeOf(path: string): Promise<string> {
  try {
    return textOf((await realpath(bytesOf(path) as Buffer, { encoding: "buffer" })) as Buffer);
  } catch {
    return path;
  }
}

async function begin(ctx: CallContext, path: string, call: Verb<"fileWrite">, key: string): Promise<Upload> {
  if (uploads.size >= MAX_UPLOADS)
    throw new HoldError("too_many", `${MAX_UPLOADS} files are being written; try again in a moment`);
  if (call.folders) await told(path, () => mkdir(bytesOf(dirname(path)) as Buffer, { recursive: true }));
  const before = await stat(bytesOf(path) as Buffer).catch(() => null);
  if (before && !before.isFile()) throw new HoldError("file_failed", `${path} is no regular file`, { path });
  const temporary = join(dirname(path), temporaryOf(basename(path)));
  const mode = before ? before.mode & 0o7777 : call.mode & 0o777 || 0o644;
  const file = await told(path, () => open(bytesOf(temporary) as Buffer, "wx+", 0o600));
  await file.chmod(mode);
  const heardAt = ctx.host.ports.clock.monoMs();
  const upload: Upload = { path, file, temporary, hash: createHash("sha256"), bytes: 0, heardAt, isAsked: false };
  uploads.set(key, upload);
  watchOver(ctx, key, upload);
  return upload;
}

/** Beside the file that it becomes; it is there for as long as that is written. */
const temporaryOf = (name: string): string => `.${name.slice(0, 200)}.${randomBytes(6).toString("hex")}.hold`;
const isTemporary = (name: string): boolean => /^\..*\.[0-9a-f]{12}\.hold$/.test(name);

/** F3. */
function watchOver(ctx: CallContext, key: string, upload: Upload): void {
  const { clock, wakeAt } = ctx.host.ports;
  const look = (): void => {
    if (uploads.get(key) !== upload) return;
    if (upload.isAsked) wakeAt(MonotonicMs(clock.monoMs() + IDLE_MS), look);
    else if (clock.monoMs() - upload.heardAt >= IDLE_MS) void drop(key, upload, true);
    else wakeAt(MonotonicMs(upload.heardAt + IDLE_MS), look);
  };
  wakeAt(MonotonicMs(upload.heardAt + IDLE_MS), look);
}

async function drop(key: string, upload: Upload, isFailed: boolean): Promise<void> {
  uploads.delete(key);
  await upload.file.close().catch(() => {});
  if (isFailed) await rm(bytesOf(upload.temporary) as Buffer, { force: true }).catch(() => {});
}

/** Null: there is no such file. */
export async function hashOf(ctx: Pick<CallContext, "signal">, path: string): Promise<Buffer | null> {
  const file = await openRegular(path).catch((fault: unknown) => {
    if (fault instanceof HoldError && fault.code === "no_such_file") return null;
    throw fault;
  });
  if (!file) return null;
  const hash = createHash("sha256");
  for await (const part of file.createReadStream({ highWaterMark: PART_BYTES })) {
    if (ctx.signal.aborted) throw new HoldError("cancelled", `${path} is as it was: the caller gave up`);
    hash.update(part as Buffer);
  }
  return hash.digest();
}

/** F4. */
async function openRegular(path: string): Promise<FileHandle> {
  const file = await told(path, () => open(bytesOf(path) as Buffer, constants.O_RDONLY | constants.O_NONBLOCK));
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new HoldError("file_failed", `${path} is no regular file`, { path });
}

function sameState(now: Buffer | null, wanted: Uint8Array): boolean {
  return now ? now.equals(wanted) : wanted.length === 0;
}

/** Streams what changes in a folder, or of a file, until the caller gives up. What a slow reader missed is told as one `missed`. */
export async function fileWatch(ctx: CallContext, call: Verb<"fileWatch">): Promise<Result> {
  const { path } = located(ctx, call);
  await told(path, () => stat(bytesOf(path) as Buffer));
  const said = (change: string, name: string): Result => ({
    case: "fileWatch",
    value: create(FileChangeSchema, { path: bytesOf(name), change }),
  });
  return new Promise((resolve_, reject) => {
    let isMissing = false;
    const missed = async (): Promise<void> => {
      isMissing = true;
      await roomIn(ctx);
      isMissing = false;
      if (!ctx.signal.aborted) ctx.more(said("missed", path));
    };
    const watcher = watchPath(bytesOf(path) as Buffer, { encoding: "buffer" }, (change, name) => {
      if (isMissing || (name && isTemporary(textOf(name)))) return;
      if (!ctx.hasRoom()) return void missed();
      ctx.more(said(change === "rename" ? "renamed" : "changed", name ? join(path, textOf(name)) : path));
    });
    const end = (): void => {
      watcher.close();
      resolve_(said("over", path));
    };
    watcher.on("error", (fault) => {
      watcher.close();
      reject(failed(path, fault));
    });
    if (ctx.signal.aborted) return end();
    ctx.signal.addEventListener("abort", end, { once: true });
    ctx.more(said("watching", path));
  });
}

/** Waits while the caller does not read. */
async function roomIn(ctx: CallContext): Promise<void> {
  while (!ctx.hasRoom() && !ctx.signal.aborted) await later(ctx, ROOM_MS);
}

/** Where a file of a call is: which session, and its absolute path. */
export function located(
  ctx: Pick<CallContext, "host">,
  call: { session: string; path: Uint8Array },
): { session: LiveSession; path: string } {
  const session = ctx.host.find(call.session);
  const text = textOf(call.path);
  if (text.includes("\0")) throw new HoldError("bad_request", "a path has no NUL byte in it");
  const isAbsolute = text.startsWith("/");
  if (!isAbsolute && session.isOver)
    throw new HoldError(
      "session_ended",
      `session ${session.facts.name} (${session.id}) has ended and has no directory of now; name an absolute path`,
      {
        session: session.id,
      },
    );
  return { session, path: isAbsolute ? resolve(text) : resolve(directoryOf(session), text) };
}

/** Who read or wrote what, in the session's record. `before`: what a write replaced. */
export function used(
  { operator, via }: Pick<CallContext, "operator" | "via">,
  session: LiveSession,
  value: { op: "read" | "write"; path: string; bytes: number; sha256: Uint8Array; before?: Uint8Array },
): void {
  const body = create(EventBody_FileUsedSchema, { ...value, bytes: BigInt(value.bytes) });
  session.record({ id: operator.id, via }, { case: "fileUsed", value: body });
}

async function told<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (fault) {
    throw failed(path, fault as NodeJS.ErrnoException);
  }
}

function failed(path: string, fault: NodeJS.ErrnoException): HoldError {
  if (fault.code === "ENOENT" || fault.code === "ENOTDIR") return new HoldError("no_such_file", `there is no ${path}`, { path });
  const why = fault.code === "EACCES" || fault.code === "EPERM" ? "the session's user may not" : (fault.code ?? fault.message);
  return new HoldError(
    "file_failed",
    `${path}: ${why}`,
    { path, ...(fault.code ? { errno: fault.code } : {}) },
    { cause: fault },
  );
}

function later({ host }: CallContext, ms: number): Promise<void> {
  const { clock, wakeAt } = host.ports;
  return new Promise((go) => void wakeAt(MonotonicMs(clock.monoMs() + ms), go));
}
