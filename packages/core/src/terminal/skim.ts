/**
 * Plain output that scrolls away unseen: how much of a flood a terminal need not draw to look as if it had.
 *
 *   P1  Plain is text, CR, LF, tabs, SGR and erase-in-line: nothing in it moves the cursor up, sets a mode or asks. Where everything
 *       that stays in reach (screen and scrollback) comes from later lines, only the style that plain output leaves on matters.
 *   P2  The cut is after a CR LF, with `rows` line feeds before it, so that the cursor is known: first column, last row.
 *   P3  The caller sees to it that the terminal is between sequences and characters and scrolls as a whole; else lines stay that
 *       scrolling would have taken.
 */
const ESC = 0x1b;
const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
/** Leads the C1 controls in UTF-8, which may be anything. */
const C1_LEAD = 0xc2;
/** Styles that are set and never reset add up: past this many the run ends. */
const MAX_STYLES = 256;

export interface Skim {
  /** Bytes that need not be drawn. */
  readonly bytes: number;
  /** Stands for them: the styles that they leave on. Then `rows` times CR LF puts the cursor where it was. */
  readonly styles: Uint8Array;
}

/**
 * What of the beginning of `bytes` need not be drawn, or null. `rows`: height of the screen. `reachRows`: screen and scrollback.
 * Linear in `bytes`, and allocates nothing for each line.
 */
export function skim(bytes: Uint8Array, rows: number, reachRows: number): Skim | null {
  // One more than must stay: the line at the cut was made blank under an unknown style.
  const keepLines = reachRows + 1;
  const run = plainRun(bytes);
  let at = run.end;
  for (let lines = 0; lines < keepLines; lines++) {
    at = bytes.lastIndexOf(LF, at - 1);
    if (at <= 0) return null;
  }
  // At is the first line feed that stays; what ends at an earlier CR LF goes.
  do at = bytes.lastIndexOf(LF, at - 1);
  while (at > 0 && bytes[at - 1] !== CR);
  if (at <= 0) return null;
  const cut = at + 1;
  for (let lines = 0, from = 0; lines < rows; lines++) {
    const next = bytes.indexOf(LF, from);
    if (next < 0 || next >= cut) return null;
    from = next + 1;
  }
  return { bytes: cut, styles: stylesUpTo(bytes, cut, run.styles) };
}

/** How far `bytes` are plain, and where styles that may still count begin. */
function plainRun(bytes: Uint8Array): { readonly end: number; readonly styles: readonly number[] } {
  const styles: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    const b = bytes[at]!;
    if (b >= 0x20 ? b !== C1_LEAD : b === LF || b === CR || b === TAB || b === 0) {
      at++;
      continue;
    }
    if (b === C1_LEAD && at + 1 < bytes.length && !isC1Rest(bytes[at + 1]!)) {
      at++;
      continue;
    }
    const end = b === ESC ? endOfStyle(bytes, at) : 0;
    if (end === 0) break;
    if (bytes[end - 1] === 0x6d) {
      if (styles.length >= MAX_STYLES) {
        // Only those since the last reset count; a stream that never resets is drawn.
        const kept = styles.findLastIndex((s) => isReset(bytes, s));
        styles.splice(0, Math.max(0, kept));
        if (styles.length >= MAX_STYLES) break;
      }
      styles.push(at);
    }
    at = end;
  }
  return { end: at, styles };
}

/** Together with {@link C1_LEAD} a control. */
function isC1Rest(b: number): boolean {
  return b >= 0x80 && b < 0xa0;
}

/** End of the SGR or EL sequence that begins here; 0 if it is something else, or not whole. */
function endOfStyle(bytes: Uint8Array, from: number): number {
  if (bytes[from + 1] !== 0x5b) return 0;
  for (let at = from + 2; at < bytes.length; at++) {
    const b = bytes[at]!;
    if (b === 0x6d || b === 0x4b) return at + 1;
    if (b < 0x30 || b > 0x3b) return 0;
  }
  return 0;
}

/** `CSI m` and `CSI 0 …m` leave nothing on of what was before. */
function isReset(bytes: Uint8Array, from: number): boolean {
  const first = bytes[from + 2];
  const second = bytes[from + 3];
  return first === 0x6d || first === 0x3b || (first === 0x30 && (second === 0x6d || second === 0x3b));
}

function stylesUpTo(bytes: Uint8Array, cut: number, styles: readonly number[]): Uint8Array {
  const before = styles.filter((s) => s < cut);
  const counting = before.slice(
    Math.max(
      0,
      before.findLastIndex((s) => isReset(bytes, s)),
    ),
  );
  const parts = counting.map((s) => bytes.subarray(s, endOfStyle(bytes, s)));
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
