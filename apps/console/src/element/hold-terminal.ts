/**
 * The element: the console's own view of a session (session/terminal-view.ts) in a page of somebody else's.
 *   E1  No secret is an attribute: who attaches comes by a property.
 *   E2  What a program prints can open nothing, and write nothing of the page: a link is shown before it is followed, a paste of several lines before it is
 *       typed, and what was typed while there was no link for long before it is sent.
 *   E3  It is in the document, and has a session and a way to it: it is attached. Whichever of these changes, it is attached anew; taken out, it detaches,
 *       which ends nothing.
 */
import { type Attachment, connect, type Credential, type Floor, type HostClient, HoldError } from "@holdfast/sdk";
import xtermCss from "@xterm/xterm/css/xterm.css?inline";
import { needsALook, shownPaste } from "../session/paste.ts";
import { followLink, type SessionEnd, TerminalView, type ViewState } from "../session/terminal-view.ts";
import { coloursNamed } from "../theme/built-in.ts";
import { coloursOf, isDark, type Look } from "../theme/theme.ts";
import { Store } from "../value.ts";
import { ask, made } from "./ask.ts";
import ownCss from "./element.css?inline";
import type { TerminalColours, TerminalFloor, TerminalState } from "./public.ts";

const FAMILY = 'ui-monospace, "JetBrains Mono", "DejaVu Sans Mono", monospace';
const LETTER_PX = { least: 8, most: 32, usual: 13 } as const;
const FIRST_MS = 500;
const MOST_MS = 8_000;
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Of these, another attachment. */
const WAYS = ["session", "url", "host-key", "readonly"] as const;
const LOOKS = ["theme", "font-size", "font-family", "screen-reader"] as const;

const PROPERTIES = ["session", "url", "hostKey", "credential", "client", "theme"] as const;

/** One attachment, from the first dial to its end. */
interface Run {
  isOver: boolean;
  view: TerminalView | null;
  /** To be closed with it; null: the page's own. */
  dialled: HostClient | null;
  wake: () => void;
}

export class HoldTerminal extends HTMLElement {
  static readonly observedAttributes = [...WAYS, ...LOOKS];
  readonly #root = this.attachShadow({ mode: "open", delegatesFocus: true });
  readonly #internals = this.attachInternals();
  readonly #around = made("div", { class: "around" });
  readonly #said = made("div", { class: "said", role: "status" });
  readonly #sheet = new CSSStyleSheet();
  #state: TerminalState = { is: "attaching" };
  #client: HostClient | null = null;
  #credential: (() => Credential | Promise<Credential>) | null = null;
  #hostKey: Uint8Array | null = null;
  #colours: TerminalColours | null = null;
  readonly #look = new Store<Look>(this.#lookNow());
  #run: Run | null = null;
  #isAsked = false;

