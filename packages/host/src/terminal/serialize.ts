/**
 * A model as bytes that rebuild it on a reset terminal of the same size (model.ts, M2).
 *
 * Order, because each step disturbs what the later ones set: titles and colours; the normal screen's rows, tab stops, region and saved
 * cursor; the alternate screen likewise; modes; cursor, attributes and character sets; what is half received, last.
 * Everything is drawn in the state of a reset terminal, so no mode is on yet that would change how.
 */
import { charsetLetter } from "./charsets.ts";
import type { KeyboardStack, ModeState } from "./core-terminal.ts";
import { finishCursor } from "./cursor.ts";
import { Painter } from "./painter.ts";
import type { ScreenModel } from "./screen-model.ts";
import { BG_COLOR, DEFAULT_PEN, penOf, samePen } from "./sgr.ts";
import type { Core, Screen } from "./xterm-internals.ts";

export interface Serialized {
  readonly vt: Uint8Array;
  readonly undo: Uint8Array;
}

/** Lines above the screen to include: default all. */
export function serialize(model: ScreenModel, scrollback = Number.POSITIVE_INFINITY): Serialized {
  const { core, modes } = model;
  const { buffers, rows } = core._bufferService;
  const { normal, alt } = buffers;
  const p = new Painter(core);
  p.put(titles(core) + colors(modes));
  p.rows(normal, Math.max(0, normal.ybase - scrollback), normal.ybase + rows - 1);
  p.setLink(0);
  p.put(tabStops(normal, core) + margins(modes) + region(normal, rows) + keyboard(modes.keyboard.main));
  const isAlternate = buffers.active === alt;
  if (isAlternate || hasSavedCursor(normal) || modes.margins !== undefined)
    saveCursor(p, normal, core, isAlternate ? "\x1b[?1049h" : "\x1b7");
  if (isAlternate) {
    const filled = (normal.savedCurAttrData.bg & BG_COLOR) !== 0;
    p.setPen(DEFAULT_PEN);
    p.put(filled ? "\x1b[2J\x1b[H" : "\x1b[H");
    p.rows(alt, alt.ybase, alt.ybase + rows - 1);
    p.setLink(0);
    p.put(tabStops(alt, core) + region(alt, rows) + keyboard(modes.keyboard.alternate));
    if (hasSavedCursor(alt)) saveCursor(p, alt, core, "\x1b7");
  }
  p.put(modeSequences(core, modes));
  finishCursor(p, core);
  const text = new TextEncoder().encode(p.text);
  const pending = model.pendingBytes();
  const vt = new Uint8Array(text.length + pending.length);
  vt.set(text);
  vt.set(pending, text.length);
  return { vt, undo: new TextEncoder().encode((pending.length > 0 ? "\x18\x1b\\" : "") + undo(core, modes)) };
}

/** What `vt` left set, undone. Cell attributes and regions are the model's, not the tracker's. */
function undo(core: Core, modes: ModeState): string {
  const { buffers, rows } = core._bufferService;
  const isAlternate = buffers.active === buffers.alt;
  const pen = penOf(core._inputHandler._curAttrData);
  modes.hasRegion = [buffers.normal, ...(isAlternate ? [buffers.alt] : [])].some((s) => region(s, rows) !== "");
  modes.hasCharset = core._charsetService._charsets.some((c) => c !== undefined) || core._charsetService.glevel !== 0;
  modes.hasPen = !samePen(pen, DEFAULT_PEN);
  modes.hasLink = core._inputHandler._curAttrData.extended.urlId !== 0;
  return modes.undo(isAlternate ? 1049 : 0);
}

function titles(core: Core): string {
  const { _windowTitle: title, _iconName: icon, _windowTitleStack: titleStack, _iconNameStack: iconStack } = core._inputHandler;
  const set = (command: number, text: string): string => `\x1b]${command};${text}\x1b\\`;
  return (
    titleStack.map((t) => `${set(2, t)}\x1b[22;2t`).join("") +
    iconStack.map((t) => `${set(1, t)}\x1b[22;1t`).join("") +
    (title !== "" || titleStack.length > 0 ? set(2, title) : "") +
    (icon !== "" || iconStack.length > 0 ? set(1, icon) : "")
  );
}

function colors(modes: ModeState): string {
  const special = { foreground: 10, background: 11, cursor: 12 } as const;
  let out = "";
  for (const [slot, spec] of modes.colors)
    out += typeof slot === "number" ? `\x1b]4;${slot};${spec}\x1b\\` : `\x1b]${special[slot]};${spec}\x1b\\`;
  return out;
}

