/**
 * Continuity tokens: by one of these a client that lost its link takes its attachment up again, on any carrier (core/continuity).
 *
 *   K1  A token is given once it is on the disk: the next host knows every token that a client has. Where the disk takes none,
 *       none is given, and who loses the link attaches anew.
 *   K2  The host keeps the hash of a secret. A copied file takes nothing up, and neither does a token without its device key.
 *   K3  What is refused to who has not proven the key reads like any unknown credential, and changes nothing (core/continuity Y5).
 *   K4  Within one boot of the machine the time that is left is measured by the clock that nobody sets; after another, by the wall's, and
 *       one that stands before the token was made leaves none.
 * Elsewhere: whether the operator may still do anything (rights.ts), and what is attached (session/).
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { continuity as room, MonotonicMs } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import type { Clock, SessionPorts } from "../session/ports.ts";
import { storeDurablyLater } from "./store.ts";

/** Whose place it is. `keyId`: of the device key that it is bound to, hex. */
export interface PlaceOwner {
  readonly attachment: string;
  readonly session: string;
  readonly operator: string;
  readonly keyId: string;
}

export interface GivenToken {
  readonly handle: Uint8Array;
  readonly n: number;
  readonly secret: Uint8Array;
  readonly graceMs: number;
}

/** As it is on the disk. */
interface Stored extends PlaceOwner {
  readonly handle: string;
  readonly family: room.Family;
  readonly issuedWallMs: number;
  /** K4: of an interrupted place, by both clocks. */
  readonly endsNs: string;
  readonly endsWallMs: number;
  readonly bootId: string;
}

export interface ContinuityStore {
  load(): unknown;
  /** Durable when it resolves. */
  save(all: unknown): Promise<void>;
}

/** Places kept at once: each attachment of a person or a program that wants one. Of more, who is interrupted longest loses theirs. */
const MAX_PLACES = 1_024;
/** How long a place that is over is remembered, so that who comes late is told that they are late. */
const REMEMBERED_MS = 3_600_000;
const HANDLE_BYTES = 16;
const SECRET_BYTES = 32;

interface Entry {
  readonly owner: PlaceOwner;
  readonly handle: string;
  family: room.Family;
  issuedWallMs: number;
}

export interface ContinuityOptions {
  readonly ports: Pick<SessionPorts, "clock" | "wakeAt" | "log">;
  readonly bootId: string;
  /** Null: kept in memory only. */
  readonly store: ContinuityStore | null;
  /** Default: the system's. */
  readonly randomBytes?: (n: number) => Uint8Array;
}

export class Continuity {
  readonly #ports: ContinuityOptions["ports"];
  readonly #bootId: string;
  readonly #store: ContinuityStore | null;
  readonly #randomBytes: (n: number) => Uint8Array;
  readonly #byAttachment = new Map<string, Entry>();
  readonly #byHandle = new Map<string, Entry>();
  /** Told what is recorded of a copied token. */
  onCopied: ((owner: PlaceOwner) => void) | null = null;
  #saving: Promise<boolean> = Promise.resolve(true);
  #next: Promise<boolean> | null = null;

  constructor({ ports, bootId, store, randomBytes: random }: ContinuityOptions) {
    this.#ports = ports;
    this.#bootId = bootId;
    this.#store = store;
    this.#randomBytes = random ?? randomBytes;
    this.#load();
  }

  get size(): number {
    return this.#byAttachment.size;
  }

