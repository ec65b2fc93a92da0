/**
 * tmux at its best: control mode, which gives clients every byte and takes input by command; 1,000,000 lines of history; the
 * pane kept when its program ends; each person and AI with an account of its own, let in by `server-access` (where the test runs
 * as root). It is reached on the machine, or through ssh.
 */
import { type ChildProcess, execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { userInfo } from "node:os";
import { freePort } from "../../integration/world/port.ts";
import { fact, kill, lives } from "../../integration/world/processes.ts";
import { ByteStream } from "./byte-stream.ts";
import { Place } from "./place.ts";
import {
  type Actor,
  bot,
  type Client,
  type Coming,
  me,
  type Opening,
  type System,
  type Typed,
  type Typing,
  type Typist,
} from "./system.ts";

/** Accounts that a Debian has and nobody uses. */
const accounts: Readonly<Record<string, string>> = { ana: "games", ben: "man", bot: "news" };
const isRoot = process.getuid?.() === 0;

export class Tmux implements System {
  readonly name = "tmux";
  readonly ways = ["control mode", "control mode through ssh"];
  readonly #place = new Place();
  #sshPort: Promise<number> | null = null;
  #sessions = 0;

  get version(): string {
    return execFileSync("tmux", ["-V"], { encoding: "utf8" }).trim();
  }

  nameOf(actor: Actor): string {
    return (isRoot ? accounts[actor.name] : undefined) ?? userInfo().username;
  }

  async open(opening: Opening): Promise<string> {
    const name = `s${++this.#sessions}`;
    writeFileSync(
      this.#place.path("conf"),
      "set -g status off\nset -g history-limit 1000000\nset -g escape-time 0\nset -g remain-on-exit on\n",
    );
    this.#tmux(["new-session", "-d", "-x", "100", "-y", "30", "-s", name, ...opening.argv]);
    if (isRoot) {
      chmodSync(this.#place.path("sock"), 0o666);
      for (const account of Object.values(accounts)) this.#tmux(["server-access", "-a", account], { check: false });
    }
    return name;
  }

  async attach(session: string, { as, way = this.ways[0]! }: Coming): Promise<Client> {
    const command = ["tmux", ...this.#server, "-C", "attach-session", "-t", `=${session}`];
    const argv = way === this.ways[0] ? command : [...(await this.#ssh()), command.join(" ")];
    const client = new Control(this.#place.start(argv[0]!, argv.slice(1), { stdio: "pipe", ...this.#ids(as) }), session);
    await client.attached;
    return client;
  }

  /** As the tools for agents do it, a command each time: what is read-only is refused there, and not in control mode. */
  async attachAi(session: string): Promise<Typist> {
    const type = async (text: string): Promise<Typing> => {
      const { ok, err } = this.#tmux(["send-keys", "-l", "-t", `=${session}:`, "--", text], { check: false, as: bot });
      return ok ? { taken: true } : { taken: false, why: err.trim() };
    };
    return { type, vanish: async () => {} };
  }

  async history(session: string): Promise<string> {
    return this.#tmux(["capture-pane", "-p", "-J", "-S", "-", "-t", `=${session}:`], { check: false }).out;
  }

  async killServer(session: string): Promise<void> {
    const pid = Number(this.#tmux(["display-message", "-p", "-t", `=${session}:`, "#{pid}"]).out);
    kill(pid);
    await fact("the server is gone", () => !lives(pid));
    // The next command that opens something starts a server again; there is nothing that it could take over.
  }

  async record(): Promise<readonly Typed[] | null> {
    return null;
  }

  async present(session: string): Promise<readonly string[]> {
    const { out } = this.#tmux(["list-clients", "-t", `=${session}`, "-F", "#{client_user}"], { check: false });
    return out.split("\n").filter(Boolean);
  }

  async exitCode(session: string): Promise<number | null | undefined> {
    const { ok, out } = this.#tmux(["display-message", "-p", "-t", `=${session}:`, "#{pane_dead} #{pane_dead_status}"], {
      check: false,
    });
    const [, code] = /^1 (\d+)/.exec(out) ?? [];
    return !ok ? null : code === undefined ? undefined : Number(code);
  }

  /** By making the account of AIs read-only. */
  async pauseAi(_session: string, paused: boolean, by: Actor = me): Promise<boolean> {
    return this.#tmux(["server-access", paused ? "-r" : "-w", this.nameOf(bot)], {
      check: false,
      as: by,
    }).ok;
  }

  get #server(): string[] {
    return ["-S", this.#place.path("sock"), "-f", this.#place.path("conf")];
  }

  #tmux(
    args: readonly string[],
    options: { check?: boolean; as?: Actor } = {},
  ): {
    readonly ok: boolean;
    readonly out: string;
    readonly err: string;
  } {
    const done = spawnSync("tmux", [...this.#server, ...args], {
      env: this.#place.env,
      encoding: "utf8",
      maxBuffer: 2 ** 28,
      ...this.#ids(options.as ?? me),
    });
    if (options.check !== false && done.status !== 0) throw new Error(`tmux ${args[0]}: ${done.stderr || done.error?.message}`);
    return { ok: done.status === 0, out: done.stdout, err: done.stderr };
  }

  #ids(actor: Actor): { uid?: number; gid?: number } {
    const account = isRoot ? accounts[actor.name] : undefined;
    if (!account) return {};
    const [, , uid, gid] = execFileSync("getent", ["passwd", account], { encoding: "utf8" }).split(":");
    return { uid: Number(uid), gid: Number(gid) };
  }

  /** ssh to a server of this test's own, as whoever runs it. */
  async #ssh(): Promise<string[]> {
    const at = (name: string): string => this.#place.path(name);
    this.#sshPort ??= this.#startSshd();
    const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=QUIET", "IdentitiesOnly=yes"];
    return [
      ...["ssh", "-T", "-F", "none", "-p", String(await this.#sshPort), "-i", at("user")],
      ...options.map((o) => `-o${o}`),
      "127.0.0.1",
    ];
  }

  async #startSshd(): Promise<number> {
    const at = (name: string): string => this.#place.path(name);
    for (const key of ["host", "user"]) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", at(key)]);
    const port = await freePort();
    const lines = [
      ...["ListenAddress 127.0.0.1", `Port ${port}`, `HostKey ${at("host")}`, `AuthorizedKeysFile ${at("user.pub")}`],
      ...["PidFile none", "StrictModes no", "UsePAM no", "PasswordAuthentication no", "PermitRootLogin prohibit-password"],
    ];
    writeFileSync(at("sshd_config"), `${lines.join("\n")}\n`);
    if (isRoot && !existsSync("/run/sshd")) execFileSync("install", ["-d", "-m", "0755", "/run/sshd"]);
    this.#place.start("/usr/sbin/sshd", ["-D", "-f", at("sshd_config")]);
    await fact("sshd listens", () => answers(port));
    return port;
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** A client in control mode: commands in, blocks of answers and `%output` out (tmux(1), CONTROL MODE). */
class Control implements Client {
  readonly fromStart = false;
  readonly attached: Promise<void>;
  readonly #child: ChildProcess;
  readonly #session: string;
  readonly #seen = new ByteStream();
  readonly #waiting: ((answer: Typing) => void)[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #block: { readonly isOurs: boolean; readonly lines: string[] } | null = null;
  #arrived: (error: Error | null) => void = () => {};
  #isOver = false;

  constructor(child: ChildProcess, session: string) {
    this.#child = child;
    this.#session = session;
    this.attached = new Promise((resolve, reject) => {
      this.#arrived = (error) => (error ? reject(error) : resolve());
    });
    child.stdout!.on("data", (bytes: Buffer) => this.#take(bytes));
    child.stdin!.on("error", () => {});
    child.once("close", () => this.#end("the client ended"));
  }

  seen(): Buffer {
    return this.#seen.bytes;
  }

  type(text: string): Promise<Typing> {
    if (this.#isOver) return Promise.resolve({ taken: false, why: "the client has ended" });
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin!.write(`send-keys -l -t =${this.#session}: -- '${text}'\n`);
    });
  }

  async vanish(): Promise<void> {
    if (this.#isOver) return;
    const closed = new Promise<void>((resolve) => this.#child.once("close", () => resolve()));
    this.#child.kill("SIGKILL");
    await closed;
  }

  #end(why: string): void {
    this.#isOver = true;
    this.#arrived(new Error(why));
    for (const told of this.#waiting.splice(0)) told({ taken: false, why });
  }

  #take(bytes: Buffer): void {
    let all = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10)) {
      this.#line(all.toString("latin1", 0, end));
      all = all.subarray(end + 1);
    }
    this.#rest = all;
  }

  #line(line: string): void {
    const [word = "", , , flags] = line.split(" ", 4);
    if (this.#block) {
      if (word !== "%end" && word !== "%error") return void this.#block.lines.push(line);
      const { isOurs, lines } = this.#block;
      this.#block = null;
      const why = lines.join("; ");
      if (!isOurs) return this.#arrived(word === "%end" ? null : new Error(why));
      this.#waiting.shift()?.(word === "%end" ? { taken: true } : { taken: false, why });
    } else if (word === "%begin") this.#block = { isOurs: flags === "1", lines: [] };
    else if (word === "%output") this.#seen.push(unescaped(line.slice(line.indexOf(" ", 8) + 1)));
    else if (word === "%exit") this.#end(line);
  }
}

/** What is not printable comes as `\ooo`. */
function unescaped(text: string): Buffer {
  return Buffer.from(
    text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    "latin1",
  );
}
