/**
 * The last steps of a snapshot: character sets, cursor, attributes, in the order that leaves all of them right.
 *
 *   C1  Wrap-pending is set by printing the row's last character again.
 *   C2  REP repeats what was printed last, so then nothing may follow that print: sets and attributes go before it.
 */
import { charsetLetter } from "./charsets.ts";
import { charsAt, linkAt, type Painter, penAt, widthAt } from "./painter.ts";
import { BG_COLOR, DEFAULT_PEN, inkOf, penOf, samePen } from "./sgr.ts";
import type { Core, Line } from "./xterm-internals.ts";

export function finishCursor(p: Painter, core: Core): void {
  const { cols, buffers } = core._bufferService;
  const screen = buffers.active;
  const input = core._inputHandler;
  const line = screen.lines.get(screen.ybase + screen.y);
  const pen = penOf(input._curAttrData);
  const link = input._curAttrData.extended.urlId;
  const join = input._parser.precedingJoinState;
  const row = Math.max(0, core.coreService.decPrivateModes.origin ? screen.y - screen.scrollTop : screen.y) + 1;
  const isPending = screen.x >= cols;
  const goTo = (x: number): void => p.put(`\x1b[${row};${x + 1}H`);
  const sets = (): void => putCharsets(p, core);
  const attributes = (): void => {
    p.setPen(pen);
    p.setLink(link);
  };

  // The cell that was printed last: one or two columns back.
  let from = screen.x - Math.max(1, isPending ? 1 : (join >>> 1) & 3);
  if (line !== undefined && from > 0 && widthAt(line, from) === 0 && charsAt(line, from) === "" && widthAt(line, from - 1) === 2)
    from--;
  const chars = line !== undefined && from >= 0 && from < cols ? charsAt(line, from) : "";
  const isLastPrinted =
    join !== 0 &&
    chars !== "" &&
    line !== undefined &&
    widthAt(line, from) === ((join >>> 1) & 3) &&
    samePen(penAt(line, from), inkOf(pen, link)) &&
    linkAt(line, from) === link &&
    !isTranslated(core, chars);

  const toCell = (): void => {
    // A wide character printed over in the last column is blanked by any print that begins there: begin with it (painter.ts).
    const isOver =
      isPending &&
      from > 0 &&
      line !== undefined &&
      widthAt(line, from - 1) === 2 &&
      !core.coreService.decPrivateModes.wraparound;
    goTo(isOver ? from - 1 : from);
    if (!isOver) return;
    p.setPen(penAt(line, from - 1));
    p.setLink(linkAt(line, from - 1));
    p.put(charsAt(line, from - 1));
  };
  if (isLastPrinted && widthAt(line, from) > 0) {
    sets();
    toCell();
    attributes();
    if (core.coreService.modes.insertMode && !isPending) p.put(`\x1b[${screen.x - from}P`);
    p.put(chars);
    return;
  }
  if (!isPending || line === undefined) {
    sets();
    goTo(Math.min(screen.x, cols - 1));
    attributes();
    return;
  }
  if (hasStrayCharset(core)) sets();
  toCell();
  if (chars !== "") {
    p.setPen(penAt(line, from));
    p.setLink(linkAt(line, from));
    p.put(chars);
  } else if (screen === buffers.normal) {
    // Nothing to print there: the alternate screen takes the cursor along, is dropped, and gives it back.
    p.setPen(DEFAULT_PEN);
    goTo(cols - 1);
    p.put("\x1b[?47h \x1b[?47l");
  } else if (isUniformBlank(line)) {
    p.setPen(penAt(line, cols - 1));
    p.put(" \x1b[2K");
  } else {
    p.setPen(penAt(line, cols - 1));
    p.put(" ");
  }
  if (!hasStrayCharset(core)) sets();
  // Whatever was printed here is not for REP to repeat: an SGR, if only to say the same again, ends that.
  p.forgetPen();
  attributes();
}

function putCharsets(p: Painter, core: Core): void {
  const { _charsets: sets, glevel } = core._charsetService;
  const designate = "()*+";
  let out = "";
  for (let g = 0; g < 4; g++) if (sets[g] !== undefined) out += `\x1b${designate[g]}${charsetLetter(sets[g])}`;
  out += glevel === 1 ? "\x0e" : glevel === 2 ? "\x1bn" : glevel === 3 ? "\x1bo" : "";
  if (out !== "") p.put(out);
  if (hasStrayCharset(core)) {
    p.put("\x1b8");
    p.forgetPen();
  }
}

/** DECRC in xterm brings back the set in use without designating it: then another DECRC is the way to have it again. */
function hasStrayCharset(core: Core): boolean {
  const { charset, glevel, _charsets: sets } = core._charsetService;
  return charset !== sets[glevel] && charset === core._bufferService.buffers.active.savedCharset;
}

/** Erasing the whole row, which keeps wrap-pending, gives this row. */
function isUniformBlank(line: Line): boolean {
  const data = line._data;
  for (let x = 0; x < line.length; x++)
    if (charsAt(line, x) !== "" || widthAt(line, x) !== 1 || data[x * 3 + 1] !== 0 || data[x * 3 + 2] !== data[2]) return false;
  return !line.isWrapped && !((data[2] as number) & ~BG_COLOR);
}

function isTranslated(core: Core, chars: string): boolean {
  const { charset } = core._charsetService;
  return charset !== undefined && [...chars].some((c) => c < "\x7f" && charset[c] !== undefined && charset[c] !== c);
}
