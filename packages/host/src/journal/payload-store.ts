/**
 * Payload files: the bulk bytes of each session, in files of its own so that retention is a removal of whole files.
 *   S1  A file is written by the life that created it; only erasure touches it afterwards.
 *   S2  Open handles are bounded by WRITERS + what waits for a sync, not by the number of sessions.
 *   S3  A failed append leaves the file as it was, as far as the disk lets it.
 */
import type { Disk, DiskFile } from "./disk.ts";
import { readU64, SALT_BYTES, saltSeed } from "./format.ts";
import {
  decodeFrame,
  decodePayloadHeader,
  encodeFrameHead,
  encodePayloadHeader,
  FRAME_HEAD,
  type FrameState,
  PAYLOAD_HEADER,
  parsePayloadName,
  payloadName,
} from "./payload-format.ts";
import type { Suspects } from "./suspect.ts";
import { readWhole, writeWhole } from "./transfer.ts";
import { Zeros } from "./zeros.ts";

const WRITERS = 64;
const READERS = 16;
/** A slow client reads megabytes behind the head: one pread serves many frames. */
const READ_WINDOW = 256 * 1024;

export interface PayloadFile {
  readonly no: number;
  readonly firstSeq: number;
  readonly name: string;
  bytes: number | null;
}

interface Writer {
  readonly session: string;
  readonly info: PayloadFile;
  readonly file: DiskFile;
  readonly seed: number;
  dirty: boolean;
  syncing: number;
  retired: boolean;
}
interface Zeroed {
  readonly session: string;
  readonly position: number;
  readonly seq: number;
  readonly payloadBytes: number;
}
interface Reader {
  readonly file: DiskFile;
  readonly seed: number;
  readonly headerOk: boolean;
}

export class PayloadStore {
  readonly #disk: Disk;
  readonly folder: string;
  readonly #life: number;
  readonly #randomBytes: (n: number) => Uint8Array;
  readonly #fileBytes: number;
  readonly #files = new Map<string, PayloadFile[]>();
  readonly #writers = new Map<string, Writer>();
  readonly #dirty = new Set<Writer>();
  /** Of files that are only erased in, until that is synced: one handle each, however much is erased. */
  readonly #erasers = new Map<PayloadFile, Writer>();
  readonly #readers = new Map<string, Reader>();
  /** Highest file number of a session that retention or removal took out. */
  readonly #lowest = new Map<string, number>();
  #window = { name: "", from: 0, bytes: Buffer.alloc(0) };
  #folderDirty = false;
  /** Files of an earlier life that its death may have left unsynced. */
  readonly #inherited = new Set<string>();
  readonly #suspects: Suspects | null;

  /** Without `suspects` it can only be read. */
  constructor(
    disk: Disk,
    folder: string,
    life: number,
    randomBytes: (n: number) => Uint8Array,
    fileBytes: number,
    suspects: Suspects | null = null,
  ) {
    this.#disk = disk;
    this.#suspects = suspects;
    this.folder = folder;
    this.#life = life;
    this.#randomBytes = randomBytes;
    this.#fileBytes = fileBytes;
    for (const name of disk.list(folder)) {
      const parsed = parsePayloadName(name);
      if (parsed !== null) this.#list(parsed.session).push({ no: parsed.no, firstSeq: parsed.firstSeq, name, bytes: null });
    }
    for (const files of this.#files.values()) files.sort((a, b) => a.no - b.no);
  }

  #list(session: string): PayloadFile[] {
    let files = this.#files.get(session);
    if (files === undefined) this.#files.set(session, (files = []));
    return files;
  }

  files(session: string): readonly PayloadFile[] {
    return this.#files.get(session) ?? [];
  }
  sessions(): Iterable<string> {
    return this.#files.keys();
  }

  bytes(session: string): number {
    let sum = 0;
    for (const f of this.files(session)) sum += this.#size(f);
    return sum;
  }

  fileBytes(session: string, no: number): number {
    const info = this.files(session).find((f) => f.no === no);
    return info === undefined ? 0 : this.#size(info);
  }

