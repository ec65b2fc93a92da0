/**
 * Output: from the shim's bytes to records, with the shell's marks and sizes at their exact places.
 *
 *   O1  Recorded before seen: output is in the journal before a client sees it or the shim may forget it.
 *   O2  At most {@link UNSYNCED_BYTES} of it are not on the disk (P2): beyond that output waits in the shim, that of sessions which
 *       pour, not that of one which answers a key beside them.
 *   O3  Beyond {@link UNPARSED_BYTES} that the terminal model has not parsed, acknowledgements wait: the shim's ring fills, and
 *       the program waits. The link stays open, for answers come over it too. Without a model nothing waits for one.
 */
import { create, EventBody_GapMarkedSchema } from "@holdfast/protocol";
import { HOST_ACTOR } from "@holdfast/core";
import type { Book } from "./book.ts";
import type { CommandWatch } from "./command-watch.ts";
import type { SessionPorts } from "./ports.ts";
import type { Readers } from "./readers.ts";
import { OUTPUT_BODY } from "./record.ts";
import type { Screen } from "./screen.ts";
import type { ShimLine } from "./shim-line.ts";
import type { Sizing } from "./sizing.ts";

/** Bytes of output that may be unsynced (P2: 256 KiB at a power cut), and how many may come before a pause is felt: one read of the link. */
const UNSYNCED_BYTES = 256 * 1024;
const READ_BYTES = 128 * 1024;
/** Early enough that the next read comes while the disk is at it. */
const SYNC_BYTES = 96 * 1024;
/** A session with fewer unsynced bytes of its own does not wait for what others have poured out. */
const OWN_BYTES = 16 * 1024;
/** Beyond this much unparsed output the ring's acknowledgements wait (xterm throws data away past 50 MiB). */
const UNPARSED_BYTES = 32 * 1024 * 1024;
/** A query's answer that is older than this would be typing. */
const REPLY_AGE_MS = 1_000;
/** Moments of the last second that are remembered. */
const ENDS = 8;

export interface OutputWorld {
  readonly book: Book;
  readonly line: ShimLine;
  readonly ports: SessionPorts;
  readonly commands: CommandWatch;
  readonly readers: Readers;
  readonly sizing: Sizing;
  readonly screen: Screen;
}

export class Output {
  readonly #world: OutputWorld;
  readonly #ends: { readonly at: number; readonly end: number }[] = [];
  #waitsForDisk = false;
  /** Bytes of this session since the last record of it that is on the disk, and that record's lsn. */
  #ownBytes = 0;
  #ownLsn = 0;
  #waitsForModel = false;

  constructor(world: OutputWorld) {
    this.#world = world;
  }

  came(stream: 0 | 1 | 2, offset: number, timeNs: bigint, bytes: Uint8Array): void {
    const { book, commands, line, readers, sizing } = this.#world;
    const have = book.facts.ends[stream];
    if (offset + bytes.length <= have) return line.ackSoon();
    if (offset < have) {
      bytes = bytes.subarray(have - offset);
      offset = have;
    }
    if (offset > have) {
      const value = create(EventBody_GapMarkedSchema, { reason: "shim", fromOffset: BigInt(have), toOffset: BigInt(offset) });
      book.record({ id: HOST_ACTOR, via: "host" }, { case: "gap", value });
    }
    while (bytes.length > 0) {
      let take = Math.min(bytes.length, readers.eventBytes);
      if (stream === 0) take = sizing.cutAt(offset, take);
      const piece = bytes.subarray(0, take);
      book.record({ id: "program", via: "shim" }, OUTPUT_BODY, piece, { stream, offset, monoNs: timeNs });
      if (stream !== 2) for (const mark of commands.output(piece, offset)) book.record({ id: "program", via: "shell" }, mark);
      offset += take;
      bytes = bytes.subarray(take);
      if (stream === 0) sizing.place();
    }
    if (stream === 0) this.#noteEnd();
    readers.outputCame();
    line.ackSoon();
    this.#holdIfDue(book.facts.ends[stream] - have);
  }

  // --- how late a reply would be ---

  /** Where the output stood, a few times in the last second: what came before that is too old to be answered. */
  #noteEnd(): void {
    const at = this.#world.ports.clock.monoMs();
    const last = this.#ends.at(-1);
    if (last && at - last.at < REPLY_AGE_MS / 4) return;
    this.#ends.push({ at, end: this.#world.book.facts.ends[0] });
    if (this.#ends.length > ENDS) this.#ends.shift();
  }

  /** Whether what the program asked at this offset is too old to be answered: a late reply is typing. */
  isStale(queryOffset: number): boolean {
    const since = this.#world.ports.clock.monoMs() - REPLY_AGE_MS;
    let end = 0;
    for (const e of this.#ends) if (e.at <= since) end = e.end;
    return queryOffset <= end;
  }

  // --- holding output back ---

  #holdIfDue(bytes: number): void {
    const { book, ports, screen } = this.#world;
    const { journal } = ports;
    if (journal.durableLsn >= this.#ownLsn) this.#ownBytes = 0;
    this.#ownBytes += bytes;
    this.#ownLsn = book.lastLsn;
    if (journal.unsyncedBytes > SYNC_BYTES) journal.durable(book.lastLsn).catch(() => {});
    if (this.#pours && !this.#waitsForDisk) this.#waitForDisk();
    if (screen.isOpen && screen.unparsedBytes > this.#mayLagBytes) this.#waitsForModel = true;
  }

  get #pours(): boolean {
    return this.#ownBytes >= OWN_BYTES && this.#world.ports.journal.unsyncedBytes > UNSYNCED_BYTES - READ_BYTES;
  }

  /** Goes on with the sync that is under way as soon as it has made room, not with one for all that came meanwhile. */
  #waitForDisk(): void {
    const { line, ports } = this.#world;
    const { journal } = ports;
    this.#waitsForDisk = true;
    line.link?.pause();
    const goOn = (): void => {
      if (!this.#waitsForDisk) return;
      this.#waitsForDisk = false;
      line.link?.resume();
    };
    const wait = (): void => void journal.durable(journal.durableLsn + 1).then(look, goOn);
    const look = (): void => (journal.unsyncedBytes > UNSYNCED_BYTES - READ_BYTES ? wait() : goOn());
    wait();
  }

  /** O3: whether the shim may be told what the journal has. */
  get mayBeAcknowledged(): boolean {
    return !this.#waitsForModel;
  }

  /** How far the model may be behind. A reader that can't follow lives on its snapshots: they must not be seconds old. */
  get #mayLagBytes(): number {
    return this.#world.readers.hasSlow ? UNPARSED_BYTES / 8 : UNPARSED_BYTES;
  }

  /** The model's worker parsed something of this session. */
  parsed(): void {
    const { line, screen } = this.#world;
    screen.parsed();
    if (!this.#waitsForModel || screen.unparsedBytes >= this.#mayLagBytes / 2) return;
    this.#waitsForModel = false;
    line.ackSoon();
  }

  /** The model's worker died: nobody tells of parsing any more, unless a new model was opened at once. */
  modelsLost(): void {
    const { line, screen } = this.#world;
    screen.lost();
    if (!this.#waitsForModel || screen.isOpen) return;
    this.#waitsForModel = false;
    line.ackSoon();
  }

  /** The line stalled: nothing waits on this link any more. */
  stalled(): void {
    this.#waitsForDisk = false;
    this.#waitsForModel = false;
  }
}
