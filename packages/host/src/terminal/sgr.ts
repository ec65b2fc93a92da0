/**
 * Attributes of a cell as the SGR sequence that sets exactly them, from whatever was set before.
 * Layout of the packed words is xterm's (`Constants.ts` of 6.0.0).
 */
import type { Attributes } from "./xterm-internals.ts";

const CM_MASK = 0x3000000;
const CM_P16 = 0x1000000;
const CM_P256 = 0x2000000;
const CM_RGB = 0x3000000;
const RGB_MASK = 0xffffff;
const Fg = {
  inverse: 0x4000000,
  bold: 0x8000000,
  underline: 0x10000000,
  blink: 0x20000000,
  invisible: 0x40000000,
  strike: 0x80000000,
} as const;
const Bg = { italic: 0x4000000, dim: 0x8000000, extended: 0x10000000, protected: 0x20000000, overline: 0x40000000 } as const;
/** What erasing leaves in a cell: a background colour and nothing else. */
export const BG_COLOR = CM_MASK | RGB_MASK;
export const HAS_EXTENDED = Bg.extended;
/**
 * SGR 59 in xterm 6.0.0 stores white. The model stores this neighbour of white instead (responder of `m` in trackers.ts), so that
 * "back to the text's colour" and "white" stay two things.
 */
export const UNDERLINE_COLOR_RESET = CM_RGB | 0xfffffe;

export interface Pen {
  readonly fg: number;
  readonly bg: number;
  readonly ext: number;
}
export const DEFAULT_PEN: Pen = { fg: 0, bg: 0, ext: 0 };

/** The parts of attributes that SGR and DECSCA set; links are apart. */
export function penOf(a: Attributes): Pen {
  return canonical(a.fg, a.bg, a.extended._ext, a.bg & Bg.extended);
}
export function penOfCell(fg: number, bg: number, ext: number): Pen {
  return canonical(fg, bg, bg & Bg.extended ? ext : 0, bg & Bg.extended);
}
const UNDERLINE_STYLE = 0x1c000000;
const SINGLE = 1 << 26;

/** What printing with this pen leaves in a cell: the underline's colour only with an underline or a link. */
export function inkOf(pen: Pen, link: number): Pen {
  return pen.ext & UNDERLINE_STYLE || link !== 0 ? pen : { ...pen, ext: 0 };
}

/** Two words that show alike are made alike: xterm leaves bits of an earlier true colour beside a palette index. */
function canonical(fg: number, bg: number, ext: number, hasExtended: number): Pen {
  // The flag and the style must both say so; DECALN, DECRC and a link leave one without the other.
  const style = !(fg & Fg.underline) ? 0 : hasExtended ? ext & UNDERLINE_STYLE : SINGLE;
  const flags = style === 0 ? fg & ~Fg.underline : fg;
  return { fg: withColor(flags), bg: withColor(bg & ~Bg.extended), ext: (withColor(ext & (CM_MASK | RGB_MASK)) | style) >>> 0 };
}

function withColor(word: number): number {
  switch (word & CM_MASK) {
    case CM_RGB:
      return word >>> 0;
    case 0:
      return (word & ~RGB_MASK) >>> 0;
    default:
      return (word & ~(RGB_MASK & ~0xff)) >>> 0;
  }
}

export function samePen(a: Pen, b: Pen): boolean {
  return a.fg === b.fg && a.bg === b.bg && a.ext === b.ext;
}

/** The sequence that turns `from` into `to`. */
export function changePen(from: Pen, to: Pen): string {
  if (samePen(from, to)) return "";
  const codes: string[] = [];
  if (to.fg & Fg.bold) codes.push("1");
  if (to.bg & Bg.dim) codes.push("2");
  if (to.bg & Bg.italic) codes.push("3");
  if (to.fg & Fg.underline) codes.push(underline((to.ext & UNDERLINE_STYLE) >>> 26));
  if (to.fg & Fg.blink) codes.push("5");
  if (to.fg & Fg.inverse) codes.push("7");
  if (to.fg & Fg.invisible) codes.push("8");
  if (to.fg & Fg.strike) codes.push("9");
  if (to.bg & Bg.overline) codes.push("53");
  color(to.fg, 30, codes);
  color(to.bg, 40, codes);
  underlineColor(to.ext, codes);
  // In xterm SGR 0 also ends DECSCA; in a VT it does not. Said both ways, it means the same in both.
  const unprotect = from.bg & Bg.protected ? '\x1b[0"q' : "";
  const protect = to.bg & Bg.protected ? '\x1b[1"q' : "";
  return `${unprotect}\x1b[${codes.length === 0 ? "" : `0;${codes.join(";")}`}m${protect}`;
}

function color(word: number, base: 30 | 40, codes: string[]): void {
  const value = word & RGB_MASK;
  switch (word & CM_MASK) {
    case CM_P16:
      codes.push(String((value & 0xff) < 8 ? base + (value & 7) : base + 60 + (value & 7)));
      return;
    case CM_P256:
      codes.push(`${base + 8};5;${value & 0xff}`);
      return;
    case CM_RGB:
      codes.push(`${base + 8};2;${value >>> 16};${(value >>> 8) & 0xff};${value & 0xff}`);
      return;
    default:
  }
}

function underline(style: number): string {
  return style <= 1 ? "4" : `4:${style}`;
}

function underlineColor(ext: number, codes: string[]): void {
  const value = ext & RGB_MASK;
  if ((ext & (CM_MASK | RGB_MASK)) === UNDERLINE_COLOR_RESET) {
    codes.push("59");
    return;
  }
  switch (ext & CM_MASK) {
    case CM_P16:
    case CM_P256:
      codes.push(`58:5:${value & 0xff}`);
      return;
    case CM_RGB:
      codes.push(`58:2::${value >>> 16}:${(value >>> 8) & 0xff}:${value & 0xff}`);
      return;
    default:
  }
}
