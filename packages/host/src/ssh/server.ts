/**
 * The host's SSH server: who may knock, and whose key it is that they prove.
 *
 *   V1  A key is an operator's or nobody's. Who is not known, was revoked, or offers anything but a key of Ed25519 hears the same.
 *   V2  What a program does by itself, up to the keys being exchanged, has 5 s; a person who is asked about this host's key or for a passphrase a
 *       minute. There are {@link STRANGERS} at once, of one address a quarter; one more puts out the one that has waited longest, of
 *       those that have said nothing yet if there are any.
 *   V3  Of a stranger 64 KiB are read, and six keys are looked at.
 *   V4  Algorithms that are beyond doubt, and no others: X25519, Ed25519, AES-GCM. Nothing is compressed.
 */
import { verify } from "node:crypto";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Link, LinkHandlers } from "@holdfast/carrier";
import { MonotonicMs } from "@holdfast/core";
import { HoldError, limits } from "@holdfast/protocol";
import type ssh2 from "ssh2";
import type { AuthContext, Connection } from "ssh2";
import type { Host } from "../host.ts";
import type { Proven } from "../link/handshake.ts";
import { hostText } from "@holdfast/carrier/listen";
import { keyIdOf, publicKeyFromRaw } from "../operator/key.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { type ConnectionParts, SshConnection } from "./connection.ts";
import type { SshHostKey } from "./host-key.ts";
import { rawKeyOf, SSH_ED25519 } from "./public-key.ts";
import type { SshWish } from "./wish.ts";

/** V2. */
const STRANGERS = 64;
const STRANGERS_SHARE = 4;
const PERSON_MS = 60_000;
/** V3. */
const MOST_KEYS = 6;
/** OpenSSH's clients tell their like alone when nobody reads a channel any more (exec.ts, X3), by the beginning of this name. */
const IDENT = "OpenSSH_Holdfast";
const CLIENT_CHARS = 64;

/** V4. A message authentication code is named for the form of it: with AES-GCM none is used. */
const algorithms = {
  kex: ["curve25519-sha256", "curve25519-sha256@libssh.org"],
  serverHostKey: [SSH_ED25519],
  cipher: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"],
  hmac: ["hmac-sha2-256-etm@openssh.com"],
  compress: ["none"],
} as const;

export interface SshServerParts {
  readonly host: Host;
  readonly key: SshHostKey;
  readonly meet: (link: Link, proven: Proven, begins: "open" | "hello") => LinkHandlers;
  /** Why nobody can be taken now, if so. */
  readonly lacking: () => HoldError | null;
  /** V2, shorter in tests. Default {@link limits.handshakeMs} and a minute. */
  readonly programMs?: number;
  readonly personMs?: number;
  readonly strangers?: number;
}

/** Who has proven to hold which key. */
interface Known {
  readonly operator: RegisteredOperator;
  /** SHA-256 of the raw key. */
  readonly provenKey: Uint8Array;
  readonly isProven: boolean;
}

interface Stranger {
  readonly from: string;
  hasSpoken: boolean;
  /** Until when it is to have come further. */
  until(ms: number): void;
  put(): void;
}

export class SshServer {
  readonly #parts: SshServerParts;
  readonly #server: Server;
  readonly #ssh: ssh2.Server;
  /** In the order in which they came. */
  readonly #strangers = new Map<Socket, Stranger>();
  readonly #connections = new Set<SshConnection>();
  /** Handed to ssh2 and not begun yet, by where they come from. */
  readonly #met = new Map<string, Socket>();
  /** `ssh://127.0.0.1:2222` */
  url = "";

