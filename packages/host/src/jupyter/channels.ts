/**
 * The sockets of one kernel: what clients send goes the ways of everybody, what the kernel says goes to each at its own pace (client.ts).
 *
 *   S1  An execute_request is a run of the kernel's queue, under the client's own msg_id; who sent it is the token's operator, whatever it says.
 *       `stop_on_error` makes a batch of the client's own runs: nobody's failure throws away what another has queued.
 *   S2  What goes on shell keeps the client's order: it waits for runs of its own that wait. Interrupts and answers wait for nothing.
 *   S3  A msg_id is used once; from the client that used it, it is the same request again, and nothing is done.
 *   S4  A socket ends with its operator, its token and its key, and an AI's when the policy would not let it look any more.
 */
import type { Duplex } from "node:stream";
import type { IncomingMessage } from "node:http";
import { create, HoldError, KernelRunOptionsSchema, RunCallSchema } from "@holdfast/protocol";
import { headOf, json, parentOf, parsed } from "@holdfast/kernel";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { admitCall } from "../call/answer.ts";
import { queueRun } from "../call/kernel-run.ts";
import { refusalFrom } from "../session/journal-fault.ts";
import type { LiveSession } from "../session/session.ts";
import { type Caller, type JupyterCalls, VIA } from "./calls.ts";
import { JupyterClient } from "./client.ts";
import type { TokenUse } from "./store.ts";
import { frameOf, type Told, toldIn, V1 } from "./wire.ts";

/** 64 MiB of buffers and what comes with them, as a record of the bridge may have. */
const MAX_MESSAGE_BYTES = 96 * 1024 * 1024;
const PING_MS = 30_000;
/** Looks without a word from it. */
const SILENT_LOOKS = 3;
/** Clients that may come back to a kernel; the one that left longest ago is forgotten. */
const MAX_CLIENTS = 256;
/** No colon: what the host itself says to a bridge is named with one. */
const MSG_ID = /^[A-Za-z0-9_.-]{1,128}$/;
/** Close codes after which a client stays away, and after which it comes back. */
const STAY_AWAY = 1000;
const REPLACED = 1001;
/** The host goes, and another comes. */
const COMES_BACK = 1012;
const DENIED = 4403;

export interface Arrival extends TokenUse {
  /** Of the address; empty: none. */
  readonly sessionId: string;
  /** Its `User-Agent`. */
  readonly client: string;
  /** S4: whether its token is good still; it counts as used. */
  isGood(): boolean;
}

interface Socket {
  readonly operator: string;
  readonly key: string;
  end(code: number): void;
}

export function socketServer(): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => (offered.has(V1) ? V1 : false),
  });
}

export class KernelChannels {
  readonly #session: LiveSession;
  readonly #calls: JupyterCalls;
  readonly #server: WebSocketServer;
  readonly #clients = new Map<string, JupyterClient>();
  readonly #sockets = new Map<Socket, JupyterClient>();
  readonly #stops: (() => void)[];
  #isDue = false;
  /** The last one that was asked for here. */
  #restarted: { readonly incarnation: number; readonly by: string } | null = null;
  #runs = 0;
  #activeAtUnixMs: number;

