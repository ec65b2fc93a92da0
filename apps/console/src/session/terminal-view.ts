/**
 * One attachment drawn on one terminal: what the session prints goes in, what is typed goes out, and what a view shows beside it can be followed.
 *
 *   V1  The screen that the host sends is drawn on a terminal that was reset, and what follows on top of it: nothing is drawn twice.
 *   V2  The terminal has the session's size, whoever set it. This view's own is told to the host, which gives it to the session while this view steers.
 *       What does not fit is drawn smaller, and below {@link LEAST_PX} it can be panned.
 *   V3  Nothing that the terminal says of itself goes out as typing: answers to queries are the host's to give (queries are taken out of what comes), and
 *       a report of focus or of the mouse goes only while this view steers, and takes nothing.
 *   V4  Output is asked for as fast as it is drawn; {@link UNDRAWN_BYTES} at most wait for it. A new screen or size is drawn after all that came before it.
 */

import { type Attachment, type Event, type Floor, HoldError, type HostClient, InputStatus, type Presence } from "@holdfast/sdk";
import { SearchAddon } from "@xterm/addon-search";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { type ILinkHandler, Terminal } from "@xterm/xterm";
import { lettersCome } from "../theme/letters.ts";
import type { Look } from "../theme/theme.ts";
import { type Readable, Store } from "../value.ts";
import type { Place } from "./place.ts";
import { type Typed, typedAfter, typedText, UNTOLD } from "./typed.ts";

export type ViewState =
  | { readonly is: "attaching" }
  | { readonly is: "attached" }
  | { readonly is: "offline"; readonly sinceUnixMs: number }
  /** Over: the session's end, a revocation, or a refusal at the door. */
  | { readonly is: "over"; readonly reason: string; readonly code?: string };

/** Something that was not done, or that was missed; shown until the next key. */
export interface Notice {
  readonly code: string;
  readonly text: string;
}

/** How the session's program ended; both null: by what only `reason` tells. */
export interface SessionEnd {
  readonly code: number | null;
  readonly signal: number | null;
  readonly reason: string;
}

const LEAST_PX = 8;
/** Beside the letters, as xterm has it: a width of one's own comes with a ruler of decorations, which is drawn anew in a frame of its own after each one of output. */
const SCROLLBAR_PX = 14;
const SCROLLBACK_LINES = 1_000;
/** Given one piece of output only once the one before was drawn, a page took twice the processor time for it (4.8 s for 2.6 MB in pieces of 8 KB, measured on a busy machine). */
const UNDRAWN_BYTES = 128 * 1024;
/** What is not confirmed after so long is worth showing. */
const PATIENCE_MS = 400;

/** Somebody else steers. */
export const HELD = "floor_held";

const encoder = new TextEncoder();

export interface TerminalViewOptions {
  readonly client: HostClient;
  readonly session: string;
  readonly look: Readable<Look>;
  readonly observe?: boolean;
  /** Where it is kept, so that the page comes back as the same attachment. Default: nowhere. */
  readonly place?: () => Promise<Place>;
  /** Shown before a link that a program printed is followed. */
  readonly openLink: (url: string) => void;
}

export class TerminalView {
  readonly terminal: Terminal;
  readonly search = new SearchAddon();
  readonly state = new Store<ViewState>({ is: "attaching" });
  readonly floor = new Store<Floor | null>(null);
  readonly presence = new Store<readonly Presence[]>([]);
  readonly notice = new Store<Notice | null>(null);
  readonly typed = new Store<Typed | null>(null);
  readonly size = new Store<{ readonly cols: number; readonly rows: number } | null>(null);
  /** The session is smaller than this view could show. */
  readonly isBoxed = new Store(false);
  /** Bytes that were sent and are not confirmed, once that takes long. */
  readonly unconfirmed = new Store(0);
  /** Bytes that were typed since the link is down: they wait. */
  readonly waiting = new Store(0);
  /** Bytes that were typed while there was no link and are too old to go out by themselves. */
  readonly held = new Store(0);
  /** Held for the next key, from a bar of keys. */
  readonly modifier = new Store<"ctrl" | "alt" | null>(null);
  readonly attachment = new Store<Attachment | null>(null);
  /** Null while it lives, as far as this view has heard. */
  readonly exit = new Store<SessionEnd | null>(null);
  /** Of letters of their own size, in CSS pixels. */
  #cell: { readonly width: number; readonly height: number } | null = null;
  readonly #options: TerminalViewOptions;
  #frame: HTMLElement | null = null;
  #watcher: ResizeObserver | null = null;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #place: Place | undefined;
  #undrawnBytes = 0;
  #unfollow: () => void = () => {};