  private constructor(parts: SshServerParts, library: typeof ssh2) {
    this.#parts = parts;
    this.#ssh = new library.Server({
      hostKeys: [parts.key.privateKey],
      ident: IDENT,
      algorithms: algorithms as unknown as ssh2.ServerConfig["algorithms"] & object,
    });
    this.#ssh.on("connection", (client, { ip, port, header }) =>
      this.#begin(client, this.#met.get(placeOf(ip, port)) ?? null, header.versions.software),
    );
    this.#server = createServer((socket) => this.#knock(socket));
  }

  /** Throws a {@link HoldError} that says why nothing is listened on. */
  static async open(wish: SshWish, parts: SshServerParts): Promise<SshServer> {
    const made = new SshServer(parts, (await import("ssh2")).default);
    const { address, port } = wish;
    await new Promise<void>((resolve, reject) => {
      made.#server.once("error", (cause: NodeJS.ErrnoException) => {
        const text = `${hostText(address, port)} can't be listened on (${cause.code ?? cause.message})`;
        reject(new HoldError("start_failed", text, {}, { cause }));
      });
      made.#server.listen(port, address, resolve);
    });
    made.#server.removeAllListeners("error");
    made.#server.on("error", (fault) => parts.host.ports.log(`ssh: a connection can't be taken: ${fault.message}`));
    made.url = `ssh://${hostText(address, (made.#server.address() as AddressInfo).port)}`;
    return made;
  }

  get strangers(): number {
    return this.#strangers.size;
  }

  /** Takes nobody any more, and ends every connection. */
  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.close();
    for (const { put } of [...this.#strangers.values()]) put();
  }

  /** V2, V3. */
  #knock(socket: Socket): void {
    socket.on("error", () => {});
    socket.setNoDelay(true);
    if (this.#parts.lacking()) return void socket.destroy();
    const from = socket.remoteAddress ?? "";
    const { strangers = STRANGERS, programMs = limits.handshakeMs } = this.#parts;
    const isLocal = from === socket.localAddress;
    const neighbours = [...this.#strangers.values()].filter((s) => s.from === from);
    if (!isLocal && neighbours.length >= strangers / STRANGERS_SHARE) leastOf(neighbours)?.put();
    else if (this.#strangers.size >= strangers) leastOf([...this.#strangers.values()])?.put();
    const place = placeOf(from, socket.remotePort);
    const put = (): void => {
      if (this.#strangers.delete(socket)) socket.destroy();
    };
    let cancel = this.#later(programMs, put);
    const until = (ms: number): void => {
      cancel();
      cancel = this.#later(ms, put);
    };
    this.#strangers.set(socket, { from, hasSpoken: false, put, until });
    this.#met.set(place, socket);
    socket.once("close", () => {
      this.#met.delete(place);
      this.#strangers.delete(socket);
      cancel();
    });
    this.#ssh.injectSocket(socket);
    let bytes = 0;
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (!this.#strangers.has(socket)) socket.off("data", count);
      else if (bytes > limits.preAuthBytes) socket.destroy();
    };
    socket.on("data", count);
  }

  #later(ms: number, run: () => void): () => void {
    const { clock, wakeAt } = this.#parts.host.ports;
    return wakeAt(MonotonicMs(clock.monoMs() + ms), run);
  }

  /** A client has said which program it is. */
  #begin(client: Connection, socket: Socket | null, software: string): void {
    client.on("error", () => {});
    if (!socket) return void client.end();
    // It speaks SSH: from here on somebody may be asked something.
    const stranger = this.#strangers.get(socket);
    if (stranger) stranger.hasSpoken = true;
    stranger?.until(this.#parts.personMs ?? PERSON_MS);
    let keys = 0;
    let proven: Known | null = null;
    let user = "";
    client.on("authentication", (context) => {
      const known = this.#known(context);
      if (known?.isProven) {
        proven = known;
        user = context.username;
      }
      if (known) return context.accept();
      // A client asks with `none` first, to hear what there is.
      if (context.method !== "none" && ++keys >= MOST_KEYS) return void client.end();
      context.reject(["publickey"]);
    });
    client.once("close", () => {
      if (!proven && keys > 0) this.#parts.host.refusals.tell("unknown_credential over ssh");
    });
    client.once("ready", () => {
      if (!proven) return void client.end();
      this.#strangers.delete(socket);
      const { operator, provenKey } = proven;
      const shown = software.slice(0, CLIENT_CHARS);
      this.#welcome({ client, socket, session: user, proven: { operator, provenKey, via: "ssh", client: shown } });
    });
  }

  #welcome(who: Pick<ConnectionParts, "client" | "socket" | "proven" | "session">): void {
    const { host, meet } = this.#parts;
    const { client } = who;
    const connection = new SshConnection({ host, meet, ...who });
    this.#connections.add(connection);
    client.once("close", () => this.#connections.delete(connection));
  }

  /** V1. Null: nobody's key, or not proven where it is to be. Whether a key would do may be asked, and is no proof. */
  #known(context: AuthContext): Known | null {
    if (context.method !== "publickey" || context.key.algo !== SSH_ED25519) return null;
    const raw = rawKeyOf(context.key.data);
    if (!raw) return null;
    const provenKey = keyIdOf(raw);
    const operator = this.#parts.host.registry.byKeyId(provenKey)?.operator;
    if (!operator || operator.revoked) return null;
    if (!context.signature || !context.blob) return { operator, provenKey, isProven: false };
    const isProven = verify(null, context.blob, publicKeyFromRaw(raw), context.signature);
    return isProven ? { operator, provenKey, isProven } : null;
  }
}

/** V2: whose loss is the least. They are in the order in which they came. */
function leastOf(strangers: readonly Stranger[]): Stranger | undefined {
  return strangers.find((stranger) => !stranger.hasSpoken) ?? strangers[0];
}

function placeOf(address: string | undefined, port: number | undefined): string {
  return `${address}|${port}`;
}
