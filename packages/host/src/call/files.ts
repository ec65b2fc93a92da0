/**
 * Calls on files of the machine, beside the terminal: as the user that the host and its sessions run as, from the session's directory
 * of now, by whoever may type there. What somebody reads or writes stands in the session's journal under their name.
 *
 *   F2  A reading that goes on, in however many calls, is recorded once, and before anything of it is given: what can't be recorded is not read.
 *       The hash of a file's beginning is a reading: of each beginning, they are the file.
 *   F3  Reading waits while its reader does not read.
 *   F4  Only regular files are opened for good: a pipe that nobody writes would hold up a thread of the host, and with a few of them
 *       its journal's syncs.
 * Writing is in file-write.ts.
 */
import { createHash } from "node:crypto";
import { constants, type Dirent, watch as watchPath } from "node:fs";
import { type FileHandle, lstat, open, readdir, readlink, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { MonotonicMs } from "@holdfast/core";
import {
  bytesOf,
  create,
  EventBody_FileUsedSchema,
  FileChangeSchema,
  FileInfoSchema,
  FileListAnswerSchema,
  FilePartSchema,
  HoldError,
  textOf,
  type FileInfo,
} from "@holdfast/protocol";
import type { LiveSession } from "../session/session.ts";
import { directoryOf } from "../session/surroundings.ts";
import type { CallContext, Result, Verb } from "./context.ts";

/** Of one folder: more is counted and not listed. */
const MAX_ENTRIES = 10_000;
/** Of one part of a list, well below what a frame takes; an entry is its names and what comes with them. */
const LIST_BYTES = 256 * 1024;
const ENTRY_BYTES = 64;
const PART_BYTES = 256 * 1024;
/** How soon a reader that did not read is looked at again. */
const ROOM_MS = 10;
/** Of one call of reading: who wants more asks again, so that nothing piles up at a slow reader. */
const MAX_READ_BYTES = 8 * 1024 * 1024;
/** F2: after so much silence it is another reading; of so many readings it is known that they are recorded. */
const SAME_READING_MS = 60_000;
const MAX_KNOWN = 1_024;
const lastRead = new Map<string, number>();

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
    // The hash of the whole is asked of what may be written next, or has been read.
    const hashBytes = Number(call.hashBytes ?? facts.size);
    const isReading = !call.hash || (hashBytes > 0 && hashBytes < facts.size);
    if (isReading && (isNewReading(ctx, session, path) || (!call.hash && call.offset === 0n)))
      used(ctx, session, { op: "read", path, bytes: facts.size, sha256: Buffer.alloc(0) });
    if (isReading) heard(ctx, session, path);
    const hash = createHash("sha256");
    const end = call.hash
      ? Number(call.hashBytes ?? facts.size)
      : Number(call.offset) + Math.min(Number(call.maxBytes) || MAX_READ_BYTES, MAX_READ_BYTES);
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
    if (isReading) heard(ctx, session, path);
    const modifiedUnixMs = BigInt(Math.trunc(facts.mtimeMs));
    const value = { path: bytesOf(path), size: BigInt(facts.size), modifiedUnixMs, sha256, mode: facts.mode & 0o7777 };
    return { case: "fileRead", value: create(FilePartSchema, value) };
  } finally {
    await file.close();
  }
}

const readingOf = ({ operator }: CallContext, session: LiveSession, path: string): string =>
  `${operator.id} ${session.id} ${path}`;

/** F2: true where this operator's reading of that file begins now. */
function isNewReading(ctx: CallContext, session: LiveSession, path: string): boolean {
  const last = lastRead.get(readingOf(ctx, session, path)) ?? Number.NEGATIVE_INFINITY;
  return ctx.host.ports.clock.monoMs() - last > SAME_READING_MS;
}

/** Of a reading that is recorded. */
function heard(ctx: CallContext, session: LiveSession, path: string): void {
  const key = readingOf(ctx, session, path);
  lastRead.delete(key);
  lastRead.set(key, ctx.host.ports.clock.monoMs());
  if (lastRead.size > MAX_KNOWN) lastRead.delete(lastRead.keys().next().value!);
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

/** What is written beside the file that it becomes (file-write.ts). */
const isTemporary = (name: string): boolean => /^\..*\.[0-9a-f]{12}\.(hold|part)$/.test(name);

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

export async function told<T>(path: string, run: () => Promise<T>): Promise<T> {
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
