/**
 * Rows of cells as text and sequences that draw exactly them on an empty screen, from the cursor's row down.
 *
 *   D1  An empty cell stays empty: it is skipped or erased, never printed as a space, so that trimming and reflow see the same.
 *   D2  A wrapped row is reached by wrapping, so its flag is set; any other row by CR LF.
 *   D3  The row below is scrolled in with the default background.
 * Not exact: an empty cell that has attributes other than a background colour (half of an overwritten wide character) becomes a
 * space with those attributes, which looks the same.
 */
import { rowReader } from "./packed-lines.ts";
import { BG_COLOR, changePen, DEFAULT_PEN, HAS_EXTENDED, type Pen, penOfCell } from "./sgr.ts";
import type { Core, Line, Screen } from "./xterm-internals.ts";

const CODE_MASK = 0x1fffff;
const IS_COMBINED = 0x200000;
const HAS_CONTENT = 0x3fffff;
const WIDTH_SHIFT = 22;

export class Painter {
  text = "";
  private readonly core: Core;
  private pen: Pen | undefined = DEFAULT_PEN;
  private link = 0;
  /** Column of the cursor in the row being drawn; `cols` is wrap-pending, -1 unknown. */
  private at = 0;

  constructor(core: Core) {
    this.core = core;
  }

  private get cols(): number {
    return this.core._bufferService.cols;
  }

  /** Draws rows `first` to `last` of a screen; the cursor is at the left of the first. */
  rows(screen: Screen, first: number, last: number): void {
    const { rows } = this.core._bufferService;
    const end = last - first < rows ? lastUsedRow(screen, first, last) : last;
    this.at = 0;
    const row = rowReader(screen);
    let above: Line | undefined;
    for (let y = first; y <= end; y++) {
      const line = row(y);
      if (line === undefined) break;
      let from = 0;
      if (above === undefined) {
        if (line.isWrapped && rows > 1) this.beginWrapped();
      } else if (line.isWrapped && rows > 1) from = this.wrapInto(line, above, y - first >= rows);
      else this.newLine();
      this.line(line, from);
      above = line;
    }
  }

  /** Anything but cells. Leaves the cursor's column unknown. */
  put(sequence: string): void {
    this.text += sequence;
    this.at = -1;
  }

  setPen(pen: Pen): void {
    this.text += this.pen === undefined ? `\x1b[m${changePen(DEFAULT_PEN, pen)}` : changePen(this.pen, pen);
    this.pen = pen;
  }

  /** Something else changed the attributes: the next {@link setPen} starts from reset. */
  forgetPen(): void {
    this.pen = undefined;
  }

  setLink(id: number): void {
    const data = id === 0 ? undefined : this.core._inputHandler._oscLinkService._dataByLinkId.get(id)?.data;
    const to = data === undefined ? 0 : id;
    if (to === this.link) return;
    this.link = to;
    this.text +=
      data === undefined ? "\x1b]8;;\x1b\\" : `\x1b]8;${data.id === undefined ? "" : `id=${data.id}`};${data.uri}\x1b\\`;
  }

  private newLine(): void {
    if (this.pen === undefined || this.pen.bg & BG_COLOR) this.setPen(DEFAULT_PEN);
    this.text += "\r\n";
    this.at = 0;
  }

  private moveTo(col: number): void {
    if (col === this.at) return;
    if (this.at < 0 || col < this.at) this.text += `\x1b[${col + 1}G`;
    else this.text += col - this.at === 1 ? "\x1b[C" : `\x1b[${col - this.at}C`;
    this.at = col;
  }

  private line(line: Line, from: number): void {
    const end = usedLength(line);
    const data = line._data;
    for (let x = from; x < end; x++) {
      const content = data[x * 3] as number;
      const fg = data[x * 3 + 1] as number;
      const bg = data[x * 3 + 2] as number;
      if (content & HAS_CONTENT) {
        if (content >>> WIDTH_SHIFT === 2 && x + 2 === line.length && (data[x * 3 + 3] as number) & HAS_CONTENT) {
          this.overlapped(line, x, content);
          break;
        }
        this.cell(line, x, content, fg, bg);
        continue;
      }
      if (content >>> WIDTH_SHIFT === 0 && x > 0 && (data[x * 3 - 3] as number) >>> WIDTH_SHIFT === 2) continue;
      if (fg !== 0 || bg & ~BG_COLOR) {
        this.print(x, " ", 1, penOfCell(fg, bg, line._extendedAttrs[x]?._ext ?? 0), linkAt(line, x, bg));
        continue;
      }
      if (bg === 0) continue;
      let to = x + 1;
      while (to < end && !((data[to * 3] as number) & HAS_CONTENT) && data[to * 3 + 1] === 0 && data[to * 3 + 2] === bg) to++;
      this.erase(x, to - x, bg);
      x = to - 1;
    }
  }

