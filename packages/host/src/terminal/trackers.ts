/**
 * Hooks on xterm's parser that keep what xterm does not: keyboard protocols, margins, colours, modes that only an outer terminal has.
 * Every hook lets the sequence through to xterm, except colours, which headless xterm drops.
 */
import type { Terminal } from "@xterm/headless";
import { ModeState } from "./core-terminal.ts";
import { MAX_OSC_CHARS } from "./guards.ts";
import { UNDERLINE_COLOR_RESET } from "./sgr.ts";
import { type Core, coreOf, type ExtendedAttributes, type RawParams } from "./xterm-internals.ts";

/**
 * DECSC in xterm 6.0.0 keeps colours and flags but not how text is underlined, and DECRC leaves a link neither open nor closed. As in
 * other terminals: the underline is saved with the rest, a link stays as it is.
 */
export function saveUnderlines(core: Core): void {
  const input = core._inputHandler;
  const save = input.saveCursor.bind(input);
  const restore = input.restoreCursor.bind(input);
  const withLink = (from: ExtendedAttributes, urlId: number): ExtendedAttributes => {
    const e = from.clone();
    e.urlId = urlId;
    return e;
  };
  input.saveCursor = (p) => {
    const done = save(p);
    input._activeBuffer.savedCurAttrData.extended = withLink(input._curAttrData.extended, 0);
    return done;
  };
  input.restoreCursor = (p) => {
    const done = restore(p);
    const pen = input._curAttrData;
    pen.extended = withLink(input._activeBuffer.savedCurAttrData.extended, pen.extended.urlId);
    pen.updateExtended();
    return done;
  };
  input._parser.registerCsiHandler({ intermediates: "!", final: "p" }, () => {
    const saved = input._activeBuffer.savedCurAttrData;
    saved.extended = withLink(saved.extended, 0);
    saved.extended._ext = 0;
    return false;
  });
}

export function track(term: Terminal): ModeState {
  const core = coreOf(term);
  const parser = core._inputHandler._parser;
  const modes = new ModeState();
  saveUnderlines(core);
  const csi = (prefix: string, intermediates: string, final: string): void => {
    parser.registerCsiHandler(
      { ...(prefix === "" ? {} : { prefix }), ...(intermediates === "" ? {} : { intermediates }), final },
      (p) => {
        modes.csi(prefix, intermediates, final, p.params, p.length);
        return false;
      },
    );
  };
  for (const [prefix, intermediates, finals] of [
    ["?", "", "hlsr"],
    ["", "", "hlst"],
    [">", "", "umn"],
    ["<", "", "u"],
    ["=", "", "u"],
    ["", " ", "q"],
    ["", "!", "p"],
  ] as const) {
    for (const final of finals) csi(prefix, intermediates, final);
  }
  // RIS resets line feed mode and blinking too; xterm keeps them as options of the user's.
  parser.registerEscHandler({ final: "c" }, () => {
    term.options.convertEol = false;
    term.options.cursorBlink = false;
    return false;
  });
  for (const final of "c=>")
    parser.registerEscHandler({ final }, () => {
      modes.esc("", final);
      return false;
    });
  for (const command of [4, 10, 11, 12, 104, 110, 111, 112]) {
    term.parser.registerOscHandler(command, (text) => {
      if (text.length <= MAX_OSC_CHARS) modes.osc(command, text);
      return true;
    });
  }
  parser.registerCsiHandler({ final: "m" }, (p) => resetsUnderlineColor(p) && underlineColorReset(p));

  /** xterm takes 59 for white (sgr.ts). */
  function underlineColorReset(p: RawParams): boolean {
    const pen = core._inputHandler._curAttrData;
    core._inputHandler.charAttributes(p);
    if ((pen.extended._ext & 0x3ffffff) !== 0x3ffffff) return true;
    const extended = pen.extended.clone();
    extended.underlineColor = UNDERLINE_COLOR_RESET;
    pen.extended = extended;
    return true;
  }
  return modes;
}

function resetsUnderlineColor(p: RawParams): boolean {
  for (let i = 0; i < p.length; i++) if (p.params[i] === 59) return true;
  return false;
}
