/**
 * Debian's Jupyter Server, by its REST interface and its WebSockets: a terminal each session, a token that all its clients have.
 * What it keeps for a client that comes later is its own (`read_buffer` of terminado) and not to be set.
 */
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import WebSocket from "ws";
import { freePort } from "../../integration/world/port.ts";
import { fact } from "../../integration/world/processes.ts";
import { ByteStream } from "./byte-stream.ts";
import { Place } from "./place.ts";
import type { Client, Coming, Opening, System, Typed, Typing } from "./system.ts";

export class JupyterServer implements System {
  readonly name = "Jupyter Server";
  readonly ways = ["websocket"];
  version = "";
  readonly #place: Place;
  readonly #token = randomBytes(16).toString("hex");
  readonly #port: number;
  #server: ChildProcess | null = null;
  #sessions = 0;

  private constructor(place: Place, port: number) {
    this.#place = place;
    this.#port = port;
  }

  static async start(): Promise<JupyterServer> {
    const made = new JupyterServer(new Place(), await freePort());
    await made.#start();
    return made;
  }

  nameOf(): null {
    return null;
  }

  async open({ argv }: Opening): Promise<string> {
    const name = `s${++this.#sessions}`;
    await this.#ask("POST", "/api/terminals", { name });
    const client = await this.attach(name);
    await client.type(`exec ${argv.join(" ")}\r`);
    await fact("the program runs in the terminal", () => client.seen().includes("<ready>"));
    await client.vanish();
    return name;
  }

  async attach(session: string, _coming?: Coming): Promise<TerminalClient> {
    const client = new TerminalClient(`ws://127.0.0.1:${this.#port}/terminals/websocket/${session}`, {
      Authorization: `token ${this.#token}`,
    });
    await client.attached;
    return client;
  }

  attachAi(session: string): Promise<Client> {
    return this.attach(session);
  }

  async history(session: string): Promise<string> {
    const client = await this.attach(session);
    // What it keeps is sent before it reads anything from us, and an answer comes after that.
    await client.roundTrip();
    await client.vanish();
    return client.seen().toString();
  }

  async killServer(): Promise<void> {
    const server = this.#server!;
    const ended = once(server, "exit");
    server.kill("SIGKILL");
    await ended;
    await this.#start();
  }

  async record(): Promise<readonly Typed[] | null> {
    return null;
  }

  async present(): Promise<readonly string[]> {
    return [];
  }

  /** A terminal whose program has ended is not there any more. */
  async exitCode(session: string): Promise<null | undefined> {
    return this.#ask("GET", `/api/terminals/${session}`).then(
      () => undefined,
      () => null,
    );
  }

  async pauseAi(): Promise<boolean> {
    return false;
  }

  async #start(): Promise<void> {
    this.#server = this.#place.start("jupyter-server", [
      ...["--allow-root", "--no-browser", "--ip=127.0.0.1", `--port=${this.#port}`, "--port-retries=0"],
      ...[`--ServerApp.token=${this.#token}`, `--ServerApp.root_dir=${this.#place.folder}`],
      `--ServerApp.terminado_settings={"shell_command": ["/bin/bash", "--norc"]}`,
    ]);
    const { version } = await fact(
      "Jupyter Server answers",
      async () => (await this.#ask("GET", "/api")) as { version: string },
      60_000,
    );
    this.version = `Jupyter Server ${version}`;
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.#port}${path}`, {
      method,
      headers: { Authorization: `token ${this.#token}`, "Content-Type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

class TerminalClient implements Client {
  /** What the server keeps comes first; nobody tells from which byte on. */
  readonly fromStart = true;
  readonly attached: Promise<void>;
  readonly #socket: WebSocket;
  readonly #seen = new ByteStream();

  constructor(url: string, headers: Record<string, string>) {
    this.#socket = new WebSocket(url, { headers, perMessageDeflate: false });
    this.attached = new Promise((resolve, reject) => {
      this.#socket.on("error", reject);
      this.#socket.on("message", (message) => {
        const [kind, text] = JSON.parse(String(message)) as [string, string];
        if (kind === "setup") resolve();
        if (kind === "stdout") this.#seen.push(Buffer.from(text));
      });
    });
  }

  seen(): Buffer {
    return this.#seen.bytes;
  }

  /** The server answers nothing to it. */
  async type(text: string): Promise<Typing> {
    if (this.#socket.readyState !== WebSocket.OPEN) return { taken: false, why: "the socket is closed" };
    await new Promise<void>((sent) => this.#socket.send(JSON.stringify(["stdin", text]), () => sent()));
    return { taken: true };
  }

  async roundTrip(): Promise<void> {
    const answered = once(this.#socket, "pong");
    this.#socket.ping();
    await answered;
  }

  async vanish(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = once(this.#socket, "close");
    this.#socket.terminate();
    await closed;
  }
}
