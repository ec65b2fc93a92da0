/** A program on a real terminal, through on-terminal.py, until a test ends. Waiting is for named facts, never for time. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface PtyHandlers {
  output(bytes: Uint8Array): void;
  exited(exit: { readonly code: number | null; readonly signal: number | null }): void;
}

export class Pty {
  readonly #child: ChildProcess;
  #probes: ((probe: unknown) => void)[] = [];
  #reports = "";

  constructor(
    argv: readonly string[],
    options: { env: readonly string[]; cwd: string; cols?: number; rows?: number },
    handlers: PtyHandlers,
  ) {
    const env = Object.fromEntries(
      options.env.map((item) => [item.slice(0, item.indexOf("=")), item.slice(item.indexOf("=") + 1)]),
    );
    const driver = fileURLToPath(new URL("on-terminal.py", import.meta.url));
    this.#child = spawn("/usr/bin/python3", [driver, String(options.cols ?? 80), String(options.rows ?? 24), ...argv], {
      env,
      cwd: options.cwd,
      stdio: ["pipe", "pipe", "inherit", "pipe", "pipe"],
    });
    this.#child.stdout?.on("data", (bytes: Uint8Array) => handlers.output(bytes));
    this.#child.stdin?.on("error", () => {});
    let end: { exit?: number; signal?: number } = {};
    this.#child.stdio[3]?.on("data", (bytes: Uint8Array) => {
      this.#reports += new TextDecoder().decode(bytes);
      for (let to = this.#reports.indexOf("\n"); to >= 0; to = this.#reports.indexOf("\n")) {
        const report = JSON.parse(this.#reports.slice(0, to));
        this.#reports = this.#reports.slice(to + 1);
        if (report.probe) this.#probes.shift()?.(report.probe);
        else end = report;
      }
    });
    this.#child.on("close", () => handlers.exited({ code: end.exit ?? null, signal: end.signal ?? null }));
  }

  write(bytes: Uint8Array | string): void {
    this.#child.stdin?.write(bytes);
  }

  probe<T>(): Promise<T> {
    return new Promise((resolve) => {
      this.#probes.push(resolve as (probe: unknown) => void);
      const pipe = this.#child.stdio[4];
      if (pipe && "write" in pipe) pipe.write("\n");
    });
  }

  end(): void {
    this.#child.stdin?.end();
    this.#child.kill("SIGKILL");
  }
}