  constructor(options: TerminalViewOptions) {
    this.#options = options;
    const { colours, fontFamily, letterPx, readsAloud } = options.look.value;
    this.terminal = new Terminal({
      allowProposedApi: true,
      fontFamily,
      fontSize: letterPx,
      screenReaderMode: readsAloud,
      lineHeight: 1.2,
      scrollback: 10_000,
      theme: colours,
      linkHandler: linkHandler(options.openLink),
    });
    this.terminal.loadAddon(this.search);
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.unicode.activeVersion = "11";
    this.terminal.loadAddon(new WebLinksAddon((_, url) => options.openLink(url)));
    this.terminal.onData((text) => this.#data(text));
    this.terminal.onBinary((text) => this.#report(Uint8Array.from(text, (c) => c.charCodeAt(0))));
  }

  get steers(): boolean {
    const [attachment, floor] = [this.attachment.value, this.floor.value];
    return attachment !== null && floor?.seat === attachment.id;
  }

  /** Draws in `frame`, and attaches. */
  async open(frame: HTMLElement): Promise<void> {
    this.#frame = frame;
    this.terminal.open(frame);
    this.#drawFast();
    // A font that comes late has other cells than the one that stood in for it.
    await lettersCome();
    if (this.#isOver) return;
    this.terminal.options.fontFamily = `${this.terminal.options.fontFamily} `;
    this.#unfollow = this.#options.look.follow(() => this.#chosen());
    this.#watcher = new ResizeObserver(() => this.#measured());
    this.#watcher.observe(frame);
    await this.#attach();
  }

  /** As if it were typed; takes the floor where it may be taken. */
  type(text: string): void {
    this.#send(encoder.encode(text), { take: true, interrupt: text === "\u0003" });
  }

  /** As one paste: bracketed where the program asked for it. */
  paste(text: string): void {
    this.terminal.paste(text);
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#patience);
    this.#watcher?.disconnect();
    this.#unfollow();
    if (this.attachment.value) this.#place?.leave();
    else this.#place?.release();
    void this.attachment.value?.detach().catch(() => {});
    this.terminal.dispose();
  }

  async #attach(): Promise<void> {
    const { client, session } = this.#options;
    const observe = this.#options.observe ?? !client.operator.operator?.capabilities.includes("session.input");
    const size = this.#own();
    const place = await this.#options.place?.().catch(() => undefined);
    if (this.#isOver) return place?.release();
    this.#place = place;
    const resume = place?.kept;
    try {
      const attachment = await client.attach(
        {
          ...{ session, observe, scrollback: SCROLLBACK_LINES, keepsInput: false },
          ...(size ? { size } : {}),
          ...(resume ? { resume } : {}),
        },
        {
          kept: (kept) => place?.keep(kept),
          snapshot: async ({ cols, rows, vt }) => {
            await this.#allDrawn();
            this.terminal.reset();
            this.#sized(cols, rows);
            await this.#drawn(vt);
          },
          output: ({ bytes }) => {
            const drawn = this.#drawn(bytes);
            return this.#undrawnBytes > UNDRAWN_BYTES ? drawn : undefined;
          },
          event: (event) => this.#heard(event),
          gap: ({ fromSeq, toSeq, reason }) =>
            this.notice.set({ code: "gap", text: `What happened from ${fromSeq} to ${toSeq} is not kept any more (${reason}).` }),
          floor: (floor) => this.#steered(floor),
          presence: (all) => this.presence.set(all),
          link: (state) => {
            this.waiting.set(0);
            this.state.set(state === "attached" ? { is: "attached" } : { is: "offline", sinceUnixMs: Date.now() });
          },
          held: (bytes) => this.held.set(bytes),
          refused: ({ code = "", message = "That was not typed." }) => this.notice.set({ code, text: message }),
          detached: (reason, error) => {
            if (!this.#isOver)
              this.state.set({ is: "over", reason: error?.message ?? reason, ...(error ? { code: error.code } : {}) });
          },
        },
      );
      if (this.#isOver) return void attachment.detach().catch(() => {});
      this.attachment.set(attachment);
      this.#ended(attachment.session.exit);
      this.floor.set(attachment.floor);
      this.presence.set(attachment.presence);
      if (this.state.value.is === "attaching") this.state.set({ is: "attached" });
      this.terminal.options.disableStdin = attachment.observing;
      this.#measured();
    } catch (fault) {
      if (this.#isOver) return;
      const code = fault instanceof HoldError ? fault.code : undefined;
      this.state.set({ is: "over", reason: fault instanceof Error ? fault.message : String(fault), ...(code ? { code } : {}) });
    }
  }

  #drawn(bytes: Uint8Array): Promise<void> {
    this.#undrawnBytes += bytes.length;
    return new Promise((resolve) =>
      this.terminal.write(bytes, () => {
        this.#undrawnBytes -= bytes.length;
        resolve();
      }),
    );
  }

  /** V4. */
  async #allDrawn(): Promise<void> {
    if (this.#undrawnBytes > 0) await this.#drawn(new Uint8Array());
  }

  #steered(floor: Floor): void {
    // Another steers by now, or nobody: what was said of who did is over.
    if (this.notice.value?.code === HELD && floor.holder !== this.floor.value?.holder) this.notice.set(null);
    this.floor.set(floor);
  }

  async #heard(event: Event): Promise<void> {
    const kind = event.body?.kind;
    if (kind?.case === "resized") {
      await this.#allDrawn();
      const { cols = 80, rows = 24 } = kind.value.size ?? {};
      this.#sized(cols, rows);
    } else if (kind?.case === "input" && (event.data.length > 0 || event.payload === "untold")) {
      const text = event.payload === "untold" ? UNTOLD : typedText(event.data);
      this.typed.set(
        typedAfter(this.typed.value, { actor: event.actor, via: event.via, text, atUnixMs: Number(event.atUnixMs) }),
      );
    } else if (kind?.case === "exited") this.#ended(kind.value.exit);
    else if (kind?.case === "ended") this.#ended({ reason: kind.value.reason });
  }

  /** What was told first stays: the program's own end before the session's. */
  #ended(
    exit: { readonly code?: number | undefined; readonly signal?: number | undefined; readonly reason: string } | undefined,
  ): void {
    if (!exit || this.exit.value) return;
    this.exit.set({ code: exit.code ?? null, signal: exit.signal ?? null, reason: exit.reason });
  }

  /** V2. */
  #sized(cols: number, rows: number): void {
    if (cols !== this.terminal.cols || rows !== this.terminal.rows) this.terminal.resize(cols, rows);
    this.size.set({ cols, rows });
    this.#scale();
  }

  #measured(): void {
    const own = this.#own();
    if (own) this.attachment.value?.resize(own);
    this.#scale();
  }

