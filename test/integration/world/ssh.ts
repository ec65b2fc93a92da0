/** OpenSSH's own clients against a world's host, each with a key and a known_hosts of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, type KeyObject, randomBytes } from "node:crypto";
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OperatorKind } from "@holdfast/protocol";
import { openSshPublicKey } from "@holdfast/sdk";
import { spawnSync } from "node:child_process";
import { fact, kill } from "./processes.ts";
import type { World } from "./world.ts";

export interface Done {
  readonly out: Buffer;
  readonly err: string;
  readonly code: number | null;
}

/** A client that runs: what it says, and what it is told. */
export class Running {
  readonly child: ChildProcess;
  readonly done: Promise<Done>;
  #out: Buffer[] = [];
  #err = "";

  constructor(world: World, argv: readonly string[], stdin: Uint8Array | "open" | null) {
    const [file = "", ...args] = argv;
    const child = spawn(file, args, {
      env: world.env,
      cwd: world.files,
      stdio: [stdin === null ? "ignore" : "pipe", "pipe", "pipe"],
    });
    this.child = child;
    world.atEnd(() => kill(child.pid!));
    child.stdout!.on("data", (bytes: Buffer) => this.#out.push(bytes));
    child.stderr!.on("data", (bytes: Buffer) => (this.#err += bytes.toString()));
    child.stdin?.on("error", () => {});
    if (stdin instanceof Uint8Array) child.stdin!.end(stdin);
    this.done = new Promise((resolve) => {
      child.once("close", (code) => resolve({ out: Buffer.concat(this.#out), err: this.#err, code }));
    });
  }

  get out(): string {
    return Buffer.concat(this.#out).toString();
  }

  get err(): string {
    return this.#err;
  }

  type(text: string): void {
    this.child.stdin!.write(text);
  }

  /** Waits until it has said this. */
  says(text: string): Promise<unknown> {
    return fact(`the client says ${JSON.stringify(text)}, not ${JSON.stringify(this.out.slice(-500))} ${this.#err}`, () =>
      this.out.includes(text),
    );
  }
}

/** `openssh-key-v1` (PROTOCOL.key of OpenSSH), without a passphrase. */
function openSshPrivateKey(key: KeyObject): string {
  const { x = "", d = "" } = key.export({ format: "jwk" });
  const [open, seed] = [Buffer.from(x, "base64url"), Buffer.from(d, "base64url")];
  const uint = (n: number): Buffer => Buffer.from(Uint32Array.of(n).buffer).swap32();
  const text = (bytes: string | Uint8Array): Buffer => Buffer.concat([uint(Buffer.from(bytes).length), Buffer.from(bytes)]);
  const kind = text("ssh-ed25519");
  const check = randomBytes(4);
  const secret = Buffer.concat([check, check, kind, text(open), text(Buffer.concat([seed, open])), text("holdfast")]);
  const padding = Uint8Array.from({ length: -secret.length & 7 }, (_, i) => i + 1);
  const all = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    ...[text("none"), text("none"), text(""), uint(1)],
    text(Buffer.concat([kind, text(open)])),
    text(Buffer.concat([secret, padding])),
  ]);
  const lines = all.toString("base64").match(/.{1,70}/g)!;
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
}

export class SshUser {
  readonly #world: World;
  readonly #port: string;
  readonly key: string;
  readonly knownHosts: string;

  private constructor(world: World, port: string, key: string) {
    this.#world = world;
    this.#port = port;
    this.key = key;
    this.knownHosts = `${key}.known`;
  }

  /** A key that the host does not know. */
  static stranger(world: World, url: string, name: string): SshUser {
    const folder = join(world.place, "ssh");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const key = join(folder, name);
    const made = spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
    return new SshUser(world, new URL(url.replace(/^ssh:/, "http:")).port, key);
  }

  /** An operator by an ssh key. */
  static async operator(
    world: World,
    url: string,
    name: string,
    { kind = OperatorKind.HUMAN, role = "operator" }: { readonly kind?: OperatorKind; readonly role?: string } = {},
  ): Promise<SshUser> {
    const user = SshUser.stranger(world, url, name);
    const publicKey = openSshPublicKey(readFileSync(`${user.key}.pub`, "utf8"));
    await (await world.connect()).operatorAdd({ name, kind, role, publicKey });
    return user;
  }

  /** An operator that is there, by the key of the world's home: as OpenSSH keeps keys. */
  static of(world: World, url: string, name: string): SshUser {
    const folder = join(world.place, "ssh");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const key = join(folder, `home-${name}`);
    writeFileSync(key, openSshPrivateKey(world.keyOf(name)), { mode: 0o600 });
    return new SshUser(world, new URL(url.replace(/^ssh:/, "http:")).port, key);
  }

  get port(): number {
    return Number(this.#port);
  }

  /** What each client is told: nothing of this machine's configuration, and to ask nobody. */
  options(more: readonly string[] = []): string[] {
    const set = [
      "BatchMode=yes",
      "IdentitiesOnly=yes",
      "LogLevel=ERROR",
      "StrictHostKeyChecking=accept-new",
      `UserKnownHostsFile=${this.knownHosts}`,
    ];
    return ["-F", "none", "-i", this.key, ...set.flatMap((o) => ["-o", o]), ...more];
  }

  ssh(
    session: string,
    command: readonly string[],
    { options = [], stdin = null }: { readonly options?: readonly string[]; readonly stdin?: Uint8Array | "open" | null } = {},
  ): Running {
    const argv = ["ssh", "-p", this.#port, ...this.options(options), `${session}@127.0.0.1`, ...command];
    return new Running(this.#world, argv, stdin);
  }

  exec(session: string, command: string, stdin: Uint8Array | null = null): Promise<Done> {
    return this.ssh(session, [command], { stdin }).done;
  }

  /** `sftp -b`. */
  sftp(session: string, batch: string): Promise<Done> {
    const path = join(this.#world.place, "ssh", "batch");
    writeFileSync(path, batch);
    return new Running(this.#world, ["sftp", "-P", this.#port, ...this.options(["-b", path]), `${session}@127.0.0.1`], null).done;
  }

  /** `scp`; what starts with a colon is in the session. */
  scp(session: string, from: string, to: string): Promise<Done> {
    const at = (path: string): string => (path.startsWith(":") ? `${session}@127.0.0.1${path}` : path);
    return new Running(this.#world, ["scp", "-P", this.#port, ...this.options(), at(from), at(to)], null).done;
  }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest("hex");
}