  private cell(line: Line, x: number, content: number, fg: number, bg: number): void {
    const chars = content & IS_COMBINED ? (line._combined[x] ?? " ") : String.fromCodePoint(content & CODE_MASK);
    const width = content >>> WIDTH_SHIFT;
    // A mark that joined nothing has a cell of its own: any CSI before it keeps it from joining here.
    if (width === 0) {
      this.at = -1;
      this.moveTo(x);
    }
    this.print(
      x,
      chars,
      width,
      penOfCell(fg, bg, bg & HAS_EXTENDED ? (line._extendedAttrs[x]?._ext ?? 0) : 0),
      linkAt(line, x, bg),
    );
    if (width === 0) this.at = x + 1 === this.cols ? this.cols : -1;
  }

  /** A wide character whose second half was printed over in the last column: so it goes with autowrap off, from wrap-pending. */
  private overlapped(line: Line, x: number, content: number): void {
    this.moveTo(x);
    this.text += "\x1b[?7l";
    this.cell(line, x, content, line._data[x * 3 + 1] as number, line._data[x * 3 + 2] as number);
    this.setPen(penAt(line, x + 1));
    this.setLink(linkAt(line, x + 1));
    this.text += `${charsAt(line, x + 1)}\x1b[?7h`;
    this.at = this.cols;
  }

  private print(x: number, chars: string, width: number, pen: Pen, link: number): void {
    this.moveTo(x);
    this.setPen(pen);
    this.setLink(link);
    this.text += chars;
    this.at = x + width;
  }

  private erase(x: number, count: number, bg: number): void {
    this.moveTo(x);
    this.setPen({ fg: 0, bg, ext: 0 });
    this.text += `\x1b[${count}X`;
  }

  /** The first row continues one that is gone: wrap from a blank row, then delete that row. */
  private beginWrapped(): void {
    this.text += `${" ".repeat(this.cols)} \x1b[H\x1b[M\x1b[X`;
    this.at = 0;
  }

  /** Goes from `above`, just drawn, into `line` by wrapping. Returns the first column still to draw. */
  private wrapInto(line: Line, above: Line, scrolls: boolean): number {
    const cols = this.cols;
    const first = line._data[0] as number;
    const width = first >>> WIDTH_SHIFT;
    const lastBlank = isBlank(above, cols - 1);
    const canStart = first & HAS_CONTENT && width > 0;
    const pen = canStart ? penAt(line, 0) : DEFAULT_PEN;
    // A wide character that does not fit wraps by itself and leaves the cell blank in its own attributes.
    const wrapsItself =
      lastBlank &&
      canStart &&
      width === 2 &&
      above._data[cols * 3 - 2] === line._data[1] &&
      above._data[cols * 3 - 1] === line._data[2];
    // A blank with attributes was printed as a space and is wrap-pending already.
    const isFiller = lastBlank && !wrapsItself && this.at !== cols;
    if (wrapsItself || this.at !== cols) this.moveTo(cols - 1);
    if (isFiller) {
      this.setPen(DEFAULT_PEN);
      this.setLink(0);
      this.text += " ";
    }
    this.at = 0;
    if (canStart) this.cell(line, 0, first, line._data[1] as number, line._data[2] as number);
    else {
      this.setPen(DEFAULT_PEN);
      this.setLink(0);
      this.text += " \r\x1b[X";
    }
    if (scrolls && pen.bg & BG_COLOR) {
      this.setPen(DEFAULT_PEN);
      this.text += "\x1b[K";
    }
    if (isFiller) {
      this.setPen({ fg: 0, bg: (above._data[cols * 3 - 1] as number) & BG_COLOR, ext: 0 });
      this.text += `\x1b[A\x1b[${cols}G\x1b[X\x1b[B\x1b[${this.at + 1}G`;
    }
    return canStart ? width : 0;
  }
}

export function penAt(line: Line, x: number): Pen {
  const bg = line._data[x * 3 + 2] as number;
  return penOfCell(line._data[x * 3 + 1] as number, bg, bg & HAS_EXTENDED ? (line._extendedAttrs[x]?._ext ?? 0) : 0);
}
export function linkAt(line: Line, x: number, bg = line._data[x * 3 + 2] as number): number {
  return bg & HAS_EXTENDED ? (line._extendedAttrs[x]?.urlId ?? 0) : 0;
}
export function charsAt(line: Line, x: number): string {
  const content = line._data[x * 3] as number;
  return content & IS_COMBINED ? (line._combined[x] ?? "") : content & CODE_MASK ? String.fromCodePoint(content & CODE_MASK) : "";
}
export function widthAt(line: Line, x: number): number {
  return (line._data[x * 3] as number) >>> WIDTH_SHIFT;
}

/** No character in the cell, and not the second half of one. */
function isBlank(line: Line, x: number): boolean {
  return !((line._data[x * 3] as number) & HAS_CONTENT) && !(widthAt(line, x) === 0 && x > 0 && widthAt(line, x - 1) === 2);
}

function usedLength(line: Line): number {
  const data = line._data;
  for (let x = line.length - 1; x >= 0; x--) {
    if ((data[x * 3] as number) & HAS_CONTENT || data[x * 3 + 1] !== 0 || data[x * 3 + 2] !== 0) return x + 1;
  }
  return 0;
}

function lastUsedRow(screen: Screen, first: number, last: number): number {
  let y = last;
  while (y > first) {
    const line = screen.lines.get(y);
    if (line !== undefined && (line.isWrapped || usedLength(line) > 0)) break;
    y--;
  }
  return y;
}
