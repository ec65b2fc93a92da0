/**
 * Everything that two terminals must agree on to be the same terminal, as plain data for tests.
 * Reads stock xterm as well as our model: what a client's terminal holds is judged by the same eye.
 */
import type { Terminal } from "@xterm/headless";
import { rowReader } from "./packed-lines.ts";
import { linkAt, penAt } from "./painter.ts";
import { penOf } from "./sgr.ts";
import { type Core, coreOf, type Line, ParserState, type Screen } from "./xterm-internals.ts";

export interface TerminalState {
  readonly screens: Readonly<Record<string, unknown>>;
  readonly state: Readonly<Record<string, unknown>>;
}

const HAS_CONTENT = 0x3fffff;
const WHITE = 0x3ffffff;

export function terminalState(term: Terminal): TerminalState {
  const core = coreOf(term);
  const { buffers, cols, rows } = core._bufferService;
  const { decPrivateModes, modes, isCursorHidden } = core.coreService;
  const input = core._inputHandler;
  const isAlternate = buffers.active === buffers.alt;
  const charsets = core._charsetService;
  return {
    screens: { normal: screenState(buffers.normal, core), ...(isAlternate ? { alt: screenState(buffers.alt, core) } : {}) },
    state: {
      isAlternate,
      x: buffers.active.x,
      y: buffers.active.y,
      normal: bufferState(buffers.normal, cols, rows),
      ...(isAlternate ? { alt: bufferState(buffers.alt, cols, rows) } : {}),
      pen: penState(penOf(input._curAttrData)),
      link: linkOf(core, input._curAttrData.extended.urlId),
      sets: [0, 1, 2, 3].map((g) => keyOf(charsets._charsets[g])),
      glevel: charsets.glevel,
      set: keyOf(charsets.charset),
      dec: { ...decPrivateModes },
      insert: modes.insertMode,
      isCursorHidden,
      convertEol: core.optionsService.rawOptions.convertEol,
      cursorBlink: core.optionsService.rawOptions.cursorBlink,
      mouse: [core.coreMouseService.activeProtocol, core.coreMouseService.activeEncoding],
      title: input._windowTitle,
      icon: input._iconName,
      titles: [...input._windowTitleStack],
      icons: [...input._iconNameStack],
      repeats: input._parser.precedingJoinState === 0 ? "" : repeated(core),
      parser: parserState(core),
    },
  };
}

function screenState(screen: Screen, core: Core): unknown {
  const row = rowReader(screen);
  return {
    base: screen.ybase,
    rows: Array.from({ length: screen.lines.length }, (_, y) => rowState(row(y) as Line, core)),
  };
}

function rowState(line: Line, core: Core): string {
  let text = line.isWrapped ? "+" : "|";
  let last = 0;
  const cells: string[] = [];
  for (let x = 0; x < line.length; x++) {
    const content = line._data[x * 3] as number;
    const chars =
      content & HAS_CONTENT ? (content & 0x200000 ? (line._combined[x] ?? "") : String.fromCodePoint(content & 0x1fffff)) : "";
    const pen = penAt(line, x);
    const link = linkOf(core, linkAt(line, x));
    // Half of a wide character that was overwritten is empty but has attributes; a snapshot makes it a space (painter.ts).
    const shown = chars === "" && (pen.fg !== 0 || (pen.bg & ~WHITE) !== 0 || link !== "" || pen.ext !== 0) ? " " : chars;
    const isPlain = shown === "" && pen.fg === 0 && pen.bg === 0;
    if (!isPlain) last = x + 1;
    cells.push(
      `${shown === "" ? "∅" : shown}${content >>> 22 === 1 || shown === " " ? "" : content >>> 22}${penState(pen)}${link === "" ? "" : `<${link}>`}`,
    );
  }
  text += cells.slice(0, last).join("");
  return text;
}

function penState(p: { fg: number; bg: number; ext: number }): string {
  // 59 is white in stock xterm, a neighbour of white in the model (sgr.ts).
  const ext = (p.ext & WHITE) === (WHITE & ~1) ? p.ext | 1 : p.ext;
  return p.fg === 0 && p.bg === 0 && ext === 0 ? "" : `{${p.fg.toString(16)},${p.bg.toString(16)},${ext.toString(16)}}`;
}

function linkOf(core: Core, id: number): string {
  const data = core._inputHandler._oscLinkService._dataByLinkId.get(id)?.data;
  return data === undefined ? "" : `${data.id ?? ""};${data.uri}`;
}

function keyOf(set: Readonly<Record<string, string>> | undefined): string {
  return set === undefined
    ? ""
    : Object.entries(set)
        .map(([k, v]) => k + v)
        .join("");
}

function bufferState(s: Screen, cols: number, rows: number): unknown {
  return {
    top: s.scrollTop,
    bottom: s.scrollBottom,
    saved: [
      Math.min(s.savedX, cols - 1),
      Math.min(rows - 1, Math.max(0, s.savedY - s.ybase)),
      penState(penOf(s.savedCurAttrData)),
      keyOf(s.savedCharset),
    ],
    tabs: Object.keys(s.tabs)
      .map(Number)
      .filter((x) => x < cols && s.tabs[x]),
  };
}

/** What REP would print. */
function repeated(core: Core): string {
  const { active } = core._bufferService.buffers;
  const width = (core._inputHandler._parser.precedingJoinState >>> 1) & 3;
  const line = active.lines.get(active.ybase + active.y);
  const x = active.x - width;
  if (line === undefined || x < 0) return "";
  const content = line._data[x * 3] as number;
  return content & 0x200000 ? (line._combined[x] ?? "") : String.fromCodePoint(content & 0x1fffff);
}

/** The parser's place, up to what makes no difference to what follows. */
function parserState(core: Core): unknown {
  const { currentState: state, _collect: collect, _params: params } = core._inputHandler._parser;
  switch (state) {
    case ParserState.ground:
    case ParserState.escape:
    case ParserState.sosPmApc:
    case ParserState.csiIgnore:
    case ParserState.dcsIgnore:
      return state;
    case ParserState.escapeIntermediate:
      return [state, collect];
    default:
      return [state, collect, state === ParserState.osc ? 0 : params.toArray()];
  }
}
