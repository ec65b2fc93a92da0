/** `hold` as a person runs it: its lines, its end, and Ctrl-C. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { World } from "./world.ts";

const hold = fileURLToPath(new URL("../../../bin/hold", import.meta.url));

export class Command {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  /** What it wrote to stderr. */
  said = "";
  readonly code: Promise<number | null>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    child.stderr!.on("data", (text) => void (this.said += text));
    this.code = new Promise((told) => child.once("close", told));
  }

  static run(w: World, argv: readonly string[], options: { readonly input?: Uint8Array } = {}): Command {
    const child = spawn(hold, argv, { cwd: w.files, env: w.env, stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    const made = new Command(child);
    w.atEnd(() => made.kill());
    return made;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The next line of its output; throws with what it said instead when it ends. */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done) throw new Error(`it ended with ${await this.code}: ${this.said}`);
    return value;
  }

  /** Ctrl-C. */
  stop(): void {
    this.#child.kill("SIGINT");
  }

  kill(): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
  }
}
