/**
 * Escape sequences found in a byte stream, however it is cut, at the speed of looking for ESC.
 *
 *   L1  Every byte is either passed, in order, or belongs to a sequence that the sink took out; concatenated, what is passed is the
 *       input less what was taken.
 *   L2  State is bounded: at most {@link MAX_HELD} bytes of an undecided sequence are held back; a longer one that is wanted is taken out.
 *   L3  Text is never decoded: UTF-8 passes as it is, and its C1 forms (`C2 80` to `C2 9F`) count as the controls that they are.
 * Follows the VT500 parser as xterm.js has it: ESC ends any string, CAN and SUB abort, C0 within a CSI acts at once.
 * Elsewhere: which sequences matter (queries.ts, mode-tracker.ts).
 */

/** Longer than any query or mode change that is meant; OSC 4 with all 256 colours in one sequence takes 7 KiB. */
export const MAX_HELD = 16_384;

export type SequenceKind = "csi" | "esc" | "osc" | "dcs" | "apc" | "enq";

/** A sequence in `bytes`, from its introducer at `from` to before `to`. Valid during the call only. */
export interface Sequence {
  kind: SequenceKind;
  bytes: Uint8Array;
  from: number;
  to: number;
  /** CSI: `<`, `=`, `>` or `?`, else 0. */
  prefix: number;
  /** CSI, ESC and DCS: intermediate bytes, first one highest, else 0. */
  intermediates: number;
  final: number;
  /** OSC: its number, -1 if none. */
  command: number;
  /** Where parameters (CSI) or text (OSC, DCS, APC) stand. */
  bodyFrom: number;
  bodyTo: number;
}

export interface Sink {
  /** By final byte of a CSI: 0 never told, 1 told, 2 told if it has a prefix. */
  readonly csiFinals: Uint8Array;
  /** ENQ is told too. */
  readonly wantsEnq: boolean;
  wantsOsc(command: number): boolean;
  wantsDcs(intermediates: number, final: number): boolean;
  wantsApc(bytes: Uint8Array, from: number, to: number): boolean;
  /** True takes the sequence out of what is passed. */
  sequence(s: Sequence): boolean;
  /** Bytes that stay. `bytes` may be reused after the call. */
  pass?(bytes: Uint8Array, from: number, to: number): void;
}

const ESC = 0x1b;
const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;
const ENQ = 0x05;
const LEAD = 0xc2;
type Skip = "none" | "pass" | "drop" | "dropCsi";

/** Results of looking at one sequence: where it ended, or one of these. */
const INCOMPLETE = -1;
/** The chunk is used up inside a string, and what must be held is. */
const USED = -2;

export class Lexer {
  private held: Uint8Array = new Uint8Array(0);
  /** Inside a string that nobody holds, or a CSI that grew too long. */
  private skip: Skip = "none";
  private skipEndsAtBel = false;
  /** Bytes of the chunk in hand that were held from before: positions in it are this much ahead of the caller's. */
  heldBefore = 0;
  private readonly s: Sequence = {
    kind: "csi",
    bytes: this.held,
    from: 0,
    to: 0,
    prefix: 0,
    intermediates: 0,
    final: 0,
    command: -1,
    bodyFrom: 0,
    bodyTo: 0,
  };
  private kept = 0;

  /** True when the stream so far ends outside any sequence. */
  get isGround(): boolean {
    return this.held.length === 0 && this.skip === "none";
  }

  push(chunk: Uint8Array, sink: Sink): void {
    let bytes = chunk;
    this.heldBefore = this.held.length;
    if (this.heldBefore > 0) {
      bytes = new Uint8Array(this.held.length + chunk.length);
      bytes.set(this.held);
      bytes.set(chunk, this.held.length);
      this.held = EMPTY;
    }
    this.kept = 0;
    let i = this.skip === "none" ? 0 : this.skipString(bytes, 0, sink);
    if (i === USED) return;
    while (i < bytes.length) {
      i = nextControl(bytes, i, sink.wantsEnq);
      if (i >= bytes.length) break;
      const end = this.sequenceAt(bytes, i, sink);
      if (end === USED) return;
      if (end === INCOMPLETE) {
        this.hold(bytes, i, sink);
        return;
      }
      i = end;
    }
    this.passTo(bytes, bytes.length, sink);
  }

