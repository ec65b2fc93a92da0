/**
 * The terminal that the person sits at: raw mode, its size, bytes to it and keys from it, and putting it back.
 *   O1  Whatever ends this process but SIGKILL, the terminal is put back: `undo` is written and its line settings restored, once.
 *   O2  Writing never blocks the loop, so that Ctrl-C is read while the terminal is slow: `write` queues, `drained` paces.
 *   O3  Line feeds reach the terminal as they are: libuv's raw mode leaves ONLCR on, which moves the column of every bare LF, so it is
 *       taken off; until it is, and where that fails, LF is written as VT, which terminals obey alike and the line discipline leaves alone.
 */
import { spawn } from "node:child_process";
import { writeSync } from "node:fs";
import type { TerminalSize } from "../read/size.ts";

export interface Outer {
  size(): TerminalSize;
  /**
   * Raw mode; keys go to `onKeys`, one call a read, until {@link restore}. It may be written to at once. Resolves when the line's
   * settings are no longer being changed: a restore before that could be undone by the change.
   */
  enter(onKeys: (bytes: Uint8Array) => void, onResize: () => void): Promise<void>;
  write(data: Uint8Array | string): void;
  /** True when the terminal has taken all that was written. */
  readonly isDrained: boolean;
  /** Resolves when it has. */
  drained(): Promise<void>;
  /** What undoes, at any moment, all that was written since `enter`. */
  undoWith(undo: () => Uint8Array | string): void;
  holdKeys(hold: boolean): void;
  restore(): void;
  /** Called when the terminal is gone or the process is told to end. */
  onGone(listener: (why: string) => void): void;
}

const signals = ["SIGHUP", "SIGTERM", "SIGINT", "SIGQUIT"] as const;

export function openOuter(): Outer {
  const { stdin, stdout } = process;
  let undo: () => Uint8Array | string = () => "";
  let onResize: () => void = () => undefined;
  let onKeys: (bytes: Uint8Array) => void = () => undefined;
  let gone: (why: string) => void = () => undefined;
  let entered = false;
  let lineFeedsPass = false;
  let waiting: (() => void)[] = [];
  const taken = () => {
    if (stdout.writableLength > 0) return;
    const told = waiting;
    waiting = [];
    for (const go of told) go();
  };

  const restore = () => {
    if (!entered) return;
    entered = false;
    process.off("exit", restore);
    process.off("uncaughtException", crash);
    process.off("unhandledRejection", crash);
    for (const s of signals) process.off(s, onSignal);
    stdin.off("data", onKeys);
    stdout.off("resize", onResize);
    writeAll(undo());
    try {
      stdin.setRawMode(false);
    } catch {
      // The terminal is gone; there is nothing to put back.
    }
    stdin.pause();
  };
  const crash = (error: unknown) => {
    restore();
    process.stderr.write(
      `[internal] ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n[internal] hold attach failed; the session runs on: attach again, and report this\n`,
    );
    process.exit(1);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    restore();
    gone(signal);
  };

  return {
    size: () => ({ cols: clamp(stdout.columns, 80, 1000), rows: clamp(stdout.rows, 24, 500) }),
    async enter(keys, resized) {
      onKeys = keys;
      onResize = resized;
      if (entered) {
        stdin.on("data", onKeys);
        stdout.on("resize", onResize);
        return;
      }
      entered = true;
      process.on("exit", restore);
      process.on("uncaughtException", crash);
      process.on("unhandledRejection", crash);
      for (const s of signals) process.on(s, onSignal);
      // Not in Node's types: its terminals are written blocking by default (O2).
      (stdout as unknown as { _handle?: { setBlocking?: (on: boolean) => void } })._handle?.setBlocking?.(false);
      stdout.on("error", () => gone("the terminal is gone"));
      stdin.on("error", () => gone("the terminal is gone"));
      stdin.on("end", () => gone("the terminal is gone"));
      stdin.setRawMode(true);
      stdin.on("data", onKeys);
      stdin.resume();
      stdout.on("resize", onResize);
      lineFeedsPass = await postProcessingOff();
    },
    write(data) {
      if (!entered) return;
      if (lineFeedsPass) stdout.write(data, taken);
      else stdout.write(withoutLineFeeds(typeof data === "string" ? Buffer.from(data) : data), taken);
    },
    get isDrained() {
      return stdout.writableLength === 0;
    },
    drained: () => (stdout.writableLength === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    undoWith(f) {
      undo = f;
    },
    holdKeys(hold) {
      if (hold) stdin.pause();
      else stdin.resume();
    },
    restore,
    onGone(listener) {
      gone = listener;
    },
  };
}

function clamp(n: number | undefined, fallback: number, most: number): number {
  return n && n > 0 ? Math.min(n, most) : fallback;
}

/** True once the line discipline leaves our bytes alone. Node offers no call for it; setRawMode(false) undoes it with the rest. */
function postProcessingOff(): Promise<boolean> {
  return new Promise((resolve) => {
    const stty = spawn("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
    stty.on("error", () => resolve(false));
    stty.on("exit", (code) => resolve(code === 0));
  });
}

function withoutLineFeeds(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(0x0a)) return bytes;
  const copy = Uint8Array.from(bytes);
  for (let i = copy.indexOf(0x0a); i >= 0; i = copy.indexOf(0x0a, i + 1)) copy[i] = 0x0b;
  return copy;
}

/** Written before a process ends, so without the stream: what does not fit into a stuck terminal is given up after 0.2 s. */
function writeAll(data: Uint8Array | string): void {
  let rest: Uint8Array = typeof data === "string" ? Buffer.from(data) : data;
  const until = Date.now() + 200;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || Date.now() > until) return;
    }
  }
}
