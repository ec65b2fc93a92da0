/** Clients in processes of their own (client-process.ts), as a test holds them. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Standing } from "./client-process.ts";
import { fact, kill } from "./processes.ts";
import type { World } from "./world.ts";

const script = new URL("client-process.ts", import.meta.url).pathname;

export class ClientProcess {
  readonly #child: ChildProcess;
  #standing: Standing | null = null;
  #faults = "";

  constructor(world: World, as: string, session: string, mode: "snapshot" | "replay" = "snapshot") {
    this.#child = spawn(process.execPath, [script, world.home, as, session, mode], {
      env: world.env,
      cwd: world.files,
      stdio: ["ignore", "pipe", "pipe"],
    });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      this.#standing = JSON.parse(line) as Standing;
    });
    this.#child.stderr!.on("data", (text) => {
      this.#faults += text;
    });
    world.atEnd(() => this.kill());
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The last that it said. */
  get standing(): Standing | null {
    return this.#standing;
  }

  /** Waits until what it says of itself is so. */
  until(text: string, is: (s: Standing) => boolean, withinMs?: number): Promise<Standing> {
    return fact(
      `the client ${this.pid} says: ${text}`,
      () => {
        if (this.#child.exitCode !== null) throw new Error(`it exited with ${this.#child.exitCode}: ${this.#faults}`);
        return this.#standing && is(this.#standing) ? this.#standing : null;
      },
      withinMs,
    );
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    kill(this.pid, signal);
  }
}
