/** WeTTY, a terminal in a page for whoever has ssh or a login: xterm.js too, a pty and a WebSocket between. It is fetched into a folder outside of the project. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../relay/ssh.ts";
import { folder, say, values } from "./run.ts";

const WETTY = "wetty@3.2.0";

/** The program; null: it can't be had here. */
function wetty(): string | null {
  const program = join(values.wetty, "node_modules", "wetty", "build", "main.js");
  if (existsSync(program)) return program;
  say(`${WETTY} is fetched into ${values.wetty}`);
  mkdirSync(values.wetty, { recursive: true });
  try {
    // By its own npm, which builds node-pty for the Node that runs this.
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env["PATH"]}` };
    execFileSync("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--prefix", values.wetty, WETTY], {
      ...{ env, cwd: values.wetty, stdio: ["ignore", "ignore", "ignore"] },
    });
  } catch (fault) {
    say(`wetty left out: npm install ${WETTY} in ${values.wetty} says why (${(fault as Error).message.split("\n")[0]})`);
  }
  return existsSync(program) ? program : null;
}

export class Wetty {
  readonly #child: ChildProcess;
  readonly url: string;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** Every page of it is a `cat` of its own. Null: it is not here, or whoever runs this may not start it so. */
  static async start(): Promise<Wetty | null> {
    // Anybody else's is an ssh to this machine, which is another thing.
    if (process.getuid?.() !== 0) {
      say("wetty left out: it runs a program of its own only for root");
      return null;
    }
    const program = wetty();
    if (!program) return null;
    const port = await freePort();
    const args = [
      "--host",
      "127.0.0.1",
      "--port",
      String(port),
      "--base",
      "/wetty",
      "--ssh-host",
      "localhost",
      "--command",
      "cat",
    ];
    const child = spawn(process.execPath, [program, ...args, "--log-level", "error"], { cwd: folder, stdio: "ignore" });
    while (!(await answers(port)) && child.exitCode === null) await delay(50);
    return new Wetty(child, `http://127.0.0.1:${port}/wetty`);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return once(socket, "connect").then(
    () => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}
