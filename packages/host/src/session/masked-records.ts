/**
 * Records on their way to an AI: in their order, the bytes of output and input with secrets masked, and none of them before that is
 * decided (core/secret).
 *
 *   A1  A record is given whole or not yet; those after it wait with it. At most 8 KiB of each stream do.
 *   A2  It begins with what stood before its first record, so that a secret which was cut there is known by its end.
 *   A3  A stream's end decides. Where nothing comes for {@link QUIET_MS}, whoever has this asks for the rest: an AI is to see a prompt
 *       that happens to end like the beginning of a secret.
 */
import { secret } from "@holdfast/core";
import type { ReadItem } from "./book.ts";
import { kinds } from "./record.ts";
import type { Secrets } from "./secrets.ts";

/** Longer than the parts of one line take, printed at once; too short to be waited for. */
export const QUIET_MS = 100;
/** What stood before the first record: no form of a secret that is longer is known (core/secret). */
export const BEFORE_BYTES = 8 * 1024;
const BEFORE_RECORDS = 4_096;
const FIRST_RECORDS = 16;
/** Inputs, as a stream beside those of output. */
const INPUTS = 3;
const NOTHING = new Uint8Array(0);

export interface MaskedRecord {
  readonly item: ReadItem;
  /** As an AI is shown it. */
  readonly bytes: Uint8Array;
  /** How many of them are stars of ours. */
  readonly masked: number;
}

interface Waiting {
  readonly item: ReadItem;
  readonly raw: Uint8Array;
  readonly bytes: Uint8Array;
  filled: number;
}

type ReadRange = (from: number, to: number) => readonly ReadItem[];

export class MaskedRecords {
  readonly matcher: secret.Matcher;
  readonly #masks = new Map<number, secret.Mask>();
  /** In the order of their seq; and those of each stream that wait for bytes of it. */
  #waiting: Waiting[] = [];
  readonly #unfilled = new Map<number, Waiting[]>();

  constructor(matcher: secret.Matcher) {
    this.matcher = matcher;
  }

  /** Standing before `seq` (A2). Null: there is nothing to mask. */
  static before(seq: number, secrets: Secrets, readRange: ReadRange): MaskedRecords | null {
    const { matcher } = secrets;
    if (!matcher) return null;
    const records = new MaskedRecords(matcher);
    const first = Math.max(1, seq - BEFORE_RECORDS);
    let before: ReadItem[] = [];
    let bytes = 0;
    for (let to = seq - 1, most = FIRST_RECORDS; to >= first && bytes < BEFORE_BYTES; most *= 4) {
      const from = Math.max(first, to - most + 1);
      const found = readRange(from, to).filter((item) => streamOf(item) !== null);
      for (const item of found) if (!("gap" in item)) bytes += item.entry.payloadBytes;
      before = [...found, ...before];
      to = from - 1;
    }
    for (const item of before) records.take(item);
    records.rest();
    return records;
  }

  get isHolding(): boolean {
    return this.#waiting.length > 0;
  }

  /** The next record. `payload`: where it is not the entry's own. Gives those that are decided, this one perhaps among them. */
  take(item: ReadItem, payload = "gap" in item ? NOTHING : item.entry.payload): MaskedRecord[] {
    const stream = streamOf(item);
    if (stream === null || "gap" in item) {
      this.#waiting.push({ item, raw: NOTHING, bytes: NOTHING, filled: 0 });
      if (endsStreams(item)) this.#settle();
      return this.#given();
    }
    if (payload.length < item.entry.payloadBytes) {
      // Redacted or lost: what stood there is no beginning of what follows.
      this.#fill(stream, this.#maskOf(stream).rest());
      this.#masks.delete(stream);
    }
    const waiting = { item, raw: payload.slice(), bytes: new Uint8Array(payload.length), filled: 0 };
    this.#waiting.push(waiting);
    const unfilled = this.#unfilled.get(stream) ?? [];
    this.#unfilled.set(stream, unfilled);
    unfilled.push(waiting);
    this.#fill(stream, this.#maskOf(stream).take(payload));
    return this.#given();
  }

  /** What waits, now (core/secret K4). */
  rest(): MaskedRecord[] {
    this.#settle();
    return this.#given();
  }

  /** What has come of a secret that is being printed to the terminal. */
  get begun(): Uint8Array | null {
    return this.#masks.get(0)?.begun ?? null;
  }

  #settle(): void {
    for (const [stream, mask] of this.#masks) this.#fill(stream, mask.rest());
  }

  #maskOf(stream: number): secret.Mask {
    const mask = this.#masks.get(stream) ?? new secret.Mask(this.matcher);
    this.#masks.set(stream, mask);
    return mask;
  }

  #fill(stream: number, decided: Uint8Array): void {
    const unfilled = this.#unfilled.get(stream) ?? [];
    let used = 0;
    let done = 0;
    for (const waiting of unfilled) {
      const part = decided.subarray(used, used + waiting.bytes.length - waiting.filled);
      waiting.bytes.set(part, waiting.filled);
      waiting.filled += part.length;
      used += part.length;
      if (waiting.filled < waiting.bytes.length) break;
      done++;
    }
    unfilled.splice(0, done);
  }

  #given(): MaskedRecord[] {
    let count = 0;
    while (count < this.#waiting.length && this.#waiting[count]!.filled === this.#waiting[count]!.bytes.length) count++;
    return this.#waiting.splice(0, count).map(({ item, raw, bytes }) => ({ item, bytes, masked: differences(raw, bytes) }));
  }
}

/** Null: it has no bytes that could be secret. */
function streamOf(item: ReadItem): number | null {
  if ("gap" in item || item.entry.payloadBytes === 0) return null;
  if (item.entry.kind === kinds.output) return item.entry.stream;
  return item.entry.kind === kinds.input ? INPUTS : null;
}

function endsStreams(item: ReadItem): boolean {
  return "gap" in item || item.entry.kind === kinds.closed || item.entry.kind === kinds.ended;
}

/** The screen as of `seq`, drawn or as text, where a secret that is half printed is masked too. */
export function maskedScreen(bytes: Uint8Array, seq: number, secrets: Secrets, readRange: ReadRange): Uint8Array {
  const records = MaskedRecords.before(seq + 1, secrets, readRange);
  if (!records) return bytes;
  const masked = secret.maskWhole(records.matcher, bytes);
  const { begun } = records;
  return begun ? secret.maskWhole(new secret.Matcher([begun]), masked) : masked;
}

export function differences(a: Uint8Array, b: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
}
