/** A folder for one peer: its files, its environment, its processes. Nothing of it is left when the test is over. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { fact, kill, ofFolder } from "../../integration/world/processes.ts";

export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), "hold-peer-"));
  readonly env: Readonly<Record<string, string>>;

  constructor() {
    // Clients of other accounts come to its sockets.
    chmodSync(this.folder, 0o755);
    const home = join(this.folder, "home");
    mkdirSync(home, { mode: 0o700 });
    this.env = {
      PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
      HOME: home,
      LANG: "C.UTF-8",
      TERM: "xterm-256color",
      // By this its processes are found, whoever their parent is.
      HOLDFAST_PEER: this.folder,
    };
    onTestFinished(() => this.#end(), 60_000);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  start(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const child = spawn(program, args, { env: this.env, cwd: this.folder, stdio: "ignore", ...options });
    // That it could not be started is seen by what does not come of it.
    child.on("error", () => {});
    return child;
  }

  async #end(): Promise<void> {
    await fact(`no process of ${this.folder} is left`, () => {
      const left = ofFolder(this.folder);
      for (const pid of left) kill(pid);
      return left.length === 0;
    });
    rmSync(this.folder, { recursive: true, force: true });
  }
}
