/**
 * `hold attach` to a kernel: a console in which several work. What anybody runs is shown with their name when it runs, and what it shows as it
 * comes; what is written here is sent whole, and waits its turn.
 *   N1  Code leaves by Enter alone, when the kernel calls it whole; while it can't be asked, by what the text looks like. A paste sends nothing.
 *   N2  Leaving ends nothing: what was sent runs on.
 *   N3  What would end the kernel is asked about first.
 * Keys are told apart by Node's `readline`; the text and its place on the terminal are edit.ts and layout.ts.
 */
import { PassThrough } from "node:stream";
import { emitKeypressEvents } from "node:readline";
import {
  escapeText,
  HoldError,
  type HostClient,
  type KernelFollowing,
  type KernelSaid,
  type KernelTold,
  KernelTranscript,
  type KernelView,
  type Session,
} from "@holdfast/sdk";
import type { Context } from "../app/context.ts";
import { drawn, graphicsOf, keptPicture, pictureOf } from "../show/picture.ts";
import { saidBy } from "../show/kernel-text.ts";
import type { Outer } from "../terminal/outer.ts";
import { type Edit, edited, empty, inserted, type Key, movedBy, newLine, seemsWhole, shared, written } from "./edit.ts";
import { type Below, Paper } from "./paper.ts";
import { Past } from "./past.ts";

/** How long a kernel that is idle may take to say whether code is whole, to complete, to explain. */
const ASK_MS = 2_000;
const HISTORY = 200;
const INDENT = "    ";

export interface ConsoleRequest {
  readonly client: HostClient;
  readonly outer: Outer;
  readonly session: Session;
  readonly observe: boolean;
  /** The byte of the prefix key. */
  readonly prefix: string;
}

export type ConsoleEnding =
  | { readonly kind: "left" | "ended" }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** What Enter answers now. */
type Mode = "code" | "answer" | "confirm";

export class KernelConsole {
  readonly #o: ConsoleRequest;
  readonly #env: Context["env"];
  readonly #paper: Paper;
  readonly #transcript = new KernelTranscript();
  readonly #past = new Past();
  readonly #keys = new PassThrough();
  readonly #leaving = new AbortController();
  readonly #names = new Map<string, string>();
  readonly #over = Promise.withResolvers<ConsoleEnding>();
  #following: KernelFollowing | null = null;
  #view: KernelView | null = null;
  #edit: Edit = empty;
  /** The answer to what the kernel asks; code that is being written waits meanwhile. */
  #answer: Edit = empty;
  /** The question that an answer is on its way to: what is typed meanwhile is no second answer. */
  #answeredTo = "";
  #isConfirming = false;
  #hints: readonly string[] = [];
  #count: number | null = null;
  #isPasting = false;
  #isPrefixed = false;
  /** Keys are used one after another, also where one asks the kernel. */
  #turn: Promise<void> = Promise.resolve();