  /** The size that this view would have, at its own size of letters. */
  #own(): { readonly cols: number; readonly rows: number } | null {
    const { width, height } = this.#frame?.getBoundingClientRect() ?? { width: 0, height: 0 };
    if (this.terminal.options.fontSize === this.#options.look.value.letterPx) this.#cell = cellOf(this.terminal);
    if (!this.#cell || width === 0 || height === 0) return null;
    return {
      cols: Math.max(2, Math.floor((width - SCROLLBAR_PX) / this.#cell.width)),
      rows: Math.max(1, Math.floor(height / this.#cell.height)),
    };
  }

  #scale(): void {
    const own = this.#own();
    if (!own) return;
    this.isBoxed.set(this.terminal.cols < own.cols || this.terminal.rows < own.rows);
    const fits = Math.min(1, own.cols / this.terminal.cols, own.rows / this.terminal.rows);
    const { letterPx } = this.#options.look.value;
    const px = Math.max(LEAST_PX, Math.floor(letterPx * fits * 2) / 2);
    if (px !== this.terminal.options.fontSize) this.terminal.options.fontSize = px;
    this.#frame?.toggleAttribute("data-pans", letterPx * fits < LEAST_PX);
  }

  #chosen(): void {
    const { colours, fontFamily, letterPx, readsAloud } = this.#options.look.value;
    const { options } = this.terminal;
    options.theme = colours;
    options.screenReaderMode = readsAloud;
    options.fontFamily = fontFamily;
    options.fontSize = letterPx;
    this.#measured();
  }

  #drawFast(): void {
    if (!drawsInHardware()) return;
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => webgl.dispose());
      this.terminal.loadAddon(webgl);
    } catch {
      // No WebGL here: the terminal draws with elements, slower and alike.
    }
  }