  #size(info: PayloadFile): number {
    if (info.bytes === null) {
      try {
        const file = this.#disk.open(`${this.folder}/${info.name}`, "read");
        try {
          info.bytes = file.size();
        } finally {
          file.close();
        }
      } catch {
        info.bytes = 0;
      }
    }
    return info.bytes;
  }

  /** Appends a frame, built in `frame`, which is as long as it; `payload` may lie in it already. */
  append(session: string, seq: number, salt: Buffer, payload: Uint8Array, frame: Buffer): { no: number; position: number } {
    const { length } = frame;
    const writer = this.#writer(session, seq, length);
    frame.set(payload, FRAME_HEAD);
    encodeFrameHead(frame, 0, seq, salt, frame.subarray(FRAME_HEAD), writer.seed);
    const position = writer.info.bytes!;
    this.#soil(writer);
    try {
      writeWhole(writer.file, frame, position);
    } catch (error) {
      this.undo(session, position);
      throw error;
    }
    writer.info.bytes = position + length;
    return { no: writer.info.no, position };
  }

  /** Takes back the last append of a session whose record could not be written. */
  undo(session: string, position: number): void {
    const writer = this.#writers.get(session);
    if (writer === undefined) return;
    writer.info.bytes = position;
    try {
      writer.file.truncate(position);
    } catch {
      /* the bytes stay unreferenced, and the next frame overwrites them */
    }
  }

  #writer(session: string, seq: number, length: number): Writer {
    const open = this.#writers.get(session);
    if (open !== undefined) {
      if (open.info.bytes! + length <= this.#fileBytes || open.info.bytes === PAYLOAD_HEADER) return open;
      this.#retire(session, open);
    }
    if (this.#writers.size >= WRITERS) this.#evict();
    const files = this.#list(session);
    const last = files.at(-1);
    const reopened =
      open === undefined && last !== undefined && this.#ours.has(last) && this.#size(last) + length <= this.#fileBytes;
    const writer = reopened ? this.#reopen(session, last) : this.#create(session, seq, files);
    this.#writers.set(session, writer);
    return writer;
  }

  readonly #ours = new WeakMap<PayloadFile, number>();

  #reopen(session: string, info: PayloadFile): Writer {
    const file = this.#disk.open(`${this.folder}/${info.name}`, "readwrite");
    return { session, info, file, seed: this.#ours.get(info)!, dirty: false, syncing: 0, retired: false };
  }

  #create(session: string, seq: number, files: PayloadFile[]): Writer {
    let no = Math.max(files.at(-1)?.no ?? 0, this.#lowest.get(session) ?? 0) + 1;
    while (this.#disk.exists(`${this.folder}/${payloadName(session, no, seq)}`)) no++;
    const name = payloadName(session, no, seq);
    const salt = Buffer.from(this.#randomBytes(8));
    const file = this.#disk.open(`${this.folder}/${name}`, "create-new");
    try {
      writeWhole(file, encodePayloadHeader({ session, no, life: this.#life, firstSeq: seq, salt }), 0);
    } catch (error) {
      file.close();
      try {
        this.#disk.remove(`${this.folder}/${name}`);
      } catch {
        /* an empty file is ignored by readers */
      }
      throw error;
    }
    this.#folderDirty = true;
    const info: PayloadFile = { no, firstSeq: seq, name, bytes: PAYLOAD_HEADER };
    files.push(info);
    const seed = saltSeed(salt);
    this.#ours.set(info, seed);
    const writer: Writer = { session, info, file, seed, dirty: false, syncing: 0, retired: false };
    this.#soil(writer);
    return writer;
  }

  #soil(writer: Writer): void {
    if (writer.dirty) return;
    writer.dirty = true;
    this.#dirty.add(writer);
  }

  #evict(): void {
    for (const [session, writer] of this.#writers) {
      if (!writer.dirty && writer.syncing === 0) return this.#retire(session, writer);
    }
  }

  #retire(session: string, writer: Writer): void {
    if (this.#writers.get(session) === writer) this.#writers.delete(session);
    writer.retired = true;
    this.#closeIfDone(writer);
  }

  #closeIfDone(writer: Writer): void {
    if (!writer.retired || writer.dirty || writer.syncing > 0) return;
    if (this.#erasers.get(writer.info) === writer) this.#erasers.delete(writer.info);
    try {
      writer.file.close();
    } catch {
      /* nothing of ours is pending on it */
    }
  }

  /** Names a file that an earlier life wrote and may not have synced. */
  inherit(session: string, no: number): void {
    const info = this.files(session).find((f) => f.no === no);
    if (info === undefined) return;
    this.#inherited.add(info.name);
    // Its name may be unsynced as well.
    this.#folderDirty = true;
  }

  get needsSync(): boolean {
    return this.#dirty.size > 0 || this.#folderDirty;
  }

  /** Files that the next sync is for, as {@link Suspects} names them. */
  get dirtyNames(): string[] {
    return Array.from(this.#dirty, (w) => `payload/${w.info.name}`);
  }

  /** Syncs what is dirty now. A rejection means: none of it may be called durable. */
  async sync(): Promise<void> {
    const writers = [...this.#dirty];
    const folder = this.#folderDirty;
    this.#dirty.clear();
    this.#folderDirty = false;
    for (const w of writers) {
      w.dirty = false;
      w.syncing++;
    }
    const work: Promise<void>[] = writers.map((w) =>
      this.#zeros
        .whenSynced(w.info, () => w.file.sync())
        .finally(() => {
          w.syncing--;
          this.#closeIfDone(w);
        }),
    );
    if (folder) work.push(this.#disk.syncFolder(this.folder));
    const results = await Promise.allSettled(work);
    for (const r of results) if (r.status === "rejected") throw r.reason;
  }

  /** Syncs everything, blocking: before a ledger segment is sealed. */
  syncNow(): void {
    for (const w of [...this.#dirty]) {
      this.#zeros.whenSyncedNow(w.info, () => w.file.syncNow());
      w.dirty = false;
      this.#dirty.delete(w);
      this.#closeIfDone(w);
    }
    if (this.#folderDirty) {
      this.#disk.syncFolderNow(this.folder);
      this.#folderDirty = false;
    }
  }

  /** The same for what earlier lives left, once nothing of it is written any more: before a sidecar makes the next life believe that it is on the disk. */
  secureInherited(): void {
    this.#suspects?.secure([...this.#inherited].map((name) => `payload/${name}`));
    this.#inherited.clear();
  }

  /** After a failed sync: nothing more is written to the files in use, the next append makes new ones. */
  abandon(): void {
    for (const [session, writer] of [...this.#writers]) {
      this.#ours.delete(writer.info);
      writer.dirty = false;
      this.#retire(session, writer);
    }
    for (const w of this.#dirty) {
      w.dirty = false;
      this.#closeIfDone(w);
    }
    this.#dirty.clear();
    // What was removed may have come back with the folder's sync that failed.
    this.#folderDirty = true;
  }

  /** Once {@link abandon} was followed by new files. */
  eraseAgain(): void {
    for (const [info, places] of this.#zeros.all()) {
      if (places.some(({ session }) => !this.files(session).includes(info))) this.#zeros.forget(info);
      else for (const place of places) this.#zero(info, place);
    }
  }
  readonly #zeros = new Zeros<PayloadFile, Zeroed>();

  read(
    session: string,
    no: number,
    position: number,
    seq: number,
    payloadBytes: number,
    ahead: number,
  ): FrameState | { state: "pruned" } {
    const files = this.files(session);
    const info = files.find((f) => f.no === no);
    if (info === undefined)
      return files.length === 0 || no < files[0]!.no
        ? { state: "pruned" }
        : { state: "damaged", why: "its payload file is missing" };
    let reader: Reader;
    try {
      reader = this.#reader(info);
    } catch {
      return { state: "damaged", why: "its payload file cannot be read" };
    }
    if (!reader.headerOk) return { state: "damaged", why: "the header of its payload file is damaged" };
    const length = FRAME_HEAD + payloadBytes;
    const w = this.#window;
    if (w.name !== info.name || position < w.from || position + length > w.from + w.bytes.length) {
      const bytes = Buffer.allocUnsafe(Math.max(length, Math.min(READ_WINDOW, ahead)));
      this.#window = { name: info.name, from: position, bytes: bytes.subarray(0, readWhole(reader.file, bytes, position)) };
    }
    return decodeFrame(this.#window.bytes, position - this.#window.from, seq, payloadBytes, reader.seed);
  }

  /** Forgets the read-ahead, which must not outlive one call of the journal's `read`: the file grows and is erased behind it. */
  dropWindow(): void {
    this.#window = { name: "", from: 0, bytes: Buffer.alloc(0) };
  }

  #reader(info: PayloadFile): Reader {
    let reader = this.#readers.get(info.name);
    if (reader !== undefined) return reader;
    if (this.#readers.size >= READERS) {
      const [name, oldest] = this.#readers.entries().next().value!;
      this.#readers.delete(name);
      oldest.file.close();
    }
    const file = this.#disk.open(`${this.folder}/${info.name}`, "read");
    const bytes = Buffer.alloc(PAYLOAD_HEADER);
    const header = readWhole(file, bytes, 0) === PAYLOAD_HEADER ? decodePayloadHeader(bytes) : null;
    reader = { file, seed: header === null ? 0 : saltSeed(header.salt), headerOk: header !== null };
    this.#readers.set(info.name, reader);
    return reader;
  }

  /** Zeroes crc, salt and bytes of a frame, if it is the one that is meant. */
  erase(session: string, no: number, position: number, seq: number, payloadBytes: number): void {
    const info = this.files(session).find((f) => f.no === no);
    if (info === undefined) return;
    const zeroed = { session, position, seq, payloadBytes };
    this.#zeros.add(info, zeroed);
    this.#zero(info, zeroed);
  }

  #zero(info: PayloadFile, { session, position, seq, payloadBytes }: Zeroed): void {
    let writer = this.#writers.get(session);
    if (writer === undefined || writer.info !== info) writer = this.#erasers.get(info);
    if (writer === undefined) {
      const file = this.#disk.open(`${this.folder}/${info.name}`, "readwrite");
      writer = { session, info, file, seed: 0, dirty: false, syncing: 0, retired: true };
      this.#erasers.set(info, writer);
    }
    this.#soil(writer);
    const head = Buffer.alloc(16);
    readWhole(writer.file, head, position);
    if (head.readUInt32LE(0) !== payloadBytes || readU64(head, 8) !== seq) return;
    writeWhole(writer.file, Buffer.alloc(4), position + 4);
    writeWhole(writer.file, Buffer.alloc(SALT_BYTES + payloadBytes), position + 16);
    this.dropWindow();
  }

  /** The oldest files that can go: beyond `budget`, wholly before `keepFromSeq`, and never the newest. */
  prunable(session: string, budget: number, keepFromSeq: number): PayloadFile[] {
    const files = this.files(session);
    if (files.length < 2) return [];
    let total = this.bytes(session);
    const gone: PayloadFile[] = [];
    for (let i = 0; i + 1 < files.length && total > budget && files[i + 1]!.firstSeq <= keepFromSeq; i++) {
      total -= this.#size(files[i]!);
      gone.push(files[i]!);
    }
    return gone;
  }

  /** Takes files out of the listing; the bytes stay until {@link drop}. */
  unlist(session: string, gone: readonly PayloadFile[]): void {
    const files = this.#list(session);
    this.#files.set(
      session,
      files.filter((f) => !gone.includes(f)),
    );
    this.#lowest.set(session, Math.max(this.#lowest.get(session) ?? 0, ...gone.map((f) => f.no)));
    for (const info of gone) {
      const writer = this.#writers.get(session);
      if (writer?.info === info) this.#retire(session, writer);
    }
  }

  /** Those whose every frame is older than `seq`. */
  before(session: string, seq: number): PayloadFile[] {
    const files = this.files(session);
    const kept = files.findIndex((_, i) => i + 1 >= files.length || files[i + 1]!.firstSeq > seq);
    return files.slice(0, Math.max(0, kept));
  }

  #letGo(info: PayloadFile): void {
    const reader = this.#readers.get(info.name);
    if (reader !== undefined) {
      this.#readers.delete(info.name);
      reader.file.close();
    }
    this.#inherited.delete(info.name);
    this.#zeros.forget(info);
  }

  /** The same as {@link drop} off the loop. A file that stays is listed again by the next life, and pruned again. */
  async dropLater(gone: readonly PayloadFile[]): Promise<void> {
    for (const info of gone) {
      this.#letGo(info);
      await this.#disk.removeLater(`${this.folder}/${info.name}`).catch(() => undefined);
      this.#folderDirty = true;
    }
  }

  /** Returns those that could not be removed. */
  drop(gone: readonly PayloadFile[]): PayloadFile[] {
    return gone.filter((info) => {
      this.#letGo(info);
      this.#folderDirty = true;
      try {
        this.#disk.remove(`${this.folder}/${info.name}`);
        return false;
      } catch {
        return this.#disk.exists(`${this.folder}/${info.name}`);
      }
    });
  }

  close(): void {
    for (const [session, writer] of [...this.#writers]) {
      writer.dirty = false;
      this.#retire(session, writer);
    }
    for (const writer of this.#erasers.values()) writer.file.close();
    this.#erasers.clear();
    for (const reader of this.#readers.values()) reader.file.close();
    this.#readers.clear();
  }
}
