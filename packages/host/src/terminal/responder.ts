/**
 * The one responder: answers to terminal queries.
 *
 *   R1  Answers go out only while `isLive` says so; xterm's own answers are never used.
 *   R2  An answer is built from the model's state and numbers; no byte of text in it comes from the query.
 *   R3  Not answered at all: title and icon reports, checksums (DECRQCRA), fonts, terminfo strings (XTGETTCAP), clipboard reads, ENQ.
 */
import type { Terminal } from "@xterm/headless";
import type { ModeState } from "./core-terminal.ts";
import { MAX_OSC_CHARS } from "./guards.ts";
import { canonical, type DefaultColors, indexedColor } from "./palette.ts";
import { changePen, DEFAULT_PEN, penOf } from "./sgr.ts";
import { coreOf } from "./xterm-internals.ts";

export interface ResponderOptions {
  readonly colors: DefaultColors;
  /** Pixels of a cell, for 14 t and 16 t: the model has no font. */
  readonly cell: { readonly width: number; readonly height: number };
  readonly version: string;
}

const ESC = "\x1b";
/** DEC modes that xterm does not model and that the tracker keeps for the outer terminal: answered from the tracker. */
const TRACKED_MODES: ReadonlySet<number> = new Set([5, 69, 1007, 1035, 1036, 1039, 2027, 2031, 2048]);

