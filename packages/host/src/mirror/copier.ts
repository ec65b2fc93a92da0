/**
 * Copies a host's record into its mirror, a pass at a time. Knows neither NATS nor the host: both are given (ports).
 *
 *   K1  A head names what was there at one moment: the ledger up to a mark, and at least the payloads of its records. What was erased meanwhile
 *       sends it back to the beginning, so that no head shows an erasure whose record it has not.
 *   K2  Pieces first, then the head, then what no head needs any more goes. Killed anywhere, the mirror is the one before or the one after.
 *       What was killed in between is tidied after the first head of each life, so that what a head does not have, the store has not either.
 *   K3  The head is replaced only where it is the one that was read: of two hosts with one home, one goes on, and the other is {@link Fenced}.
 */
import { randomBytes } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { inHands } from "./hands.ts";
import { decodeHead, encodeHead, type Head, type SessionLine } from "./head.ts";
import { type Copied, type Found, PIECE_BYTES, piecesOf, type Reading, timeToKeep, toRead, unneeded } from "./pieces.ts";
import { headName, type MirrorKeys, pieceName, seal, unseal } from "./sealed.ts";
import { type ObjectStore, Overtaken } from "./store.ts";

/** The ledger as of one moment, on the disk. */
export interface Moment {
  readonly segment: number;
  readonly bytes: number;
  readonly told: number;
  readonly done: number;
  readonly lsn: number;
  readonly chain: string;
  readonly signature: string;
}

/** The home, and the host that writes it. */
export interface Source {
  moment(): Promise<Moment>;
  sessions(): Promise<readonly SessionLine[]>;
  /** Paths below the home's record: `ledger/…`, `payload/…`, `checkpoints/…`, and some files alone. */
  list(kind: "aside" | "record"): Promise<readonly Found[]>;
  /** Null: it is gone, or has less. */
  read(path: string, from: number, bytes: number): Promise<Uint8Array | null>;
  nowMs(): number;
}

/** K3: what this home knows of its heads. */
export interface Memory {
  /** Of the newest head that is known to be written, and of those since that may be: one whose answer did not come may be there any time later. */
  readonly mark: string;
  readonly intents: readonly string[];
  readonly epoch: number;
  readonly asOfUnixMs: number;
}

export interface CopierParts {
  readonly source: Source;
  readonly store: ObjectStore;
  readonly keys: MirrorKeys;
  readonly hostId: string;
  readonly hostKey: KeyObject;
  /** Raw public keys. */
  readonly hostPublicKey: Uint8Array;
  readonly auditPublicKey: Uint8Array;
  readonly hostVersion: string;
  readonly memory: Memory | null;
  readonly remember: (memory: Memory) => Promise<void>;
  /** Waits after a piece that took so long. */
  readonly pace?: (tookMs: number) => Promise<void>;
  /** Default: {@link PIECE_BYTES}. */
  readonly pieceBytes?: number;
  /** Bytes of the record that were copied. */
  readonly copied: (bytes: number) => void;
}

export class Fenced extends Error {}

/** What a pass has found too much in motion; the next one tries again. */
export class Unsettled extends Error {}

const ROUNDS = 6;
/** Of a host that floods: their records are soon gone too. */
const MOST_MISSED = 10_000;
const MOST_INTENTS = 64;
/** So many pieces are on their way at once: 2 MiB each, and as much again sealed. */
const AT_ONCE = 2;

interface Written {
  readonly epoch: number;
  readonly serial: number;
  readonly revision: number;
  readonly files: ReadonlyMap<string, Copied>;
  /** Null: another life of the host wrote it, whose counts are not ours. */
  readonly moment: Moment | null;
  /** The head that is there is this home's. */
  readonly isOurs: boolean;
}

export class Copier {
  readonly #p: CopierParts;
  #memory: Memory | null;
  #written: Written;
  /** Objects of this host that there are, and those of them that are known to be whole. */
  readonly #present: Set<string>;
  readonly #whole: Set<string>;
  #missed: readonly string[];
  #isTidy = false;
  readonly #pieceBytes: number;

  private constructor(parts: CopierParts, written: Written, present: Set<string>, missed: readonly string[]) {
    this.#p = parts;
    this.#memory = parts.memory;
    this.#written = written;
    this.#present = present;
    this.#whole = new Set([...written.files.values()].flatMap((f) => f.pieces).filter((name) => present.has(name)));
    this.#missed = missed;
    this.#pieceBytes = parts.pieceBytes ?? PIECE_BYTES;
  }

