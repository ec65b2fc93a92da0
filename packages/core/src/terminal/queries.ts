/**
 * Terminal queries in output: found, and taken out of what others are shown.
 *
 *   Q1  What `filter` returns is its input without the queries, byte for byte, however the stream was cut. Controls inside a query
 *       (C0 within a CSI) stay, because they act at once.
 *   Q2  A sequence is held back only while it may still become a query; nothing else waits.
 *   Q3  A CSI or a colour command above 16 KiB is taken out as if it were a query: it cannot be known not to be one.
 * One list for all: the model answers from it, replays and live views are stripped by it, and a sleeping model is woken by it.
 */
import { Lexer, type Sequence, type Sink } from "./lexer.ts";

const at = (c: string): number => c.charCodeAt(0);
const CSI_FINALS = table({ c: 1, n: 1, p: 1, q: 2, u: 1, t: 1, x: 1, S: 2, y: 1, w: 1, v: 1, "|": 1, R: 1, m: 2 });
/** DSR that reports: operating status and cursor. */
const STATUS = new Set([5, 6]);
/** XTWINOPS that report: state, position, sizes, icon and window title. */
const WINDOW = new Set([11, 13, 14, 15, 16, 18, 19, 20, 21]);
const DOLLAR = at("$");
const QUESTION = at("?");
/** Colours (4, 5, 10–19), kitty's colours and pointer shapes (21, 22), font (50), clipboard (52), allowed sets (60, 61), iTerm2's reports (1337). */
const OSC = new Set([4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 50, 52, 60, 61, 1337]);

function isCsiQuery(s: Sequence): boolean {
  const { prefix, intermediates: i } = s;
  switch (String.fromCharCode(s.final)) {
    case "c":
      return i === 0 && (prefix === 0 || prefix === at(">") || prefix === at("="));
    case "n":
      return i === 0 && (prefix === QUESTION || (prefix === 0 && STATUS.has(firstParam(s))));
    case "p":
      return i === DOLLAR && (prefix === 0 || prefix === QUESTION);
    case "q":
      return i === 0 && prefix === at(">");
    case "u":
      return (i === 0 && prefix === QUESTION) || i === DOLLAR || i === at("&");
    case "t":
      return i === 0 && prefix === 0 && WINDOW.has(firstParam(s));
    case "x":
      return i === 0 && prefix === 0;
    case "S":
      return i === 0 && prefix === QUESTION;
    case "m":
      return i === 0 && prefix === QUESTION;
    case "y":
      return i === at("*");
    case "w":
      return i === DOLLAR;
    case "v":
      return i === at('"');
    case "|":
      return i === at("'") || i === at("#");
    case "R":
      return i === at("#");
    default:
      return false;
  }
}

function isOscQuery(s: Sequence): boolean {
  if (s.command === 60 || s.command === 61) return true;
  if (s.command === 1337) return startsWith(s, "ReportCellSize") || startsWith(s, "ReportVariable");
  // A query is a field that is `?`, or begins with it (22), or a key that equals it (21).
  for (let i = s.bodyFrom; i < s.bodyTo; i++) {
    if (s.bytes[i] !== QUESTION) continue;
    const before = i === s.bodyFrom ? 0x3b : s.bytes[i - 1];
    const after = i + 1 === s.bodyTo ? 0x3b : s.bytes[i + 1];
    if ((before === 0x3b && (after === 0x3b || s.command === 22)) || (s.command === 21 && before === 0x3d)) return true;
  }
  return false;
}

function isQuery(s: Sequence): boolean {
  switch (s.kind) {
    case "csi":
      return isCsiQuery(s);
    case "osc":
      return isOscQuery(s);
    case "esc":
      return s.intermediates === 0 && s.final === at("Z");
    case "dcs":
    case "apc":
    case "enq":
      return true;
  }
}

const SINK: Omit<Sink, "sequence"> = {
  csiFinals: CSI_FINALS,
  wantsEnq: true,
  wantsOsc: (command) => OSC.has(command),
  // DECRQSS, XTGETTCAP, XTGETXRES.
  wantsDcs: (i, final) => (final === at("q") && (i === DOLLAR || i === at("+"))) || (final === at("Q") && i === at("+")),
  // A kitty graphics query; other graphics commands answer too, but losing them would lose the image.
  wantsApc: (bytes, from, to) => isGraphicsQuery(bytes, from + 1, to),
};

/** Takes queries out of a stream. One for a stream; carries its state from chunk to chunk. */
export class QueryFilter {
  private readonly lexer = new Lexer();
  private count = 0;
  private parts: Uint8Array[] = [];
  private readonly sink: Sink = {
    ...SINK,
    sequence: (s) => {
      const is = isQuery(s);
      if (is) this.count++;
      return is;
    },
    pass: (bytes, from, to) => {
      this.parts.push(bytes.subarray(from, to));
    },
  };

  /** Queries taken out so far. */
  get found(): number {
    return this.count;
  }
  /** Nothing is held back. */
  get isGround(): boolean {
    return this.lexer.isGround;
  }

  /** The chunk without queries: the chunk itself if it has none. Never longer than the chunk and what was held back. */
  filter(chunk: Uint8Array): Uint8Array {
    this.parts = [];
    this.lexer.push(chunk, this.sink);
    const { parts } = this;
    this.parts = [];
    if (parts.length === 0) return new Uint8Array(0);
    const [only] = parts;
    if (parts.length === 1 && only !== undefined)
      return only.buffer === chunk.buffer && only.length === chunk.length ? chunk : only;
    return joined(parts);
  }
}

/** Looks for queries without copying anything: for a session that no model watches, and to know where each query ends. */
export class QueryScanner {
  private readonly lexer = new Lexer();
  private found: number[] = [];
  private readonly sink: Sink = {
    ...SINK,
    sequence: (s) => {
      if (isQuery(s)) this.found.push(Math.max(0, s.to - this.lexer.heldBefore));
      return false;
    },
  };

  /** Nothing is half received. */
  get isGround(): boolean {
    return this.lexer.isGround;
  }

  /** Where, in this chunk, queries end: ascending offsets after the last byte of each. */
  ends(chunk: Uint8Array): readonly number[] {
    this.found = [];
    this.lexer.push(chunk, this.sink);
    return this.found;
  }
}

/** Whether a query ends in this chunk: then a model must be there to answer it. */
export function mayContainQuery(chunk: Uint8Array, state: QueryScanner): boolean {
  return state.ends(chunk).length > 0;
}

function firstParam(s: Sequence): number {
  let value = 0;
  for (let i = s.bodyFrom; i < s.bodyTo; i++) {
    const c = s.bytes[i] as number;
    if (c < 0x20) continue;
    if (c < 0x30 || c > 0x39) break;
    value = value > 99_999 ? value : value * 10 + c - 0x30;
  }
  return value;
}

function startsWith(s: Sequence, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (s.bytes[s.bodyFrom + i] !== text.charCodeAt(i)) return false;
  return s.bodyTo - s.bodyFrom >= text.length;
}

function isGraphicsQuery(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i + 2 < to; i++) {
    if (bytes[i] === at("a") && bytes[i + 1] === at("=") && bytes[i + 2] === at("q") && (i === from || bytes[i - 1] === at(",")))
      return true;
  }
  return false;
}

function table(of: Readonly<Record<string, number>>): Uint8Array {
  const t = new Uint8Array(128);
  for (const [c, v] of Object.entries(of)) t[at(c)] = v;
  return t;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let i = 0;
  for (const p of parts) {
    out.set(p, i);
    i += p.length;
  }
  return out;
}
