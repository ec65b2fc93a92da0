/**
 * Marks: what an integrated shell says about itself inside its own output, one OSC string each, that terminals ignore:
 *
 *     ESC ] 633 ; hold ; KIND ; NONCE ; COUNT [; FIELD]… BEL          docs/shell-integration.md
 *
 *   S1  A mark counts only with the session's nonce and a count above the last one that counted. Everything else is output:
 *       a recording, another session's marks, this session's own marks printed once more.
 *   S2  What is found does not depend on where the stream was cut into chunks.
 *   S3  No byte is held back or changed: the scanner reads along. It remembers at most {@link maxMarkBytes}.
 *
 * A mark holds no control byte but its first and its last, so the search is for BEL, which floods hardly contain,
 * and backward from there to the nearest control byte: colours cost nothing.
 * Elsewhere: what marks mean together (command.ts), which bytes a command printed (run.ts).
 */

import { Offset } from "../id.ts";

/** The longest mark, bytes. Shells cut the command's text at 4,096 characters, each at most 4 bytes or one `\xHH`. */
export const maxMarkBytes = 24_576;

/** Where a mark lies in the output stream: its first byte, and the byte after its last. */
interface MarkPlace {
  readonly startOffset: Offset;
  readonly endOffset: Offset;
  readonly count: number;
}

export type Mark = MarkPlace &
  /** The shell is about to draw its prompt. `exit`: the last command's status, null if the shell did not tell. */
  (
    | { readonly kind: "prompt"; readonly exit: number | null }
    /** The line editor reads. `historyNumber`: what the next command gets in the history; null where the shell has no use for it. */
    | { readonly kind: "ready"; readonly bracketedPaste: boolean; readonly historyNumber: number | null }
    /** A command line was accepted; what follows is its output. `historyNumber`: that of `text`, so that a stale text can be told. */
    | { readonly kind: "start"; readonly historyNumber: number | null; readonly text: string }
    | { readonly kind: "end"; readonly exit: number | null }
    /** The line was accepted and is not complete: an open quote, a here-document, a `do` without `done`. */
    | { readonly kind: "continuation" }
    /** fish alone, asked by the key that `hold run` sends before the Enter: would it run? */
    | { readonly kind: "validity"; readonly validity: "complete" | "invalid" | "incomplete" }
    | { readonly kind: "cwd"; readonly cwd: string }
  );

const esc = 0x1b;
const bel = 0x07;
const prefix = "]633;hold;";
const prefixBytes = Uint8Array.from(prefix, (c) => c.charCodeAt(0));

/** Whether a string may serve as a nonce: unguessable is the caller's business, harmless in a mark is ours. */
export function isNonce(nonce: string): boolean {
  return /^[0-9A-Za-z]{16,64}$/.test(nonce);
}

export class MarkScanner {
  readonly #nonce: string;
  #lastCount: number;
  /** An unfinished mark at the end of the last chunk, from its ESC on. */
  readonly #held = new Uint8Array(maxMarkBytes);
  #heldBytes = 0;

  /** `lastCount` and `held`: as the scanner before had them, where a scan goes on after a restart of the host. */
  constructor(nonce: string, lastCount = 0, held: Uint8Array = new Uint8Array(0)) {
    this.#nonce = nonce;
    this.#lastCount = lastCount;
    this.#held.set(held);
    this.#heldBytes = held.length;
  }

  /** What may be the beginning of a mark whose rest has not come. */
  get held(): Uint8Array {
    return this.#held.slice(0, this.#heldBytes);
  }

  get lastCount(): number {
    return this.#lastCount;
  }

  /** Reads the next chunk; `offset` is that of its first byte. Chunks come in order and without gaps; after a gap, {@link skip} first. */
  push(offset: Offset, chunk: Uint8Array): readonly Mark[] {
    let found: Mark[] | undefined;
    const keep = (mark: Mark | null) => {
      if (mark) (found ??= []).push(mark);
    };
    let at = 0;
    if (this.#heldBytes > 0) {
      at = this.#finishHeld(offset, chunk, keep);
      if (at < 0) return [];
    }
    for (let end = chunk.indexOf(bel, at); end >= 0; end = chunk.indexOf(bel, at)) {
      const start = controlBefore(chunk, end, at);
      if (start >= 0 && chunk[start] === esc) keep(this.#read(chunk.subarray(start, end), Offset(offset + start)));
      at = end + 1;
    }
    this.#hold(chunk, at);
    return found ?? [];
  }

  /** Bytes are missing (retention, a gap): what was half read is dropped. */
  skip(): void {
    this.#heldBytes = 0;
  }

  /** Completes the held mark with the chunk's head. The position to go on from, or -1 when the whole chunk was taken. */
  #finishHeld(offset: Offset, chunk: Uint8Array, keep: (mark: Mark | null) => void): number {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (byte >= 0x20 && this.#heldBytes < maxMarkBytes) {
        this.#held[this.#heldBytes++] = byte;
        continue;
      }
      const length = this.#heldBytes;
      this.#heldBytes = 0;
      if (byte !== bel || length >= maxMarkBytes) return i;
      keep(this.#read(this.#held.subarray(0, length), Offset(offset + i - length)));
      return i + 1;
    }
    return -1;
  }

  /** Holds the chunk's tail if a mark may have begun in it. */
  #hold(chunk: Uint8Array, from: number): void {
    const start = controlBefore(chunk, chunk.length, from);
    if (start < 0 || chunk[start] !== esc || !couldBegin(chunk, start + 1)) return;
    this.#held.set(chunk.subarray(start));
    this.#heldBytes = chunk.length - start;
  }

  /** `bytes`: from the ESC up to, not with, the BEL. */
  #read(bytes: Uint8Array, startOffset: Offset): Mark | null {
    if (bytes.length < prefixBytes.length + 1 || !couldBegin(bytes, 1)) return null;
    const body = decodeUtf8(bytes.subarray(prefixBytes.length + 1));
    const [kind = "", nonce = "", digits = "", rest = ""] = splitFields(body, 4);
    if (nonce !== this.#nonce || !/^[0-9]{1,15}$/.test(digits)) return null;
    const count = Number(digits);
    if (count <= this.#lastCount) return null;
    const meaning = readMeaning(kind, rest);
    if (!meaning) return null;
    this.#lastCount = count;
    return { ...meaning, count, startOffset, endOffset: Offset(startOffset + bytes.length + 1) };
  }
}