  /**
   * Takes up what is there. Throws {@link Fenced} where it is another's. `takesOver`: from now on it is ours, by a head that says what the one that is there
   * does and whose the mirror is now; one that can't be opened stays until the first pass replaces it (`isOurs`).
   */
  static async begin(parts: CopierParts, takesOver: boolean): Promise<Copier> {
    const { store, hostId, memory } = parts;
    const present = new Set(await store.list(`${hostId}/`));
    present.delete(headName(hostId));
    const found = await store.get(headName(hostId));
    const none = { revision: 0, files: new Map<string, Copied>(), moment: null, isOurs: false };
    if (found === null) return new Copier(parts, { ...none, epoch: (memory?.epoch ?? 0) + 1, serial: 0 }, present, []);
    const { revision } = found;
    const head = await Copier.#opened(parts, found.bytes, takesOver);
    if (head && memory && (head.mark === memory.mark || memory.intents.includes(head.mark))) {
      const { serial } = head;
      // It was taken over, and names what the other one had: nothing of that is ours.
      if (memory.epoch > head.epoch)
        return new Copier(parts, { ...none, epoch: memory.epoch, serial, revision, isOurs: true }, present, []);
      const files = new Map(head.files.map((f) => [f.path, f]));
      return new Copier(parts, { ...none, epoch: head.epoch, serial, revision, files, isOurs: true }, present, head.missed);
    }
    if (!takesOver)
      throw new Fenced(
        `another host with the id ${hostId} has written this mirror${head ? `, last at ${new Date(head.asOfUnixMs).toISOString()}` : ""}: a copy of this home runs somewhere, or this one was restored; to go on from here, in place of that: hold host mirror URL --take-over`,
      );
    const epochs = [...present].map((name) => Number(name.split("/")[1]) || 0);
    const epoch = Math.max(head?.epoch ?? 0, memory?.epoch ?? 0, ...epochs) + 1;
    const copier = new Copier(parts, { ...none, epoch, serial: head?.serial ?? 0, revision }, present, []);
    if (head) await copier.#claim(head);
    return copier;
  }