  /** A place for an attachment that has just begun on `link`. `give` is called once the token is good (K1), or never. */
  begin(owner: PlaceOwner, graceMs: number, link: string, give: (token: GivenToken) => void): void {
    if (graceMs <= 0 || !this.#makeRoom()) return;
    const secret = this.#randomBytes(SECRET_BYTES);
    const entry: Entry = {
      owner,
      handle: hex(this.#randomBytes(HANDLE_BYTES)),
      family: room.begin({ n: 1, hash: hashOf(secret) }, graceMs, link),
      issuedWallMs: this.#ports.clock.wallMs(),
    };
    this.#byAttachment.set(owner.attachment, entry);
    this.#byHandle.set(entry.handle, entry);
    this.#giveWhenSaved(entry, secret, give);
  }

  /**
   * The holder of `keyId`, who has proven it, takes a place up for `link`. Throws `continuity_unknown`, `continuity_over`,
   * `continuity_busy` or `continuity_copied`.
   */
  take(shown: { handle: Uint8Array; n: number; secret: Uint8Array }, keyId: string, link: string): PlaceOwner {
    const entry = this.#byHandle.get(hex(shown.handle));
    // Another device's: to this one it is not there (K2).
    if (!entry || !sameText(entry.owner.keyId, keyId)) throw refusal("continuity_unknown", null);
    const taking = room.take(entry.family, { n: shown.n, hash: hashOf(shown.secret) }, link, this.#ports.clock.monoMs());
    const wasOver = entry.family.place.name === "over";
    this.#set(entry, taking.family);
    if (taking.ok) return entry.owner;
    if (taking.refusal === "continuity_copied" && !wasOver) this.onCopied?.(entry.owner);
    throw refusal(taking.refusal, entry.owner);
  }

  /** Who took it up is attached on `link`, and is given the next token. */
  taken(attachment: string, link: string, give: (token: GivenToken) => void): void {
    const entry = this.#byAttachment.get(attachment);
    if (!entry) return;
    const secret = this.#randomBytes(SECRET_BYTES);
    const next = { n: entry.family.token.n + 1, hash: hashOf(secret) };
    const family = room.taken(entry.family, link, next);
    if (family.token !== next) return;
    entry.issuedWallMs = this.#ports.clock.wallMs();
    this.#set(entry, family);
    this.#giveWhenSaved(entry, secret, give);
  }

  acked(attachment: string, n: number): void {
    const entry = this.#byAttachment.get(attachment);
    if (entry) this.#set(entry, room.acked(entry.family, n));
  }

  /** The link broke on which this attachment was, or was about to be. */
  lost(attachment: string, link: string): void {
    const entry = this.#byAttachment.get(attachment);
    if (!entry) return;
    this.#set(entry, room.lost(entry.family, link, this.#ports.clock.monoMs()));
    this.#watch(entry);
  }

  /** Who left needs no place. */
  left(attachment: string): void {
    const entry = this.#byAttachment.get(attachment);
    if (entry) this.#drop([entry]);
  }

  /** An operator, or one of their keys, is out: at once, and for every host after this one. */
  revoked(operator: string, keyId?: string): void {
    this.#drop(
      [...this.#byAttachment.values()].filter(
        ({ owner }) => owner.operator === operator && (keyId === undefined || owner.keyId === keyId),
      ),
    );
  }

  // --- time ---

  #watch(entry: Entry): void {
    const at = room.nextWake(entry.family);
    if (at === null) return;
    this.#ports.wakeAt(at, () => {
      this.#set(entry, room.expire(entry.family, this.#ports.clock.monoMs()));
      if (entry.family.place.name !== "over") return this.#watch(entry);
      this.#forgetLater(entry);
    });
  }

  #forgetLater(entry: Entry): void {
    this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + REMEMBERED_MS), () => {
      if (entry.family.place.name === "over") this.#drop([entry]);
    });
  }

  /** False where all places are those of clients that are there. */
  #makeRoom(): boolean {
    if (this.#byAttachment.size < MAX_PLACES) return true;
    const idle = [...this.#byAttachment.values()].find(
      ({ family: { place } }) => place.name === "over" || place.name === "interrupted",
    );
    if (!idle) return false;
    this.#drop([idle]);
    return true;
  }

  // --- books ---

  #set(entry: Entry, family: room.Family): void {
    if (entry.family === family) return;
    entry.family = family;
    if (this.#byAttachment.get(entry.owner.attachment) === entry) void this.#save();
  }

  #drop(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    for (const { owner, handle } of entries) {
      this.#byAttachment.delete(owner.attachment);
      this.#byHandle.delete(handle);
    }
    void this.#save();
  }

  #giveWhenSaved(entry: Entry, secret: Uint8Array, give: (token: GivenToken) => void): void {
    const { handle, family } = entry;
    const token = { handle: bytes(handle), n: family.token.n, secret, graceMs: family.graceMs };
    // It may have been dropped meanwhile, or taken up by another link.
    const isLatest = (): boolean => this.#byHandle.get(handle) === entry && entry.family.token.n === token.n;
    void this.#save().then((isKept) => isKept && isLatest() && give(token));
  }

  /** What is changed while a write is under way goes with the next one. Resolves with whether this change is on the disk. */
  #save(): Promise<boolean> {
    if (!this.#store) return Promise.resolve(true);
    this.#next ??= this.#saveAfter(this.#saving);
    return this.#next;
  }

  async #saveAfter(before: Promise<boolean>): Promise<boolean> {
    await before;
    this.#saving = this.#next!;
    this.#next = null;
    try {
      await this.#store!.save(this.#stored());
      return true;
    } catch (fault) {
      this.#ports.log(`continuity tokens can't be kept: ${String(fault)}`);
      return false;
    }
  }

  #stored(): Stored[] {
    const { clock } = this.#ports;
    return [...this.#byAttachment.values()].map(({ owner, handle, family, issuedWallMs }) => {
      const { place } = family;
      const leftMs = place.name === "interrupted" ? place.endsAt - clock.monoMs() : family.graceMs;
      return {
        ...owner,
        handle,
        family,
        issuedWallMs,
        endsNs: String(clock.monoNs() + BigInt(Math.round(leftMs * 1e6))),
        endsWallMs: clock.wallMs() + leftMs,
        bootId: this.#bootId,
      };
    });
  }

  #load(): void {
    let all: readonly Stored[];
    try {
      all = (this.#store?.load() ?? []) as Stored[];
      for (const stored of all) this.#enter(stored);
    } catch (fault) {
      this.#ports.log(`the continuity tokens of earlier can't be read, who comes back attaches anew: ${String(fault)}`);
    }
  }

  /** The host before this one is gone, and every link with it. */
  #enter(stored: Stored): void {
    const { clock } = this.#ports;
    const { attachment, session, operator, keyId, handle, issuedWallMs } = stored;
    if (typeof handle !== "string" || typeof attachment !== "string") throw new Error("it holds no list of places");
    const { place, graceMs } = stored.family;
    // Of a link that stood to the end time begins now, unless the machine was away too.
    const isMeasured = place.name === "interrupted" || stored.bootId !== this.#bootId;
    const leftMs = isMeasured ? Math.min(graceMs, leftOf(stored, this.#bootId, clock)) : graceMs;
    const endsAt = MonotonicMs(clock.monoMs() + leftMs);
    const family: room.Family =
      place.name === "over" ? stored.family : { ...stored.family, place: { name: "interrupted", endsAt } };
    const entry: Entry = { owner: { attachment, session, operator, keyId }, handle, family, issuedWallMs };
    this.#byAttachment.set(attachment, entry);
    this.#byHandle.set(handle, entry);
    if (family.place.name === "over") this.#forgetLater(entry);
    else this.#watch(entry);
  }
}