  private passTo(bytes: Uint8Array, to: number, sink: Sink): void {
    if (to > this.kept) sink.pass?.(bytes, this.kept, to);
    this.kept = to;
  }

  private hold(bytes: Uint8Array, from: number, sink: Sink): void {
    this.passTo(bytes, from, sink);
    if (bytes.length - from <= MAX_HELD) {
      this.held = copyFrom(bytes, from);
      return;
    }
    const second = bytes[from] === LEAD ? (bytes[from + 1] ?? 0) - 0x40 : bytes[from + 1];
    if (second !== 0x5b && second !== 0x5d && second !== 0x50) {
      this.passTo(bytes, bytes.length, sink);
      return;
    }
    this.skip = second === 0x5b ? "dropCsi" : "drop";
    this.skipEndsAtBel = second === 0x5d;
  }

  /** Looks at the control at `i`. Returns where to go on, or INCOMPLETE. */
  private sequenceAt(bytes: Uint8Array, i: number, sink: Sink): number {
    let kind = bytes[i] as number;
    let at = i + 1;
    if (kind === ENQ) return this.told(sink, "enq", bytes, i, at);
    if (at >= bytes.length) return INCOMPLETE;
    const second = bytes[at] as number;
    if (kind === LEAD) {
      if (second < 0x80 || second > 0x9f) return at;
      kind = second - 0x40;
    } else kind = second;
    at++;
    switch (kind) {
      case 0x5b:
        return this.csi(bytes, i, at, sink);
      case 0x5d:
        return this.osc(bytes, i, at, sink);
      case 0x50:
        return this.dcs(bytes, i, at, sink);
      case 0x5f:
        return this.apc(bytes, i, at, sink);
      case 0x58:
      case 0x5e:
        return this.begin("pass", false, bytes, at, sink);
      case ESC:
        return i + 1;
      default:
        if (bytes[i] === LEAD) return at;
        return this.escape(bytes, i, at - 1, sink);
    }
  }

  private escape(bytes: Uint8Array, from: number, at: number, sink: Sink): number {
    let intermediates = 0;
    let i = at;
    for (; i < bytes.length; i++) {
      const c = bytes[i] as number;
      if (c >= 0x20 && c < 0x30) {
        intermediates = (intermediates << 8) | c;
        continue;
      }
      if (c >= 0x30 && c < 0x7f) {
        this.s.intermediates = intermediates;
        this.s.final = c;
        return this.told(sink, "esc", bytes, from, i + 1);
      }
      if (c === 0x7f || (c < 0x20 && c !== ESC && c !== CAN && c !== SUB)) continue;
      return c === ESC || c >= 0x80 ? i : i + 1;
    }
    return INCOMPLETE;
  }

  private csi(bytes: Uint8Array, from: number, at: number, sink: Sink): number {
    let i = at;
    for (; i < bytes.length; i++) {
      const c = bytes[i] as number;
      if (c >= 0x40) {
        if (c >= 0x80) return i;
        if (c === 0x7f) continue;
        const wanted = sink.csiFinals[c];
        if (wanted === 0) return i + 1;
        if (wanted === 2 && (bytes[at] as number) < 0x3c) return i + 1;
        return this.toldCsi(bytes, from, at, i, sink);
      }
      if (c < 0x20 && (c === ESC || c === CAN || c === SUB)) return c === ESC ? i : i + 1;
    }
    return INCOMPLETE;
  }