  /** V3. */
  #data(text: string): void {
    if (/^\u001b\[(?:[IO]$|<[\d;]+[Mm]|M)/.test(text)) return this.#report(encoder.encode(text));
    const held = this.modifier.value;
    this.modifier.set(null);
    this.type(held ? withModifier(held, text) : text);
  }

  #report(bytes: Uint8Array): void {
    if (this.steers) this.#send(bytes, {});
  }

  #send(bytes: Uint8Array, options: { readonly take?: boolean; readonly interrupt?: boolean }): void {
    const attachment = this.attachment.value;
    if (!attachment || attachment.observing) return;
    this.notice.set(null);
    if (this.state.value.is === "offline") this.waiting.set(this.waiting.value + bytes.length);
    attachment.input(bytes, options).then(
      ({ status }) => {
        if (status === InputStatus.APPLIED && attachment.unansweredBytes === 0) this.#confirmed();
      },
      () => this.#confirmed(),
    );
    this.#patience ??= setTimeout(() => this.#look(attachment), PATIENCE_MS);
  }

  #confirmed(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.unconfirmed.set(0);
    this.held.set(0);
  }

  #look(attachment: Attachment): void {
    this.unconfirmed.set(attachment.unansweredBytes);
    this.#patience = attachment.unansweredBytes > 0 ? setTimeout(() => this.#look(attachment), PATIENCE_MS) : undefined;
  }
}

/** WebGL without a graphics card is drawn by the processor, and each frame keeps the page from all else for a tenth of a second: elements are faster. */
function drawsInHardware(): boolean {
  const probe = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!probe) return false;
  const named = probe.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(probe.getParameter(named?.UNMASKED_RENDERER_WEBGL ?? probe.RENDERER));
  probe.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer);
}

/** What a cell measures. xterm has no word for it yet: its own add-on for fitting looks here too. */
function cellOf(terminal: Terminal): { readonly width: number; readonly height: number } | null {
  const { _core: core } = terminal as unknown as {
    readonly _core: {
      readonly _renderService: { readonly dimensions: { readonly css: { readonly cell: { width: number; height: number } } } };
    };
  };
  const { width, height } = core._renderService.dimensions.css.cell;
  return width > 0 && height > 0 ? { width, height } : null;
}

/** As a terminal sends the key with it. */
function withModifier(held: "ctrl" | "alt", text: string): string {
  if (held === "alt") return `\u001b${text}`;
  const code = text.toUpperCase().charCodeAt(0);
  return text.length === 1 && code >= 0x40 && code < 0x60 ? String.fromCharCode(code - 0x40) : text;
}

/** How a link that a program printed may be followed: it leads nowhere that knows this page. */
export function followLink(url: string): void {
  window.open(url, "_blank", "noopener,noreferrer");
}

/** Links of these schemes are offered, and no other: what a program prints is not what somebody chose to open. */
const SCHEMES = new Set(["https:", "http:", "mailto:"]);

function linkHandler(open: (url: string) => void): ILinkHandler {
  return {
    // Else xterm offers https and http alone; which are offered is said here.
    allowNonHttpProtocols: true,
    activate: (_, text) => {
      if (URL.canParse(text) && SCHEMES.has(new URL(text).protocol)) open(text);
    },
  };
}