  constructor() {
    super();
    const sheets = [xtermCss, ownCss].map((css) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      return sheet;
    });
    this.#root.adoptedStyleSheets = [...sheets, this.#sheet];
    this.#root.append(this.#around, this.#said);
    this.#internals.role = "group";
    this.#around.addEventListener("paste", (event) => this.#pasted(event), true);
  }

  connectedCallback(): void {
    for (const name of PROPERTIES) this.#upgraded(name);
    dark.addEventListener("change", this.#looks);
    this.#looks();
    this.#again();
  }

  disconnectedCallback(): void {
    dark.removeEventListener("change", this.#looks);
    this.#end();
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now) return;
    if (name === "theme") this.#colours = null;
    if ((LOOKS as readonly string[]).includes(name)) this.#looks();
    else this.#again();
  }

  get session(): string {
    return this.getAttribute("session") ?? "";
  }
  set session(session: string) {
    this.setAttribute("session", session);
  }
  get url(): string {
    return this.getAttribute("url") ?? "";
  }
  set url(url: string) {
    this.setAttribute("url", url);
  }
  get hostKey(): Uint8Array | null {
    return this.#hostKey ?? bytesOfHex(this.getAttribute("host-key") ?? "");
  }
  set hostKey(key: Uint8Array | null) {
    this.#hostKey = key;
    this.#again();
  }
  get credential(): (() => Credential | Promise<Credential>) | null {
    return this.#credential;
  }
  set credential(credential: (() => Credential | Promise<Credential>) | null) {
    this.#credential = credential;
    this.#again();
  }
  get client(): HostClient | null {
    return this.#client;
  }
  set client(client: HostClient | null) {
    this.#client = client;
    this.#again();
  }
  get readOnly(): boolean {
    return this.hasAttribute("readonly");
  }
  set readOnly(does: boolean) {
    this.toggleAttribute("readonly", does);
  }
  get theme(): string | TerminalColours {
    return this.#colours ?? this.getAttribute("theme") ?? "";
  }
  set theme(theme: string | TerminalColours) {
    if (typeof theme === "string") {
      this.setAttribute("theme", theme);
      return;
    }
    if (!coloursOf(theme)) throw new HoldError("usage", "a theme has a `background` and a `foreground` at least, as #rrggbb");
    this.#colours = theme;
    this.#looks();
  }
  get fontSize(): number {
    const px = Number(this.getAttribute("font-size") ?? LETTER_PX.usual);
    return px >= LETTER_PX.least && px <= LETTER_PX.most ? px : LETTER_PX.usual;
  }
  set fontSize(px: number) {
    this.setAttribute("font-size", String(px));
  }
  get fontFamily(): string {
    return this.getAttribute("font-family") ?? "";
  }
  set fontFamily(family: string) {
    this.setAttribute("font-family", family);
  }
  get screenReader(): boolean {
    return this.hasAttribute("screen-reader");
  }
  set screenReader(does: boolean) {
    this.toggleAttribute("screen-reader", does);
  }

  get state(): TerminalState {
    return this.#state;
  }

  get floor(): TerminalFloor | null {
    const view = this.#run?.view;
    const floor = view?.floor.value;
    return view && floor ? { steers: view.steers, floor } : null;
  }

  override focus(options?: FocusOptions): void {
    const view = this.#run?.view;
    if (view?.terminal.textarea) view.terminal.textarea.focus(options);
    else super.focus(options);
  }

  async take(): Promise<Floor> {
    return this.#attachment().take();
  }

  async release(): Promise<Floor> {
    return this.#attachment().release();
  }

  attach(): void {
    this.#again();
  }

  #attachment(): Attachment {
    const attachment = this.#run?.view?.attachment.value;
    if (!attachment) throw new HoldError("unreachable", `nothing is attached: the terminal is ${this.#state.is}`);
    if (attachment.observing) throw new HoldError("not_permitted", "this terminal looks on: without `readonly` it may steer");
    return attachment;
  }

  /** What a page set before this was defined. */
  #upgraded(name: (typeof PROPERTIES)[number]): void {
    if (!Object.hasOwn(this, name)) return;
    const { [name]: value } = this;
    delete (this as Partial<Record<typeof name, unknown>>)[name];
    Object.assign(this, { [name]: value });
  }

  /** E3: once, for all that changes in one turn. */
  #again(): void {
    if (!this.isConnected || this.#isAsked) return;
    this.#isAsked = true;
    queueMicrotask(() => {
      this.#isAsked = false;
      this.#end();
      const { session } = this;
      const isReachable = this.#client !== null || (this.url !== "" && this.hostKey !== null && this.#credential !== null);
      if (!this.isConnected || session === "" || !isReachable) return;
      this.#internals.ariaLabel = `Terminal of ${session}`;
      const run: Run = { isOver: false, view: null, dialled: null, wake: () => {} };
      this.#run = run;
      void this.#live(run, session);
    });
  }

  #end(): void {
    const run = this.#run;
    if (!run) return;
    this.#run = null;
    run.isOver = true;
    run.wake();
    run.view?.end();
    run.dialled?.close();
    this.#around.replaceChildren();
    this.#said.replaceChildren();
  }

  async #live(run: Run, session: string): Promise<void> {
    this.#became(run, { is: "attaching" });
    const client = this.#client ?? (await this.#dialled(run));
    if (!client || run.isOver) return;
    const view = new TerminalView({
      client,
      session,
      look: this.#look,
      observe: this.readOnly,
      openLink: (url) => void this.#link(url),
    });
    run.view = view;
    const frame = made("div", { class: "frame" });
    this.#around.replaceChildren(frame);
    view.state.follow(() => this.#became(run, view.state.value));
    view.floor.follow(() => run.isOver || this.#tell("floor", this.floor));
    view.exit.follow(() => {
      this.#say(run);
      if (!run.isOver) this.#tell("exit", view.exit.value);
    });
    view.held.follow(() => this.#say(run));
    view.notice.follow(() => this.#say(run));
    await view.open(frame);
  }

  /** Dials until the host answers; null: it refuses, which is said, or it was given up. */
  async #dialled(run: Run): Promise<HostClient | null> {
    const [url, hostKey, credential] = [this.url, this.hostKey!, this.#credential!];
    for (let waitMs = FIRST_MS; !run.isOver; waitMs = Math.min(MOST_MS, waitMs * 2)) {
      try {
        const client = await connect({ url, hostKey, credential: await credential(), client: "terminal-element" });
        if (run.isOver) client.close();
        else run.dialled = client;
        return run.isOver ? null : client;
      } catch (fault) {
        const code = codeOf(fault);
        if (code !== "unreachable") {
          const reason = fault instanceof Error ? fault.message : String(fault);
          this.#became(run, { is: "over", reason, ...(code === undefined ? {} : { code }) });
          return null;
        }
        const sinceUnixMs = this.#state.is === "offline" ? this.#state.sinceUnixMs : Date.now();
        this.#became(run, { is: "offline", sinceUnixMs });
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs * (0.75 + Math.random() / 2));
          run.wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    }
    return null;
  }

  #became(run: Run, state: ViewState): void {
    if (run.isOver) return;
    const isOther = state.is !== this.#state.is;
    this.#state = state;
    this.#say(run);
    if (isOther || state.is === "over") this.#tell("state", state);
  }

  #tell(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Below the terminal: what keeps it from being what the session shows now, and what waits for a decision. */
  #say(run: Run): void {
    const view = run.view;
    const attachment = view?.attachment.value;
    if (view && attachment && view.held.value > 0) {
      const decide = (send: boolean): void => {
        if (send) attachment.flushHeld();
        else attachment.dropHeld();
        view.held.set(0);
      };
      const [drop, send] = [made("button", {}, "Drop them"), made("button", {}, "Send them")];
      drop.addEventListener("click", () => decide(false));
      send.addEventListener("click", () => decide(true));
      const text = `${view.held.value} bytes that were typed while the link was down have not been sent.`;
      return this.#said.replaceChildren(made("span", {}, text), drop, send);
    }
    const text = view?.notice.value?.text ?? textOf(this.#state, view?.exit.value ?? null);
    if (text === "") this.#said.replaceChildren();
    else this.#said.replaceChildren(made("span", {}, text));
  }

  /** E2. */
  async #link(url: string): Promise<void> {
    const goes = this.dispatchEvent(new CustomEvent("link", { detail: { url }, cancelable: true }));
    if (!goes) return;
    const { host } = new URL(url);
    const about = `A program in the session printed it.${host ? ` It leads to ${host}.` : ""}`;
    if (await ask(this.#root, { title: "Open this link?", about, exactly: url, yes: "Open", no: "Cancel" })) followLink(url);
  }

  /** E2. */
  #pasted(event: ClipboardEvent): void {
    const view = this.#run?.view;
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!view || !needsALook(text)) return;
    event.preventDefault();
    event.stopPropagation();
    const shown = shownPaste(text);
    const about = `${shown.bytes} bytes. A program that does not know pastes runs each line as it comes.`;
    void ask(this.#root, { title: shown.title, about, exactly: shown.text, yes: "Paste", no: "Cancel" }).then((does) => {
      if (does) view.paste(text);
      this.focus();
    });
  }

  readonly #looks = (): void => {
    const look = this.#lookNow();
    const { background, foreground } = look.colours;
    const scheme = isDark(look.colours) ? "dark" : "light";
    this.#sheet.replaceSync(`:host { --ground: ${background}; --letters: ${foreground}; color-scheme: ${scheme}; }`);
    this.#look.set(look);
  };

  #lookNow(): Look {
    const theme = this.theme;
    const scheme = theme === "dark" || (theme !== "light" && dark.matches) ? "dark" : "light";
    const own = typeof theme === "string" ? null : coloursOf(theme);
    const colours = own ? coloursNamed("own", [{ name: "own", colours: own }], scheme) : coloursNamed(String(theme), [], scheme);
    return {
      colours,
      fontFamily: this.fontFamily === "" ? FAMILY : `${this.fontFamily}, ${FAMILY}`,
      letterPx: this.fontSize,
      readsAloud: this.screenReader,
    };
  }
}

function textOf(state: TerminalState, exit: SessionEnd | null): string {
  if (exit?.signal != null) return `Ended by signal ${exit.signal}.`;
  if (exit) return exit.code === null ? `Ended: ${exit.reason}.` : `Ended with code ${exit.code}.`;
  if (state.is === "attached") return "";
  if (state.is === "attaching") return "Attaching";
  if (state.is === "offline") return "The link is down; it comes back by itself.";
  return `Not attached: ${state.reason}`;
}

/** By its name, not its class: a page may have another copy of the SDK. */
function codeOf(fault: unknown): string | undefined {
  const { code } = (fault ?? {}) as { readonly code?: unknown };
  return typeof code === "string" ? code : undefined;
}

function bytesOfHex(text: string): Uint8Array | null {
  if (!/^[0-9a-f]{64}$/i.test(text)) return null;
  return Uint8Array.from({ length: 32 }, (_, n) => Number.parseInt(text.slice(2 * n, 2 * n + 2), 16));
}