  /** Null: it can't be opened, and is to be replaced. */
  static async #opened({ keys, hostId }: CopierParts, bytes: Uint8Array, takesOver: boolean): Promise<Head | null> {
    try {
      return decodeHead(await unseal(keys, headName(hostId), bytes), hostId, null);
    } catch (fault) {
      if (takesOver) return null;
      throw fault;
    }
  }

  /** Nobody has to be told any more that this home takes over. */
  get isOurs(): boolean {
    return this.#written.isOurs;
  }
  get serial(): number {
    return this.#written.serial;
  }
  get epoch(): number {
    return this.#written.epoch;
  }
  get files(): ReadonlyMap<string, Copied> {
    return this.#written.files;
  }
  get asOfUnixMs(): number {
    return this.#memory?.asOfUnixMs ?? 0;
  }

  /** Whether the mirror may be other than the home is now. */
  isBehind(now: Moment): boolean {
    const { moment } = this.#written;
    return (
      moment === null ||
      moment.lsn !== now.lsn ||
      moment.bytes !== now.bytes ||
      moment.told !== now.told ||
      moment.done !== now.done
    );
  }

  /** Copies what is new. Resolves with the moment that the mirror is as of. Throws {@link Overtaken}, {@link Unsettled}, and what the store does. */
  async pass(): Promise<Moment> {
    const { source } = this.#p;
    for (let round = 0; round < ROUNDS; round++) {
      const aside = await this.#copy(await source.list("aside"), false);
      // Before it: what is recorded from here on may not be in it.
      const asOfUnixMs = source.nowMs();
      // What goes from here on may go unsaid in the ledger up to the mark.
      const earlier = (await source.list("record")).map((file) => file.path);
      const moment = await source.moment();
      const record = upTo(moment, await source.list("record"));
      const there = new Set(record.map((file) => file.path));
      for (const path of earlier) if (!there.has(path)) this.#miss(path);
      const before = this.#written.moment;
      const copied = await this.#copy(record, before !== null && before.told === moment.told && before.done === moment.done);
      const after = await source.moment();
      // K1
      if (copied.isShort || after.told !== moment.told || after.done !== moment.done) continue;
      await this.#write(moment, asOfUnixMs, [...aside.files, ...copied.files]);
      await this.#tidy();
      await this.#sweep();
      return moment;
    }
    throw new Unsettled("more was erased than could be copied in between");
  }

  /**
   * Once in a life, and after a head of its own: what was sent before that, and not answered, has come to lie there by now, or never will. Sooner, bytes
   * whose name is under way would be taken for nobody's.
   */
  async #tidy(): Promise<void> {
    if (this.#isTidy) return;
    const { store, hostId } = this.#p;
    await store.tidy(`${hostId}/`);
    this.#isTidy = true;
  }

  async #copy(
    found: readonly Found[],
    isGrowingOnly: boolean,
  ): Promise<{ readonly files: readonly Copied[]; readonly isShort: boolean }> {
    const { unchanged, readings } = toRead(this.#written.files, found, { isGrowingOnly, pieceBytes: this.#pieceBytes });
    const times = new Map(found.map((f) => [f.path, timeToKeep(f.modifiedMs, this.#p.source.nowMs())]));
    const files = [...unchanged];
    let isShort = false;
    for (const reading of readings) {
      const pieces = await this.#copyFile(reading);
      if (pieces) files.push({ path: reading.path, bytes: reading.bytes, modifiedMs: times.get(reading.path)!, pieces });
      else if (!this.#miss(reading.path)) isShort ||= reading.path.startsWith("ledger/");
    }
    return { files, isShort };
  }

  /** Retention drops payloads at any time, and says so in the ledger after the mark; nothing else may be missing. */
  #miss(path: string): boolean {
    if (!path.startsWith("payload/")) return false;
    this.#missed = [...this.#missed.filter((other) => other !== path), path].slice(-MOST_MISSED);
    return true;
  }

  async #copyFile({ path, bytes, fromPiece, kept }: Reading): Promise<readonly string[] | null> {
    const pieces = [...kept];
    const pieceBytes = this.#pieceBytes;
    const count = Math.max(0, piecesOf(bytes, pieceBytes) - fromPiece);
    let isGone = false;
    await inHands(AT_ONCE, Array(count).keys(), async (at) => {
      if (isGone) return;
      const n = fromPiece + at;
      const from = n * pieceBytes;
      const content = await this.#p.source.read(path, from, Math.min(pieceBytes, bytes - from));
      if (content === null) isGone = true;
      else pieces[n] = await this.#keep(path, n, content);
    });
    return isGone ? null : pieces;
  }

  async #keep(path: string, piece: number, content: Uint8Array): Promise<string> {
    const { keys, hostId, store } = this.#p;
    const name = pieceName(keys, { hostId, epoch: this.#written.epoch }, path, piece, content);
    if (this.#whole.has(name)) return name;
    const began = performance.now();
    if (!this.#present.has(name) || !(await this.#isWhole(name))) await store.put(name, await seal(keys, name, content));
    await this.#p.pace?.(performance.now() - began);
    this.#present.add(name);
    this.#whole.add(name);
    this.#p.copied(content.length);
    return name;
  }

  /** Of an object that was left by one who was killed before a head named it. */
  async #isWhole(name: string): Promise<boolean> {
    try {
      const kept = await this.#p.store.get(name);
      return kept !== null && (await unseal(this.#p.keys, name, kept.bytes)) !== null;
    } catch {
      return false;
    }
  }

  async #write(moment: Moment, asOfUnixMs: number, files: readonly Copied[]): Promise<void> {
    const { source, hostId } = this.#p;
    const { epoch } = this.#written;
    const serial = this.#written.serial + 1;
    const mark = newMark();
    const head: Head = {
      version: 1,
      hostId,
      hostKey: Buffer.from(this.#p.hostPublicKey).toString("base64"),
      auditKey: Buffer.from(this.#p.auditPublicKey).toString("base64"),
      hostVersion: this.#p.hostVersion,
      ...{ epoch, serial, mark, asOfUnixMs, files, pieceBytes: this.#pieceBytes },
      ledger: { lsn: moment.lsn, chain: moment.chain, signature: moment.signature },
      missed: this.#missed,
      sessions: await source.sessions(),
    };
    const revision = await this.#replace(head, asOfUnixMs);
    this.#written = { epoch, serial, revision, files: new Map(files.map((f) => [f.path, f])), moment, isOurs: true };
  }

  /** Before all is copied anew: of what the other host writes from here on, nothing is taken. The epoch is the old one's, as the pieces are. */
  async #claim(found: Head): Promise<void> {
    const head = { ...found, serial: found.serial + 1, mark: newMark() };
    const revision = await this.#replace(head, this.asOfUnixMs);
    this.#written = { ...this.#written, serial: head.serial, revision, isOurs: true };
  }

  /** K3 */
  async #replace(head: Head, asOfUnixMs: number): Promise<number> {
    const { store, keys, hostId, hostKey, remember } = this.#p;
    const { epoch } = this.#written;
    const { mark } = head;
    const sealed = await seal(keys, headName(hostId), encodeHead(head, hostKey));
    const known = { mark: this.#memory?.mark ?? "", epoch, asOfUnixMs: this.#memory?.asOfUnixMs ?? 0 };
    const intents = [...(this.#memory?.intents ?? []), mark].slice(-MOST_INTENTS);
    await remember((this.#memory = { ...known, intents }));
    const revision = await store.replace(headName(hostId), sealed, this.#written.revision);
    await remember((this.#memory = { mark, intents: [], epoch, asOfUnixMs }));
    return revision;
  }

  /** K2 */
  async #sweep(): Promise<void> {
    await inHands(AT_ONCE, unneeded(this.#present, this.#written.files.values()), async (name) => {
      await this.#p.store.delete(name);
      this.#present.delete(name);
      this.#whole.delete(name);
    });
  }
}

const newMark = (): string => randomBytes(16).toString("base64url");

/** K1: the ledger up to the mark, and all payloads: there may be more of those, never fewer. */
function upTo({ segment, bytes }: Moment, found: readonly Found[]): Found[] {
  return found.flatMap((file) => {
    const index = /^ledger\/(\d{10})\.seg$/.exec(file.path)?.[1];
    if (index === undefined || Number(index) < segment) return [file];
    return Number(index) === segment ? [{ ...file, bytes: Math.min(file.bytes, bytes) }] : [];
  });
}

export { Overtaken };