function tabStops(screen: Screen, core: Core): string {
  const stops: number[] = [];
  let isDefault = true;
  for (let x = 0; x < core._bufferService.cols; x++) {
    const isSet = screen.tabs[x] === true;
    if (isSet) stops.push(x);
    if (isSet !== (x % 8 === 0)) isDefault = false;
  }
  return isDefault ? "" : `\x1b[3g${stops.map((x) => `\x1b[${x + 1}G\x1bH`).join("")}`;
}

function region(screen: Screen, rows: number): string {
  return screen.scrollTop === 0 && screen.scrollBottom === rows - 1
    ? ""
    : `\x1b[${screen.scrollTop + 1};${screen.scrollBottom + 1}r`;
}

/** xterm takes DECSLRM for "save cursor", so this comes before the saved cursor is set. */
function margins(modes: ModeState): string {
  return modes.margins === undefined ? "" : `\x1b[?69h\x1b[${modes.margins.left};${modes.margins.right || ""}s`;
}

function keyboard(stack: KeyboardStack): string {
  const flags = [...stack.below, stack.flags];
  return flags.map((f, i) => (i === 0 ? (f === 0 ? "" : `\x1b[=${f};1u`) : `\x1b[>${f}u`)).join("");
}

function hasSavedCursor(s: Screen): boolean {
  return (
    s.savedX !== 0 || s.savedY - s.ybase > 0 || s.savedCharset !== undefined || !samePen(penOf(s.savedCurAttrData), DEFAULT_PEN)
  );
}

/** Goes where the saved cursor is, with its attributes and character set, and saves. Leaves G0 and the pen at default. */
function saveCursor(p: Painter, screen: Screen, core: Core, how: string): void {
  const { cols, rows } = core._bufferService;
  const y = Math.min(rows - 1, Math.max(0, screen.savedY - screen.ybase));
  const letter = charsetLetter(screen.savedCharset);
  p.put(`\x1b[${y + 1};${Math.min(cols - 1, screen.savedX) + 1}H`);
  p.setPen(penOf(screen.savedCurAttrData));
  p.put(letter === "B" ? how : `\x1b(${letter}${how}\x1b(B`);
  p.setPen(DEFAULT_PEN);
}

/** Set by {@link modeSequences} from xterm's own state, or no lasting mode at all; the tracker speaks for the rest. */
const MODELLED: ReadonlySet<number> = new Set([
  1, 2, 3, 6, 7, 9, 12, 25, 45, 47, 66, 69, 1000, 1002, 1003, 1004, 1006, 1016, 1047, 1048, 1049, 2004, 2026,
]);
const MOUSE: Readonly<Record<string, number>> = { X10: 9, VT200: 1000, DRAG: 1002, ANY: 1003 };
const ENCODING: Readonly<Record<string, number>> = { SGR: 1006, SGR_PIXELS: 1016 };

function modeSequences(core: Core, modes: ModeState): string {
  const dec = core.coreService.decPrivateModes;
  const { rawOptions } = core.optionsService;
  let out = "";
  const set = (mode: number | undefined, on: boolean | undefined, letter = "h"): void => {
    if (on === true && mode !== undefined) out += `\x1b[?${mode}${letter}`;
  };
  for (const [mode, on] of modes.dec) if (!MODELLED.has(mode)) set(mode, true, on ? "h" : "l");
  if (modes.isOn(69) && modes.margins === undefined) set(69, true);
  for (const mode of modes.ansi) if (mode !== 4 && mode !== 20) out += `\x1b[${mode}h`;
  for (const [resource, value] of modes.modifyKeys) out += value < 0 ? `\x1b[>${resource}n` : `\x1b[>${resource};${value}m`;
  if (dec.cursorStyle !== undefined || dec.cursorBlink !== undefined)
    out += `\x1b[${cursorStyle(dec.cursorStyle, dec.cursorBlink)} q`;
  if (core.coreService.modes.insertMode) out += "\x1b[4h";
  if (rawOptions.convertEol) out += "\x1b[20h";
  set(1, dec.applicationCursorKeys);
  set(6, dec.origin);
  set(7, !dec.wraparound, "l");
  set(12, rawOptions.cursorBlink);
  set(45, dec.reverseWraparound);
  if (dec.applicationKeypad) out += "\x1b=";
  const mouse = MOUSE[core.coreMouseService.activeProtocol];
  set(mouse, mouse !== undefined);
  const encoding = ENCODING[core.coreMouseService.activeEncoding];
  set(encoding, encoding !== undefined);
  set(1004, dec.sendFocus);
  set(2004, dec.bracketedPasteMode);
  set(25, core.coreService.isCursorHidden, "l");
  set(2026, dec.synchronizedOutput);
  return out;
}

function cursorStyle(style: "block" | "underline" | "bar" | undefined, blinks: boolean | undefined): number {
  const steady = style === "block" ? 2 : style === "underline" ? 4 : style === "bar" ? 6 : 8;
  return blinks === true ? steady - 1 : steady;
}