  private toldCsi(bytes: Uint8Array, from: number, at: number, finalAt: number, sink: Sink): number {
    const { s } = this;
    const first = bytes[at] as number;
    s.prefix = first >= 0x3c && first <= 0x3f ? first : 0;
    s.bodyFrom = s.prefix === 0 ? at : at + 1;
    s.bodyTo = finalAt;
    s.intermediates = 0;
    for (let i = s.bodyFrom; i < finalAt; i++) {
      const c = bytes[i] as number;
      if (c >= 0x20 && c < 0x30) s.intermediates = (s.intermediates << 8) | c;
    }
    s.final = bytes[finalAt] as number;
    return this.told(sink, "csi", bytes, from, finalAt + 1);
  }

  private osc(bytes: Uint8Array, from: number, at: number, sink: Sink): number {
    let i = at;
    let command = -1;
    for (; i < bytes.length; i++) {
      const c = bytes[i] as number;
      if (c < 0x30 || c > 0x39 || i - at > 6) break;
      command = (command < 0 ? 0 : command * 10) + c - 0x30;
    }
    if (i >= bytes.length) return INCOMPLETE;
    if (!sink.wantsOsc(command)) return this.begin("pass", true, bytes, i, sink);
    this.s.command = command;
    return this.string("osc", true, bytes, from, bytes[i] === 0x3b ? i + 1 : i, sink);
  }

  private dcs(bytes: Uint8Array, from: number, at: number, sink: Sink): number {
    let intermediates = 0;
    for (let i = at; i < bytes.length; i++) {
      const c = bytes[i] as number;
      if (c >= 0x20 && c < 0x30) intermediates = (intermediates << 8) | c;
      else if (c >= 0x40 && c < 0x7f) {
        if (!sink.wantsDcs(intermediates, c)) return this.begin("pass", false, bytes, i + 1, sink);
        this.s.intermediates = intermediates;
        this.s.final = c;
        return this.string("dcs", false, bytes, from, i + 1, sink);
      } else if (c === ESC) return i;
      else if (c === CAN || c === SUB) return i + 1;
      else if (c >= 0x80) return i;
    }
    return INCOMPLETE;
  }

  private apc(bytes: Uint8Array, from: number, at: number, sink: Sink): number {
    if (at >= bytes.length) return INCOMPLETE;
    if (bytes[at] !== 0x47) return this.begin("pass", false, bytes, at, sink);
    for (let i = at; i < bytes.length; i++) {
      const c = bytes[i] as number;
      if (c !== 0x3b && c !== ESC && c >= 0x20 && i - at < 512) continue;
      if (!sink.wantsApc(bytes, at, i)) return this.begin("pass", false, bytes, at, sink);
      return this.string("apc", false, bytes, from, at, sink);
    }
    return INCOMPLETE;
  }

  /** A wanted string, told when it is whole. */
  private string(kind: SequenceKind, endsAtBel: boolean, bytes: Uint8Array, from: number, at: number, sink: Sink): number {
    const end = stringEnd(bytes, at, endsAtBel);
    if (end >= bytes.length) return INCOMPLETE;
    const c = bytes[end] as number;
    this.s.bodyFrom = at;
    this.s.bodyTo = end;
    if (c === BEL) return this.told(sink, kind, bytes, from, end + 1);
    if (c === CAN || c === SUB) return end + 1;
    if (end + 1 >= bytes.length) return INCOMPLETE;
    const next = bytes[end + 1] as number;
    if (c === ESC) return this.told(sink, kind, bytes, from, next === 0x5c ? end + 2 : end);
    return next === 0x9c ? this.told(sink, kind, bytes, from, end + 2) : end;
  }

  /** Enters a string that is not held. */
  private begin(skip: Skip, endsAtBel: boolean, bytes: Uint8Array, at: number, sink: Sink): number {
    this.skip = skip;
    this.skipEndsAtBel = endsAtBel;
    return this.skipString(bytes, at, sink);
  }

