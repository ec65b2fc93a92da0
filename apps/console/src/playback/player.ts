/**
 * Plays one recording in one frame of the page.
 *   P1  What stands on the terminal is what stood there at {@link position}, to the frame.
 *   P2  A playback that is at the end of a recording that still grows goes on as it grows.
 */
import "@xterm/xterm/css/xterm.css";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { Terminal } from "@xterm/xterm";
import { Store } from "../store.ts";
import { look } from "../theme/look.ts";
import { advanced, type Pace, stepped } from "./clock.ts";
import { Heads } from "./heads.ts";
import type { Recording, Size } from "./recording.ts";

const BASE_PX = 13;
const LEAST_PX = 4;

export class Player {
  readonly position = new Store(0);
  readonly isPlaying = new Store(false);
  readonly pace = new Store<Pace>({ speed: 1, skipsIdle: true });
  readonly #recording: Recording;
  readonly #frame: HTMLElement;
  readonly #heads: Heads<Terminal>;
  readonly #watcher: ResizeObserver;
  readonly #terminals = new Set<Terminal>();
  readonly #unfollow: () => void;
  #shown: Terminal | null = null;
  #lastMs: number | null = null;
  #turn = 0;

  constructor(recording: Recording, frame: HTMLElement) {
    this.#recording = recording;
    this.#frame = frame;
    this.#unfollow = look.follow(() => this.#looks());
    this.#heads = new Heads(
      recording,
      (size) => this.#made(size),
      (terminal) => this.#show(terminal),
    );
    this.#watcher = new ResizeObserver(() => this.#scale());
    this.#watcher.observe(frame);
    // Where something stands first: an empty screen says nothing.
    this.seek(recording.frames.find((one) => one.is === "output")?.atMs ?? 0);
  }

  play(): void {
    if (this.isPlaying.value) return;
    if (this.#recording.isOver && this.position.value >= this.#recording.endMs) this.seek(0);
    this.isPlaying.set(true);
    this.#lastMs = null;
    this.#turn = requestAnimationFrame((ms) => this.#tick(ms));
  }

  pause(): void {
    this.isPlaying.set(false);
    cancelAnimationFrame(this.#turn);
  }

  toggle(): void {
    if (this.isPlaying.value) this.pause();
    else this.play();
  }

  /** P1. */
  seek(ms: number): void {
    const at = Math.min(Math.max(0, ms), this.#recording.endMs);
    this.position.set(at);
    void this.#heads.go(this.#recording.framesAt(at));
  }

  step(by: -1 | 1, over: "frames" | "markers"): void {
    this.pause();
    this.seek(stepped(this.#recording, this.position.value, by, over));
  }

  end(): void {
    this.pause();
    this.#watcher.disconnect();
    this.#unfollow();
    this.#heads.end();
    this.#frame.replaceChildren();
  }

  #looks(): void {
    const { colours, fontFamily, readsAloud } = look.value;
    for (const { options } of this.#terminals) {
      options.theme = colours;
      options.fontFamily = fontFamily;
      options.screenReaderMode = readsAloud;
    }
  }

  #tick(ms: number): void {
    const passed = this.#lastMs === null ? 0 : ms - this.#lastMs;
    this.#lastMs = ms;
    this.seek(advanced(this.#recording, this.position.value, passed, this.pace.value));
    if (this.#recording.isOver && this.position.value >= this.#recording.endMs) return this.pause();
    this.#turn = requestAnimationFrame((next) => this.#tick(next));
  }

  #made({ cols, rows }: Size): Terminal {
    const terminal = new Terminal({
      ...{ cols, rows, allowProposedApi: true, disableStdin: true, scrollback: 1_000, fontSize: BASE_PX, lineHeight: 1.2 },
      fontFamily: look.value.fontFamily,
      theme: look.value.colours,
      cursorInactiveStyle: "outline",
      screenReaderMode: look.value.readsAloud,
    });
    terminal.loadAddon(new Unicode11Addon());
    terminal.unicode.activeVersion = "11";
    terminal.onRender(() => terminal === this.#shown && this.#scale());
    const dispose = terminal.dispose.bind(terminal);
    this.#terminals.add(terminal);
    terminal.dispose = () => {
      this.#terminals.delete(terminal);
      terminal.element?.parentElement?.remove();
      dispose();
    };
    return terminal;
  }

  #show(terminal: Terminal): void {
    for (const child of this.#frame.children) child.toggleAttribute("hidden", true);
    if (!terminal.element) {
      const place = document.createElement("div");
      this.#frame.append(place);
      terminal.open(place);
    }
    terminal.element?.parentElement?.toggleAttribute("hidden", false);
    this.#shown = terminal;
    this.#scale();
  }

  /** The whole terminal is seen, whatever its size. */
  #scale(): void {
    const terminal = this.#shown;
    const screen = terminal?.element?.querySelector(".xterm-screen");
    if (!terminal || !screen) return;
    const { width, height } = this.#frame.getBoundingClientRect();
    const { width: wide, height: high } = screen.getBoundingClientRect();
    const px = terminal.options.fontSize ?? BASE_PX;
    if (wide === 0 || high === 0 || width === 0) return;
    const fits = Math.floor(Math.min(BASE_PX, (px * (width - 12)) / wide, (px * height) / high) * 2) / 2;
    // Cells are rounded: what just fits larger might not, and would be drawn smaller again.
    if (fits < px || fits >= px + 1) terminal.options.fontSize = Math.max(LEAST_PX, fits);
  }
}
