/**
 * Verification: walks the whole ledger and its payloads from the bytes alone, believing no sidecar, and names what is wrong.
 *   V1  One fault, one finding, at the first byte of the frame that does not hold; what follows is checked on from there.
 *   V2  Redacted and pruned payloads are no findings if the chain says that they were; without that they are.
 *   V3  The claim is back to the last witnessed head: newest records that vanish together with their seal need a witness.
 * It works beside a running host: an unfinished record at the very end is a note.
 */
import { createPublicKey, type KeyObject, verify as verifySignature } from "node:crypto";
import type { Disk } from "./disk.ts";
import type { Finding, FindingKind, VerifyReport, Witness } from "./finding.ts";
import {
  chainOf,
  headBody,
  isZero,
  type LedgerRecord,
  OWN,
  SEGMENT_AFTER_FAULT,
  type Seal,
  saltSeed,
  sealBody,
  sha256,
} from "./format.ts";
import { MARKER, readMarker } from "./marker.ts";
import { decodeOwn } from "./own.ts";
import { scanSegment } from "./scan.ts";
import { type ListedSegment, listSegments } from "./segment-list.ts";
import { readFile } from "./transfer.ts";
import { PayloadCheck } from "./verify-payload.ts";

export interface Progress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** `publicKey` is SPKI DER. Blocks until done; {@link verifySteps} is the same in pieces. */
export function verifyJournal(
  disk: Disk,
  folder: string,
  publicKey: Uint8Array,
  onProgress?: (p: Progress) => void,
  witnesses: readonly Witness[] = [],
): VerifyReport {
  const steps = verifySteps(disk, folder, publicKey, witnesses);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    onProgress?.(step.value);
  }
}

export function* verifySteps(
  disk: Disk,
  folder: string,
  publicKey: Uint8Array,
  witnesses: readonly Witness[] = [],
): Generator<Progress, VerifyReport> {
  return yield* new Verifier(
    disk,
    folder,
    createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" }),
    witnesses,
  ).run();
}

class Verifier {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #key: KeyObject;
  readonly #witnesses = new Map<number, Witness[]>();
  readonly #agreed: Witness[] = [];
  /** The newest record that a witness agrees with. */
  #agreedLsn = 0;
  readonly #payloads: PayloadCheck;
  readonly #findings: Finding[] = [];
  readonly #notes: string[] = [];
  readonly #sessions = new Map<string, number>();
  /** Chains of records that a later segment must hold again, alike. */
  readonly #superseded = new Map<number, Buffer>();
  readonly #lives = new Set<number>();
  #lsn = 0;
  /** Null after damage: the next record's own value is then taken. */
  #chain: Buffer | null = Buffer.alloc(32);
  #records = 0;
  #seals = 0;
  #sealedLsn = 0;
  #missing = 0;
  #isPruned = false;
  #end = { file: "ledger", position: 0 };

  constructor(disk: Disk, folder: string, key: KeyObject, witnesses: readonly Witness[]) {
    this.#disk = disk;
    this.#folder = folder;
    this.#key = key;
    for (const w of witnesses) this.#witnesses.set(w.lsn, [...(this.#witnesses.get(w.lsn) ?? []), w]);
    this.#payloads = new PayloadCheck(disk, folder, (kind, file, position, r, text) => this.#find(kind, file, position, text, r));
  }

