/** Copy mode: the history as text on the whole terminal, with incremental search. Keys as in less; `q` goes back to the session. */
import type { TerminalSize } from "../read/size.ts";
import { escapeText, type HostClient } from "@holdfast/sdk";
import { cutTo, padTo } from "../show/width.ts";
import { History } from "./history.ts";
import { atEnd, matches, type Pager, scrolled, search, showLine } from "./pager.ts";

export interface CopyModeOptions {
  readonly client: HostClient;
  readonly session: string;
  readonly name: string;
  readonly size: () => TerminalSize;
  readonly draw: (lines: readonly string[]) => void;
  readonly close: () => void;
}

const moves: Readonly<Record<string, (page: number) => number>> = {
  "\x1b[A": () => -1,
  "\x1bOA": () => -1,
  k: () => -1,
  y: () => -1,
  "\x1b[B": () => 1,
  "\x1bOB": () => 1,
  j: () => 1,
  e: () => 1,
  "\r": () => 1,
  "\x1b[5~": (page) => -page,
  b: (page) => -page,
  "\x02": (page) => -page,
  "\x1b[6~": (page) => page,
  " ": (page) => page,
  f: (page) => page,
  "\x06": (page) => page,
  u: (page) => -Math.ceil(page / 2),
  "\x15": (page) => -Math.ceil(page / 2),
  d: (page) => Math.ceil(page / 2),
  "\x04": (page) => Math.ceil(page / 2),
};

export class CopyMode {
  readonly #o: CopyModeOptions;
  readonly #history: History;
  #pager: Pager = atEnd(0, 1);
  #message = "";
  #work: Promise<void>;

  constructor(options: CopyModeOptions) {
    this.#o = options;
    this.#history = new History(options.client, options.session);
    this.#message = "reading the journal…";
    this.draw();
    this.#work = this.#try(async () => {
      await this.#history.loadEnd(this.#height * 3);
      this.#pager = atEnd(this.#lines, this.#height);
      this.#message = "";
    });
  }

  get #height(): number {
    return Math.max(1, this.#o.size().rows - 1);
  }
  get #lines(): number {
    return this.#history.lines.length;
  }

  /** Keys act one after the other, also when a page has to be fetched in between. */
  keys(read: Uint8Array): Promise<void> {
    const text = Buffer.from(read).toString();
    for (const key of text.match(/\x1b(?:\[[\d;]*[A-Za-z~]|O[A-Za-z])?|[\s\S]/gu) ?? []) {
      this.#work = this.#work.then(() => this.#try(() => this.#key(key)));
    }
    return this.#work;
  }

  async #try(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#message = `[${(error as { code?: string }).code ?? "internal"}] ${(error as Error).message}`;
    }
    this.draw();
  }

  async #key(key: string): Promise<void> {
    this.#message = "";
    if (this.#pager.typing) return this.#typed(key);
    const move = moves[key];
    if (move) return this.#move(move(Math.max(1, this.#height - 1)));
    if (key === "q" || key === "\x1b" || key === "\x03") this.#o.close();
    else if (key === "g" || key === "\x1b[H" || key === "\x1b[1~") {
      while (this.#history.hasOlder) await this.#history.loadOlder(10_000);
      this.#pager = { ...this.#pager, top: 0 };
    } else if (key === "G" || key === "\x1b[F" || key === "\x1b[4~") {
      if (this.#history.hasNewer) await this.#history.loadEnd(this.#height * 3);
      this.#pager = { ...atEnd(this.#lines, this.#height), query: this.#pager.query };
    } else if (key === "/" || key === "?")
      this.#pager = {
        ...this.#pager,
        query: "",
        typing: { from: this.#pager.found >= 0 ? this.#pager.found : this.#pager.top + this.#height - 1 },
      };
    else if (key === "n") await this.#next(true);
    else if (key === "N") await this.#next(false);
    else this.#message = "/ searches · n older · N newer · Space, b page · g, G ends · q leaves";
  }

  async #move(by: number): Promise<void> {
    if (this.#pager.top + by < 0 && this.#history.hasOlder) {
      const added = await this.#history.loadOlder(this.#height * 3);
      this.#pager = {
        ...this.#pager,
        top: this.#pager.top + added,
        found: this.#pager.found < 0 ? -1 : this.#pager.found + added,
      };
    }
    if (this.#pager.top + by > this.#lines - this.#height && this.#history.hasNewer) await this.#history.loadNewer();
    this.#pager = scrolled(this.#pager, by, this.#lines, this.#height);
  }

  async #typed(key: string): Promise<void> {
    const { query, typing } = this.#pager;
    if (key === "\r") {
      this.#pager = { ...this.#pager, typing: null };
      if (query !== "" && this.#pager.found < 0) await this.#next(true);
      return;
    }
    if (key === "\x1b" || key === "\x03") {
      this.#pager = { ...this.#pager, query: "", typing: null, found: -1 };
      return;
    }
    const typed =
      key === "\x7f" || key === "\b"
        ? [...query].slice(0, -1).join("")
        : key === "\x15"
          ? ""
          : key >= " " && !key.startsWith("\x1b")
            ? query + key
            : query;
    const at = search(this.#history.lines, typed, Math.min(typing!.from, this.#lines - 1), true);
    this.#pager = { ...this.#pager, query: typed, found: -1 };
    if (at >= 0) this.#pager = { ...showLine(this.#pager, at, this.#lines, this.#height), typing };
  }

  async #next(back: boolean): Promise<void> {
    const { query, found, top } = this.#pager;
    if (query === "") {
      this.#message = "nothing is searched for; / begins";
      return;
    }
    const from = found >= 0 ? found + (back ? -1 : 1) : top + (back ? this.#height - 1 : 0);
    const near = search(this.#history.lines, query, from, back);
    if (near >= 0) {
      this.#pager = showLine(this.#pager, near, this.#lines, this.#height);
      return;
    }
    if (back && this.#history.hasOlder) {
      const at = await this.#history.findOlder(query, this.#history.lines[0]?.offset ?? Number.MAX_SAFE_INTEGER);
      if (at >= 0) {
        this.#pager = showLine({ ...this.#pager, top: 0 }, at, this.#lines, this.#height);
        return;
      }
    }
    while (!back && this.#history.hasNewer) {
      const before = this.#lines;
      await this.#history.loadNewer();
      const at = search(this.#history.lines, query, before, false);
      if (at >= 0) {
        this.#pager = showLine(this.#pager, at, this.#lines, this.#height);
        return;
      }
    }
    this.#message = `nothing ${back ? "older" : "newer"} holds "${query}"`;
  }

  draw(): void {
    const { cols } = this.#o.size();
    const { top, found, query, typing } = this.#pager;
    const shown = Array.from({ length: this.#height }, (_, i) => {
      const line = this.#history.lines[top + i];
      if (!line) return "~";
      const text = cutTo(escapeText(line.text), cols);
      return top + i === found
        ? `\x1b[7m${padTo(text, cols)}\x1b[0m`
        : matches(line.text, query)
          ? `\x1b[1m${text}\x1b[0m`
          : text;
    });
    const place = `${this.#history.hasOlder ? "…" : ""}${Math.min(this.#lines, top + this.#height)}/${this.#lines}${this.#history.hasNewer ? "…" : ""}`;
    const left = typing
      ? `/${query}`
      : this.#message || `history of ${this.#o.name}${query ? ` · "${query}"` : ""} · q leaves, / searches`;
    const bar = padTo(cutTo(escapeText(left), cols - place.length - 2), cols - place.length - 1) + place;
    this.#o.draw([...shown, `\x1b[7m${bar}\x1b[0m`]);
  }
}
