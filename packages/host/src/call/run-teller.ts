/**
 * What of a run's output its caller is told: without a fish shell's own noise, no more than was asked for, and to an AI no secret.
 *
 *   T1  A part says where its output ends, and how much before that was left out.
 *   T2  To an AI, each byte is told by the secrets that are known when it is told. A part ends before what may be the beginning of
 *       one, and who asks again from there is told by a mask that has seen what stood before: a secret that was cut there is masked to its end.
 *   T3  What waits here and is erased meanwhile is left out.
 * Elsewhere: which bytes are a run's (run-follower.ts), which forms of a secret are looked for (core/secret).
 */
import { command, secret } from "@holdfast/core";
import { create, type RunAnswer, RunAnswerSchema } from "@holdfast/protocol";
import { BEFORE_BYTES, differences } from "../session/masked-records.ts";
import { OUTPUT_KIND } from "../session/record.ts";
import type { LiveSession } from "../session/session.ts";

const READ_BYTES = 256 * 1024;
const NOTHING = new Uint8Array(0);

/** Output that stands in one piece, as it was printed. */
interface Piece {
  readonly raw: Uint8Array;
  /** Offset of its end. */
  readonly to: number;
  /** The records that it is of. */
  readonly seqs: readonly number[];
  /** What was left out before it. */
  readonly omitted: number;
}

export interface RunListener {
  readonly isAi: boolean;
  readonly maxBytes: number;
  /** What they have from an earlier link. */
  readonly sentBytes: number;
  /** Begins with what fish prints before a command's own output. */
  readonly hasNoise: boolean;
  readonly part: (part: RunAnswer) => void;
}

export class RunTeller {
  readonly #session: LiveSession;
  readonly #of: RunListener;
  #sentBytes: number;
  /** The first bytes of a fish command, until its own noise is told from them. */
  #head: Piece | null;
  #mask: secret.Mask | null = null;
  #matcher: secret.Matcher | null = null;
  /** T2: taken by the mask and not given yet. */
  #held: Piece[] = [];
  /** Where what was taken ends. */
  #end = 0;
  #omitted = 0;
  #masked = 0;

  constructor(session: LiveSession, of: RunListener) {
    this.#session = session;
    this.#of = of;
    this.#sentBytes = of.sentBytes;
    this.#head = of.hasNoise ? { raw: NOTHING, to: 0, seqs: [], omitted: 0 } : null;
  }

  /** In all, of what the caller was not told. */
  get omitted(): number {
    return this.#omitted;
  }

  /** In all, of what they were told. */
  get masked(): number {
    return this.#masked;
  }

  /** There is no more of these: what stood before is no beginning of what follows. */
  lose(bytes: number): void {
    if (bytes === 0) return;
    if (this.#mask && this.#matcher) {
      this.#give(this.#mask.rest());
      this.#mask = new secret.Mask(this.#matcher);
    }
    this.#omitted += bytes;
  }

