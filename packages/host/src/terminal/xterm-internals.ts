/**
 * The private parts of `@xterm/headless` 6.0.0 that the model reads, each named once.
 *
 *   X1  Nothing outside this file names a private field of xterm.
 *   X2  `missingInternals` lists what is gone, so that an upgrade fails in a test and not on a screen.
 * The version is pinned exactly in package.json. Elsewhere: what is read from these fields (serialize.ts), what is
 * hooked on the parser (guards.ts, responder.ts).
 */
import type { Terminal } from "@xterm/headless";

/** Attributes of a cell or of the pen: colours and flags packed as in xterm's `Constants.ts`. */
export interface Attributes {
  fg: number;
  bg: number;
  extended: ExtendedAttributes;
  updateExtended(): void;
}
/** `_ext` has underline style and colour; the getters of xterm falsify the style when there is a link. */
export interface ExtendedAttributes {
  _ext: number;
  urlId: number;
  underlineColor: number;
  clone(): ExtendedAttributes;
}

export interface Line {
  length: number;
  isWrapped: boolean;
  /** Three words a cell: content, fg, bg. */
  _data: Uint32Array;
  _combined: Record<number, string>;
  _extendedAttrs: Record<number, ExtendedAttributes | undefined>;
  clone(): Line;
  resize(cols: number, fill: unknown): boolean;
  cleanupMemory(): number;
  addCodepointToCell(index: number, codePoint: number, width: number): void;
  translateToString(trimRight: boolean): string;
}

/** Those above the screen may be packed (packed-lines.ts); those of the screen never are. */
export interface Lines {
  readonly length: number;
  readonly maxLength: number;
  get(index: number): Line | undefined;
  set(index: number, line: unknown): void;
  /** Takes the oldest away and gives it again as the last. */
  recycle(): Line;
}

export interface Screen {
  readonly lines: Lines;
  readonly ybase: number;
  x: number;
  y: number;
  readonly scrollTop: number;
  readonly scrollBottom: number;
  readonly tabs: Record<number, boolean | undefined>;
  readonly savedX: number;
  readonly savedY: number;
  readonly savedCurAttrData: Attributes;
  readonly savedCharset: Charset | undefined;
}
/** A designated character set: a module singleton of xterm, so identity names it. */
export type Charset = Readonly<Record<string, string>>;

export interface RawParams {
  readonly params: Int32Array;
  readonly length: number;
  readonly maxLength: number;
  toArray(): (number | number[])[];
  hasSubParams(i: number): boolean;
}
export interface FunctionId {
  readonly prefix?: string;
  readonly intermediates?: string;
  readonly final: string;
}

export interface Parser {
  /** 0 is ground; see {@link ParserState}. */
  readonly currentState: number;
  readonly precedingJoinState: number;
  readonly _collect: number;
  readonly _params: RawParams & { readonly _rejectDigits: boolean; readonly _digitIsSub: boolean };
  registerCsiHandler(id: FunctionId, handler: (p: RawParams) => boolean): unknown;
  registerEscHandler(id: FunctionId, handler: () => boolean): unknown;
  reset(): void;
}
export const ParserState = {
  ground: 0,
  escape: 1,
  escapeIntermediate: 2,
  csiEntry: 3,
  csiParam: 4,
  csiIntermediate: 5,
  csiIgnore: 6,
  sosPmApc: 7,
  osc: 8,
  dcsEntry: 9,
  dcsParam: 10,
  dcsIgnore: 11,
  dcsIntermediate: 12,
  dcsPassthrough: 13,
} as const;

export interface LinkEntry {
  readonly id: number;
  readonly data: { readonly id?: string; readonly uri: string };
  readonly key?: string;
  readonly lines: { readonly line: number; dispose(): void }[];
}
export interface Links {
  readonly _dataByLinkId: Map<number, LinkEntry>;
  readonly _entriesWithId: Map<string, LinkEntry>;
  registerLink(data: { readonly id?: string; readonly uri: string }): number;
  addLineToLink(linkId: number, y: number): void;
}

export interface InputHandler {
  parse(data: Uint8Array): unknown;
  /** Code points of the piece in hand; no longer used when `parse` returns. */
  _parseBuffer: Uint32Array;
  readonly _parser: Parser;
  readonly _curAttrData: Attributes;
  readonly _windowTitle: string;
  readonly _iconName: string;
  readonly _windowTitleStack: readonly string[];
  readonly _iconNameStack: readonly string[];
  readonly _oscLinkService: Links;
  readonly _activeBuffer: Screen;
  charAttributes(p: RawParams): boolean;
  saveCursor(p?: RawParams): boolean;
  restoreCursor(p?: RawParams): boolean;
  _eraseInBufferLine(y: number, start: number, end: number, clearWrap: boolean, respectProtect: boolean): void;
  _resetBufferLine(y: number, respectProtect: boolean): void;
}

