/**
 * What hostile output may cost: limits put in front of xterm's own handlers.
 *
 *   G1  No sequence loops longer than the screen has cells, whatever its parameter says.
 *   G2  No sequence adds memory that lasts, beyond the bounds below.
 *   G3  What a limit refuses depends on the bytes alone, never on how they were cut, so that M2 holds at the limits too.
 */
import type { Terminal } from "@xterm/headless";
import { type Core, coreOf, type Line, type LinkEntry, type RawParams } from "./xterm-internals.ts";

/** An OSC text longer than this has no effect (title, link, colours). Windows' own limit for links is 2,083 bytes, VTE's 2,083, kitty's 64 KiB. */
export const MAX_OSC_CHARS = 65_536;
export const MAX_TITLE_CHARS = 4096;
export const MAX_LINK_CHARS = 8192;
/** Links alive at once; when reached, those no longer on any line are dropped, and new ones are refused while none is. */
export const MAX_LINKS = 4096;
/** Combining marks kept on one cell, in UTF-16 units. Unicode's stream-safe text format allows 30 marks. */
export const MAX_CELL_CHARS = 64;
/** Line classes that are bounded already. */
const clampedLines: WeakSet<object> = new WeakSet();

export function guard(term: Terminal): void {
  const core = coreOf(term);
  const { _parser: parser } = core._inputHandler;
  const clamp = (final: string, limit: () => number, intermediates?: string): void => {
    parser.registerCsiHandler(intermediates === undefined ? { final } : { final, intermediates }, (p) => {
      const max = limit();
      if ((p.params[0] as number) > max) p.params[0] = max;
      return false;
    });
  };
  for (const final of "STLM") clamp(final, () => core._bufferService.rows);
  for (const final of "IZ") clamp(final, () => core._bufferService.cols);
  clamp("b", () => core._bufferService.cols * core._bufferService.rows);

  for (const prefix of [undefined, "?"])
    parser.registerCsiHandler(prefix === undefined ? { final: "J" } : { final: "J", prefix }, (p) =>
      eraseAbove(core, p, prefix !== undefined),
    );
  for (const command of [0, 1, 2]) term.parser.registerOscHandler(command, (text) => text.length > MAX_TITLE_CHARS);
  term.parser.registerOscHandler(8, (text) => refuseLink(core, text));
  boundCombining(core);
  holdOpenLink(core);
  rememberLinkRow(core, term);
}

/** ED 1 in the last column: xterm 6.0.0 reads the row after the last and throws. */
function eraseAbove(core: Core, p: RawParams, respectProtect: boolean): boolean {
  const input = core._inputHandler;
  const screen = input._activeBuffer;
  const { cols, rows } = core._bufferService;
  if (p.params[0] !== 1 || screen.x + 1 < cols) return false;
  screen.x = Math.min(cols, screen.x);
  screen.y = Math.min(rows - 1, screen.y);
  input._eraseInBufferLine(screen.y, 0, screen.x + 1, true, respectProtect);
  const next = screen.lines.get(screen.y + 1);
  if (next !== undefined) next.isWrapped = false;
  for (let y = screen.y - 1; y >= 0; y--) input._resetBufferLine(y, respectProtect);
  return true;
}

function refuseLink(core: Core, text: string): boolean {
  const links = core._inputHandler._oscLinkService;
  if (text.length > MAX_LINK_CHARS) return true;
  if (links._dataByLinkId.size < MAX_LINKS) return false;
  sweepLinks(core);
  // A closing `8;;` is always let through.
  return links._dataByLinkId.size > MAX_LINKS / 2 && !/^[^;]*;$/.test(text);
}

/** Drops links that no cell shows. xterm keeps a link while its row lives, however often the row is overwritten. */
function sweepLinks(core: Core): void {
  const links = core._inputHandler._oscLinkService;
  const used = new Set<number>([core._inputHandler._curAttrData.extended.urlId]);
  const { normal, alt } = core._bufferService.buffers;
  for (const screen of [normal, alt]) {
    for (let y = 0; y < screen.lines.length; y++) {
      const attributes = screen.lines.get(y)?._extendedAttrs;
      for (const x in attributes) {
        const id = attributes[Number(x)]?.urlId;
        if (id) used.add(id);
      }
    }
  }
  for (const entry of [...links._dataByLinkId.values()]) {
    if (!used.has(entry.id)) for (const marker of [...entry.lines]) marker.dispose();
  }
}

/** Marks piled on one cell grow a string without end; all terminals of a thread share the line class. */
function boundCombining(core: Core): void {
  const line = core._bufferService.buffers.normal.lines.get(0);
  const proto = Object.getPrototypeOf(line) as Pick<Line, "addCodepointToCell">;
  if (clampedLines.has(proto)) return;
  clampedLines.add(proto);
  const add = proto.addCodepointToCell;
  proto.addCodepointToCell = function addBounded(this: Line, index: number, codePoint: number, width: number): void {
    if ((this._combined[index]?.length ?? 0) >= MAX_CELL_CHARS && (this._data[index * 3] as number) & COMBINED) return;
    add.call(this, index, codePoint, width);
  };
}
const COMBINED = 1 << 21;

/** xterm forgets a link when its rows are deleted, even while text still goes into it: the last one opened is held. */
function holdOpenLink(core: Core): void {
  const links = core._inputHandler._oscLinkService;
  const register = links.registerLink.bind(links);
  const hold = { line: Number.NaN, dispose: () => undefined };
  let held: LinkEntry | undefined;
  links.registerLink = (data): number => {
    const id = register(data);
    const entry = links._dataByLinkId.get(id);
    if (entry === held || entry === undefined) return id;
    const at = held?.lines.indexOf(hold) ?? -1;
    if (held !== undefined && at >= 0) {
      held.lines.splice(at, 1);
      if (held.lines.length === 0) {
        links._dataByLinkId.delete(held.id);
        if (held.key !== undefined) links._entriesWithId.delete(held.key);
      }
    }
    held = entry;
    entry.lines.push(hold);
    return id;
  };
}

/** xterm looks through all rows of a link for every character printed: remember the last row instead. */
function rememberLinkRow(core: Core, term: Terminal): void {
  const links = core._inputHandler._oscLinkService;
  const add = links.addLineToLink.bind(links);
  let lastId = 0;
  let lastRow = -1;
  let lastScroll = 0;
  let scrolls = 0;
  term.onScroll(() => {
    scrolls++;
  });
  links.addLineToLink = (id, row): void => {
    if (id === lastId && row === lastRow && scrolls === lastScroll) return;
    lastId = id;
    lastRow = row;
    lastScroll = scrolls;
    add(id, row);
  };
}
