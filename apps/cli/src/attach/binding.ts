/**
 * One person's terminal bound to one session: output to the view, keys to the session, what happens around it to the notice line.
 *   B1  Output and pictures reach the view in the order in which they came, one at a time.
 *   B2  The view is raw exactly while the session has the outer terminal's size.
 *   B3  What is typed is sent once or told as refused; never both, never silently dropped, but for keys of one who only watches.
 */
import { sessionKindWord } from "@holdfast/sdk";
import {
  type Attachment,
  escapeText,
  type Event,
  type Floor,
  type HostClient,
  type InputOutcome,
  type Presence,
} from "@holdfast/sdk";
import type { TerminalSize } from "../read/size.ts";
import { type Action, InputReader } from "../terminal/input.ts";
import { RawView } from "../terminal/raw-view.ts";
import type { Picture, View } from "../terminal/view.ts";
import type { BindingOptions, Bound, Ending } from "./bound.ts";
import { Commands } from "./commands.ts";
import { keyText } from "./help-panel.ts";
import { Notices } from "./notices.ts";
import { Paste } from "./paste.ts";
import { approvalsText, floorIsNews, presenceIsNews, statusText } from "./status.ts";

/** Unanswered input after which reading keys waits: half of the host's queue, which refuses what it has no room for. */
const mostUnanswered = 128 * 1024;
/** How long output is held back for an interrupt: a program that does not read it goes on being seen. */
const interruptMs = 300;

export class Binding implements Bound {
  readonly o: BindingOptions;
  readonly #pipes: boolean;
  readonly #reader: InputReader;
  readonly #paste: Paste;
  readonly #commands: Commands;
  readonly notices: Notices;
  readonly #ended = Promise.withResolvers<Ending>();
  attachment: Attachment | null = null;
  view: View;
  client: HostClient;
  #offline = false;
  #isRaw = true;
  #size: TerminalSize;
  #chain: Promise<void> = Promise.resolve();
  #busy = 0;
  #pipeOffset = 0;
  #held = 0;
  /** What waits for approval, in words, until it was seen. */
  #approvals: string | null = null;
  /** What the host's record says against what was seen of it. */
  #alarm: string | null = null;
  #keysHeld = false;
  #floor: Floor | undefined;
  #presence: readonly Presence[] = [];
  #settle: NodeJS.Timeout | null = null;
  #over = false;
  /** Typed before there is an attachment to send it through. */
  #early: Uint8Array[] = [];

  constructor(options: BindingOptions) {
    this.o = options;
    this.client = options.client;
    this.#pipes = sessionKindWord(options.session.kind) === "pipes";
    this.#size = options.session.size ?? options.outer.size();
    this.#reader = new InputReader(options.settings.prefix);
    this.#paste = new Paste({
      send: (bytes, part) => void this.#send(bytes, { take: true, ...part }),
      later: (run, ms) => {
        // While reading waits for the host, silence means nothing.
        const fire = () => {
          if (this.#keysHeld) timer = setTimeout(fire, ms);
          else run();
        };
        let timer = setTimeout(fire, ms);
        return () => clearTimeout(timer);
      },
    });
    this.view = this.#rawView();
    this.notices = new Notices((text) => {
      if (!this.#pipes) this.view.notice(text);
    }, options.settings.statusMs);
    this.#commands = new Commands(this);
  }

