/**
 * One file from a session's machine to this one or the other way, whole or not at all, over however many links that takes.
 *
 *   D1  What has come is kept beside the place it is for (`.NAME.….part`), and gone on with: after a cut by the same call, after this process's
 *       death by the next one. It is kept for what its hash says it is, at the end that has more to do with it.
 *   D2  At the end both ends tell the SHA-256 of the whole, and only if they agree is the file put in its place, by a rename.
 *   D3  A few parts are in memory, whatever the file's size.
 *   D4  A new file has the mode of the one it was copied from, one that is replaced keeps its own.
 */
import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bytesOf, HoldError, textOf } from "@holdfast/protocol";
import type { Files } from "../api/index.ts";

/** A link that is gone is tried again for so long after the last byte came through, and so often. */
const PATIENCE_MS = 60_000;
const AGAIN_MS = 500;
const READ_BYTES = 512 * 1024;

export interface CopyOptions {
  /** Of the session; their client dials again when its link is lost. */
  readonly files: Files;
  /** Bytes that are there, of how many. */
  readonly progress?: (done: number, of: number) => void;
  /** Makes the folders above a file there. */
  readonly folders?: boolean;
  readonly signal?: AbortSignal;
}

export interface Copied {
  /** Where it was written. */
  readonly path: string;
  readonly size: number;
  readonly sha256: Uint8Array;
  /** So much of it was there from an earlier time. */
  readonly resumedAt: number;
}

/** To this machine. Throws `file_changed` when the file is written while it is read. */
export async function copyHere(path: string, local: string, options: CopyOptions): Promise<Copied> {
  const { files, signal, progress = () => {} } = options;
  const place = await realOf(local).catch(() => resolve(local));
  const known = await stat(exact(place)).catch(() => null);
  if (known && !known.isFile()) throw new HoldError("file_failed", `${local} is no regular file`, { path: local });
  const temporary = exact(join(dirname(place), `.${basename(place).slice(0, 200)}.${nameOf(path).slice(0, 12)}.part`));
  const file = await here(local, () => open(temporary, KEPT, 0o600));
  try {
    const had = (await file.stat()).size;
    let resumedAt: number | null = null;
    const whole = await overLinks(signal, async (came) => {
      const kept = (await file.stat()).size;
      const there = await files.hash(path, { bytes: kept, signal });
      let { hash, at } = await beginOf(file, kept, there);
      if (at < kept) await here(local, () => file.truncate(at));
      resumedAt ??= Math.min(at, had);
      await files.read(
        path,
        async (part) => {
          await writeAll(local, file, part, at);
          hash.update(part);
          at += part.length;
          came();
          progress(at, there.size);
        },
        { offset: at, ...(signal ? { signal } : {}) },
      );
      // D2. It may have grown since.
      const now = await files.hash(path, { bytes: at, signal });
      if (at >= there.size && hash.digest().equals(now.sha256)) return { ...now, size: at };
      await rm(temporary, { force: true });
      throw new HoldError("file_changed", `${path} was written while it was read; copy it again`, { path });
    });
    await file.chmod((known?.mode ?? whole.mode) & 0o777);
    await here(local, () => file.sync());
    await here(local, () => rename(temporary, exact(place)));
    return { path: place, size: whole.size, sha256: whole.sha256, resumedAt: resumedAt ?? 0 };
  } finally {
    const isEmpty = (await file.stat()).size === 0;
    await file.close();
    if (isEmpty) await rm(temporary, { force: true });
  }
}

/** To the session's machine. */
export async function copyThere(local: string, path: string, options: CopyOptions): Promise<Copied> {
  const { files, signal, folders = false, progress = () => {} } = options;
  const file = await here(local, () => open(exact(local), constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new HoldError("file_failed", `${local} is no regular file`, { path: local });
    const part = nameOf(await realOf(local));
    let resumedAt: number | null = null;
    const wrote = await overLinks(signal, async (came) => {
      const there = await files.kept(path, part, folders);
      const { hash, at } = await beginOf(file, there.size, there);
      resumedAt ??= at;
      const content = contentFrom(local, file, at, (bytes, end) => {
        hash.update(bytes);
        came();
        progress(end, facts.size);
      });
      const mode = facts.mode & 0o777;
      return files.writeOn(path, content, { part, offset: at, sha256: () => hash.digest(), mode, folders, signal });
    });
    return { ...wrote, resumedAt: resumedAt ?? 0 };
  } finally {
    await file.close();
  }
}

/** D1: the hash of what both have at the beginning, and how much that is: all of `kept`, or nothing. */
async function beginOf(
  file: FileHandle,
  kept: number,
  there: { readonly size: number; readonly sha256: Uint8Array },
): Promise<{ readonly hash: Hash; readonly at: number }> {
  const hash = createHash("sha256");
  const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, kept));
  let at = 0;
  while (at < kept) {
    const { bytesRead } = await file.read(bytes, 0, Math.min(bytes.length, kept - at), at);
    if (bytesRead === 0) break;
    hash.update(bytes.subarray(0, bytesRead));
    at += bytesRead;
  }
  const isSame = at === kept && there.size >= kept && hash.copy().digest().equals(there.sha256);
  return isSame ? { hash, at } : { hash: createHash("sha256"), at: 0 };
}

async function* contentFrom(
  local: string,
  file: FileHandle,
  from: number,
  read: (bytes: Uint8Array, end: number) => void,
): AsyncGenerator<Uint8Array> {
  for (let at = from; ; ) {
    // Of its own: it may be under way while the next one is read.
    const bytes = Buffer.allocUnsafe(READ_BYTES);
    const { bytesRead } = await here(local, () => file.read(bytes, 0, bytes.length, at));
    if (bytesRead === 0) return;
    at += bytesRead;
    read(bytes.subarray(0, bytesRead), at);
    yield bytes.subarray(0, bytesRead);
  }
}

/** D1: tried again while there is no link. `came`: a byte got through. */
async function overLinks<T>(signal: AbortSignal | undefined, attempt: (came: () => void) => Promise<T>): Promise<T> {
  let lastCame = performance.now();
  for (;;) {
    try {
      return await attempt(() => {
        lastCame = performance.now();
      });
    } catch (fault) {
      const isAway = fault instanceof HoldError && (fault.code === "unreachable" || fault.code === "timed_out");
      if (!isAway || signal?.aborted || performance.now() - lastCame > PATIENCE_MS) throw fault;
      await delay(AGAIN_MS, undefined, signal ? { signal } : {}).catch(() => {
        throw new HoldError("cancelled", "the copy was given up; it goes on from there when it is asked for again");
      });
    }
  }
}

async function writeAll(local: string, file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await here(local, () => file.write(bytes, at, bytes.length - at, position + at));
    at += bytesWritten;
  }
}

async function here<T>(path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (fault) {
    const { code, message } = fault as NodeJS.ErrnoException;
    const isAbsent = code === "ENOENT" || code === "ENOTDIR";
    throw new HoldError(isAbsent ? "no_such_file" : "file_failed", `${path}: ${code ?? message}`, { path }, { cause: fault });
  }
}

/** Names may hold any bytes. */
const exact = (path: string): Buffer => Buffer.from(bytesOf(path));
const realOf = async (path: string): Promise<string> => textOf((await realpath(exact(path), { encoding: "buffer" })) as Buffer);
const nameOf = (path: string): string => createHash("sha256").update(path).digest("hex").slice(0, 32);
const KEPT = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
