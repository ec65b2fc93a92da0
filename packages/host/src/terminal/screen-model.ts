/**
 * One session's terminal, parsed synchronously: xterm's parser and buffers with our guards, trackers and responder on it.
 *
 *   S1  A function of bytes and resizes, in order; how the bytes were cut does not matter.
 *   S2  Never awaits and owns no timer: xterm's write queue, which does both and throws away past 50 MB, is not used.
 * Elsewhere: the worker that schedules many (worker.ts), the snapshot (serialize.ts).
 */

import type { Terminal } from "@xterm/headless";
import * as headless from "@xterm/headless";
import { DESIGNATORS, hasCharsets, learnCharset } from "./charsets.ts";
import { type ModeState, skim } from "./core-terminal.ts";
import { guard, MAX_OSC_CHARS } from "./guards.ts";
import { LineSlabs, useSlabs } from "./line-slabs.ts";
import { PackedBlocks, unpackAll, usePackedLines } from "./packed-lines.ts";
import { DEFAULT_COLORS } from "./palette.ts";
import { PendingBytes } from "./pending.ts";
import { type ResponderOptions, respond } from "./responder.ts";
import { isSizeAllowed } from "./size.ts";
import { track } from "./trackers.ts";
import { WholeCharacters, wholeEnd } from "./utf8.ts";
import { type Core, coreOf, type Line, type Screen, ParserState } from "./xterm-internals.ts";

const TerminalClass =
  (headless as { Terminal?: typeof Terminal }).Terminal ??
  (headless as unknown as { default: { Terminal: typeof Terminal } }).default.Terminal;

/** xterm's own minimum: a wide character needs two columns. */
const MIN_MODEL_COLS = 2;
/** Parsed in one go; above it xterm would cut by itself. */
const MAX_PIECE_BYTES = 65_536;
/** Fewer lines are not worth the rows of the screen being put together anew. */
const MIN_PACKED_LINES = 64;
/** One for all models of the thread, since parsing never yields: of its own each would keep 256 KiB. */
const sharedParseBuffer = new Uint32Array(MAX_PIECE_BYTES);

export interface ScreenEvents {
  reply(text: string): void;
  notice(kind: "bell" | "title" | "clipboard", text: string): void;
}
export interface ScreenOptions extends Partial<ResponderOptions> {
  /** Lines above the screen. Default 1,000. */
  readonly scrollback?: number;
  /** OSC 52 writes become notices. Reads are refused whatever this says. Default false. */
  readonly allowClipboardWrite?: boolean;
}
/** OSC 52 text, decoded, above which a write is refused. */
const MAX_CLIPBOARD_CHARS = 48 * 1024;

export class ScreenModel {
  readonly term: Terminal;
  readonly core: Core;
  readonly modes: ModeState;
  private readonly pending = new PendingBytes();
  private readonly characters = new WholeCharacters();
  private readonly slabs = new LineSlabs();
  private readonly packed = new PackedBlocks();
  private readonly scrollback: number;
  private isLive = false;

  constructor(cols: number, rows: number, options: ScreenOptions = {}, events?: ScreenEvents) {
    checkSize(cols, rows);
    this.cols = cols;
    this.rows = rows;
    this.scrollback = options.scrollback ?? 1000;
    this.term = new TerminalClass({
      cols: Math.max(MIN_MODEL_COLS, cols),
      rows,
      scrollback: this.scrollback,
      allowProposedApi: true,
      windowOptions: { pushTitle: true, popTitle: true, getWinSizePixels: true, getCellSizePixels: true, getWinSizeChars: true },
      logLevel: "off",
    });
    this.core = coreOf(this.term);
    if (!hasCharsets()) learnCharsets();
    useSlabs(this.core);
    usePackedLines(this.core._bufferService.buffers.normal);
    this.core._inputHandler._parseBuffer = sharedParseBuffer;
    guard(this.term);
    this.modes = track(this.term);
    respond(
      this.term,
      this.modes,
      {
        colors: options.colors ?? DEFAULT_COLORS,
        cell: options.cell ?? { width: 8, height: 16 },
        version: options.version ?? "0.1.0",
      },
      () => this.isLive,
      (text) => events?.reply(text),
    );
    this.term.parser.registerOscHandler(52, (text) => {
      if (options.allowClipboardWrite === true && this.isLive) {
        const written = clipboardText(text);
        if (written !== undefined) events?.notice("clipboard", written);
      }
      return true;
    });
    if (events !== undefined) {
      this.term.onBell(() => {
        if (this.isLive) events.notice("bell", "");
      });
      this.term.onTitleChange((title) => events.notice("title", title));
    }
  }