  constructor(context: Pick<Context, "env">, request: ConsoleRequest) {
    this.#o = request;
    this.#env = context.env;
    this.#paper = new Paper(request.outer, () => this.#below());
    emitKeypressEvents(this.#keys);
    this.#keys.on("keypress", (_: string | undefined, key: Key) => this.#pressed(key));
  }

  keys(bytes: Uint8Array): void {
    this.#keys.write(Buffer.from(bytes));
  }

  resized(): void {
    this.#paper.draw();
  }

  gone(): void {
    this.#finish({ kind: "left" });
  }

  async run(): Promise<ConsoleEnding> {
    const { client, session } = this.#o;
    const me = client.operator.operator;
    if (me) this.#names.set(me.id, me.name);
    this.#paper.line(
      this.#note(
        `${session.name || session.id}: kernel ${session.kernel?.spec ?? ""}. Enter runs, Alt-Enter begins a line, Tab completes, name? explains, Ctrl-C interrupts, Ctrl-D leaves`,
      ),
    );
    this.#following = await client.kernels.follow(
      session.id,
      {
        told: (what) => this.#told(what),
        live: () => void this.#remember(),
        changed: (view) => {
          this.#view = view;
          this.#paper.draw();
        },
        link: (state) =>
          this.#paper.line(this.#note(state === "offline" ? "the link is down; it is tried again" : "the link is back")),
        detached: (_reason, error) => this.#finish(error ? { kind: "failed", ...error } : { kind: "ended" }),
      },
      { quiet: false },
    );
    const ending = await this.#over.promise;
    this.#leaving.abort();
    this.#paper.end();
    await this.#following.stop().catch(() => undefined);
    return ending;
  }

  #finish(ending: ConsoleEnding): void {
    this.#over.resolve(ending);
  }

  // --- what happens ---

  #told(what: KernelTold): void {
    const said = saidBy(what);
    if (said !== null) this.#paper.line(this.#note(said));
    switch (what.type) {
      case "asked":
        this.#names.set(what.run.by.id, what.run.by.name);
        return this.#past.add(what.run.code);
      case "message":
        return this.#message(what.said);
      case "native":
        return this.#paper.print(Buffer.from(what.bytes).toString());
      case "prompt":
        this.#answer = empty;
        return this.#paper.draw();
      case "prompt_over":
        this.#answer = empty;
        this.#paper.line(this.#answered(what.prompt.text, what.by));
        return;
    }
  }

  #answered(text: string, by: string | null): string {
    const who =
      by === null ? "its run is over" : by === this.#me ? "answered" : `answered by ${escapeText(this.#names.get(by) ?? by)}`;
    return `${escapeText(text)}${this.#note(who)}`;
  }

  #message(said: KernelSaid): void {
    // What it asks stands below, as long as it is open.
    if (said.channel !== "iopub") return;
    const picture = pictureOf(said);
    for (const piece of this.#transcript.add(said)) {
      if (piece.kind === "code") this.#count = piece.executionCount ?? this.#count;
      if (piece.kind === "code")
        this.#paper.print(
          `\x1b[32m${piece.text
            .replaceAll("\x1b", "")
            .replaceAll("\n", "\x1b[0m\n\x1b[32m")
            .replace(/\x1b\[32m$/, "")}`,
        );
      else if (!picture || piece.kind !== "text") this.#paper.print(piece.text);
    }
    if (!picture) return;
    const sequence = drawn(graphicsOf(this.#env), picture);
    if (sequence === null) this.#paper.line(this.#note(`picture: ${keptPicture(this.#env, picture)}`));
    else this.#paper.raw(sequence);
  }

  // --- what stands below ---

  get #mode(): Mode {
    if (this.#isConfirming) return "confirm";
    const { prompt = null } = this.#view ?? {};
    return prompt && prompt.prompt !== this.#answeredTo && !this.#o.observe ? "answer" : "code";
  }

  #below(): Below | null {
    const { prompt = null } = this.#view ?? {};
    switch (this.#mode) {
      case "confirm":
        return {
          front: "An interrupt may end this kernel, and all that it holds. Interrupt it? [y/N] ",
          text: "",
          at: 0,
          hints: [],
        };
      case "answer": {
        const { text, at } = this.#answer;
        const shown = prompt!.password ? { text: "", at: 0 } : { text, at };
        return {
          front: escapeText(prompt!.text),
          ...shown,
          hints: [...(prompt!.password ? ["(what you type is not shown)"] : []), ...this.#hints],
        };
      }
      case "code":
        return { front: this.#front(), ...this.#edit, hints: this.#hints };
    }
  }

  #front(): string {
    const view = this.#view;
    const number = this.#count === null ? " " : String(this.#count + 1);
    if (!view) return `In [${number}]: `;
    const { current, waiting, prompt } = view;
    const parts = [
      ...(view.phase === "ready" ? [] : [view.phase]),
      ...(current ? [`${escapeText(current.by.name)} runs`] : []),
      ...(waiting.length > 0 ? [`${waiting.length} wait${waiting.length === 1 ? "s" : ""}`] : []),
      ...(prompt && this.#o.observe ? ["asks"] : []),
      ...(this.#o.observe ? ["watching only"] : []),
    ];
    return `In [${number}]${parts.length > 0 ? ` (${parts.join(", ")})` : ""}: `;
  }

  // --- keys ---

  #pressed(key: Key): void {
    if (key.name === "paste-start" || key.name === "paste-end") {
      this.#isPasting = key.name === "paste-start";
      return;
    }
    if (!this.#isPasting && this.#isForUs(key)) return;
    const isPasted = this.#isPasting;
    this.#turn = this.#turn.then(() => this.#key(key, isPasted)).catch((fault: unknown) => this.#failed(fault));
  }

  /** What is obeyed at once, whatever is asked of the kernel. */
  #isForUs(key: Key): boolean {
    if (this.#isPrefixed) {
      this.#isPrefixed = false;
      if (key.name === "d") this.#finish({ kind: "left" });
      return true;
    }
    if (key.sequence === this.#o.prefix) {
      this.#isPrefixed = true;
      return true;
    }
    if (!key.ctrl || key.name !== "c") return false;
    void this.#interrupt(false);
    return true;
  }

  async #key(key: Key, isPasted: boolean): Promise<void> {
    const isEnter = key.name === "return" || key.name === "enter";
    if (this.#mode === "confirm") {
      this.#isConfirming = false;
      if (key.sequence === "y" || key.sequence === "Y") await this.#interrupt(true);
      return this.#paper.draw();
    }
    if (this.#mode === "answer") return isEnter ? this.#reply() : this.#writeAnswer(key);
    if (isPasted)
      return this.#set(
        isEnter ? inserted(this.#edit, "\n") : key.name === "tab" ? inserted(this.#edit, "\t") : edited(this.#edit, key),
      );
    if (key.ctrl && key.name === "d" && this.#edit.text === "") return this.#finish({ kind: "left" });
    if (isEnter) return key.meta ? this.#set(newLine(this.#edit)) : this.#enter();
    if (key.name === "tab") return this.#complete();
    if (key.meta && key.name === "i") return this.#inspect(this.#edit.text, this.#edit.at);
    if (key.name === "up" || key.name === "down" || (key.ctrl && (key.name === "p" || key.name === "n")))
      return this.#step(key.name === "up" || key.name === "p" ? -1 : 1);
    this.#set(edited(this.#edit, key));
  }

  #set(edit: Edit | null): void {
    if (!edit) return;
    this.#edit = edit;
    this.#hints = [];
    this.#paper.draw();
  }

  #writeAnswer(key: Key): void {
    this.#answer = edited(this.#answer, key) ?? this.#answer;
    this.#paper.draw();
  }

  #step(by: -1 | 1): void {
    const moved = movedBy(this.#edit, by);
    if (moved) return this.#set(moved);
    const text = this.#past.step(by, this.#edit.text);
    if (text !== null) this.#set(written(text));
  }

  async #enter(): Promise<void> {
    const { text, at } = this.#edit;
    if (text.trim() === "") return this.#set(empty);
    const asked = /^([^\n]*[^\s?])\?\s*$/.exec(text);
    if (asked) {
      this.#past.add(text);
      this.#set(empty);
      return this.#inspect(asked[1]!, asked[1]!.length);
    }
    // In the middle of a text of several lines Enter is a line's end.
    if (text.slice(at).trim() !== "" && text.includes("\n")) return this.#set(newLine(this.#edit));
    const whole = await this.#isWhole(text);
    if (whole !== true) return this.#set(newLine(this.#edit, whole));
    this.#set(empty);
    this.#send(text.trimEnd());
  }

  /** True, or how deep the next line is beyond this one. */
  async #isWhole(text: string): Promise<true | string> {
    if (text.includes("\n") && /\n[ \t]*$/.test(text)) return true;
    const answer = await this.#ask("is_complete_request", { code: text });
    const status = answer?.["status"];
    if (status === "complete" || status === "invalid") return true;
    // A kernel that is busy does not say: what opens a block goes on deeper.
    if (status !== "incomplete") return seemsWhole(text) ? true : /[:([{][ \t]*$/.test(text) ? "    " : "";
    const indent = typeof answer!["indent"] === "string" ? answer!["indent"] : "";
    const [here = ""] = /^[ \t]*/.exec(text.slice(text.lastIndexOf("\n") + 1)) ?? [];
    return indent.startsWith(here) ? indent.slice(here.length) : "";
  }

  #send(code: string): void {
    if (this.#o.observe) return this.#paper.line(this.#note("you are watching only: `hold attach` without --observe runs code"));
    const { client, session } = this.#o;
    // What it shows comes with everybody's.
    client.kernels
      .run(session.id, code, { maxBytes: 1, signal: this.#leaving.signal })
      .catch((fault: unknown) => (this.#leaving.signal.aborted ? undefined : this.#failed(fault)));
  }

  async #reply(): Promise<void> {
    const { prompt } = this.#view!;
    const { text } = this.#answer;
    this.#answer = empty;
    this.#answeredTo = prompt!.prompt;
    await this.#o.client.kernels.reply(this.#o.session.id, prompt!.prompt, text).catch((fault: unknown) => {
      // Another answer was first: that is told where it was.
      if (fault instanceof HoldError && fault.code === "no_such_prompt") return;
      this.#answeredTo = "";
      throw fault;
    });
  }

  async #interrupt(confirmed: boolean): Promise<void> {
    if (!this.#view?.current) return this.#set(empty);
    try {
      await this.#o.client.kernels.interrupt(this.#o.session.id, { confirmed });
    } catch (fault) {
      if (!(fault instanceof HoldError && fault.code === "may_end_kernel")) return this.#failed(fault);
      this.#isConfirming = true;
      this.#paper.draw();
    }
  }

  async #complete(): Promise<void> {
    const { text, at } = this.#edit;
    const line = text.slice(text.lastIndexOf("\n", at - 1) + 1, at);
    if (line.trim() === "") return this.#set(inserted(this.#edit, INDENT));
    const answer = await this.#ask("complete_request", { code: text, cursor_pos: [...text.slice(0, at)].length });
    if (!answer) return this.#hint(["(the kernel is busy: it completes when it is idle)"]);
    const matches = (Array.isArray(answer["matches"]) ? answer["matches"] : []).map(String);
    if (matches.length === 0) return this.#hint(["(nothing begins so)"]);
    const from = unitsBefore(text, Number(answer["cursor_start"]));
    const to = unitsBefore(text, Number(answer["cursor_end"]));
    const common = shared(matches);
    if (common.length > to - from || matches.length === 1)
      this.#set({ text: text.slice(0, from) + common + text.slice(to), at: from + common.length });
    if (matches.length > 1) this.#hint(inColumns(matches, this.#o.outer.size().cols));
  }

  async #inspect(code: string, at: number): Promise<void> {
    const answer = await this.#ask("inspect_request", { code, cursor_pos: [...code.slice(0, at)].length, detail_level: 0 });
    if (!answer) return this.#hint(["(the kernel is busy: it explains when it is idle)"]);
    const plain = (answer["data"] as Record<string, unknown> | undefined)?.["text/plain"];
    if (answer["found"] !== true || typeof plain !== "string") return this.#hint([`(nothing is known of ${escapeText(code)})`]);
    this.#paper.print(plain.endsWith("\n") ? plain : `${plain}\n`);
  }

  #hint(lines: readonly string[]): void {
    this.#hints = lines;
    this.#paper.draw();
  }

  /** What ran before this console: of the kernel's own history, which may be older than the session. */
  async #remember(): Promise<void> {
    const asked = {
      hist_access_type: "tail",
      n: HISTORY,
      raw: true,
      output: false,
      session: 0,
      start: 0,
      stop: 0,
      pattern: "",
      unique: false,
    };
    const answer = await this.#ask("history_request", asked).catch(() => null);
    const history = Array.isArray(answer?.["history"]) ? (answer["history"] as unknown[][]) : [];
    this.#past.addOlder(history.map((entry) => String(entry[2] ?? "")));
  }

  /** Null: it can't be asked now; a kernel answers on shell when it is past what it runs. */
  async #ask(type: string, content: object): Promise<Readonly<Record<string, unknown>> | null> {
    const view = this.#following?.view;
    if (view?.phase !== "ready" || view.current || view.waiting.length > 0) return null;
    const signal = AbortSignal.any([this.#leaving.signal, AbortSignal.timeout(ASK_MS)]);
    const said = await this.#o.client.kernels.request(this.#o.session.id, type, { content, signal }).catch((fault: unknown) => {
      if (fault instanceof HoldError && fault.code === "cancelled") return null;
      throw fault;
    });
    return said?.content ?? null;
  }

  #failed(fault: unknown): void {
    const { code = "internal", message } = fault as { readonly code?: string; readonly message: string };
    this.#paper.line(this.#note(`${code}: ${escapeText(message)}`));
  }

  get #me(): string {
    return this.#o.client.operator.operator?.id ?? "";
  }

  #note(text: string): string {
    return `\x1b[2m[${text}]\x1b[0m`;
  }
}

const unitsBefore = (text: string, points: number): number => [...text].slice(0, points).join("").length;

function inColumns(words: readonly string[], cols: number): string[] {
  const width = Math.max(...words.map((word) => word.length)) + 2;
  const across = Math.max(1, Math.floor((cols - 1) / width));
  const rows: string[] = [];
  for (let at = 0; at < words.length; at += across)
    rows.push(
      words
        .slice(at, at + across)
        .map((word) => escapeText(word).padEnd(width))
        .join(""),
    );
  return rows.length > 6 ? [...rows.slice(0, 5), `… and ${words.length - 5 * across} more`] : rows;
}
