/** A tmux of its own as the outer terminal of a test: keys in, screen out, and waiting for a fact instead of sleeping. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fact, leftMs } from "../../../test/integration/world/processes.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
export const holdCommand = join(root, "bin/hold");

export class World {
  readonly folder = mkdtempSync(join(tmpdir(), "hold-cli-int-"));
  readonly #socket = join(this.folder, "tmux");
  readonly env = {
    ...process.env,
    HOLDFAST_HOME: join(this.folder, "home"),
    XDG_CONFIG_HOME: join(this.folder, "config"),
    HOME: this.folder,
    SHELL: "/bin/bash",
    PATH: `${join(root, "bin")}:${dirname(process.execPath)}:${process.env["PATH"]}`,
    TERM: "xterm-256color",
    HOLDFAST_SESSION: "",
    LANG: "C.UTF-8",
    HISTFILE: "/dev/null",
  };

  constructor() {
    Reflect.deleteProperty(this.env, "HOLDFAST_SESSION");
    Reflect.deleteProperty(this.env, "TMUX");
  }

  hold(...words: string[]): { code: number; out: string; err: string } {
    const done = spawnSync(holdCommand, words, { env: this.env, encoding: "utf8", cwd: this.folder, timeout: leftMs() });
    return { code: done.status ?? -1, out: done.stdout, err: done.stderr };
  }

  shell(text: string, shell = "bash", more: readonly string[] = []): string {
    return spawnSync(shell, [...more, "-c", text], { env: this.env, encoding: "utf8", cwd: this.folder, timeout: leftMs() })
      .stdout;
  }

  #tmux(...words: string[]): string {
    return spawnSync("tmux", ["-S", this.#socket, "-f", "/dev/null", ...words], { env: this.env, encoding: "utf8" }).stdout;
  }

  /** A terminal with a shell whose prompt is `outer$ `. */
  async terminal(name: string, cols = 80, rows = 24): Promise<Terminal> {
    this.#tmux("new-session", "-d", "-s", name, "-x", String(cols), "-y", String(rows), "env", "PS1=outer$ ", "bash", "--norc");
    const terminal: Terminal = {
      type: (...keys) => void this.#tmux("send-keys", "-t", name, ...keys),
      screen: () => this.#tmux("capture-pane", "-t", name, "-p").trimEnd(),
      resize: (c, r) => void this.#tmux("resize-window", "-t", name, "-x", String(c), "-y", String(r)),
      until: async (sees) => {
        let screen = "";
        await fact(`the screen shows ${String(sees)}`, () => {
          screen = terminal.screen();
          if (typeof sees === "string" ? screen.includes(sees) : sees.test(screen)) return true;
          throw new Error(screen);
        });
        return screen;
      },
    };
    await terminal.until("outer$");
    return terminal;
  }

  hostPid(): number {
    return JSON.parse(this.hold("host", "status", "--json").out).pid as number;
  }

  /** Ends every session and the host, and the folder with it. */
  end(): void {
    for (const l of this.hold("ls", "--json").out.split("\n").filter(Boolean))
      this.hold("kill", (JSON.parse(l) as { id: string }).id, "--grace", "0s");
    this.hold("host", "down", "--force");
    this.#tmux("kill-server");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface Terminal {
  readonly type: (...keys: string[]) => void;
  readonly screen: () => string;
  readonly resize: (cols: number, rows: number) => void;
  readonly until: (sees: string | RegExp) => Promise<string>;
}
