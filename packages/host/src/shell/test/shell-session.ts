/** A real shell, prepared as the host prepares it, with the marks, the fold and the runs of core/command beside it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, Offset, UnixMs } from "@holdfast/core";
import { prepareShell, wrapCommand } from "../index.ts";
import { Pty } from "./pty.ts";

const { applyShell, echoes, lineDirt, MarkScanner, refuseRun, sentRun, stepRun, titleNoise, unknownShell } = command;

export type ShellName = "bash" | "zsh" | "fish";
export const shells: readonly ShellName[] = ["bash", "zsh", "fish"];
export const nonce = "0123456789abcdef0123456789abcdef";
const folder = fileURLToPath(new URL("../scripts", import.meta.url));

export interface RunResult {
  readonly exit: number | null;
  readonly output: string;
  readonly outcome: string;
  readonly lineLeft: boolean;
  readonly isIncomplete: boolean;
}

export interface SessionOptions {
  readonly argv?: readonly string[];
  /** Files of the user's home, by path. */
  readonly home?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Do not wait for the first prompt. */
  readonly isBare?: boolean;
}

export class ShellSession {
  readonly home = mkdtempSync(join(tmpdir(), "hold-shell-"));
  readonly environmentFile = join(this.home, "environment");
  readonly marks: command.Mark[] = [];
  readonly pty: Pty;
  readonly shell: ShellName;
  readonly scanner = new MarkScanner(nonce);
  state: command.ShellState = unknownShell;
  exit: { readonly code: number | null; readonly signal: number | null } | null = null;
  #output = new Uint8Array(1 << 16);
  #length = 0;
  #run: { run: command.Run; deliver(output: command.RunOutput): void } | null = null;
  #waiters: { isMet(): boolean; resolve(): void }[] = [];

  static async open(shell: ShellName, options: SessionOptions = {}): Promise<ShellSession> {
    const session = new ShellSession(shell, options);
    if (!options.isBare) await session.until(() => session.state.phase === "editing");
    return session;
  }

  private constructor(shell: ShellName, options: SessionOptions) {
    this.shell = shell;
    for (const [path, text] of Object.entries({ ".hushlogin": "", ...options.home })) {
      mkdirSync(dirname(join(this.home, path)), { recursive: true });
      writeFileSync(join(this.home, path), text);
    }
    // zsh asks a user without files of his own what to do.
    if (shell === "zsh" && !options.home) writeFileSync(join(this.home, ".zshrc"), "");
    const env = {
      PATH: process.env["PATH"],
      HOME: this.home,
      TERM: "xterm-256color",
      LANG: "C.UTF-8",
      USER: "tester",
      ...options.env,
    };
    const prepared = prepareShell({
      argv: options.argv ?? [shell],
      env: Object.entries(env).map(([k, v]) => `${k}=${v}`),
      folder,
      nonce,
      environmentFile: this.environmentFile,
    });
    this.pty = new Pty(
      prepared.argv,
      { env: prepared.env, cwd: this.home },
      {
        output: (bytes) => this.#take(bytes),
        exited: (exit) => {
          this.exit = exit;
          this.#feed({ kind: "exited", exit: exit.code, outputOffset: this.end, at: UnixMs(0) });
          this.#step({ kind: "exited", code: exit.code, outputOffset: this.end });
          this.#wake();
        },
      },
    );
  }

  get end(): Offset {
    return Offset(this.#length);
  }
  /** Once the editor sleeps. */
  get lineDirt() {
    const shown = this.#output.subarray(this.state.readyOffset, this.#length);
    return lineDirt(applyShell(this.state, { kind: "quiet", echoed: echoes(shown) }));
  }
  get refusal() {
    return refuseRun(this.state);
  }

  text(from = 0, to: number = this.#length): string {
    return new TextDecoder().decode(this.#output.subarray(from, to));
  }

  type(keys: string | Uint8Array, by = "ana"): void {
    const bytes = typeof keys === "string" ? new TextEncoder().encode(keys) : keys;
    this.#feed({ kind: "input", by, bytes, outputOffset: this.end });
    this.pty.write(bytes);
  }

  /** Types a command as `hold run` does; ends at its end, or as soon as it is known to be incomplete. */
  async run(text: string): Promise<RunResult> {
    await this.until(() => this.state.phase === "editing" || this.exit !== null);
    return this.start(text).ended;
  }

  start(text: string): { readonly ended: Promise<RunResult> } {
    if (this.refusal) throw new Error(`refused: ${this.refusal}`);
    const bytes = wrapCommand(this.shell, text, { bracketedPaste: this.state.bracketedPaste });
    if (!bytes) throw new Error("untypable");
    const ended = new Promise<RunResult>((resolve) => {
      this.#run = {
        run: sentRun,
        deliver: (o) => {
          if (o.kind === "incomplete")
            resolve({ exit: null, output: "", outcome: "incomplete", lineLeft: true, isIncomplete: true });
          if (o.kind === "invalid") resolve({ exit: null, output: "", outcome: "not_run", lineLeft: true, isIncomplete: false });
          if (o.kind === "ended")
            resolve({
              exit: o.exit,
              outcome: o.outcome,
              lineLeft: false,
              isIncomplete: false,
              output: this.read(o.segments),
            });
        },
      };
    });
    const outputOffset = this.end;
    this.type(bytes);
    this.#step({ kind: "input", status: "applied", outputOffset });
    return { ended };
  }

  read(segments: readonly command.Segment[]): string {
    return segments
      .map(({ from, to }, i) => {
        const bytes = this.#output.subarray(from, to);
        return new TextDecoder().decode(i === 0 && this.shell === "fish" ? bytes.subarray(titleNoise(bytes, true) ?? 0) : bytes);
      })
      .join("");
  }

  /** Ctrl-C at the prompt, as a person does it: again if nothing happened, since zsh and fish miss one that falls into a redraw. */
  async cancel(): Promise<void> {
    const ready = this.state.readyOffset;
    const press = () => this.type("\x03");
    press();
    const again = setInterval(press, 500);
    await this.until(() => this.state.readyOffset > ready && this.state.phase === "editing" && this.lineDirt === null);
    clearInterval(again);
  }

  environment(): string[] {
    return readFileSync(this.environmentFile, "utf8")
      .split("\0")
      .filter((item) => item !== "");
  }

  until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ isMet, resolve });
      this.#wake();
    });
  }

  close(): void {
    this.pty.end();
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }

  #take(bytes: Uint8Array): void {
    const offset = this.end;
    if (this.#length + bytes.length > this.#output.length) {
      const grown = new Uint8Array((this.#length + bytes.length) * 2);
      grown.set(this.#output);
      this.#output = grown;
    }
    this.#output.set(bytes, this.#length);
    this.#length += bytes.length;
    for (const mark of this.scanner.push(offset, bytes)) {
      this.marks.push(mark);
      this.#feed({ kind: "mark", mark, at: UnixMs(0) });
      this.#step({ kind: "mark", mark });
    }
    this.#wake();
  }

  #feed(fact: command.ShellFact): void {
    this.state = applyShell(this.state, fact);
  }

  #step(fact: Parameters<typeof stepRun>[1]): void {
    if (!this.#run) return;
    const step = stepRun(this.#run.run, fact);
    this.#run.run = step.run;
    for (const output of step.outputs) this.#run.deliver(output);
  }

  #wake(): void {
    const met = this.#waiters.filter((w) => w.isMet());
    this.#waiters = this.#waiters.filter((w) => !met.includes(w));
    for (const w of met) w.resolve();
  }
}
