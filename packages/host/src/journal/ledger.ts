/**
 * The segment being written. One writer, one file; the next segment is begun only when this one is wholly on the device or was
 * given up after a fault, so what a power cut takes is always the newest end of the newest segment.
 */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { Segment } from "./catalogue.ts";
import type { Disk, DiskFile } from "./disk.ts";
import {
  encodeHeader,
  encodeSeal,
  HEADER_BYTES,
  headBody,
  SEAL_BYTES,
  saltSeed,
  sealBody,
  segmentName,
  sha256,
  stampCrc,
} from "./format.ts";
import { writeWhole } from "./transfer.ts";
import { Zeros } from "./zeros.ts";

export class Signer {
  readonly #key: KeyObject;
  constructor(pkcs8: Uint8Array) {
    this.#key = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  }
  sign(body: Buffer): Buffer {
    return sign(null, body, this.#key);
  }
  head(context: "head" | "pruned", lsn: number, chain: Buffer): Buffer {
    return this.sign(headBody(context, lsn, chain));
  }
}

export interface LedgerStart {
  readonly flags: number;
  readonly firstLsn: number;
  readonly head: Buffer;
  readonly wallMs: number;
  readonly monoNs: bigint;
}

interface Zeroed {
  readonly position: number;
  readonly length: number;
}

export class Ledger {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #life: number;
  readonly #bootId: string;
  readonly #signer: Signer;
  readonly #randomBytes: (n: number) => Uint8Array;
  #file: DiskFile | null = null;
  #headerHash: Buffer = Buffer.alloc(32);
  #sealNo = 0;
  #count = 0;
  #sealedLsn = 0;
  #nextIndex: number;
  /** The file holds a partial frame that could not be cut off: nothing more may be written to it. */
  isBroken = false;
  segment!: Segment;
  position = 0;
  lastLsn = 0;
  chain: Buffer = Buffer.alloc(32);
  /** Handles of earlier segments that a sync in flight may still use. */
  readonly retired: DiskFile[] = [];

  constructor(
    disk: Disk,
    folder: string,
    life: number,
    bootId: string,
    signer: Signer,
    randomBytes: (n: number) => Uint8Array,
    nextIndex: number,
  ) {
    this.#disk = disk;
    this.#folder = folder;
    this.#life = life;
    this.#bootId = bootId;
    this.#signer = signer;
    this.#randomBytes = randomBytes;
    this.#nextIndex = nextIndex;
  }

  /** Begins a segment; its name survives a power cut when this returns. The number is used up even if it fails. */
  start(s: LedgerStart): void {
    const index = this.#nextIndex++;
    const salt = Buffer.from(this.#randomBytes(8));
    const header = encodeHeader({
      flags: s.flags,
      life: this.#life,
      index,
      firstLsn: s.firstLsn,
      previousHead: s.head,
      createdWallMs: s.wallMs,
      createdMonoNs: s.monoNs,
      salt,
      bootId: this.#bootId,
    });
    const file = this.#disk.open(`${this.#folder}/${segmentName(index)}`, "create-new");
    try {
      writeWhole(file, header, 0);
      // Before any record: a segment that has records and no header is damaged then, and not merely cut short.
      file.syncNow();
      this.#disk.syncFolderNow(this.#folder);
    } catch (error) {
      file.close();
      throw error;
    }
    if (this.#file !== null) this.retired.push(this.#file);
    this.#file = file;
    this.#headerHash = sha256(header);
    this.#sealNo = 0;
    this.#count = 0;
    this.isBroken = false;
    this.position = HEADER_BYTES;
    this.lastLsn = s.firstLsn - 1;
    this.chain = Buffer.from(s.head);
    this.#sealedLsn = this.lastLsn;
    this.segment = {
      index,
      life: this.#life,
      firstLsn: s.firstLsn,
      seed: saltSeed(salt),
      salt,
      lastLsn: this.lastLsn,
      head: this.chain,
      validBytes: HEADER_BYTES,
      sealed: false,
      lastWallMs: s.wallMs,
      damage: [],
      removed: [],
      skips: [],
    };
  }

  /** Writes an encoded record and moves on to it. On a fault the file is as it was, or {@link isBroken}. */
  record(frame: Buffer, lsn: number, wallMs: number): number {
    const at = this.position;
    this.#write(frame);
    frame.copy(this.chain, 0, 16, 48);
    this.lastLsn = lsn;
    this.#count++;
    const segment = this.segment;
    segment.lastLsn = lsn;
    segment.lastWallMs = wallMs;
    return at;
  }

  #write(frame: Buffer): void {
    try {
      writeWhole(this.#file!, frame, this.position);
    } catch (error) {
      try {
        this.#file!.truncate(this.position);
      } catch {
        this.isBroken = true;
      }
      throw error;
    }
    this.position += frame.length;
    this.segment.validBytes = this.position;
  }

  get hasUnsealed(): boolean {
    return this.lastLsn > this.#sealedLsn;
  }
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  seal(wallMs: number, final: boolean): void {
    const frame = encodeSeal({
      final,
      sealNo: this.#sealNo + 1,
      count: this.#count,
      head: this.chain,
      lastLsn: this.lastLsn,
      wallMs,
      headerHash: this.#headerHash,
    });
    this.#signer.sign(sealBody(frame)).copy(frame, 112);
    stampCrc(frame, SEAL_BYTES, this.segment.seed);
    this.#write(frame);
    this.#sealNo++;
    this.#sealedLsn = this.lastLsn;
    if (final) {
      this.segment.sealed = true;
      this.segment.head = Buffer.from(this.chain);
    }
  }

  /** Zeroes bytes of a segment of any age: only for erasure. */
  erase({ index }: Segment, position: number, length: number): void {
    this.#zeros.add(index, { position, length });
    this.#zero(index, { position, length });
  }

  #zero(index: number, { position, length }: Zeroed): void {
    if (index === this.segment.index) return writeWhole(this.#file!, Buffer.alloc(length), position);
    let file = this.#erased.get(index);
    if (file === undefined) {
      file = this.#disk.open(`${this.#folder}/${segmentName(index)}`, "readwrite");
      this.#erased.set(index, file);
    }
    writeWhole(file, Buffer.alloc(length), position);
  }

  /** After a failed sync, once another segment is begun. */
  eraseAgain(): void {
    for (const [index, places] of this.#zeros.all()) {
      if (!this.#disk.exists(`${this.#folder}/${segmentName(index)}`)) this.#zeros.forget(index);
      else for (const place of places) this.#zero(index, place);
    }
  }
  readonly #zeros = new Zeros<number, Zeroed>();

  /** Other segments, by index, that wait for a sync after erasures: one handle each, however much is erased. */
  readonly #erased = new Map<number, DiskFile>();

  #takeErased(): [number, DiskFile][] {
    const files = [...this.#erased];
    this.#erased.clear();
    return files;
  }

  /** Files that the next sync is for, as Suspects names them. */
  get dirtyNames(): string[] {
    return [...this.#erased.keys(), this.segment.index].map((index) => `ledger/${segmentName(index)}`);
  }

  async sync(): Promise<void> {
    const erased = this.#takeErased();
    const current = this.#file!;
    const { index: newest } = this.segment;
    try {
      for (const [index, file] of erased) await this.#zeros.whenSynced(index, () => file.sync());
      await this.#zeros.whenSynced(newest, () => current.sync());
    } finally {
      for (const [, file] of erased) file.close();
    }
  }
  syncErasedNow(): void {
    for (const [index, file] of this.#takeErased()) {
      try {
        this.#zeros.whenSyncedNow(index, () => file.syncNow());
      } finally {
        file.close();
      }
    }
  }
  syncNow(): void {
    this.#zeros.whenSyncedNow(this.segment.index, () => this.#file!.syncNow());
  }

  closeRetired(): void {
    for (const file of this.retired.splice(0)) {
      try {
        file.close();
      } catch {
        /* given up already */
      }
    }
  }
  close(): void {
    this.closeRetired();
    for (const [, file] of this.#takeErased()) file.close();
    this.#file?.close();
    this.#file = null;
  }
}
