/** What the prefix key opens: verbs of the floor, panels over the session, switching, copy mode. */
import { escapeText, SessionKind } from "@holdfast/sdk";
import { isRunning, operatorKindWord } from "../show/words.ts";
import type { Bound } from "./bound.ts";
import { CopyMode } from "./copy-mode.ts";
import { helpPanel, keyText, pages, verbOf } from "./help-panel.ts";
import { hereText, steerText } from "./status.ts";

type Open = { readonly keys: (read: Uint8Array) => void; readonly resized: () => void };

export class Commands {
  readonly #b: Bound;
  #open: Open | null = null;

  constructor(binding: Bound) {
    this.#b = binding;
  }

  /** Something is over the session and takes the keys. */
  get isOpen(): boolean {
    return this.#open !== null;
  }

  keys(read: Uint8Array): void {
    this.#open?.keys(read);
  }

  resized(): boolean {
    this.#open?.resized();
    return this.#open !== null;
  }

  key(key: string): void {
    const { attachment } = this.#b;
    if (/^[1-9]$/.test(key)) return this.#try(() => this.#switchTo(Number(key) - 1));
    switch (verbOf(key)) {
      case "detach":
        return this.#b.finish({ kind: "detached" });
      case "take":
        return this.#try(async () => void (await attachment?.take()));
      case "ask":
        return this.#try(async () => {
          await attachment?.ask();
          this.#b.notices.flash(this.#b.status());
        });
      case "pass":
        return this.#pass();
      case "pause":
        return this.#try(async () => void (await (this.#b.floor?.aiPaused ? attachment?.aiResume() : attachment?.aiPause())));
      case "who":
        return this.#panel(() => this.#who());
      case "copy":
        return this.#copy();
      case "next":
        return this.#try(() => this.#switchTo("next"));
      case "last":
        return this.#try(() => this.#switchTo("last"));
      case "redraw":
        return this.#b.view.resized(this.#b.o.outer.size());
      case "help":
        return this.#panel(() => helpPanel(this.#b.o.settings.prefix));
      default:
        this.#b.notices.flash(`no command has this key; ${keyText(this.#b.o.settings.prefix)} ? lists them`);
    }
  }

  #try(act: () => Promise<void>): void {
    act().catch((error: unknown) => {
      this.#b.notices.flash(escapeText(`[${(error as { code?: string }).code ?? "internal"}] ${(error as Error).message}`));
    });
  }

  /** Lines until a key is pressed, in as many pages as the terminal needs; `choose` may use the last key. */
  #panel(lines: () => readonly string[], choose?: (key: string) => void): void {
    let at = 0;
    const all = () => pages(lines(), this.#b.o.outer.size().rows);
    const draw = () => {
      const now = all();
      at = Math.min(at, now.length - 1);
      this.#b.view.panel(now[at]!);
    };
    this.#open = {
      resized: draw,
      keys: (read) => {
        if (!choose && ++at < all().length) return draw();
        this.#close();
        choose?.(Buffer.from(read).toString());
      },
    };
    draw();
  }

  #close(): void {
    this.#open = null;
    this.#b.view.panel(null);
  }

  #who(): string[] {
    const { presence, floor, o } = this.#b;
    const here = presence.map(
      (p) =>
        `  ${escapeText(p.name || p.operator).padEnd(20)} ${operatorKindWord(p.kind).padEnd(8)} ${p.via.padEnd(6)} ${p.observing ? "watching" : p.attachment === floor?.seat ? "steers" : ""}${p.plain ? " not end to end: a relay could read and forge it" : ""}`,
    );
    return [
      "",
      `  \x1b[1m${escapeText(o.session.name || o.session.id)}\x1b[0m · ${escapeText(hereText(presence, o.me))} · ${floor ? escapeText(steerText(floor, o.me)) : ""}`,
      "",
      ...here,
      "",
      "  Any key closes this.",
    ];
  }

  #pass(): void {
    const others = [
      ...new Map(
        this.#b.presence.filter((p) => p.operator !== this.#b.o.me && !p.observing).map((p) => [p.operator, p]),
      ).values(),
    ].slice(0, 9);
    if (others.length === 0) {
      this.#b.notices.flash("nobody else is here who could steer; `hold pass SESSION OPERATOR` passes it to somebody away");
      return;
    }
    const lines = () => [
      "",
      "  \x1b[1mPass the floor to\x1b[0m",
      "",
      ...others.map((p, i) => `  ${i + 1}  ${escapeText(p.name || p.operator)}`),
      "",
      "  Any other key: nobody.",
    ];
    this.#panel(lines, (key) => {
      const chosen = others[Number(key) - 1];
      if (chosen) this.#try(async () => void (await this.#b.attachment?.pass(chosen.operator)));
    });
  }

  #copy(): void {
    const { o } = this.#b;
    let mode: CopyMode | undefined;
    this.#open = { keys: (read) => void mode?.keys(read), resized: () => mode?.draw() };
    mode = new CopyMode({
      client: this.#b.client,
      session: o.session.id,
      name: o.session.name || o.session.id,
      size: () => o.outer.size(),
      draw: (lines) => {
        if (this.#open) this.#b.view.panel(lines);
      },
      close: () => this.#close(),
    });
  }

  async #switchTo(which: number | "next" | "last"): Promise<void> {
    const { session, previous } = this.#b.o;
    const running = (await this.#b.call((client) => client.list()))
      // A kernel has a console of its own, and no terminal.
      .filter((s) => isRunning(s) && s.kind !== SessionKind.KERNEL)
      .sort((a, b) => Number(a.createdUnixMs - b.createdUnixMs));
    const at = running.findIndex((s) => s.id === session.id);
    const to =
      which === "last" ? running.find((s) => s.id === previous) : running[which === "next" ? (at + 1) % running.length : which];
    if (!to || to.id === session.id)
      return this.#b.notices.flash(
        which === "last" ? "there is no session that you came from" : "there is no other session there",
      );
    this.#b.finish({ kind: "switch", to: to.id });
  }
}
