/**
 * `ssh SESSION@host`: the live session on the client's terminal, or as a stream for a client without one.
 *
 *   S1  Output and pictures reach the client in the order in which they came, one at a time.
 *   S2  Bytes pass as they are while the client's terminal has the session's size, or has said none; else a window onto the model's screen
 *       is drawn, a few times a second.
 *   S3  Who leaves finds their terminal as it was but for what it shows; the session runs on. The session's end is the channel's, with its exit.
 *   S4  The end of the client's input ends nothing: others may type there.
 */
import { terminal as modes } from "@holdfast/core";
import { type Event, type Floor, FloorMode, FloorVerb, HoldError, SessionKind, SessionState } from "@holdfast/protocol";
import { type ChannelWork, plain, type TerminalSize } from "./channel.ts";
import { endOf } from "./exec.ts";
import { asked } from "./inner-link.ts";
import { type Output, type Picture, Seat } from "./seat.ts";
import { exitOf, signalNumber } from "./signals.ts";
import type { Exit } from "./sink.ts";
import { Typing } from "./typing.ts";
import { type Corner, difference, follow, type Frame, look } from "./window.ts";

/** Between two pictures of a window. */
const FRAME_MS = 60;
const NOTICE_MS = 4_000;
/** Of a session that prints without end no picture is the newest: its own output draws over what was there. */
const REDRAWS = 5;
/** Soft reset, then what it leaves alone: pen, region, origin, charsets, the screen itself (and not the scrollback). */
const CLEAN = "\x1b[!p\x1b[0m\x1b[r\x1b[?6l\x1b[?7h\x1b(B\x0f\x1b[?25h\x1b[H\x1b[2J";

export async function shell(work: ChannelWork, { observe }: { readonly observe: boolean }): Promise<Exit> {
  return new Shell(work, observe).run();
}

class Shell {
  readonly #work: ChannelWork;
  readonly #observe: boolean;
  readonly #ended = Promise.withResolvers<Exit>();
  #seat!: Seat;
  #isPipe = false;
  /** The session's. */
  #size: TerminalSize = { cols: 80, rows: 24 };
  #tracker = new modes.ModeTracker();
  #isEntered = false;
  /** Output before this is on the screen already. */
  #drawnTo = 0;
  #window: { corner: Corner; shown: Frame | null } | null = null;
  #frameDue: (() => void) | null = null;
  #isDrawing = false;
  #notice: string | null = null;
  #noticeDue: (() => void) | null = null;
  #floor: Floor | null = null;

  constructor(work: ChannelWork, observe: boolean) {
    this.#work = work;
    this.#observe = observe;
    // It may end while attaching still waits, which then rejects with the same.
    this.#ended.promise.catch(() => {});
  }