  /** As asked for: one column is modelled as two. */
  cols: number;
  rows: number;
  get title(): string {
    return this.core._inputHandler._windowTitle;
  }

  /** Parses now. `live`: queries are answered, the bell rings. */
  write(bytes: Uint8Array, live = false): void {
    this.isLive = live;
    const whole = this.characters.take(bytes);
    for (let from = 0; from < whole.length; ) {
      const to = whole.length - from <= MAX_PIECE_BYTES ? whole.length : wholeEnd(whole, from + MAX_PIECE_BYTES);
      this.parse(to - from === whole.length ? whole : whole.subarray(from, to));
      from = to;
    }
    this.isLive = false;
  }

  /**
   * Takes the beginning of `bytes` without drawing it, if it is plain output of which nothing stays in reach, and returns how
   * many bytes that were: screen and scrollback will be as if they had been drawn (core/terminal/skim.ts).
   */
  skim(bytes: Uint8Array): number {
    const { scrollTop, scrollBottom } = this.core._bufferService.buffers.active;
    const isBetween =
      this.core._inputHandler._parser.currentState === ParserState.ground &&
      this.pending.isEmpty &&
      this.characters.tail.length === 0;
    if (!isBetween || scrollTop !== 0 || scrollBottom !== this.term.rows - 1) return 0;
    const found = skim(bytes, this.term.rows, this.term.rows + this.scrollback);
    if (found === null) return 0;
    this.write(found.styles);
    this.write(new TextEncoder().encode("\r\n".repeat(this.term.rows)));
    return found.bytes;
  }

  resize(cols: number, rows: number): void {
    checkSize(cols, rows);
    this.cols = cols;
    this.rows = rows;
    this.slabs.during(() => {
      unpackAll(this.core._bufferService.buffers.normal, (words) => this.slabs.take(words));
      this.term.resize(Math.max(MIN_MODEL_COLS, cols), rows);
    });
  }

  /** For a quiet moment: the lines above the screen take little from here on. Returns how many were packed: none if they are fewer than `least`. */
  pack(least = MIN_PACKED_LINES): number {
    const { normal, alt } = this.core._bufferService.buffers;
    const count = this.packed.packAbove(normal, least);
    if (count > 0) this.slabs.gather([...rowsOf(normal), ...rowsOf(alt)]);
    return count;
  }

  dispose(): void {
    this.term.dispose();
  }

  /** What is half received, to be written last. */
  pendingBytes(): Uint8Array {
    const sequence = this.pending.bytes(this.core._inputHandler._parser);
    const { tail } = this.characters;
    const out = new Uint8Array(sequence.length + tail.length);
    out.set(sequence);
    out.set(tail, sequence.length);
    return out;
  }

  private parse(piece: Uint8Array): void {
    const input = this.core._inputHandler;
    try {
      this.slabs.during(() => input.parse(piece));
    } catch {
      // A defect of xterm's in one sequence must not end the models of every session: the rest of the piece is lost, the next one goes on.
      input._parser.reset();
    }
    const more = this.pending.took(piece, input._parser);
    if (more !== undefined) input.parse(more);
  }
}

function* rowsOf(screen: Screen): Iterable<Line> {
  for (let y = screen.ybase; y < screen.lines.length; y++) yield screen.lines.get(y) as Line;
}

/** xterm's sets are module constants: designate each on a terminal of no use, and see what it holds. */
function learnCharsets(): void {
  const scratch = coreOf(new TerminalClass({ cols: MIN_MODEL_COLS, rows: 1, scrollback: 0, allowProposedApi: true }));
  for (const letter of DESIGNATORS) {
    scratch._inputHandler.parse(new TextEncoder().encode(`\x1b(${letter}`));
    learnCharset(letter, scratch._charsetService._charsets[0]);
  }
}

function checkSize(cols: number, rows: number): void {
  if (!isSizeAllowed(cols, rows)) throw new RangeError(`[bad_size] ${cols}x${rows}: columns 1 to 1000, rows 1 to 500`);
}

function clipboardText(osc: string): string | undefined {
  if (osc.length > MAX_OSC_CHARS) return undefined;
  const at = osc.indexOf(";");
  const data = osc.slice(at + 1);
  if (at < 0 || data === "" || data === "?" || !/^[A-Za-z0-9+/]*={0,2}$/.test(data)) return undefined;
  const text = Buffer.from(data, "base64").toString("utf8");
  return text.length <= MAX_CLIPBOARD_CHARS ? text : undefined;
}
