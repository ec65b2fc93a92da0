/** Verification of payloads: each present one against its commitment, each absent one against what the chain says of it. */
import type { Disk } from "./disk.ts";
import type { FindingKind } from "./finding.ts";
import { INLINE, inlinePayload, type LedgerRecord, sha256 } from "./format.ts";
import type { OwnEvent } from "./own.ts";
import { decodePayloadHeader, FRAME_HEAD, PAYLOAD_HEADER, parsePayloadName, payloadName } from "./payload-format.ts";
import { PayloadStore } from "./payload-store.ts";
import { readFile } from "./transfer.ts";

const AHEAD = 256 * 1024;
type Report = (
  kind: FindingKind,
  file: string,
  position: number,
  r: { lsn?: number; session?: string; seq?: number },
  text: string,
) => void;
interface Place {
  readonly file: string;
  readonly position: number;
  readonly lsn: number;
  readonly session: string;
  readonly seq: number;
  readonly fileNo: number;
}

export class PayloadCheck {
  readonly notes: string[] = [];
  redacted = 0;
  pruned = 0;
  readonly #report: Report;
  readonly #disk: Disk;
  readonly #folder: string;
  #store: PayloadStore;
  readonly #names = new Map<string, string>();
  /** With the first record that points into it. */
  readonly #badFiles = new Map<string, Place | null>();
  readonly #ends = new Map<string, number>();
  readonly #erased: Place[] = [];
  readonly #absent: Place[] = [];
  readonly #damaged: { place: Place; why: string }[] = [];
  readonly #erasures = new Map<string, Set<number>>();
  readonly #dropped = new Map<string, number>();
  readonly #removedAt = new Map<string, number>();
  #queue: { place: Place; bytes: number; commitment: Buffer }[] = [];

  constructor(disk: Disk, folder: string, report: Report) {
    this.#disk = disk;
    this.#folder = `${folder}/payload`;
    this.#report = report;
    this.#store = this.#list();
  }

  #list(): PayloadStore {
    for (const name of this.#disk.list(this.#folder)) {
      const parsed = parsePayloadName(name);
      if (parsed === null || this.#names.has(`${parsed.session}\n${parsed.no}`)) continue;
      this.#names.set(`${parsed.session}\n${parsed.no}`, name);
      const header = decodePayloadHeader(readFile(this.#disk, `${this.#folder}/${name}`, PAYLOAD_HEADER));
      if (header !== null && payloadName(header.session, header.no, header.firstSeq) === name) continue;
      this.#badFiles.set(name, null);
    }
    return new PayloadStore(this.#disk, this.#folder, 0, () => Buffer.alloc(8), 0);
  }

  own(lsn: number, event: OwnEvent | null): void {
    if (event?.type === "erased") {
      let seqs = this.#erasures.get(event.session);
      if (seqs === undefined) this.#erasures.set(event.session, (seqs = new Set()));
      for (const seq of event.seqs) seqs.add(seq);
    }
    if (event?.type === "pruned-payload" || event?.type === "removed")
      this.#dropped.set(event.session, Math.max(event.throughFile, this.#dropped.get(event.session) ?? 0));
    if (event?.type === "removed") this.#removedAt.set(event.session, lsn);
  }

  record(file: string, bytes: Buffer, at: number, r: LedgerRecord, seed: number): void {
    if (r.payloadBytes === 0) return;
    const base = { lsn: r.lsn, session: r.session, seq: r.seq };
    if ((r.flags & INLINE) === 0) {
      const name = this.#names.get(`${r.session}\n${r.fileNo}`);
      const place = {
        ...base,
        file: `payload/${name ?? `${r.session}, file ${r.fileNo}`}`,
        position: r.filePosition,
        fileNo: r.fileNo,
      };
      this.#queue.push({ place, bytes: r.payloadBytes, commitment: Buffer.from(r.commitment) });
      return;
    }
    const place = { ...base, file, position: at + r.inlineAt, fileNo: 0 };
    const inline = inlinePayload(bytes, at, r, seed);
    if (inline.state === "redacted") this.#erased.push(place);
    else if (inline.state === "damaged") this.#damaged.push({ place, why: "the payload's CRC does not match" });
    else if (!sha256(Buffer.concat([inline.salt, inline.payload])).equals(r.commitment))
      this.#report("payload", file, place.position, base, "the payload is not the one that was committed to");
  }

  /** Checks what the records so far point to in payload files. */
  settle(): void {
    const queue = this.#queue.splice(0);
    // A running host may have made files since the listing.
    if (queue.some(({ place }) => !this.#names.has(`${place.session}\n${place.fileNo}`))) {
      this.#store.close();
      this.#store = this.#list();
    }
    for (const { place, bytes, commitment } of queue) {
      const name = this.#names.get(`${place.session}\n${place.fileNo}`);
      if (name === undefined) {
        this.#absent.push(place);
        continue;
      }
      this.#ends.set(name, Math.max(this.#ends.get(name) ?? PAYLOAD_HEADER, place.position + FRAME_HEAD + bytes));
      if (this.#badFiles.has(name)) {
        if (this.#badFiles.get(name) === null) this.#badFiles.set(name, place);
        continue;
      }
      const frame = this.#store.read(place.session, place.fileNo, place.position, place.seq, bytes, AHEAD);
      if (frame.state === "redacted") this.#erased.push(place);
      else if (frame.state === "damaged") this.#damaged.push({ place, why: frame.why });
      else if (frame.state === "present" && !sha256(Buffer.concat([frame.salt, frame.payload])).equals(commitment))
        this.#report("payload", place.file, place.position, place, "the payload is not the one that was committed to");
    }
  }

  #isErased(p: Place): boolean {
    return this.#erasures.get(p.session)?.has(p.seq) === true || p.lsn < (this.#removedAt.get(p.session) ?? 0);
  }

  finish(): void {
    for (const [name, first] of this.#badFiles) {
      if (first !== null)
        this.#report(
          "payload",
          `payload/${name}`,
          0,
          first,
          "the header of the payload file is damaged: its payloads, this one first, cannot be read",
        );
      else this.notes.push(`payload/${name} has no sound header and no record points into it`);
    }
    for (const { place, why } of this.#damaged) {
      if (this.#isErased(place))
        this.notes.push(
          `${place.file} byte ${place.position}: the erasure of session ${place.session} seq ${place.seq} was cut short, the next start completes it`,
        );
      else this.#report("payload", place.file, place.position, place, why);
    }
    for (const p of this.#erased) {
      if (this.#isErased(p)) this.redacted++;
      else this.#report("unexplained-erasure", p.file, p.position, p, "the payload was erased and no record says by whom");
    }
    for (const p of this.#absent) {
      if (p.fileNo <= (this.#dropped.get(p.session) ?? 0)) this.pruned++;
      else this.#report("payload", p.file, p.position, p, "its payload file is missing and no record says that it was pruned");
    }
    for (const [name, end] of this.#ends) {
      const { session, no } = parsePayloadName(name)!;
      const extra = this.#store.fileBytes(session, no) - end;
      if (extra > 0)
        this.notes.push(`payload/${name} ends in ${extra} bytes that no record points to: a crash between payload and record`);
    }
    this.#store.close();
  }
}