export function respond(
  term: Terminal,
  modes: ModeState,
  options: ResponderOptions,
  isLive: () => boolean,
  reply: (text: string) => void,
): void {
  const core = coreOf(term);
  const answer = (text: string): true => {
    if (isLive()) reply(text);
    return true;
  };
  const csi = (
    id: { prefix?: string; intermediates?: string; final: string },
    f: (first: number) => string | undefined,
  ): void => {
    core._inputHandler._parser.registerCsiHandler(id, (p) => {
      const text = f(p.length > 0 ? (p.params[0] as number) : 0);
      return text === undefined ? true : answer(text);
    });
  };

  csi({ final: "c" }, (n) => (n > 0 ? undefined : `${ESC}[?1;2c`));
  csi({ prefix: ">", final: "c" }, (n) => (n > 0 ? undefined : `${ESC}[>0;276;0c`));
  csi({ prefix: "=", final: "c" }, (n) => (n > 0 ? undefined : `${ESC}P!|00000000${ESC}\\`));
  csi({ prefix: ">", final: "q" }, (n) => (n > 0 ? undefined : `${ESC}P>|holdfast(${options.version})${ESC}\\`));
  csi({ final: "n" }, (n) => (n === 5 ? `${ESC}[0n` : n === 6 ? `${ESC}[${position()}R` : undefined));
  csi({ prefix: "?", final: "n" }, (n) => (n === 6 ? `${ESC}[?${position()}R` : undefined));
  csi({ prefix: "?", intermediates: "$", final: "p" }, (n) => `${ESC}[?${n};${decMode(n)}$y`);
  csi({ intermediates: "$", final: "p" }, (n) => `${ESC}[${n};${ansiMode(n)}$y`);
  csi(
    { prefix: "?", final: "u" },
    () => `${ESC}[?${(modes.alternate === 0 ? modes.keyboard.main : modes.keyboard.alternate).flags}u`,
  );
  core._inputHandler._parser.registerCsiHandler({ final: "t" }, (p) => {
    const { cols, rows } = core._bufferService;
    switch (p.params[0]) {
      case 14:
        return answer(`${ESC}[4;${rows * options.cell.height};${cols * options.cell.width}t`);
      case 16:
        return answer(`${ESC}[6;${options.cell.height};${options.cell.width}t`);
      case 18:
        return answer(`${ESC}[8;${rows};${cols}t`);
      default:
        return false;
    }
  });
  term.parser.registerDcsHandler({ intermediates: "$", final: "q" }, (text) => answer(status(text)));
  term.parser.registerOscHandler(4, (text) => {
    if (text.length <= MAX_OSC_CHARS) {
      const parts = text.split(";", 64);
      for (let i = 0; i + 1 < parts.length; i += 2) {
        const index = Number(parts[i]);
        if (parts[i + 1] === "?" && /^\d{1,3}$/.test(parts[i] ?? "") && index < 256)
          answer(`${ESC}]4;${index};${indexedColor(modes, index)}${ESC}\\`);
      }
    }
    return false;
  });
  const special = ["foreground", "background", "cursor"] as const;
  special.forEach((_, i) => {
    term.parser.registerOscHandler(10 + i, (text) => {
      text.split(";", 3).forEach((spec, j) => {
        const slot = special[i + j];
        if (spec === "?" && slot !== undefined)
          answer(`${ESC}]${10 + i + j};${canonical(modes.colors.get(slot) ?? options.colors[slot])}${ESC}\\`);
      });
      return false;
    });
  });

  function position(): string {
    const { active } = core._bufferService.buffers;
    const top = core.coreService.decPrivateModes.origin ? active.scrollTop : 0;
    return `${Math.max(0, active.y - top) + 1};${Math.min(active.x, core._bufferService.cols - 1) + 1}`;
  }

  function ansiMode(n: number): number {
    if (n === 4) return flag(core.coreService.modes.insertMode);
    if (n === 20) return flag(core.optionsService.rawOptions.convertEol);
    return n === 2 ? 4 : n === 12 ? 3 : 0;
  }

  function decMode(n: number): number {
    const dec = core.coreService.decPrivateModes;
    const { activeProtocol, activeEncoding } = core.coreMouseService;
    switch (n) {
      case 1:
        return flag(dec.applicationCursorKeys);
      case 6:
        return flag(dec.origin);
      case 7:
        return flag(dec.wraparound);
      case 8:
        return 3;
      case 9:
        return flag(activeProtocol === "X10");
      case 12:
        return flag(core.optionsService.rawOptions.cursorBlink);
      case 25:
        return flag(!core.coreService.isCursorHidden);
      case 45:
        return flag(dec.reverseWraparound);
      case 66:
        return flag(dec.applicationKeypad);
      case 67:
        return 4;
      case 1000:
        return flag(activeProtocol === "VT200");
      case 1002:
        return flag(activeProtocol === "DRAG");
      case 1003:
        return flag(activeProtocol === "ANY");
      case 1004:
        return flag(dec.sendFocus);
      case 1005:
      case 1015:
        return 4;
      case 1006:
        return flag(activeEncoding === "SGR");
      case 1016:
        return flag(activeEncoding === "SGR_PIXELS");
      case 1048:
        return 1;
      case 47:
      case 1047:
      case 1049:
        return flag(core._bufferService.buffers.active === core._bufferService.buffers.alt);
      case 2004:
        return flag(dec.bracketedPasteMode);
      case 2026:
        return flag(dec.synchronizedOutput);
      default:
        return TRACKED_MODES.has(n) && modes.dec.has(n) ? flag(modes.isOn(n)) : 0;
    }
  }

  function status(text: string): string {
    const { active } = core._bufferService.buffers;
    const pen = penOf(core._inputHandler._curAttrData);
    switch (text) {
      case "m":
        return `${ESC}P1$r${changePen(DEFAULT_PEN, pen).match(/\x1b\[([\d;:]*)m/)?.[1] || "0"}m${ESC}\\`;
      case "r":
        return `${ESC}P1$r${active.scrollTop + 1};${active.scrollBottom + 1}r${ESC}\\`;
      case '"q':
        return `${ESC}P1$r${pen.bg & 0x20000000 ? 1 : 0}"q${ESC}\\`;
      case '"p':
        return `${ESC}P1$r61;1"p${ESC}\\`;
      case " q":
        return `${ESC}P1$r${modes.cursorStyle} q${ESC}\\`;
      default:
        return `${ESC}P0$r${ESC}\\`;
    }
  }
}

function flag(on: boolean): number {
  return on ? 1 : 2;
}