  async run(): Promise<Ending> {
    const { client, session, observe, take, outer } = this.o;
    const stopAlarms = client.witness.onAlarm(({ details }) => {
      this.#alarm = `THE RECORD IS NOT WHAT IT WAS (${escapeText(details["found"] ?? "")}, record ${escapeText(details["lsn"] ?? "")}); ${keyText(this.o.settings.prefix)} d tells more`;
      this.#keep();
    });
    try {
      this.attachment = await client.attach(
        { session: session.id, observe, take, size: outer.size() },
        {
          snapshot: (s) => this.#enqueue(() => this.#picture({ cols: s.cols, rows: s.rows, offset: s.offset, vt: s.vt })),
          output: (o) => this.#output(o),
          event: (e) => this.#event(e),
          gap: (g) => this.notices.flash(`${g.toSeq - g.fromSeq + 1} events are no longer kept (${escapeText(g.reason)})`),
          floor: (f, _why, by) => this.#floorChanged(f, by),
          presence: (p) => this.#presenceChanged(p),
          approvals: (waiting, own) => this.#approvalsChanged(waiting, own),
          link: (state) => this.#link(state),
          held: (bytes) => this.#heldBack(bytes),
          refused: (r) => this.#refused(r),
          detached: (reason, error) => this.finish(error ? { kind: "failed", ...error } : { kind: "over", reason }),
        },
      );
      this.#floor ??= this.attachment.floor;
      this.#presence = this.attachment.presence;
      this.notices.flash(this.status());
      for (const read of this.#early.splice(0)) this.keys(read);
    } catch (error) {
      this.finish({ kind: "failed", code: (error as { code?: string }).code ?? "internal", message: (error as Error).message });
    }
    const ending = await this.#ended.promise;
    this.#over = true;
    stopAlarms();
    if (this.#settle) clearTimeout(this.#settle);
    this.notices.close();
    // What came before the end is drawn before we leave.
    if (ending.kind === "over") await this.#chain.catch(() => undefined);
    if (ending.kind !== "failed") await this.attachment?.detach().catch(() => undefined);
    if (ending.kind === "switch") {
      outer.write(this.view.undo());
      this.view.close();
    }
    return ending;
  }

  status(): string {
    const { session, me } = this.o;
    const text = this.#floor ? statusText(session.name || session.id.slice(0, 8), this.#presence, this.#floor, me) : session.name;
    return this.attachment?.observing ? `${text} · watching only` : `${text} · ${keyText(this.o.settings.prefix)} ? helps`;
  }

  get floor(): Floor | undefined {
    return this.#floor;
  }
  get presence(): readonly Presence[] {
    return this.#presence;
  }

  finish(ending: Ending): void {
    this.#ended.resolve(ending);
  }

  gone(why: string): void {
    this.finish({ kind: "gone", why });
  }

  undo(): Uint8Array | string {
    return this.view.undo();
  }

  /** One read of the outer terminal. */
  keys(read: Uint8Array): void {
    if (!this.attachment) {
      this.#early.push(Uint8Array.from(read));
      return;
    }
    if (this.#held > 0) return this.#confirmHeld(read);
    // Whoever types has seen it.
    if (this.#approvals) this.#approvalsChanged(0, 0);
    if (this.#commands.isOpen) return this.#commands.keys(read);
    if (this.#paste.isOpen) return this.#paste.bulk(Uint8Array.from(read));
    for (const action of this.#reader.feed(read)) this.#act(action);
  }

  outerResized(): void {
    this.attachment?.resize(this.o.outer.size());
    if (!this.#commands.resized()) this.view.resized(this.o.outer.size());
    this.#settleSize();
  }

  /** A call to the host, over a new link if the old one is gone. */
  async call<T>(ask: (client: HostClient) => Promise<T>): Promise<T> {
    try {
      return await ask(this.client);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (this.#offline || (code !== "unreachable" && code !== "cancelled")) throw error;
      this.client = await this.o.reconnect();
      return ask(this.client);
    }
  }

  async fetchPicture(): Promise<Picture | null> {
    const s = await this.call((client) => client.screen(this.o.session.id, { vt: true }));
    return s.size ? { cols: s.size.cols, rows: s.size.rows, offset: Number(s.offset), vt: s.vt } : null;
  }

  #act(action: Action): void {
    if (action.kind === "command") return this.#commands.key(action.key);
    if (this.attachment?.observing) {
      if (action.kind === "keys")
        this.notices.flash(`watching only: keys are not sent; ${keyText(this.o.settings.prefix)} d leaves`);
      return;
    }
    switch (action.kind) {
      case "interrupt":
        this.notices.dismiss();
        return this.#interrupt(action.bytes);
      case "report":
        // Moving the mouse over a window must not take the floor from whoever works in it.
        if (this.#floor?.seat === this.attachment?.id || this.#floor?.mode === 2) void this.#send(action.bytes, {});
        return;
      case "paste":
        if (action.last && action.bytes.length > 0 && !endsInBracket(action.bytes))
          return this.#paste.bulk(Uint8Array.from(action.bytes));
        return this.#paste.part(Uint8Array.from(action.bytes), action.last);
      case "keys":
        this.notices.dismiss();
        void this.#send(Uint8Array.from(action.bytes), { take: true });
        return;
    }
  }

  #interrupt(bytes: Uint8Array): void {
    const had = this.#send(bytes, { take: true, interrupt: true });
    const longEnough = Promise.withResolvers<void>();
    const timer = setTimeout(longEnough.resolve, interruptMs);
    this.view.interrupted(Promise.race([had, longEnough.promise]).finally(() => clearTimeout(timer)));
  }

  #send(
    bytes: Uint8Array,
    options: { readonly take?: boolean; readonly interrupt?: boolean; readonly unit?: string; readonly unitEnd?: boolean },
  ): Promise<unknown> {
    const { attachment } = this;
    if (!attachment) return Promise.resolve();
    // Refusals are told by the `refused` handler; a rejection means that the attachment is over, which `detached` tells.
    const settled = attachment.input(bytes, options).catch(() => undefined);
    if (attachment.unansweredBytes > mostUnanswered && !this.#keysHeld) {
      this.#keysHeld = true;
      this.o.outer.holdKeys(true);
      void settled.then(() => {
        this.#keysHeld = false;
        if (!this.#over) this.o.outer.holdKeys(false);
      });
    }
    return settled;
  }

  #output(o: {
    readonly stream: number;
    readonly offset: number;
    readonly end: number;
    readonly bytes: Uint8Array;
  }): void | Promise<void> {
    // Streams of a pipe count their own bytes; on one screen they are one.
    const chunk = this.#pipes ? { offset: this.#pipeOffset, end: this.#pipeOffset + o.bytes.length, bytes: o.bytes } : o;
    this.#pipeOffset += o.bytes.length;
    if (this.#busy === 0) return this.view.output(chunk);
    return this.#chain.then(() => this.view.output(chunk));
  }

  #enqueue(work: () => void | Promise<void>): void {
    this.#busy++;
    this.#chain = this.#chain.then(work).finally(() => {
      this.#busy--;
    });
    this.#chain.catch((error: unknown) => this.finish({ kind: "failed", code: "internal", message: (error as Error).message }));
  }

  async #picture(picture: Picture): Promise<void> {
    if (this.#settle) clearTimeout(this.#settle);
    this.#settle = null;
    this.#size = { cols: picture.cols, rows: picture.rows };
    await this.#rightView();
    await this.view.snapshot(picture);
    this.notices.again();
  }

  /** B2. The old view undoes what it set before the new one draws. */
  async #rightView(): Promise<void> {
    const outer = this.o.outer.size();
    const raw = this.#pipes || (this.#size.cols === outer.cols && this.#size.rows === outer.rows);
    if (raw === this.#isRaw) return;
    this.#isRaw = raw;
    this.o.outer.write(this.view.undo());
    this.view.close();
    this.view = raw ? this.#rawView() : await (await import("../terminal/lens-view.ts")).openLens(this.o.outer);
  }

  #rawView(): View {
    return new RawView({
      outer: this.o.outer,
      screen: this.o.screen,
      pipes: this.#pipes,
      newTracker: this.o.newTracker,
      fetchPicture: () => (this.#pipes ? Promise.resolve(null) : this.fetchPicture()),
    });
  }

  /** Sizes changed: if no picture of the new size comes by itself, one is fetched. */
  #settleSize(): void {
    if (this.#settle || this.#pipes) return;
    this.#settle = setTimeout(() => {
      this.#settle = null;
      this.#enqueue(async () => {
        const picture = await this.fetchPicture().catch(() => null);
        if (picture && !this.#over && !this.#commands.isOpen) await this.#picture(picture);
      });
    }, 60);
  }

  #event(e: Event): void {
    const kind = e.body?.kind;
    if (kind?.case === "resized") this.#settleSize();
    // All that it printed came before; a child left behind may print on, into the journal.
    if (kind?.case === "exited" || kind?.case === "ended") this.finish({ kind: "over", reason: "ended" });
    if (kind?.case === "renamed") Object.assign(this.o.session, { name: kind.value.name });
  }