  constructor(session: LiveSession, calls: JupyterCalls, server: WebSocketServer) {
    this.#session = session;
    this.#calls = calls;
    this.#server = server;
    this.#activeAtUnixMs = session.facts.lastActivityAt;
    const { ports } = calls.host;
    this.#stops = [
      session.listen((_entry, body) => {
        if (body?.case === "output" || body?.case === "kernelOver") this.#pumpSoon();
        if (body?.case === "exited" || body?.case === "ended") ports.defer(() => this.close(STAY_AWAY));
      }),
      session.kernel!.listen((event, seq) => {
        if (event.kind === "queued" || event.kind === "running" || event.kind === "over" || event.kind === "prompted")
          this.#activeAtUnixMs = ports.clock.wallMs();
        if (event.kind !== "over") return;
        for (const client of this.#clients.values()) client.over(event, seq);
        this.#pumpSoon();
      }),
    ];
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Of runs and prompts; what a client asks of its own accord is none. */
  get activeAtUnixMs(): number {
    return this.#activeAtUnixMs;
  }

  /** Answered when the kernel is ready again. */
  async restart(caller: Caller): Promise<void> {
    this.#restarted = { incarnation: this.#session.kernel!.state.incarnation, by: caller.operator.id };
    await this.#calls.kernel(caller, this.#session.id, { case: "restart", value: {} });
  }

  close(code: number): void {
    for (const socket of [...this.#sockets.keys()]) socket.end(code);
  }

  /** Nothing is listened to any more. */
  leave(): void {
    for (const stop of this.#stops) stop();
    this.close(COMES_BACK);
  }

  /** S4. */
  out(isMeant: (socket: Pick<Socket, "operator" | "key">) => boolean): void {
    for (const socket of [...this.#sockets.keys()]) if (isMeant(socket)) socket.end(DENIED);
  }

  take(request: IncomingMessage, socket: Duplex, head: Buffer, arrival: Arrival): void {
    this.#server.handleUpgrade(request, socket, head, (made) => this.#met(made, socket, arrival));
  }

  #met(made: WebSocket, socket: Duplex, arrival: Arrival): void {
    const { operator, sessionId } = arrival;
    const client = this.#clientOf(arrival);
    const over = new AbortController();
    const own: Socket = {
      operator: operator.id,
      key: arrival.key,
      end: (code) => made.close(code),
    };
    for (const [one, of] of this.#sockets) if (of === client) one.end(REPLACED);
    this.#sockets.set(own, client);
    const wire = {
      get buffered() {
        return made.bufferedAmount;
      },
      tell: (told: Told) => made.send(frameOf(made.protocol, told)),
      ask: (mark: number) => made.ping(String(mark)),
    };
    let silentLooks = 0;
    const heard = (): void => {
      silentLooks = 0;
    };
    const watch = setInterval(() => {
      if (++silentLooks > SILENT_LOOKS || !arrival.isGood()) return made.terminate();
      if (made.readyState === WebSocket.OPEN) made.ping("");
    }, PING_MS);
    watch.unref();
    const sight = operator.kind === "ai" ? this.#calls.host.sight.following(operator, "observe", this.#session) : null;
    sight?.signal.addEventListener("abort", () => own.end(DENIED), { once: true });
    made.on("pong", (data) => {
      heard();
      if (data.length > 0) client.came(Number(data.toString()));
    });
    socket.on("drain", () => client.pump());
    made.on("error", () => made.terminate());
    made.on("close", () => {
      clearInterval(watch);
      sight?.stop();
      over.abort();
      client.end(wire);
      this.#sockets.delete(own);
      if (sessionId === "") this.#forget(client);
    });
    const caller: Caller = { operator, client: arrival.client, signal: over.signal };
    const sender = new Sender({
      session: this.#session,
      calls: this.#calls,
      client,
      caller,
      count: () => ++this.#runs,
      ownerOf: (id) => this.#ownerOf(id),
      restart: () => this.restart(caller),
    });
    made.on("message", (data: RawData, isBinary: boolean) => {
      heard();
      sender.heard(made.protocol, isBinary ? bytesOf(data) : (data as Buffer).toString());
    });
    client.begin(wire);
  }

  #clientOf({ operator, sessionId }: Arrival): JupyterClient {
    const { ports } = this.#calls.host;
    const key = sessionId === "" ? ports.newId(16) : `${operator.id}/${sessionId}`;
    const known = this.#clients.get(key);
    const client =
      known ??
      new JupyterClient({
        session: this.#session,
        operator,
        id: sessionId,
        wallMs: () => ports.clock.wallMs(),
        newId: () => ports.newId(32),
        restartedBy: (incarnation) => (this.#restarted?.incarnation === incarnation ? this.#restarted.by : null),
      });
    this.#clients.delete(key);
    this.#clients.set(key, client);
    for (const [id, one] of this.#clients) if (this.#clients.size > MAX_CLIENTS && !one.isThere) this.#clients.delete(id);
    return client;
  }

  #forget(client: JupyterClient): void {
    for (const [id, one] of this.#clients) if (one === client) this.#clients.delete(id);
  }

  #ownerOf(msgId: string): JupyterClient | null {
    return [...this.#clients.values()].find((client) => client.owns(msgId)) ?? null;
  }

  /** All that one turn of the loop brings is told at once. */
  #pumpSoon(): void {
    if (this.#isDue || this.#sockets.size === 0) return;
    this.#isDue = true;
    this.#calls.host.ports.defer(() => {
      this.#isDue = false;
      for (const client of this.#clients.values()) if (client.isThere) client.pump();
    });
  }
}

interface SenderParts {
  readonly session: LiveSession;
  readonly calls: JupyterCalls;
  readonly client: JupyterClient;
  readonly caller: Caller;
  /** Numbers the runs of this kernel's clients. */
  readonly count: () => number;
  readonly ownerOf: (msgId: string) => JupyterClient | null;
  readonly restart: () => Promise<void>;
}

/** What one socket sends. */
class Sender {
  readonly #p: SenderParts;
  /** S2. */
  #shell: Promise<void> = Promise.resolve();

  constructor(parts: SenderParts) {
    this.#p = parts;
  }

  heard(protocol: string, data: string | Uint8Array): void {
    let told: Told;
    try {
      told = toldIn(protocol, data);
    } catch (fault) {
      return this.#p.calls.host.ports.log(`session ${this.#p.session.id}: a client of Jupyter's: ${String(fault)}`);
    }
    const { msgId, msgType } = headOf(told.message.header)!;
    if (msgType === "input_reply") return void this.#reply(told).catch((fault: unknown) => this.#refused(told, fault));
    if (!MSG_ID.test(msgId))
      return this.#refused(told, new HoldError("bad_request", "a msg_id has letters, digits, . _ and -, 128 at most"));
    const owner = this.#p.ownerOf(msgId);
    if (owner === this.#p.client) return;
    if (owner || this.#p.session.kernel!.askedAt(msgId) !== null)
      return this.#refused(told, new HoldError("bad_request", `a msg_id ${msgId} was used already`));
    this.#p.client.own(msgId);
    const done = told.channel === "control" ? this.#control(told, msgType) : this.#onShell(told, msgType);
    done.catch((fault: unknown) => this.#refused(told, fault));
  }

  #refused({ message }: Told, fault: unknown): void {
    let error: HoldError;
    try {
      error = refusalFrom(fault);
    } catch {
      this.#p.calls.host.ports.log(`session ${this.#p.session.id}: ${fault instanceof Error ? fault.stack : String(fault)}`);
      error = new HoldError("internal", "the host failed on that; hold host logs tells more");
    }
    if (error.code !== "cancelled") this.#p.client.refused(message, error);
  }

  /** S2. */
  async #onShell(told: Told, msgType: string): Promise<void> {
    const before = this.#shell;
    const turn = Promise.withResolvers<void>();
    this.#shell = turn.promise;
    try {
      await before;
      if (msgType === "execute_request") return await this.#execute(told);
      await this.#runsSent();
    } finally {
      turn.resolve();
    }
    await this.#request(told, msgType);
  }

  /** Resolves when no run of this client waits in the queue. */
  #runsSent(): Promise<void> {
    const room = this.#p.session.kernel!;
    const isWaiting = (): boolean => room.state.queue.some(({ id }) => this.#p.client.owns(id));
    if (!isWaiting()) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = room.listen(() => {
        if (isWaiting()) return;
        stop();
        resolve();
      });
    });
  }

  /** S1. */
  async #execute({ message }: Told): Promise<void> {
    const { host } = this.#p.calls;
    const { operator, signal } = this.#p.caller;
    const header = parsed(message.header)!;
    const content = parsed(message.content)!;
    const { code, silent, store_history, allow_stdin, stop_on_error, user_expressions } = content;
    if (typeof code !== "string") throw new HoldError("bad_request", "an execute_request has code, a text");
    const client = typeof header["session"] === "string" ? header["session"] : "";
    const options = create(KernelRunOptionsSchema, {
      silent: silent === true,
      ...(typeof store_history === "boolean" ? { storeHistory: store_history } : {}),
      noStdin: allow_stdin !== true,
      batch: stop_on_error === false ? "" : `${operator.id}/${client.slice(0, 128)}`,
      metadata: message.metadata,
      header: json({ ...header, session: client }),
      userExpressions: isObject(user_expressions) ? json(user_expressions) : new Uint8Array(0),
    });
    const value = create(RunCallSchema, { session: this.#p.session.id });
    await admitCall({ host, operator, via: VIA, verb: { case: "run", value }, signal });
    const writer = `${operator.id}/${VIA}`;
    await queueRun({ host, operator, via: VIA, signal }, this.#p.session, {
      id: String(header["msg_id"]),
      code,
      options,
      writer,
      n: this.#p.count(),
    });
  }

  async #reply({ message }: Told): Promise<void> {
    const { prompt } = this.#p.session.kernel!.state;
    const meant = parentOf(message);
    const value = parsed(message.content)?.["value"];
    // A client that does not say which prompt it answers means the one that it was shown.
    const isOwn = meant === "" && prompt !== null && this.#p.client.owns(prompt.runId);
    const id = isOwn ? prompt.id : meant;
    await this.#p.calls.kernel(this.#p.caller, this.#p.session.id, {
      case: "reply",
      value: { prompt: id, value: typeof value === "string" ? value : "" },
    });
  }

  async #control(told: Told, msgType: string): Promise<void> {
    const { id } = this.#p.session;
    if (msgType === "interrupt_request") {
      await this.#p.calls.kernel(this.#p.caller, id, { case: "interrupt", value: {} });
      return this.#p.client.answered(told.message, {});
    }
    if (msgType === "shutdown_request") {
      const restart = parsed(told.message.content)?.["restart"] === true;
      if (restart) await this.#p.restart();
      else await this.#p.calls.end(this.#p.caller, id);
      return this.#p.client.answered(told.message, { restart });
    }
    await this.#request(told, msgType);
  }

  async #request({ channel, message }: Told, msgType: string): Promise<void> {
    const { header, content, metadata, buffers } = message;
    await this.#p.calls.kernel(this.#p.caller, this.#p.session.id, {
      case: "request",
      value: { msgType, header, content, metadata, buffers: [...buffers], channel },
    });
  }
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}
