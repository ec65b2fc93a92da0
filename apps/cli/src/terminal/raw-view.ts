/**
 * The session's bytes on the outer terminal as they came: the fast path, used while both have the same size.
 *   R1  Every output byte is written once, in order, or is part of a picture that was drawn after it.
 *   R2  On the alternate screen nothing of the session touches the person's own screen and scrollback.
 *   R3  At most {@link pieceBytes} wait in this process for the terminal, so that after an interrupt little of what came before is still shown.
 *   R4  A line laid over the screen is taken away by drawing a picture of the session: the terminal can't be asked what was there.
 * `fetchPicture` answers the session as it is now, or null where that can't be had (link down); then the next occasion mends it.
 */
import { cutTo, padTo } from "../show/width.ts";
import { endsInGround } from "./ground.ts";
import type { Outer } from "./outer.ts";
import { type Piece, ScreenSwitches } from "./screen-switch.ts";
import type { OutputChunk, Picture, View } from "./view.ts";

/** What the SDK's ModeTracker offers: the modes that the bytes set, and the bytes that unset them. */
export interface Tracker {
  feed(bytes: Uint8Array): void;
  undo(): Uint8Array;
}

export interface RawViewOptions {
  readonly outer: Outer;
  readonly screen: "alternate" | "main";
  /** Pipes have no terminal that would turn LF into CR LF. */
  readonly pipes: boolean;
  readonly newTracker: () => Tracker;
  readonly fetchPicture: () => Promise<Picture | null>;
}

/** Soft reset, then what it leaves alone: pen, region, origin, charsets, the screen itself (and not the scrollback). */
const clean = Buffer.from("\x1b[!p\x1b[0m\x1b[r\x1b[?6l\x1b[?7h\x1b(B\x0f\x1b[?25h\x1b[H\x1b[2J");
const tailBytes = 4096;
/** What a pseudo-terminal holds in the kernel: more at a time would only wait here, less would be more calls. */
export const pieceBytes = 8192;

export class RawView implements View {
  readonly #o: RawViewOptions;
  #tracker: Tracker;
  #switches = new ScreenSwitches();
  /** Output before this offset is on the screen already, as part of a picture. */
  #drawnTo = 0;
  #tail: Uint8Array = new Uint8Array();
  #notice: string | null = null;
  #noticeDrawn = false;
  #panel: { readonly released: Promise<void>; readonly release: () => void } | null = null;
  #mending: Promise<void> | null = null;
  #dirty = false;
  #closed = false;
  /** Output waits for the terminal. */
  #isBehind = false;
  /** Pictures drawn so far. */
  #pictures = 0;

  constructor(options: RawViewOptions) {
    this.#o = options;
    this.#tracker = options.newTracker();
  }