  /** The next output, of the record `seq`, up to the offset `to`. */
  take(raw: Uint8Array, to: number, seq: number): void {
    this.#followSecrets(this.#head?.raw.length ? startOf(this.#head) : to - raw.length);
    this.#end = to;
    const piece = { raw: raw.slice(), to, seqs: [seq], omitted: this.#omitted };
    if (this.#head) this.#takeHead(piece, false);
    else this.#pass(piece);
  }

  /** Nothing more comes. */
  finish(): void {
    const waiting = this.#head ?? this.#held[0];
    if (waiting && waiting.raw.length > 0) this.#followSecrets(startOf(waiting));
    if (this.#head) this.#takeHead({ raw: NOTHING, to: this.#head.to, seqs: [], omitted: this.#omitted }, true);
    if (this.#mask) this.#give(this.#mask.rest());
  }

  /** T3: something of the session was erased. */
  erased(): void {
    const waiting = this.#head ? [this.#head] : this.#held;
    if (!waiting.some((piece) => this.#isGone(piece))) return;
    const kept: Piece[] = [];
    let gone = 0;
    for (const piece of waiting)
      if (this.#isGone(piece)) gone += piece.raw.length;
      else kept.push({ ...piece, omitted: piece.omitted + gone });
    this.#omitted += gone;
    this.#head = null;
    this.#held = kept;
    this.#maskAgain(this.#end);
  }

  #isGone({ seqs }: Piece): boolean {
    return seqs.some((seq) => {
      const [item] = this.#session.read(seq - 1, 1);
      return !item || "gap" in item || item.entry.payload.length < item.entry.payloadBytes;
    });
  }

  #takeHead({ raw, to, seqs, omitted }: Piece, isAll: boolean): void {
    const head = this.#head!;
    const whole = { raw: Buffer.concat([head.raw, raw]), to, seqs: [...head.seqs, ...seqs], omitted };
    const noise = command.titleNoise(whole.raw, isAll);
    this.#head = noise === null ? whole : null;
    if (noise !== null) this.#pass({ ...whole, raw: whole.raw.subarray(noise) });
  }

  #pass(piece: Piece): void {
    if (piece.raw.length === 0) return;
    if (!this.#mask) return this.#show(piece, piece.raw);
    this.#held.push(piece);
    this.#give(this.#mask.take(piece.raw));
  }

  /** The next bytes of those that are held, masked. */
  #give(masked: Uint8Array): void {
    for (let at = 0; at < masked.length; ) {
      const held = this.#held.shift()!;
      const raw = held.raw.subarray(0, masked.length - at);
      const rest = held.raw.subarray(raw.length);
      if (rest.length > 0) this.#held.unshift({ ...held, raw: rest });
      this.#show({ ...held, raw, to: held.to - rest.length }, masked.subarray(at, at + raw.length));
      at += raw.length;
    }
  }

  /** T1. `bytes`: as the caller is shown them. */
  #show({ raw, to, omitted }: Piece, bytes: Uint8Array): void {
    const shown = bytes.subarray(0, Math.max(0, this.#of.maxBytes - this.#sentBytes));
    const left = bytes.length - shown.length;
    this.#omitted += left;
    this.#sentBytes += shown.length;
    if (shown.length === 0) return;
    const masked = bytes === raw ? 0 : differences(raw.subarray(0, shown.length), shown);
    this.#masked += masked;
    this.#of.part(
      create(RunAnswerSchema, {
        state: "output",
        output: shown.slice(),
        toOffset: BigInt(to - left),
        omittedBytes: BigInt(omitted),
        maskedBytes: BigInt(masked),
      }),
    );
  }

  // --- secrets (T2) ---

  /** `next`: where the output begins that is to be taken. */
  #followSecrets(next: number): void {
    if (this.#of.isAi && this.#session.secrets.matcher !== this.#matcher) this.#maskAgain(next);
  }

  /** By the secrets of now, what waits and what comes. */
  #maskAgain(next: number): void {
    this.#matcher = this.#of.isAi ? this.#session.secrets.matcher : null;
    this.#mask = this.#matcher && new secret.Mask(this.#matcher);
    const held = this.#held;
    this.#held = [];
    const [first] = held;
    if (this.#mask) this.#lookBack(this.#mask, first ? startOf(first) : next);
    for (const piece of held) this.#pass(piece);
  }

  /** What stood before `offset`. */
  #lookBack(mask: secret.Mask, offset: number): void {
    const from = this.#session.seqBefore(Math.max(0, this.#session.facts.ends[0] - offset) + BEFORE_BYTES);
    for (const item of this.#session.read(from, READ_BYTES))
      if (!("gap" in item) && item.entry.kind === OUTPUT_KIND && item.entry.stream === 0 && item.entry.offset < offset)
        mask.take(item.entry.payload.subarray(0, offset - item.entry.offset));
    mask.rest();
  }
}

function startOf({ raw, to }: Piece): number {
  return to - raw.length;
}