export interface DecModes {
  readonly applicationCursorKeys: boolean;
  readonly applicationKeypad: boolean;
  readonly bracketedPasteMode: boolean;
  readonly cursorBlink: boolean | undefined;
  readonly cursorStyle: "block" | "underline" | "bar" | undefined;
  readonly origin: boolean;
  readonly reverseWraparound: boolean;
  readonly sendFocus: boolean;
  readonly synchronizedOutput: boolean;
  readonly wraparound: boolean;
}

export interface Core {
  readonly _inputHandler: InputHandler;
  readonly _bufferService: {
    readonly cols: number;
    readonly rows: number;
    readonly buffers: { readonly normal: Screen; readonly alt: Screen; readonly active: Screen };
  };
  readonly coreService: {
    readonly modes: { readonly insertMode: boolean };
    readonly decPrivateModes: DecModes;
    readonly isCursorHidden: boolean;
  };
  readonly coreMouseService: { readonly activeProtocol: string; readonly activeEncoding: string };
  readonly _charsetService: {
    readonly charset: Charset | undefined;
    readonly glevel: number;
    readonly _charsets: readonly (Charset | undefined)[];
  };
  readonly optionsService: { readonly rawOptions: { readonly convertEol: boolean; readonly cursorBlink: boolean } };
}

export function coreOf(term: Terminal): Core {
  return (term as unknown as { readonly _core: Core })._core;
}

/** Paths of private fields that this xterm does not have. Empty for the pinned version. */
export function missingInternals(term: Terminal): string[] {
  const core = coreOf(term) as unknown as Record<string, unknown> | undefined;
  if (core === undefined) return ["_core"];
  return REQUIRED.filter((path) => {
    let at: unknown = core;
    for (const key of path.split(".")) {
      if (at === null || at === undefined || !(key in Object(at))) return true;
      at = (at as Record<string, unknown>)[key];
    }
    return false;
  });
}

const REQUIRED = [
  "_inputHandler.parse",
  "_inputHandler._parseBuffer",
  "_inputHandler._parser.currentState",
  "_inputHandler._parser.precedingJoinState",
  "_inputHandler._parser._collect",
  "_inputHandler._parser._params.params",
  "_inputHandler._parser._params._rejectDigits",
  "_inputHandler._parser._params._digitIsSub",
  "_inputHandler._parser._params.toArray",
  "_inputHandler._parser.registerCsiHandler",
  "_inputHandler._parser.registerEscHandler",
  "_inputHandler._parser.reset",
  "_inputHandler._curAttrData.fg",
  "_inputHandler._curAttrData.extended._ext",
  "_inputHandler._curAttrData.extended.urlId",
  "_inputHandler._windowTitle",
  "_inputHandler._iconName",
  "_inputHandler._windowTitleStack",
  "_inputHandler._iconNameStack",
  "_inputHandler._oscLinkService._dataByLinkId",
  "_inputHandler._oscLinkService._entriesWithId",
  "_inputHandler._oscLinkService.addLineToLink",
  "_inputHandler._oscLinkService.registerLink",
  "_inputHandler._activeBuffer",
  "_inputHandler.charAttributes",
  "_inputHandler.saveCursor",
  "_inputHandler.restoreCursor",
  "_inputHandler._eraseInBufferLine",
  "_inputHandler._resetBufferLine",
  ...["normal", "alt", "active"].flatMap((b) =>
    [
      "lines.get",
      "lines.set",
      "lines.recycle",
      "lines.maxLength",
      "ybase",
      "x",
      "y",
      "scrollTop",
      "scrollBottom",
      "tabs",
      "savedX",
      "savedY",
      "savedCurAttrData.fg",
      "savedCharset",
    ].map((f) => `_bufferService.buffers.${b}.${f}`),
  ),
  "coreService.modes.insertMode",
  "coreService.isCursorHidden",
  ...[
    "applicationCursorKeys",
    "applicationKeypad",
    "bracketedPasteMode",
    "cursorBlink",
    "cursorStyle",
    "origin",
    "reverseWraparound",
    "sendFocus",
    "synchronizedOutput",
    "wraparound",
  ].map((m) => `coreService.decPrivateModes.${m}`),
  "coreMouseService.activeProtocol",
  "coreMouseService.activeEncoding",
  "_charsetService.glevel",
  "_charsetService._charsets",
  "optionsService.rawOptions.convertEol",
  "optionsService.rawOptions.cursorBlink",
];