  snapshot(picture: Picture): void {
    // Under a panel nothing is drawn: closing it fetches a picture that is newer.
    if (this.#panel) {
      this.#dirty = true;
      return;
    }
    this.#draw(picture);
    if (this.#notice !== null) this.#layNotice();
  }

  output(chunk: OutputChunk): void | Promise<void> {
    return this.#panel || this.#mending ? this.#outputLater(chunk) : this.#output(chunk);
  }

  async #outputLater(chunk: OutputChunk): Promise<void> {
    if (this.#panel) await this.#panel.released;
    if (this.#mending) await this.#mending;
    await this.#output(chunk);
  }

  #output(chunk: OutputChunk): void | Promise<void> {
    const { end } = chunk;
    if (this.#closed || end <= this.#drawnTo) return;
    // Only a picture that ends inside the chunk takes some of it away, and only where its bytes are those of the record.
    const isWhole = chunk.bytes.length === end - chunk.offset;
    const from = isWhole ? Math.max(chunk.offset, this.#drawnTo) : chunk.offset;
    const bytes = chunk.bytes.subarray(from - chunk.offset);
    this.#drawnTo = end;
    const pieces: readonly Piece[] = this.#o.screen === "main" ? [{ kind: "bytes", bytes }] : this.#switches.feed(bytes);
    // Nearly all output is this: bytes that pass, and that the terminal takes at once.
    if (pieces.length === 1 && pieces[0]!.kind === "bytes" && !this.#dirty) {
      const passing = this.#pass(pieces[0]!.bytes);
      return typeof passing === "boolean" ? undefined : passing.then(() => undefined);
    }
    return this.#show(pieces, { from, end, bytes });
  }

  async #show(
    pieces: readonly Piece[],
    { from, end, bytes }: { readonly from: number; readonly end: number; readonly bytes: Uint8Array },
  ): Promise<void> {
    for (const piece of pieces) {
      if (piece.kind === "bytes") {
        if (!(await this.#pass(piece.bytes))) return;
      } else if (piece.kind === "enter") this.#put(Buffer.from("\x1b[0m\x1b[2J"));
      else {
        // The session's main screen comes back, and only the host knows it. What follows in this chunk is part of that picture.
        this.#drawnTo = from + piece.at;
        await this.#mend(end);
        if (this.#drawnTo < end) return this.output({ offset: this.#drawnTo, end, bytes: bytes.subarray(this.#drawnTo - from) });
        break;
      }
    }
    if (this.#dirty && !this.#panel) await this.#mend(end);
    await this.#o.outer.drained();
  }

  /** R3. False: a picture that was drawn meanwhile stands for the rest. */
  #pass(bytes: Uint8Array): boolean | Promise<boolean> {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      this.#put(bytes.subarray(at, at + pieceBytes));
      if (!this.#o.outer.isDrained) return this.#passSlowly(bytes.subarray(at + pieceBytes));
    }
    return true;
  }

  async #passSlowly(rest: Uint8Array): Promise<boolean> {
    const pictures = this.#pictures;
    this.#isBehind = true;
    await this.#o.outer.drained();
    this.#isBehind = false;
    if (this.#panel) await this.#panel.released;
    if (this.#mending) await this.#mending;
    if (this.#closed || this.#pictures !== pictures) return false;
    return this.#pass(rest);
  }

  interrupted(settled: Promise<unknown>): void {
    if (!this.#isBehind || this.#panel || this.#o.pipes) return;
    this.#mending ??= settled
      .then(() => this.#fetchAndDraw(this.#drawnTo))
      .finally(() => {
        this.#mending = null;
      });
  }

  notice(text: string | null): void {
    this.#notice = text;
    if (text !== null) {
      if (!this.#panel) this.#layNotice();
    } else if (this.#noticeDrawn && !this.#panel) void this.#mend(this.#drawnTo);
  }

  panel(lines: readonly string[] | null): void {
    if (lines) {
      if (!this.#panel) {
        let release = () => {};
        const released = new Promise<void>((resolve) => {
          release = resolve;
        });
        this.#panel = { released, release };
        this.#o.outer.write(this.#tracker.undo());
        this.#tracker = this.#o.newTracker();
      }
      const { cols, rows } = this.#o.outer.size();
      this.#o.outer.write(
        `${clean}\x1b[?25l${lines
          .slice(0, rows)
          .map((l, i) => `\x1b[${i + 1};1H${cutStyled(l, cols)}\x1b[0m\x1b[K`)
          .join("")}`,
      );
      return;
    }
    const panel = this.#panel;
    this.#panel = null;
    void this.#mend(this.#drawnTo).then(() => panel?.release());
  }

  resized(): void {
    if (!this.#panel) void this.#mend(this.#drawnTo);
  }

  undo(): Uint8Array | string {
    return Buffer.concat([this.#tracker.undo(), Buffer.from("\x1b[0m\x1b[?25h")]);
  }

  close(): void {
    this.#closed = true;
    this.#panel?.release();
  }

  /** The link is back, or a picture can be had again. */
  mendIfDirty(): void {
    if (this.#dirty && !this.#panel) void this.#mend(this.#drawnTo);
  }

  #put(bytes: Uint8Array): void {
    const data = this.#o.pipes ? withCarriageReturns(bytes) : bytes;
    this.#tracker.feed(data);
    this.#o.outer.write(data);
    this.#tail =
      data.length >= tailBytes ? data.subarray(data.length - tailBytes) : Buffer.concat([this.#tail, data]).subarray(-tailBytes);
  }

  #draw(picture: Picture): void {
    const { outer, screen } = this.#o;
    outer.write(this.#tracker.undo());
    this.#tracker = this.#o.newTracker();
    this.#switches = new ScreenSwitches();
    this.#tail = new Uint8Array();
    outer.write(clean);
    if (screen === "main") this.#put(picture.vt);
    else {
      const own = new ScreenSwitches();
      for (const piece of own.feed(picture.vt))
        this.#put(piece.kind === "bytes" ? piece.bytes : Buffer.from(piece.kind === "enter" ? "\x1b[0m\x1b[2J" : ""));
    }
    this.#drawnTo = Math.max(this.#drawnTo, picture.offset);
    this.#pictures++;
    this.#noticeDrawn = false;
    this.#dirty = false;
  }

  /** Draws the session as the host has it, at `least` or later; several callers share one. */
  #mend(least: number): Promise<void> {
    this.#mending ??= this.#fetchAndDraw(least).finally(() => {
      this.#mending = null;
    });
    return this.#mending;
  }

  async #fetchAndDraw(least: number): Promise<void> {
    const before = this.#drawnTo;
    const pictures = this.#pictures;
    for (let tries = 0; tries < 5; tries++) {
      const picture = await this.#o.fetchPicture().catch(() => null);
      if (this.#closed) return;
      // One that came by itself meanwhile is newer: output before its end comes no more.
      if (picture && this.#pictures !== pictures && picture.offset <= this.#drawnTo) return;
      if (picture === null || this.#panel) break;
      if (picture.offset < Math.min(least, before)) continue;
      this.#drawnTo = 0;
      this.#draw(picture);
      if (this.#notice !== null) this.#layNotice();
      return;
    }
    // A picture can't be had: the screen stays as it is, and the next output or the link's return tries again.
    this.#dirty = true;
  }

  #layNotice(): void {
    if (this.#notice === null || !endsInGround(this.#tail)) return;
    const { cols, rows } = this.#o.outer.size();
    const text = padTo(cutTo(` ${this.#notice}`, cols - 1), cols - 1);
    // Saving clobbers what the program has saved; the picture that follows restores it.
    this.#o.outer.write(`\x1b7\x1b[?6l\x1b[${rows};1H\x1b[0;7m${text}\x1b[0m\x1b8`);
    this.#noticeDrawn = true;
  }
}

/** Cuts a line that may carry our own SGR sequences to `width` columns. */
export function cutStyled(line: string, width: number): string {
  let shown = "";
  let left = width;
  for (const part of line.split(/(\x1b\[[\d;]*m)/)) {
    if (part.startsWith("\x1b[")) shown += part;
    else if (left > 0) {
      const cut = cutTo(part, left);
      shown += cut;
      left -= [...cut].length;
    }
  }
  return shown;
}

function withCarriageReturns(bytes: Uint8Array): Uint8Array {
  return bytes.includes(0x0a)
    ? Buffer.from(
        Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1").replace(/\r?\n/g, "\r\n"),
        "latin1",
      )
    : bytes;
}