  #floorChanged(floor: Floor, by: string): void {
    const before = this.#floor;
    this.#floor = floor;
    if (!before || !floorIsNews(before, floor, this.o.me)) return;
    const who = this.#presence.find((p) => p.operator === by)?.name;
    this.notices.flash(`${this.status()}${who && by !== this.o.me && by !== floor.holder ? ` (by ${escapeText(who)})` : ""}`);
  }

  #presenceChanged(presence: readonly Presence[]): void {
    const before = this.#presence;
    this.#presence = presence;
    if (this.attachment && presenceIsNews(before, presence, this.o.me)) this.notices.flash(this.status());
  }

  #approvalsChanged(waiting: number, own: number): void {
    this.#approvals = approvalsText(waiting, own);
    this.#keep();
  }

  /** The notice that stays: what matters most now. */
  #keep(): void {
    this.notices.keep(
      this.#held > 0
        ? `${this.#held} bytes were typed while the link was down: send them now? y sends, n drops, ${keyText(this.o.settings.prefix)} d leaves and drops`
        : this.#offline
          ? "link down: trying again; the session runs on, what you type is held"
          : (this.#alarm ?? this.#approvals),
    );
  }

  #link(state: "attached" | "offline"): void {
    this.#offline = state === "offline";
    this.#keep();
    if (this.#offline) return;
    if (!this.attachment) return;
    this.notices.flash("the link is back");
    if (this.view instanceof RawView) this.view.mendIfDirty();
  }

  #heldBack(bytes: number): void {
    this.#held = bytes;
    this.#keep();
  }

  #confirmHeld(read: Uint8Array): void {
    const key = String.fromCharCode(read[0] ?? 0).toLowerCase();
    // The one command that is taken meanwhile: nobody has to decide in order to leave.
    if (this.#reader.feed(read).some((action) => action.kind === "command" && action.key === "d")) {
      this.attachment?.dropHeld();
      return this.#commands.key("d");
    }
    if (key !== "y" && key !== "n") return;
    this.#held = 0;
    this.#keep();
    if (key === "y") this.attachment?.flushHeld();
    else this.attachment?.dropHeld();
  }

  #refused(r: InputOutcome): void {
    const why = r.message ?? (r.code === "floor_held" ? this.status() : "");
    this.notices.flash(escapeText(`not sent [${r.code ?? "refused"}] ${why}`));
  }
}

function endsInBracket(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).subarray(-6).equals(Buffer.from("\x1b[201~"));
}