/** K4. */
function leftOf({ bootId, endsNs, endsWallMs, issuedWallMs }: Stored, now: string, clock: Clock): number {
  if (bootId === now) return Math.max(0, Number(BigInt(endsNs) - clock.monoNs()) / 1e6);
  const wallMs = clock.wallMs();
  return wallMs < issuedWallMs ? 0 : Math.max(0, endsWallMs - wallMs);
}

function refusal(code: room.ContinuityRefusal, owner: PlaceOwner | null): HoldError {
  const details = owner ? { session: owner.session, attachment: owner.attachment } : {};
  const where = owner ? ` to session ${owner.session}` : "";
  const texts: Record<room.ContinuityRefusal, string> = {
    continuity_unknown: "this host keeps no place by that token; log in and attach anew",
    continuity_over: `the time in which attachment ${owner?.attachment}${where} could be taken up again is over; the session goes on: log in and attach anew`,
    continuity_busy: `attachment ${owner?.attachment}${where} is being taken up on another link; try again in a moment`,
    continuity_copied: `a used token of attachment ${owner?.attachment}${where} came back: somebody has a copy, and none of its tokens is good any more; log in and attach anew`,
  };
  return new HoldError(code, texts[code], details);
}

/** The store of a home's file. */
export function continuityFile(path: string): ContinuityStore {
  return {
    load: () => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : []),
    save: (all) => storeDurablyLater(path, all),
  };
}

function hashOf(secret: Uint8Array): string {
  return createHash("sha256").update(secret).digest("hex");
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function hex(data: Uint8Array): string {
  return Buffer.from(data).toString("hex");
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}