  #find(
    kind: FindingKind,
    file: string,
    position: number,
    text: string,
    at?: { lsn?: number; session?: string; seq?: number },
  ): Finding {
    const finding: Finding = {
      kind,
      file,
      position,
      lsn: at?.lsn ?? null,
      session: at?.session ?? null,
      seq: at?.seq ?? null,
      text,
    };
    this.#findings.push(finding);
    return finding;
  }

  *run(): Generator<Progress, VerifyReport> {
    const ledger = `${this.#folder}/ledger`;
    const throughIndex = this.#marker(ledger);
    const all = listSegments(this.#disk, ledger);
    const segments = all.filter((s) => s.index > throughIndex);
    if (all.length > segments.length)
      this.#notes.push(`${all.length - segments.length} segments that retention has given up are still there`);
    const totalBytes = segments.reduce((sum, s) => sum + s.fileBytes, 0);
    let doneBytes = 0;
    let previous: { life: number; sealed: boolean; file: string; end: number } | null = null;
    for (const [i, s] of segments.entries()) {
      const file = `ledger/${s.name}`;
      if (s.header === null) {
        if (s.fileBytes > 192 || s.strange !== "no whole header")
          this.#find("segment", file, 0, `${s.strange}: the segment cannot be read`, { lsn: this.#lsn + 1 });
        else this.#notes.push(`${file} has no whole header: its creation was cut short`);
        continue;
      }
      if (
        previous !== null &&
        !previous.sealed &&
        previous.life === s.header.life &&
        (s.header.flags & SEGMENT_AFTER_FAULT) === 0
      ) {
        this.#find("missing-seal", previous.file, previous.end, "the segment ends without its final seal", { lsn: this.#lsn });
      }
      const state = this.#segment(s, segments[i + 1] ?? null);
      previous = { life: s.header.life, sealed: state.sealed, file, end: state.end };
      this.#end = { file, position: state.end };
      this.#payloads.settle();
      doneBytes += s.fileBytes;
      yield { doneBytes, totalBytes };
    }
    this.#payloads.finish();
    this.#cutOff();
    if (this.#lsn > this.#sealedLsn)
      this.#notes.push(`records ${this.#sealedLsn + 1} to ${this.#lsn} are chained and not yet under a seal`);
    this.#notes.push(...this.#payloads.notes);
    return {
      ok: this.#findings.length === 0,
      findings: this.#findings,
      notes: this.#notes,
      segments: segments.length,
      lives: this.#lives.size,
      records: this.#records,
      seals: this.#seals,
      sealedLsn: this.#sealedLsn,
      head: { lsn: this.#lsn, chain: this.#chain ?? Buffer.alloc(0) },
      redacted: this.#payloads.redacted,
      pruned: this.#payloads.pruned,
      agreed: this.#agreed,
    };
  }

  #marker(ledger: string): number {
    const marker = readMarker(this.#disk, ledger);
    if (marker === null) {
      if (this.#disk.exists(`${ledger}/${MARKER}`))
        this.#find("marker", `ledger/${MARKER}`, 0, "the marker of pruned records is damaged");
      return 0;
    }
    if (!verifySignature(null, headBody("pruned", marker.throughLsn, marker.head), this.#key, marker.signature)) {
      this.#find("marker", `ledger/${MARKER}`, 64, "the marker of pruned records is not signed by this key", {
        lsn: marker.throughLsn,
      });
    }
    this.#isPruned = true;
    this.#lsn = marker.throughLsn;
    this.#agreedLsn = marker.throughLsn;
    this.#sealedLsn = marker.throughLsn;
    this.#chain = marker.head;
    this.#notes.push(`records up to ${marker.throughLsn} were pruned by retention`);
    return marker.throughIndex;
  }

  #segment(s: ListedSegment, next: ListedSegment | null): { sealed: boolean; end: number } {
    const header = s.header!;
    const file = `ledger/${s.name}`;
    this.#lives.add(header.life);
    this.#join(s, file);
    const bytes = readFile(this.#disk, `${this.#folder}/${file}`);
    const seed = saltSeed(header.salt);
    const headerHash = sha256(s.headerBytes);
    let count = 0;
    let seals = 0;
    let sealed = false;
    let isHurt = false;
    let open: Finding | null = null;
    const isSuperseded = (): boolean => this.#lsn >= s.limitLsn;
    const end = scanSegment(bytes, seed, {
      record: (at, r) => {
        if (r.lsn > s.limitLsn) {
          this.#superseded.set(r.lsn, Buffer.from(r.chain));
          return;
        }
        if (sealed) this.#find("segment", file, at, "a record after the final seal", r);
        count++;
        if (!this.#record(file, bytes, at, r, seed, open)) isHurt = true;
        open = null;
      },
      seal: (at, seal) => {
        seals++;
        if (seal.lastLsn > s.limitLsn) return;
        if (this.#seal(file, bytes.subarray(at), at, seal, headerHash, isHurt ? null : count, seals, open)) sealed = seal.final;
        open = null;
      },
      damage: (from, to, reason) => {
        isHurt = true;
        if (isSuperseded()) return;
        open = this.#find(
          "damaged",
          file,
          from,
          `${to - from} bytes are no sound frame (${reason})`,
          this.#guess(bytes, from, to),
        );
        this.#chain = null;
      },
      torn: (from, to, reason) => {
        if (isSuperseded() || (next?.header != null && (next.header.flags & SEGMENT_AFTER_FAULT) !== 0))
          this.#notes.push(`${file} was given up after a write fault at byte ${from}`);
        else if (next === null && (reason === "short" || isZero(bytes, from, to - from)) && !sealed)
          this.#notes.push(`${file} ends in ${to - from} bytes of an unfinished record: a crash, or a write in progress`);
        else {
          this.#find(
            "damaged",
            file,
            from,
            `${to - from} bytes at the end are no sound frame (${reason})`,
            this.#guess(bytes, from, to),
          );
          // The final seal may be what is damaged: it is not told missing as well.
          sealed = true;
        }
      },
    });
    return { sealed, end };
  }

  #join(s: ListedSegment, file: string): void {
    const header = s.header!;
    if (header.firstLsn > this.#lsn + 1) {
      this.#lose(file, 24, this.#lsn + 1, header.firstLsn - 1, "missing before this segment");
    } else if (header.firstLsn <= this.#lsn) {
      this.#find("segment", file, 24, `starts at record ${header.firstLsn}, which an earlier segment holds`, {
        lsn: header.firstLsn,
      });
    } else if (this.#chain !== null && !header.previousHead.equals(this.#chain)) {
      this.#find("chain", file, 32, "does not join the end of the segment before it", { lsn: header.firstLsn });
      this.#chain = null;
    }
    if (this.#chain === null) this.#chain = header.previousHead;
  }

  #lose(file: string, position: number, from: number, to: number, text: string): Finding {
    this.#missing += to - from + 1;
    this.#lsn = to;
    this.#chain = null;
    return this.#find(
      "missing",
      file,
      position,
      `${from === to ? `record ${from} is` : `records ${from} to ${to} are`} ${text}`,
      { lsn: from },
    );
  }

  /** False if the record is not where it belongs. */
  #record(file: string, bytes: Buffer, at: number, r: LedgerRecord, seed: number, damaged: Finding | null): boolean {
    if (r.lsn <= this.#lsn) {
      const before = this.#findings.find((f) => f.kind === "missing" && f.lsn === r.lsn);
      if (before !== undefined) Object.assign(before, { session: r.session, seq: r.seq });
      this.#find(
        before === undefined ? "doubled" : "out-of-order",
        file,
        at,
        before === undefined ? "this record was there before" : "this record stood elsewhere",
        r,
      );
      if (before !== undefined) this.#sessions.set(r.session, Math.max(r.seq, this.#sessions.get(r.session) ?? 0));
      return false;
    }
    let opened = damaged;
    if (r.lsn > this.#lsn + 1) {
      const missing = r.lsn - this.#lsn - 1;
      if (opened === null) opened = this.#lose(file, at, this.#lsn + 1, r.lsn - 1, "missing before this record");
      else this.#missing += missing;
    }
    this.#lsn = r.lsn;
    this.#records++;
    if (this.#chain !== null && !chainOf(bytes, at, r.inlineAt, this.#chain).equals(r.chain)) {
      this.#find("chain", file, at, "the record does not follow from the one before it: one of both was changed", r);
    }
    const copy = this.#superseded.get(r.lsn);
    if (copy !== undefined && !copy.equals(r.chain))
      this.#find("chain", file, at, "the record differs from the one that it replaces", r);
    this.#superseded.delete(r.lsn);
    this.#chain = Buffer.from(r.chain);
    this.#order(file, at, r, opened);
    this.#witness(file, at, r);
    if ((r.flags & OWN) !== 0) this.#payloads.own(r.lsn, decodeOwn(r.meta));
    this.#payloads.record(file, bytes, at, r, seed);
    return true;
  }

  /** Seqs of a session are contiguous, but for records that are known to be missing. */
  #order(file: string, at: number, r: LedgerRecord, opened: Finding | null): void {
    const last = this.#sessions.get(r.session);
    const expected = last === undefined ? (this.#isPruned ? r.seq : 1) : last + 1;
    this.#sessions.set(r.session, Math.max(r.seq, last ?? 0));
    if (r.seq === expected) return;
    const unnamed = [opened, ...this.#findings].find(
      (f) => f !== null && (f.kind === "missing" || f.kind === "damaged") && f.session === null,
    );
    if (r.seq > expected && unnamed != null) {
      unnamed.session = r.session;
      unnamed.seq = expected;
    } else if (r.seq < expected || r.seq - expected > this.#missing) {
      this.#find("out-of-order", file, at, `seq ${r.seq} stands where ${expected} belongs`, r);
    }
  }

  #seal(
    file: string,
    frame: Buffer,
    at: number,
    seal: Seal,
    headerHash: Buffer,
    count: number | null,
    seals: number,
    damaged: Finding | null,
  ): boolean {
    this.#seals++;
    const fail = (text: string): false => {
      this.#find("seal", file, at, text, { lsn: seal.lastLsn });
      return false;
    };
    if (!verifySignature(null, sealBody(frame), this.#key, seal.signature)) return fail("the seal is not signed by this key");
    if (!seal.headerHash.equals(headerHash)) return fail("the seal belongs to another segment header");
    if (seal.lastLsn > this.#lsn) {
      if (damaged === null) this.#lose(file, at, this.#lsn + 1, seal.lastLsn, "missing before this seal");
      else this.#missing += seal.lastLsn - this.#lsn;
      this.#lsn = seal.lastLsn;
      this.#chain = Buffer.from(seal.head);
      return true;
    }
    if (this.#chain !== null && !seal.head.equals(this.#chain))
      return fail(`the chain at this seal is not the one that was signed: records after ${this.#sealedLsn} were changed`);
    if (count !== null && seal.count !== count) return fail(`${count} records stand before this seal, ${seal.count} were signed`);
    this.#chain ??= Buffer.from(seal.head);
    this.#sealedLsn = seal.lastLsn;
    if (seal.sealNo !== seals && count !== null)
      this.#find("missing-seal", file, at, `seal ${seals} of this segment is missing`, { lsn: seal.lastLsn });
    return true;
  }

  /** What a damaged frame says it is, where its length still fits. */
  #guess(bytes: Buffer, from: number, to: number): { lsn: number; session?: string; seq?: number } {
    const lsn = this.#lsn + 1;
    if (to - from < 136) return { lsn };
    const session = bytes.toString("utf8", from + 136, Math.min(to, from + 136 + bytes[from + 51]!));
    const last = this.#sessions.get(session);
    return last === undefined ? { lsn } : { lsn, session, seq: last + 1 };
  }

  #witness(file: string, at: number, r: LedgerRecord): void {
    for (const w of this.#witnesses.get(r.lsn) ?? []) {
      if (r.chain.equals(w.chain)) {
        this.#agreedLsn = w.lsn;
        this.#agreed.push(w);
      } else
        this.#find(
          "chain",
          file,
          at,
          `${w.by ?? "a witness"} holds another head for this record: one of records ${this.#agreedLsn + 1} to ${w.lsn} is not what it was`,
          r,
        );
    }
  }

  #cutOff(): void {
    for (const [lsn, witnesses] of this.#witnesses) {
      if (lsn <= this.#lsn) continue;
      for (const { by = "a witness" } of witnesses)
        this.#find("truncated", this.#end.file, this.#end.position, `${by} saw record ${lsn}; the ledger ends at ${this.#lsn}`, {
          lsn: this.#lsn + 1,
        });
    }
  }
}
