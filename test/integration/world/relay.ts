/** Relays of a test: the real program, in a folder of its own, and hosts that dial it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { HostClient } from "@holdfast/sdk";
import { killed } from "./processes.ts";
import type { World } from "./world.ts";

const hold = fileURLToPath(new URL("../../../bin/hold", import.meta.url));

export class RelayProcess {
  readonly #world: World;
  readonly folder: string;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;
  /** `http://127.0.0.1:PORT` */
  url = "";
  /** Of its first start: the line with which a host joins. */
  join = "";

  private constructor(w: World, folder: string, args: readonly string[]) {
    this.#world = w;
    this.folder = folder;
    this.#args = args;
    w.atEnd(() => this.kill());
  }

  /** `at`: the address that one before it had. `args`: of the command. */
  static async start(w: World, name = "relay", at = "", args: readonly string[] = []): Promise<RelayProcess> {
    const relay = new RelayProcess(w, w.path(name), args);
    if (at !== "") relay.url = `http://${at}`;
    await relay.start();
    return relay;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Again on the same port, with the same book. */
  async start(): Promise<void> {
    const listen = this.url === "" ? "127.0.0.1:0" : new URL(this.url).host;
    const child = spawn(hold, ["relay", "--listen", listen, "--folder", this.folder, "--json", ...this.#args], {
      env: { ...process.env, ...this.#world.env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child = child;
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const { url, join } = JSON.parse(line) as { url: string; join: string | null };
    this.url = url;
    this.join ||= join ?? "";
  }

  /** As `kill -9`. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child) await killed(child);
  }

  /** Has the host of `client` join, with the token of the first start. Resolves with where operators find it. */
  async joinedBy(client: HostClient, name: string): Promise<string> {
    const token = Buffer.from(/--token (\S+)/.exec(this.join)![1]!, "base64url");
    await client.joinRelay({ url: this.url, token, name });
    return `${this.url.replace(/^http:/, "relay+http:")}/${name}`;
  }
}
