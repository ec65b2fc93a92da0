/**
 * A window onto a session of another size: a local terminal model is fed the session's bytes, and what the window shows of it is drawn,
 * at most 30 times a second and only where it changed. Letterboxed when the session is smaller, panning after the cursor when larger.
 */
import { createRequire } from "node:module";
import type { Terminal as Model } from "@xterm/headless";
import type { TerminalSize } from "../read/size.ts";
import { padTo, cutTo } from "../show/width.ts";
import { type Cell, difference, type Frame } from "./frame.ts";
import { type Corner, follow, look } from "./lens.ts";
import type { Outer } from "./outer.ts";
import { cutStyled } from "./raw-view.ts";
import type { OutputChunk, Picture, View } from "./view.ts";

const frameMs = 33;
/** Modes of the session that change what keys send, set on the outer terminal while it is looked at: cursor keys, paste brackets. */
const keyModes = { applicationCursorKeysMode: "1", bracketedPasteMode: "2004" } as const;

export async function openLens(outer: Outer): Promise<View> {
  // CommonJS without names that ESM could see.
  const loaded = (await import("@xterm/headless")) as unknown as {
    Terminal?: typeof Model;
    default?: { Terminal: typeof Model };
  };
  const Terminal =
    loaded.Terminal ??
    loaded.default?.Terminal ??
    (createRequire(import.meta.filename)("@xterm/headless") as { Terminal: typeof Model }).Terminal;
  return new LensView(outer, (size) => new Terminal({ ...size, allowProposedApi: true, scrollback: 0, logLevel: "off" }));
}

class LensView implements View {
  readonly #outer: Outer;
  readonly #make: (size: TerminalSize) => Model;
  #model: Model | null = null;
  #size: TerminalSize = { cols: 80, rows: 24 };
  #corner: Corner = { row: 0, col: 0 };
  #shown: Frame | null = null;
  #drawnTo = 0;
  #timer: NodeJS.Timeout | null = null;
  #notice: string | null = null;
  #panel: readonly string[] | null = null;
  readonly #modes = new Set<string>();

  constructor(outer: Outer, make: (size: TerminalSize) => Model) {
    this.#outer = outer;
    this.#make = make;
  }

  snapshot(picture: Picture): Promise<void> {
    this.#model?.dispose();
    this.#size = { cols: picture.cols, rows: picture.rows };
    this.#model = this.#make(this.#size);
    this.#drawnTo = picture.offset;
    this.#shown = null;
    return this.#parse(picture.vt);
  }

  output(chunk: OutputChunk): Promise<void> | undefined {
    const { end } = chunk;
    if (end <= this.#drawnTo) return;
    const isWhole = chunk.bytes.length === end - chunk.offset;
    const bytes = chunk.bytes.subarray(isWhole ? Math.max(0, this.#drawnTo - chunk.offset) : 0);
    this.#drawnTo = end;
    return this.#parse(bytes);
  }

  interrupted(): void {
    // The model is drawn as it is, so the terminal is never further behind than one drawing.
  }

  notice(text: string | null): void {
    this.#notice = text;
    this.#soon();
  }

  panel(lines: readonly string[] | null): void {
    this.#panel = lines;
    this.#shown = null;
    if (lines) this.#drawPanel();
    else this.#soon();
  }

  resized(): void {
    this.#shown = null;
    if (this.#panel) this.#drawPanel();
    else this.#soon();
  }

  undo(): string {
    return `\x1b[0m\x1b[?25h${[...this.#modes].map((m) => `\x1b[?${m}l`).join("")}`;
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#outer.write(this.undo());
    this.#modes.clear();
    this.#model?.dispose();
    this.#model = null;
  }

  async #parse(bytes: Uint8Array): Promise<void> {
    const model = this.#model;
    if (!model) return;
    await new Promise<void>((resolve) => model.write(bytes, resolve));
    this.#soon();
    await this.#outer.drained();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#draw();
    }, frameMs);
  }

  #draw(): void {
    const model = this.#model;
    if (!model || this.#panel) return;
    const buffer = model.buffer.active;
    const cursor = { row: buffer.cursorY, col: Math.min(buffer.cursorX, this.#size.cols - 1) };
    const window = this.#outer.size();
    this.#corner = follow(this.#corner, this.#size, window, cursor);
    const hidden =
      (model as unknown as { _core?: { coreService?: { isCursorHidden?: boolean } } })._core?.coreService?.isCursorHidden ===
      true;
    const frame = look((row, col) => cellAt(model, row, col), this.#size, window, this.#corner, hidden ? null : cursor);
    const laid = this.#notice === null ? frame : withNotice(frame, this.#notice);
    this.#outer.write(difference(this.#shown, laid) + this.#keyModes(model));
    this.#shown = laid;
  }

  #keyModes(model: Model): string {
    let out = "";
    for (const [name, mode] of Object.entries(keyModes)) {
      const on = model.modes[name as keyof typeof keyModes];
      if (on === this.#modes.has(mode)) continue;
      if (on) this.#modes.add(mode);
      else this.#modes.delete(mode);
      out += `\x1b[?${mode}${on ? "h" : "l"}`;
    }
    return out;
  }

  #drawPanel(): void {
    const { cols, rows } = this.#outer.size();
    this.#outer.write(
      `\x1b[0m\x1b[2J\x1b[?25l${(this.#panel ?? [])
        .slice(0, rows)
        .map((l, i) => `\x1b[${i + 1};1H${cutStyled(l, cols)}\x1b[0m`)
        .join("")}`,
    );
  }
}

function withNotice(frame: Frame, notice: string): Frame {
  const text = [...padTo(cutTo(` ${notice}`, frame.cols), frame.cols)];
  const line: Cell[] = Array.from({ length: frame.cols }, (_, i) => ({ text: text[i] ?? " ", pen: "7" }));
  return { ...frame, cells: [...frame.cells.slice(0, -1), line] };
}

function cellAt(model: Model, row: number, col: number): Cell {
  const cell = model.buffer.active.getLine(model.buffer.active.baseY + row)?.getCell(col);
  if (!cell) return { text: " ", pen: "" };
  const pen: (string | number)[] = [];
  if (cell.isBold()) pen.push(1);
  if (cell.isDim()) pen.push(2);
  if (cell.isItalic()) pen.push(3);
  if (cell.isUnderline()) pen.push(4);
  if (cell.isBlink()) pen.push(5);
  if (cell.isInverse()) pen.push(7);
  if (cell.isInvisible()) pen.push(8);
  if (cell.isStrikethrough()) pen.push(9);
  if (cell.isOverline()) pen.push(53);
  const colour = (base: 38 | 48, value: number, palette: boolean, rgb: boolean) => {
    if (rgb) pen.push(base, 2, (value >> 16) & 255, (value >> 8) & 255, value & 255);
    else if (palette) pen.push(base, 5, value);
  };
  colour(38, cell.getFgColor(), cell.isFgPalette(), cell.isFgRGB());
  colour(48, cell.getBgColor(), cell.isBgPalette(), cell.isBgRGB());
  const width = cell.getWidth();
  return { text: width === 0 ? "" : cell.getChars() || " ", pen: pen.join(";") };
}