  async run(): Promise<Exit> {
    const work = this.#work;
    const { conversation, session, sink, terminal } = work;
    const size = terminal?.size;
    const seat = await Seat.open(
      conversation,
      { session, observe: this.#observe, writer: work.newWriter(), ...(size ? { size } : {}) },
      {
        picture: (picture) => this.#picture(picture),
        output: (output) => this.#output(output),
        event: (event) => this.#event(event),
        floor: (floor) => this.#floorChanged(floor),
        refused: (error) => this.#tell(`not sent [${error.code}] ${error.message}`),
        over: (error) => (error ? this.#ended.reject(error) : this.#ended.resolve({ code: 0 })),
      },
    );
    this.#seat = seat;
    this.#floor = seat.floor;
    const { name, kind, state } = seat.session;
    this.#isPipe = kind === SessionKind.PIPES;
    if (state !== SessionState.RUNNING) {
      seat.detach();
      throw new HoldError("session_ended", `session ${name} (${seat.session.id}) has ended; hold log ${name} shows what it did`);
    }
    this.#read(seat);
    work.onResize = (to) => this.#resized(to);
    work.onLeft = () => seat.detach();
    work.onSignal = (name) => {
      const signal = signalNumber(name);
      if (signal === null || this.#observe) return;
      const value = { session: seat.session.id, target: "foreground", signal };
      conversation.call({ case: "signal", value }).catch((fault: HoldError) => this.#tell(fault.toString()));
    };
    seat.begin();
    try {
      return await this.#ended.promise;
    } finally {
      work.onResize = work.onLeft = work.onSignal = null;
      this.#frameDue?.();
      this.#noticeDue?.();
      seat.detach();
      await sink.write(this.#leave());
    }
  }

  #read(seat: Seat): void {
    const { sink, terminal } = this.#work;
    if (this.#observe) {
      // Nothing is sent, and the prefix key still leaves.
      let isPrefixed = false;
      sink.read(
        async (bytes) => {
          for (const byte of bytes) {
            if (terminal && isPrefixed && byte === 0x64) this.#detach();
            isPrefixed = byte === 0x11;
          }
        },
        () => {},
      );
      return;
    }
    const typing = new Typing({
      seat,
      isPipe: this.#isPipe && terminal !== null,
      isOpen: () => this.#floor?.mode === FloorMode.OPEN,
      command: (key) => this.#command(key),
      newUnit: () => this.#work.newWriter(),
      later: (ms, run) => this.#work.later(ms, run),
    });
    // A client without a terminal has no keys: its bytes are the session's.
    sink.read(
      (bytes) => (terminal ? typing.take(bytes) : seat.feed(bytes)),
      () => void typing.end(),
    );
  }

  #command(key: string): void {
    switch (key) {
      case "d":
        return this.#detach();
      case "t":
        return this.#seat.changeFloor(FloorVerb.TAKE);
      case "r":
        return this.#seat.changeFloor(FloorVerb.RELEASE);
      default:
        return this.#tell("Ctrl-q d detaches, t takes the floor, r releases it, Ctrl-q sends itself");
    }
  }

  #detach(): void {
    const { name } = this.#seat.session;
    void this.#work.sink.write(this.#leave()).then(() => this.#work.sink.write(`[detached from ${plain(name)}]\r\n`));
    this.#ended.resolve({ code: 0 });
  }

  // --- what the session shows ---

  get #isRaw(): boolean {
    const size = this.#work.terminal?.size;
    return this.#isPipe || !size || (size.cols === this.#size.cols && size.rows === this.#size.rows);
  }

  async #picture(picture: Picture): Promise<void> {
    this.#size = { cols: picture.cols, rows: picture.rows };
    if (!this.#isRaw) return this.#intoWindow();
    this.#window = null;
    await this.#draw(picture);
  }

  /** Whole, before anything that comes meanwhile. */
  #draw({ vt, offset }: Picture): Promise<void> {
    const { sink, terminal } = this.#work;
    if (terminal) void sink.write(this.#cleaned());
    this.#tracker = new modes.ModeTracker();
    this.#tracker.feed(vt);
    this.#drawnTo = offset;
    return sink.write(vt);
  }

  #cleaned(): Uint8Array {
    return Buffer.concat([Buffer.from(this.#enter()), this.#tracker.undo(), Buffer.from(CLEAN)]);
  }

  /** What was on the screen goes into its scrollback. */
  #enter(): string {
    if (this.#isEntered) return "";
    this.#isEntered = true;
    const rows = this.#work.terminal?.size?.rows ?? 0;
    return "\r\n".repeat(rows);
  }

  #leave(): Uint8Array {
    const undo = this.#tracker.undo();
    this.#tracker = new modes.ModeTracker();
    const { terminal } = this.#work;
    if (!terminal || !this.#isEntered) return new Uint8Array(0);
    this.#isEntered = false;
    const rows = terminal.size?.rows;
    const end = `\x1b[0m\x1b[r\x1b[?25h${rows ? `\x1b[${rows};1H` : ""}\r\n`;
    return Buffer.concat([undo, Buffer.from(end)]);
  }

  async #output(output: Output): Promise<void> {
    const { sink, terminal } = this.#work;
    if (this.#isPipe) {
      const bytes = terminal ? withReturns(output.bytes) : output.bytes;
      return sink.write(bytes, output.stream === 2 ? 2 : 1);
    }
    if (this.#window) return this.#soon();
    if (output.end <= this.#drawnTo) return;
    const isWhole = output.bytes.length === output.end - output.offset;
    const bytes = isWhole ? output.bytes.subarray(Math.max(0, this.#drawnTo - output.offset)) : output.bytes;
    this.#drawnTo = output.end;
    this.#tracker.feed(bytes);
    await sink.write(bytes);
    if (this.#notice !== null && this.#noticeDue === null) await this.#layNotice();
  }

  async #event(event: Event): Promise<void> {
    const exit = endOf(event);
    if (exit !== undefined) {
      if (this.#window) await this.#drawWindow();
      return this.#ended.resolve(exitOf(exit));
    }
    const kind = event.body?.kind;
    if (kind?.case !== "resized" || !kind.value.size || this.#isPipe) return;
    this.#size = { cols: kind.value.size.cols, rows: kind.value.size.rows };
    await this.#rightView();
  }

  /** The client's terminal has another size: the session's too, if this is its seat. */
  #resized(size: TerminalSize): void {
    this.#seat.resize(size);
    if (this.#window) this.#window.shown = null;
    void this.#rightView();
  }

  /** S2. */
  async #rightView(): Promise<void> {
    if (!this.#isRaw) return this.#intoWindow();
    if (!this.#window) return;
    this.#window = null;
    await this.#redraw();
  }

  /** The session as it is now; output that came while that was asked for is in a newer picture. */
  async #redraw(): Promise<void> {
    for (let tries = 0; tries < REDRAWS; tries++) {
      const picture = await this.#fetch();
      if (!picture || this.#window) return;
      if (picture.offset < this.#drawnTo) continue;
      return this.#picture(picture);
    }
  }

  async #fetch(): Promise<Picture | null> {
    const { conversation } = this.#work;
    const value = { session: this.#seat.session.id, vt: true };
    const screen = await asked(conversation, "screen", { case: "screen", value }).catch(() => null);
    return screen?.size ? { ...sizeOf(screen.size), offset: Number(screen.offset), vt: screen.vt } : null;
  }

  // --- the window ---

  async #intoWindow(): Promise<void> {
    if (!this.#window) {
      const cleaned = this.#cleaned();
      this.#tracker = new modes.ModeTracker();
      this.#window = { corner: { row: 0, col: 0 }, shown: null };
      await this.#work.sink.write(cleaned);
    }
    this.#soon();
  }

  #soon(): void {
    this.#frameDue ??= this.#work.later(FRAME_MS, () => {
      this.#frameDue = null;
      void this.#drawWindow();
    });
  }

  /** One at a time, and as the client takes them: a slow one sees fewer. */
  async #drawWindow(): Promise<void> {
    if (this.#isDrawing) return this.#soon();
    this.#isDrawing = true;
    try {
      const value = { session: this.#seat.session.id };
      const screen = await asked(this.#work.conversation, "screen", { case: "screen", value });
      const size = this.#work.terminal?.size;
      const window = this.#window;
      if (!window || !size || !screen.size) return;
      const { lines, cursorRow: row, cursorCol: col, cursorVisible } = screen;
      const text = { ...sizeOf(screen.size), lines, cursor: cursorVisible ? { row, col } : null };
      window.corner = follow(window.corner, text, size);
      const frame = withNotice(look(text, size, window.corner), this.#notice);
      const change = difference(window.shown, frame);
      window.shown = frame;
      await this.#work.sink.write(change);
    } catch (fault) {
      // The link is over, and says so itself.
      if (!(fault instanceof HoldError)) throw fault;
    } finally {
      this.#isDrawing = false;
    }
  }

  // --- what happens around it ---

  #floorChanged(floor: Floor): void {
    const before = this.#floor;
    this.#floor = floor;
    const had = before?.seat === this.#seat?.id;
    if (had && floor.seat !== before?.seat && floor.holder !== "") this.#tell(`${floor.holderName || floor.holder} steers now`);
  }

  /** Lays a line over the last row for a while; for a client without a terminal it goes to its errors. */
  #tell(text: string): void {
    const { sink, terminal } = this.#work;
    if (!terminal) return void sink.write(`holdfast: ${plain(text)}\n`, 2);
    if (this.#isPipe) return void sink.write(`holdfast: ${plain(text)}\r\n`, 2);
    this.#notice = plain(text);
    this.#noticeDue?.();
    this.#noticeDue = null;
    if (this.#window) {
      this.#noticeDue = this.#work.later(NOTICE_MS, () => this.#noticeOver());
      this.#soon();
    } else void this.#layNotice();
  }

  /** Between the program's sequences only; otherwise with its next output. */
  async #layNotice(): Promise<void> {
    if (this.#notice === null || !this.#tracker.isBetween) return;
    const size = this.#work.terminal?.size ?? this.#size;
    this.#noticeDue = this.#work.later(NOTICE_MS, () => this.#noticeOver());
    const text = this.#notice.slice(0, size.cols - 2);
    // Saving clobbers what the program has saved; the picture that follows restores it.
    await this.#work.sink.write(`\x1b7\x1b[?6l\x1b[${size.rows};1H\x1b[0;7m ${text}\x1b[K\x1b[0m\x1b8`);
  }

  #noticeOver(): void {
    this.#noticeDue = null;
    this.#notice = null;
    if (this.#window) return this.#soon();
    void this.#redraw();
  }
}

function withNotice(frame: Frame, notice: string | null): Frame {
  if (notice === null) return frame;
  return { ...frame, rows: [...frame.rows.slice(0, -1), `\x1b[7m ${notice}\x1b[m`] };
}

function sizeOf({ cols, rows }: TerminalSize): TerminalSize {
  return { cols, rows };
}

/** Pipes have no terminal that would turn LF into CR LF. */
function withReturns(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(0x0a)) return bytes;
  return Buffer.from(Buffer.from(bytes).toString("latin1").replace(/\r?\n/g, "\r\n"), "latin1");
}