/** The last control byte in [floor, end), at most {@link maxMarkBytes} back; -1 if there is none. */
function controlBefore(chunk: Uint8Array, end: number, floor: number): number {
  const stop = Math.max(floor, end - maxMarkBytes + 1);
  for (let i = end - 1; i >= stop; i--) if ((chunk[i] as number) < 0x20) return i;
  return -1;
}

/** Whether the bytes at `at` agree with the prefix as far as both go. */
function couldBegin(bytes: Uint8Array, at: number): boolean {
  const length = Math.min(prefixBytes.length, bytes.length - at);
  for (let i = 0; i < length; i++) if (bytes[at + i] !== prefixBytes[i]) return false;
  return true;
}

type Meaning = Mark extends infer M ? (M extends Mark ? Omit<M, keyof MarkPlace> : never) : never;

function readMeaning(kind: string, rest: string): Meaning | null {
  switch (kind) {
    case "A":
      return { kind: "prompt", exit: readExit(rest) };
    case "B": {
      const [paste, number] = splitFields(rest, 2);
      return { kind: "ready", bracketedPaste: paste === "1", historyNumber: readNumber(number) };
    }
    case "C": {
      const [number, text = ""] = splitFields(rest, 2);
      return { kind: "start", historyNumber: readNumber(number), text: unescapeField(text) };
    }
    case "D":
      return { kind: "end", exit: readExit(rest) };
    case "F":
      return { kind: "continuation" };
    case "V": {
      const validity = ({ 0: "complete", 1: "invalid", 2: "incomplete" } as const)[rest];
      return validity ? { kind: "validity", validity } : null;
    }
    case "P":
      return rest.startsWith("Cwd=") ? { kind: "cwd", cwd: unescapeField(rest.slice(4)) } : null;
    default:
      return null;
  }
}

/** Exactly 0 to 255; anything else is not known, and never taken for 0. */
function readExit(field: string): number | null {
  const exit = readNumber(field);
  return exit !== null && exit <= 255 ? exit : null;
}

function readNumber(field: string | undefined): number | null {
  return field !== undefined && /^[0-9]{1,15}$/.test(field) ? Number(field) : null;
}

/** At most `count` fields; the last keeps its semicolons. */
function splitFields(text: string, count: number): string[] {
  const fields: string[] = [];
  let from = 0;
  while (fields.length < count - 1) {
    const to = text.indexOf(";", from);
    if (to < 0) break;
    fields.push(text.slice(from, to));
    from = to + 1;
  }
  fields.push(text.slice(from));
  return fields;
}

/** Shells write control characters and the backslash as `\xHH`. */
function unescapeField(field: string): string {
  return field.replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** UTF-8 with U+FFFD for what is not; core has no TextDecoder. */
function decodeUtf8(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i] as number;
    const extra =
      lead < 0x80 ? 0 : lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : -1;
    let point = extra < 0 ? -1 : extra === 0 ? lead : lead & (0x3f >> extra);
    for (let k = 1; k <= extra; k++) {
      const next = bytes[i + k];
      if (next === undefined || (next & 0xc0) !== 0x80) {
        point = -1;
        break;
      }
      point = (point << 6) | (next & 0x3f);
    }
    const valid =
      point >= 0 &&
      !(point >= 0xd800 && point < 0xe000) &&
      point < 0x110000 &&
      !(extra === 2 && point < 0x800) &&
      !(extra === 3 && point < 0x10000);
    text += valid ? String.fromCodePoint(point) : "\ufffd";
    i += valid ? extra + 1 : 1;
  }
  return text;
}

/**
 * The bytes without the marks of this nonce, whatever their count: for showing a stretch of raw output.
 * What `hold run` prints needs none of this: its segments (run.ts) begin after a mark and end before the next.
 */
export function stripMarks(bytes: Uint8Array, nonce: string): Uint8Array {
  const kept = new Uint8Array(bytes.length);
  let length = 0;
  let from = 0;
  for (let end = bytes.indexOf(bel); end >= 0; end = bytes.indexOf(bel, end + 1)) {
    const start = controlBefore(bytes, end, from);
    if (start < 0 || bytes[start] !== esc || !couldBegin(bytes, start + 1)) continue;
    const fields = splitFields(decodeUtf8(bytes.subarray(start + 1 + prefixBytes.length, end)), 4);
    if (fields[1] !== nonce) continue;
    kept.set(bytes.subarray(from, start), length);
    length += start - from;
    from = end + 1;
  }
  if (from === 0) return bytes;
  kept.set(bytes.subarray(from), length);
  return kept.subarray(0, length + bytes.length - from);
}
