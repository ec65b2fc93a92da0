/** A real host in a home of its own, as it is built, with its console open. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { HostClient, OpenSpec, Session } from "@holdfast/sdk";
import { connect, homeFolder } from "@holdfast/sdk/node";
import { ABOVE, drawn } from "./cells.ts";
import { folder, values } from "./run.ts";

const AT_ONCE = 8;

export class Place {
  readonly folder: string;
  readonly #env: Readonly<Record<string, string>>;
  #client: HostClient | null = null;

  constructor(name: string) {
    this.folder = join(folder, name);
    mkdirSync(join(this.folder, "user"), { recursive: true });
    this.#env = {
      ...{ PATH: process.env["PATH"] ?? "", HOME: join(this.folder, "user"), LANG: "C.UTF-8", TERM: "xterm-256color" },
      ...{ HOLDFAST_HOME: join(this.folder, "state"), XDG_CONFIG_HOME: join(this.folder, "user", ".config") },
    };
  }

  async start(): Promise<this> {
    this.#hold("host", "up");
    this.#client = await this.connect();
    return this;
  }

  connect(): Promise<HostClient> {
    return connect({ home: homeFolder(this.#env), via: "sdk" });
  }

  #hold(...args: readonly string[]): string {
    const stdio: ["ignore", "pipe", "inherit"] = ["ignore", "pipe", "inherit"];
    return execFileSync(values.hold, [...args], { env: this.#env, cwd: this.folder, encoding: "utf8", stdio });
  }

  get client(): HostClient {
    return this.#client!;
  }

  /** What lets one browser in, and where its page is from then on. */
  link(): { readonly link: string; readonly url: string } {
    return JSON.parse(this.#hold("console", "--no-open", "--json")) as { link: string; url: string };
  }

  path(session: Session): string {
    return `/sessions/${this.client.operator.hostId}/${session.id}`;
  }

  async open(spec: OpenSpec): Promise<Session> {
    const size = { cols: 120, rows: 36 };
    const { session } = await this.client.open({ env: this.#env, cwd: this.folder, size, ...spec });
    return session;
  }

  /** Resolves when it has printed this. Reads all that it printed: not for floods. */
  async printed(session: Session, text: string): Promise<void> {
    await this.client.wait(session.id, { match: text, fromSeq: 0 });
  }

  /** Resolves when it has printed nothing for a moment. */
  async settled(session: Session): Promise<void> {
    await this.client.wait(session.id, { idleMs: 300 });
  }

  async openMany(n: number): Promise<void> {
    let left = n;
    const opens = async (): Promise<void> => {
      while (left-- > 0) await this.open({ name: `job-${left}`, command: ["sleep", "infinity"] });
    };
    await Promise.all(Array.from({ length: AT_ONCE }, opens));
  }

  /** Every cell of the session's screen and of the lines above it, by what the host answers whoever asks for them. */
  async cells(session: Session): Promise<string> {
    const { vt, size } = await this.client.screen(session.id, { scrollback: ABOVE, vt: true });
    return drawn(vt, { cols: size!.cols, rows: size!.rows });
  }

  async end(): Promise<void> {
    if (!this.#client) return;
    const left = await this.client.list();
    const ends = async (): Promise<void> => {
      for (let one = left.pop(); one; one = left.pop()) await this.client.kill(one.id, 0).catch(() => {});
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ends));
    this.#client.close();
    this.#client = null;
    this.#hold("host", "down");
  }
}
