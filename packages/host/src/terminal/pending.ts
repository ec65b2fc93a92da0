/**
 * The bytes that a parser has taken and not yet acted on: the part received of an escape sequence.
 *
 *   N1  Writing `bytes` to a parser in ground state puts it where this one is: nothing in them is acted on twice.
 *   N2  Bounded: beyond {@link MAX_STRING_BYTES} a string is cancelled in the model, and the pending bytes become an opener that
 *       swallows the rest of it; beyond {@link MAX_HEADER_BYTES} a header is told from the parser's own parameters.
 * The last introducer decides: ESC and the C1 introducers leave any state, so what came before them is done.
 * Elsewhere: half a UTF-8 character, which the parser never gets to see (utf8.ts).
 */
import { type Parser, ParserState } from "./xterm-internals.ts";

/** A string longer than this is not acted on at all (guards.ts refuses at 64 KiB what it could do), so cutting it changes nothing. */
export const MAX_STRING_BYTES = 1 << 20;
/** No real control sequence comes near; xterm keeps 32 parameters whatever their length. */
export const MAX_HEADER_BYTES = 4096;

const ESC = 0x1b;
const C1_LEAD = 0xc2;
const C1_INTRODUCERS: ReadonlySet<number> = new Set([0x90, 0x98, 0x9b, 0x9d, 0x9e, 0x9f]);
/** Swallows until ST, like the string that it stands for; OSC also ends at BEL, so its stand-in is an OSC that nobody handles. */
const SWALLOW = { osc: "\x1b]65535;", other: "\x1bX" };

export class PendingBytes {
  private parts: Uint8Array[] = [];
  private size = 0;
  /** Set while the string in hand was cancelled for its length. */
  private swallowing: "osc" | "other" | undefined;

  /** After the parser took `chunk`. Returns bytes to feed to it at once (a string has grown too long), or nothing. */
  took(chunk: Uint8Array, parser: Parser): Uint8Array | undefined {
    const state = parser.currentState;
    if (state === ParserState.ground) {
      if (!this.isEmpty) this.clear();
      return undefined;
    }
    const from = lastIntroducer(chunk);
    if (from !== undefined) this.clear();
    else if (this.swallowing !== undefined) return undefined;
    this.append(Uint8Array.prototype.slice.call(chunk, from));
    if (this.size <= MAX_HEADER_BYTES) return undefined;
    if (isHeader(state)) {
      // The parser's parameters tell it from here on.
      this.parts = [];
      this.size = MAX_HEADER_BYTES + 1;
      return undefined;
    }
    if (this.size <= MAX_STRING_BYTES) return undefined;
    this.swallowing = state === ParserState.osc ? "osc" : "other";
    this.parts = [];
    this.size = 0;
    return new TextEncoder().encode(`\x18${SWALLOW[this.swallowing]}`);
  }

  /** True when nothing is half received. */
  get isEmpty(): boolean {
    return this.size === 0 && this.swallowing === undefined;
  }

  bytes(parser: Parser): Uint8Array {
    if (this.swallowing !== undefined) return ascii(SWALLOW[this.swallowing]);
    if (this.size === 0) return new Uint8Array(0);
    if (!isHeader(parser.currentState)) return this.concat();
    return this.size > MAX_HEADER_BYTES
      ? canonicalHeader(parser)
      : this.concat().filter((b) => (b >= 0x20 && b !== 0x7f) || b === ESC);
  }

  private append(part: Uint8Array): void {
    if (part.length === 0) return;
    this.parts.push(part);
    this.size += part.length;
    if (this.parts.length > 64) this.parts = [this.concat()];
  }

  private clear(): void {
    this.parts = [];
    this.size = 0;
    this.swallowing = undefined;
  }
  private concat(): Uint8Array {
    return this.parts.length === 1 ? (this.parts[0] as Uint8Array) : join(this.parts);
  }
}

function lastIntroducer(chunk: Uint8Array): number | undefined {
  const esc = chunk.lastIndexOf(ESC);
  for (let i = chunk.length - 2; i > esc; i--) if (chunk[i] === C1_LEAD && C1_INTRODUCERS.has(chunk[i + 1] ?? 0)) return i;
  return esc >= 0 ? esc : undefined;
}

function isHeader(state: number): boolean {
  return (
    state !== ParserState.osc &&
    state !== ParserState.sosPmApc &&
    state !== ParserState.dcsPassthrough &&
    state !== ParserState.dcsIgnore
  );
}

/** The shortest bytes that leave a parser with the same parameters. */
function canonicalHeader(parser: Parser): Uint8Array {
  const state = parser.currentState;
  const isDcs = state >= ParserState.dcsEntry;
  if (state === ParserState.escape) return Uint8Array.of(ESC);
  const collected: string[] = [];
  for (let c = parser._collect; c !== 0; c >>>= 8) collected.unshift(String.fromCharCode(c & 0xff));
  if (state === ParserState.escapeIntermediate) return ascii(`\x1b${collected.join("")}`);
  const prefix = collected.length > 0 && (collected[0] as string) >= "<" ? (collected.shift() ?? "") : "";
  const params = parser._params
    .toArray()
    .reduce<string>(
      (text, p, i) => text + (Array.isArray(p) ? p.map((s) => (s < 0 ? ":" : `:${s}`)).join("") : `${i > 0 ? ";" : ""}${p}`),
      "",
    );
  const more = parser._params._rejectDigits ? ";" : "";
  const ignored = state === ParserState.csiIgnore ? "0<" : "";
  return ascii(`\x1b${isDcs ? "P" : "["}${prefix}${params}${more}${collected.join("")}${ignored}`);
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