  private skipString(bytes: Uint8Array, at: number, sink: Sink): number {
    const isDropped = this.skip !== "pass";
    let end = this.skip === "dropCsi" ? csiEnd(bytes, at) : stringEnd(bytes, at, this.skipEndsAtBel);
    const c = bytes[end];
    if (c === undefined) return this.usedUp(bytes, end, isDropped, sink);
    if (this.skip === "dropCsi") {
      if (c < 0x80 && c !== ESC) end++;
    } else if (c === LEAD || (isDropped && c === ESC)) {
      // One more byte tells whether this is ST, which goes with its string.
      if (end + 1 >= bytes.length) return this.usedUp(bytes, end, isDropped, sink);
      if (bytes[end + 1] === (c === LEAD ? 0x9c : 0x5c)) end += 2;
    } else if (c !== ESC) end++;
    this.skip = "none";
    if (isDropped) this.kept = end;
    return end;
  }

  private usedUp(bytes: Uint8Array, end: number, isDropped: boolean, sink: Sink): number {
    if (!isDropped) this.passTo(bytes, end, sink);
    this.held = copyFrom(bytes, end);
    return USED;
  }

  private told(sink: Sink, kind: SequenceKind, bytes: Uint8Array, from: number, to: number): number {
    const { s } = this;
    s.kind = kind;
    s.bytes = bytes;
    s.from = from;
    s.to = to;
    if (sink.sequence(s)) {
      this.passTo(bytes, from, sink);
      if (kind === "csi" && sink.pass !== undefined)
        for (let i = from + 1; i < to; i++) if ((bytes[i] as number) < 0x20 && bytes[i] !== ESC) sink.pass(bytes, i, i + 1);
      this.kept = to;
    }
    return to;
  }
}

const EMPTY = new Uint8Array(0);
/** Looked at one by one before asking for the next ESC: sequences in a flood stand close together, and a call costs as much as this many bytes. */
const NEAR = 48;

function nextControl(bytes: Uint8Array, from: number, wantsEnq: boolean): number {
  const n = bytes.length;
  let i = from;
  const near = Math.min(n, from + NEAR);
  for (; i < near; i++) {
    const c = bytes[i] as number;
    if (c === ESC || (c === LEAD && isC1(bytes, i)) || (c === ENQ && wantsEnq)) return i;
  }
  if (i >= n) return n;
  const esc = bytes.indexOf(ESC, i);
  let end = esc < 0 ? n : esc;
  const view = end === n && i === 0 ? bytes : bytes.subarray(i, end);
  if (wantsEnq) {
    const enq = view.indexOf(ENQ);
    if (enq >= 0) end = i + enq;
  }
  for (let lead = bytes.indexOf(LEAD, i); lead >= 0 && lead < end; lead = bytes.indexOf(LEAD, lead + 2))
    if (isC1(bytes, lead)) return lead;
  return end;
}

function isC1(bytes: Uint8Array, i: number): boolean {
  const next = bytes[i + 1];
  return next === undefined || (next >= 0x80 && next <= 0x9f);
}

/** Index of what ends a CSI: its final byte, an abort, or a byte that has no place in one. */
function csiEnd(bytes: Uint8Array, from: number): number {
  let i = from;
  for (; i < bytes.length; i++) {
    const c = bytes[i] as number;
    if ((c >= 0x40 && c !== 0x7f) || c === ESC || c === CAN || c === SUB) return i;
  }
  return i;
}

/** Index of what ends a string: BEL, CAN, SUB, ESC, or the lead of a C1 control. */
function stringEnd(bytes: Uint8Array, from: number, endsAtBel: boolean): number {
  let i = from;
  for (; i < bytes.length; i++) {
    const c = bytes[i] as number;
    if (c === ESC || c === CAN || c === SUB || (c === BEL && endsAtBel)) return i;
    if (c === LEAD && isC1(bytes, i)) return i;
  }
  return i;
}

/** A copy of what stands from `at` on. A Buffer's own `slice` is a view, and its bytes may be a socket's, overwritten by the next read. */
function copyFrom(bytes: Uint8Array, at: number): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, at);
}
