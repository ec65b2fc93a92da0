/**
 * Writing files: whole, in parts, and in parts that outlive the link they come over.
 *
 *   F1  A file is replaced whole or not at all: what is read meanwhile is the old or the new one, over a crash too.
 *   F2  A condition is looked at last, just before the replacement. A program that writes the file in between is not noticed: files
 *       know no compare-and-swap.
 *   F3  What was begun and not heard of for a minute is dropped: of an upload all of it, of a part the open file alone.
 *   F5  Parts of one file are written one after the other, to the place that the first of them named.
 *   F6  Where a person is asked about what an AI writes, it is once all of the content has come, and before anything is replaced.
 *   F7  What a part's file holds is taken for what it is: it is hashed when it is opened again, and with the last part all of it is compared with
 *       what the client has read. Nobody but its user may read it until it is in its place.
 *   F8  What says where it belongs is written there or not at all: the end of a file whose beginning was dropped takes nobody's place.
 */
import { createHash, type Hash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { MonotonicMs } from "@holdfast/core";
import { bytesOf, create, FileWriteAnswerSchema, HoldError, textOf } from "@holdfast/protocol";
import type { Act } from "../approval/gate.ts";
import type { LiveSession } from "../session/session.ts";
import { operatorOf } from "../session/steering.ts";
import type { CallContext, Result, Verb } from "./context.ts";
import { hashOf, located, told, used } from "./files.ts";

/** Of new content, what a person who is asked about it is shown. */
const SHOWN_BYTES = 4 * 1024;
/** F3. */
const IDLE_MS = 60_000;
/** Begun at once, over all links. */
const MAX_UPLOADS = 64;
const NEW_FILE_MODE = 0o644;
const HASH_BYTES = 1024 * 1024;
const PART = /^[0-9a-f]{16,64}$/;
/** After these a part's file is gone: nothing that it holds will be wanted. */
const FOR_GOOD: ReadonlySet<string> = new Set(["policy_denied", "approval_denied", "file_changed", "file_damaged"]);

interface Upload {
  readonly path: string;
  readonly file: FileHandle;
  readonly temporary: string;
  /** It outlives its link. */
  readonly isPart: boolean;
  /** Of the file that is replaced; null: there was none. */
  readonly mode: number | null;
  hash: Hash;
  bytes: number;
  heardAt: number;
  /** A person looks at it. */
  isAsked: boolean;
}
const uploads = new Map<string, Upload>();
/** F5: when the part that is being written is. */
const turns = new Map<string, Promise<unknown>>();

export async function fileWrite(ctx: CallContext, call: Verb<"fileWrite">): Promise<Result> {
  const { session, path: named } = located(ctx, call);
  if (call.part !== "" && (call.upload !== "" || !PART.test(call.part)))
    throw new HoldError("bad_request", "a part's name is 16 to 64 hex digits, and stands without an upload");
  demandWrite(ctx, session, call.folders);
  const key = call.part === "" ? `${ctx.link}/${call.upload}` : `${ctx.operator.id}/${call.part}/${named}`;
  const before = turns.get(key);
  // Parts say where they belong, and may come faster than they are written.
  if (before && call.part === "")
    throw new HoldError("bad_request", "a part of this file is being written: send the next one after its answer");
  const turn = (async () => {
    await before?.catch(() => {});
    const upload = uploads.get(key) ?? (await begin(ctx, await placeOf(named), call, key));
    return writePart(ctx, call, session, upload, key);
  })();
  turns.set(key, turn);
  try {
    return await turn;
  } finally {
    if (turns.get(key) === turn) turns.delete(key);
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
  upload.heardAt = ctx.host.ports.clock.monoMs();
  const asks = upload.isPart && call.data.length === 0 && !call.last;
  if (upload.isPart && !asks) await goOnAt(upload, Number(call.offset));
  try {
    if (!upload.isPart) demandNext(upload, Number(call.offset));
    await written(upload, call.data);
    if (!call.last) {
      const sha256 = asks ? upload.hash.copy().digest() : new Uint8Array(0);
      return { case: "fileWrite", value: create(FileWriteAnswerSchema, { size: BigInt(upload.bytes), sha256 }) };
    }
    const sha256 = upload.hash.copy().digest();
    if (call.sha256.length > 0 && !sha256.equals(call.sha256))
      throw new HoldError("file_damaged", `${path} is as it was: what came is not what was sent; send it again`, { path });
    const mode = upload.mode ?? (call.mode & 0o777 || NEW_FILE_MODE);
    await admitWrite(ctx, session, upload, mode);
    const now = await hashOf(ctx, path);
    if (call.ifSha256 !== undefined && !sameState(now, call.ifSha256))
      throw new HoldError(
        "file_changed",
        now ? `${path} is not what it was: read it again` : `${path} is not there any more: read its folder again`,
        { path, ...(now ? { sha256: now.toString("hex") } : {}) },
      );
    await told(path, () => upload.file.chmod(mode));
    await told(path, () => upload.file.sync());
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
    const isForGood = !upload.isPart || (fault instanceof HoldError && FOR_GOOD.has(fault.code));
    await drop(key, upload, isForGood);
    throw fault;
  }
}

async function written(upload: Upload, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length; ) {
    const rest = data.subarray(at);
    const { bytesWritten } = await told(upload.path, () => upload.file.write(rest, 0, rest.length, upload.bytes + at));
    at += bytesWritten;
  }
  upload.hash.update(data);
  upload.bytes += data.length;
}

/** F8. 0: the first, or of a client that does not say. */
function demandNext({ path, bytes }: Upload, offset: number): void {
  if (offset === 0 || offset === bytes) return;
  throw new HoldError(
    "file_changed",
    `${path} is as it was: what came of it before was dropped; write it again from the beginning`,
    {
      path,
    },
  );
}

/** What is beyond `offset` is dropped. Throws `file_changed` where so much is not there. */
async function goOnAt(upload: Upload, offset: number): Promise<void> {
  if (offset === upload.bytes) return;
  if (offset > upload.bytes)
    throw new HoldError("file_changed", `of ${upload.path} ${upload.bytes} bytes are here: go on there`, {
      path: upload.path,
      size: String(upload.bytes),
    });
  await told(upload.path, () => upload.file.truncate(offset));
  upload.hash = await hashTo(upload, offset);
  upload.bytes = offset;
}

/** F7. */
async function hashTo({ file, path }: Pick<Upload, "file" | "path">, end: number): Promise<Hash> {
  const hash = createHash("sha256");
  const bytes = Buffer.allocUnsafe(Math.min(HASH_BYTES, end));
  for (let at = 0; at < end; ) {
    const { bytesRead } = await told(path, () => file.read(bytes, 0, Math.min(bytes.length, end - at), at));
    if (bytesRead === 0) throw new HoldError("file_failed", `${path}: what was kept of it is shorter than it was`, { path });
    hash.update(bytes.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash;
}

/** F6. */
async function admitWrite(ctx: CallContext, session: LiveSession, upload: Upload, mode: number): Promise<void> {
  const { host, operator, via, signal } = ctx;
  if (operator.kind !== "ai") return;
  const head = Buffer.alloc(Math.min(upload.bytes, SHOWN_BYTES));
  await told(upload.path, () => upload.file.read(head, 0, head.length, 0));
  const act: Act = {
    deed: "files.write",
    session,
    what: `writes ${upload.path}${upload.mode === null && mode !== NEW_FILE_MODE ? `, a new file of mode ${mode.toString(8)}` : ""}`,
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
  const mode = before ? before.mode & 0o7777 : null;
  const isPart = call.part !== "";
  const temporary = temporaryOf(path, isPart ? `${ctx.operator.id}/${call.part}` : null);
  const file = await told(path, () => open(bytesOf(temporary) as Buffer, isPart ? KEPT : "wx+", 0o600));
  const heardAt = ctx.host.ports.clock.monoMs();
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new HoldError("file_failed", `${temporary} is no regular file`, { path: temporary });
    const hash = await hashTo({ file, path }, facts.size);
    const upload: Upload = { path, file, temporary, isPart, mode, hash, bytes: facts.size, heardAt, isAsked: false };
    uploads.set(key, upload);
    watchOver(ctx, key, upload);
    return upload;
  } catch (fault) {
    await file.close().catch(() => {});
    throw fault;
  }
}
const KEPT = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Beside the file, so that it can take its place. `part`: found again by that. */
function temporaryOf(path: string, part: string | null): string {
  const name = basename(path).slice(0, 200);
  if (part === null) return join(dirname(path), `.${name}.${randomBytes(6).toString("hex")}.hold`);
  return join(dirname(path), `.${name}.${createHash("sha256").update(part).digest("hex").slice(0, 12)}.part`);
}

/** F3. */
function watchOver(ctx: CallContext, key: string, upload: Upload): void {
  const { clock, wakeAt } = ctx.host.ports;
  const look = (): void => {
    if (uploads.get(key) !== upload) return;
    if (upload.isAsked || turns.has(key)) wakeAt(MonotonicMs(clock.monoMs() + IDLE_MS), look);
    else if (clock.monoMs() - upload.heardAt >= IDLE_MS) void drop(key, upload, !upload.isPart);
    else wakeAt(MonotonicMs(upload.heardAt + IDLE_MS), look);
  };
  wakeAt(MonotonicMs(upload.heardAt + IDLE_MS), look);
}

/** `isGone`: with what it has kept. In its place, it is there under that name no more. */
async function drop(key: string, upload: Upload, isGone: boolean): Promise<void> {
  uploads.delete(key);
  await upload.file.close().catch(() => {});
  if (isGone || upload.bytes === 0) await rm(bytesOf(upload.temporary) as Buffer, { force: true }).catch(() => {});
}

function sameState(now: Buffer | null, wanted: Uint8Array): boolean {
  return now ? now.equals(wanted) : wanted.length === 0;
}
