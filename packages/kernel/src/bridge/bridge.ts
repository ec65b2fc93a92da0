/**
 * The bridge: between a pipe, whose other end a shim holds, and one Jupyter kernel, which it starts, hears and speaks to.
 *
 *   B1  Everything that the kernel says goes to the pipe as it came, in the order heard; reading never waits for the pipe (outlet.ts).
 *   B2  What the host sends goes to the kernel as it came, signed; what can't be is refused by its `msg_id`, and then never sent.
 *   B3  A message for an incarnation that is over is refused: nothing meant for the old heap runs in the new one (D8).
 *   B4  The kernel's end is told and ends nothing: the host decides. Only `shutdown`, the end of the pipe and SIGTERM end kernel and
 *       bridge; the bridge's own death ends neither the kernel nor what it runs (D9).
 *   B5  An interrupt that may end the kernel is not tried without `confirmed`.
 * Elsewhere: records (../record), sockets, process, spool (beside this). Who may do what is the host's to decide.
 */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Channel, channelOf, headOf, json, type Message, parentOf, parsed, PROTOCOL_VERSION } from "../message/index.ts";
import type { Answer, BridgeRecord, BridgeStatus, BridgeWord, HostWord, NativeStream, RefusalCode } from "../record/index.ts";
import { argvFor, environmentFor, type KernelFound } from "../spec/index.ts";
import { type Book, readBook, touchBook, writeBook } from "./book.ts";
import {
  type Connection,
  endpoint,
  newConnection,
  type Port,
  ports,
  readConnection,
  type Transport,
  writeConnection,
} from "./connection.ts";
import { interruptPlan, isIpykernel } from "./interrupt.ts";
import type { Outlet } from "./outlet.ts";
import { type KernelExit, KernelProcess, type ProcessEvents } from "./process.ts";
import { NUDGE_MS, Readiness } from "./ready.ts";
import { KernelSockets } from "./sockets.ts";

export interface BridgeOptions {
  readonly kernel: KernelFound;
  /** The session's own folder, 0700: book, connection file, sockets, FIFOs, spool. */
  readonly folder: string;
  /** Default: ipc where the kernel is known to speak it, tcp on 127.0.0.1 else. */
  readonly transport?: Transport;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default 3,000. */
  readonly heartbeatMs?: number;
  /** Until `unready` is told; the bridge waits on. Default 60,000. */
  readonly readyMs?: number;
  /** Called with the size of each message heard, when it has been handed on. */
  readonly heard?: (bytes: number) => void;
  /** For an interrupt's or a shutdown's reply. Default 5,000. */
  readonly replyMs?: number;
}

/** Beats that may be missed before silence is told. */
const MISSED_BEATS = 5;
const STOP_GRACE_MS = 5_000;
/** How long a signalled kernel is watched for an end that the signal caused. */
const WATCH_MS = 1_000;
const ADOPT_REPLY_MS = 2_000;
/** What it printed last is still in its FIFOs when a kernel has ended. */
const LAST_PRINTS_MS = 200;

export class Bridge {
  readonly #options: BridgeOptions;
  readonly #outlet: Outlet;
  readonly #done: (exitCode: number) => void;
  readonly #bookPath: string;
  readonly #connectionFile: string;
  readonly #routingId: string;
  #connection!: Connection;
  #phase: BridgeStatus["phase"] = "starting";
  #incarnation = 0;
  #process: KernelProcess | null = null;
  #sockets: KernelSockets | null = null;
  #readiness = new Readiness();
  #startedAtMs = 0;
  /** Our own questions: what they cause is nobody else's business. */
  readonly #own = new Set<string>();
  #awaited = new Map<string, (message: Message) => void>();
  #execution = "unknown";
  #onIdle = new Set<() => void>();
  #lastBeatMs = 0;
  #isSilent = false;
  #timers: NodeJS.Timeout[] = [];
  /** Restarts and the end, one after another. */
  #turn: Promise<void> = Promise.resolve();
  #isEnding = false;
  heldInputBytes = () => 0;

  /** `done`: all is over; the pipe may still hold the last words. */
  constructor(options: BridgeOptions, outlet: Outlet, done: (exitCode: number) => void) {
    this.#options = options;
    this.#outlet = outlet;
    this.#done = done;
    this.#bookPath = join(options.folder, "kernel.json");
    const known = readBook(this.#bookPath)?.book;
    this.#connectionFile = known?.connectionFile ?? join(options.folder, `kernel-${randomUUID()}.json`);
    this.#routingId = `hold-${/kernel-([0-9a-f-]+)\.json$/.exec(this.#connectionFile)?.[1] ?? "bridge"}`;
  }

  /** Takes up the kernel that a bridge before has left, or starts one. */
  async begin(): Promise<void> {
    const before = readBook(this.#bookPath);
    const { name, spec } = this.#options.kernel;
    this.#say({
      word: "hello",
      version: 1,
      pid: process.pid,
      kernel: name,
      displayName: spec.displayName,
      language: spec.language,
      connectionFile: this.#connectionFile,
      routingId: this.#routingId,
      resumed: before !== null,
      atUnixMs: Date.now(),
    });
    this.#timers.push(setInterval(() => this.#beat(), this.#options.heartbeatMs ?? 3_000));
    await this.#inTurn(async () => {
      if (before) await this.#adopt(before.book, before.heardUnixMs);
      else await this.#startFirst();
    });
  }

  /** A record of the host's. */
  take(record: BridgeRecord): void {
    if (record.kind === "message") this.#forward(record.channel, record.incarnation, record.message);
    else if (record.kind === "word") this.#obey(record.word as HostWord);
  }

  skipped(bytes: number): void {
    this.#say({ word: "skipped", bytes });
  }

  /** All that was spooled has been handed on: the kernel may print again. */
  eased(): void {
    this.#process?.pauseNatives(false);
  }

  /** Ends kernel and bridge. */
  end(reason: "shutdown" | "stdin_closed" | "terminated", graceMs = STOP_GRACE_MS): Promise<void> {
    if (this.#isEnding) return this.#turn;
    this.#isEnding = true;
    return this.#inTurn(async () => {
      this.#phase = "ending";
      await this.#stop(false, graceMs);
      const { transport } = this.#connection ?? {};
      const sockets = transport === "ipc" ? ports.map((port) => endpoint(this.#connection, port).slice("ipc://".length)) : [];
      for (const path of [this.#bookPath, this.#connectionFile, ...sockets]) rmSync(path, { force: true });
      this.#close({ word: "bye", reason }, 0);
    });
  }

  #close(last: BridgeWord, exitCode: number): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#sockets?.close();
    this.#process?.close();
    this.#say(last);
    this.#done(exitCode);
  }

  /** One after another, whatever each of them came to. */
  #inTurn(job: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(job).catch((fault: Error) => this.#close(this.#failed("failed", fault), 1));
    return this.#turn;
  }

  #say(word: BridgeWord): void {
    this.#outlet.put({ kind: "word", word }, false);
  }

  #failed(code: string, fault: Error): BridgeWord {
    return { word: "failed", incarnation: this.#incarnation, code, detail: fault.message };
  }

  // Starting

  async #startFirst(): Promise<void> {
    const { kernel, transport, folder } = this.#options;
    const wanted = transport ?? (isIpykernel(kernel.spec.argv) ? "ipc" : "tcp");
    this.#connection = await newConnection(wanted, join(folder, "k"), kernel.name);
    await this.#start();
  }

  async #start(): Promise<void> {
    const { kernel, folder, cwd, env } = this.#options;
    this.#incarnation++;
    this.#phase = this.#incarnation === 1 ? "starting" : "restarting";
    const places = { connectionFile: this.#connectionFile, resourceDir: kernel.resourceDir };
    const argv = argvFor(kernel.spec, places);
    // Written each time: ipykernel removes the file when it ends, and one that finds none listens where nobody knows.
    writeConnection(this.#connectionFile, this.#connection);
    this.#startedAtMs = performance.now();
    try {
      const options = { argv, env: environmentFor(kernel.spec, env), cwd, folder, incarnation: this.#incarnation };
      this.#process = await KernelProcess.start(options, this.#processEvents(this.#incarnation));
    } catch (fault) {
      this.#phase = "dead";
      this.#process = null;
      this.#say(this.#failed((fault as NodeJS.ErrnoException).code ?? "failed", fault as Error));
      return;
    }
    this.#writeBook();
    const { transport } = this.#connection;
    this.#say({ word: "started", incarnation: this.#incarnation, pid: this.#process.pid, transport, atUnixMs: Date.now() });
    this.#connect();
    await this.#untilReady();
  }

  #writeBook(): void {
    writeBook(this.#bookPath, {
      version: 1,
      kernel: this.#options.kernel.name,
      incarnation: this.#incarnation,
      pid: this.#process!.pid,
      startedTicks: this.#process!.startedTicks,
      transport: this.#connection.transport,
      connectionFile: this.#connectionFile,
    });
  }

  #connect(): void {
    this.#readiness = new Readiness();
    this.#execution = "unknown";
    this.#own.clear();
    this.#lastBeatMs = performance.now();
    this.#isSilent = false;
    const incarnation = this.#incarnation;
    const sockets = new KernelSockets(this.#connection, this.#routingId, {
      message: (channel, message) => this.#hear(channel, incarnation, message),
      malformed: (channel, fault) => this.#say({ word: "malformed", incarnation, channel, fault }),
      beat: () => this.#heardBeat(),
      joined: (port: Port) => this.#readiness.joined(port),
    });
    this.#sockets = sockets;
    sockets.beat();
  }

  /** Resolves when the kernel is ready, has ended, or has been waited for long enough; then it may still become ready. */
  #untilReady(): Promise<void> {
    const [readiness, process, sockets, startedAtMs] = [this.#readiness, this.#process!, this.#sockets!, this.#startedAtMs];
    const { readyMs = 60_000 } = this.#options;
    return new Promise((done) => {
      const timer = setInterval(() => {
        const tookMs = Math.round(performance.now() - startedAtMs);
        const isOver = process.isGone || this.#sockets !== sockets;
        if (isOver || readiness.isReady) {
          clearInterval(timer);
          if (!isOver) this.#becomeReady(readiness, tookMs);
          done();
        } else {
          if (readiness.canBeAsked) this.#ask("shell", "kernel_info_request", {});
          if (tookMs > readyMs) {
            done();
            if (this.#phase !== "dead") this.#tellUnready(readiness, tookMs);
          }
        }
      }, NUDGE_MS);
      this.#timers.push(timer);
    });
  }

  #toldUnready: Readiness | null = null;
  #tellUnready(readiness: Readiness, waitedMs: number): void {
    if (this.#toldUnready === readiness) return;
    this.#toldUnready = readiness;
    this.#say({ word: "unready", incarnation: this.#incarnation, missing: readiness.missing, waitedMs });
  }

  #becomeReady(readiness: Readiness, tookMs: number): void {
    if (!this.#isEnding) this.#phase = "ready";
    this.#say({ word: "ready", incarnation: this.#incarnation, tookMs, info: readiness.info, atUnixMs: Date.now() });
  }

  // Taking up (D9)

  async #adopt(book: Book, heardUnixMs: number): Promise<void> {
    const { folder } = this.#options;
    this.#incarnation = book.incarnation;
    this.#connection = readConnection(this.#connectionFile);
    const where = { folder, incarnation: book.incarnation };
    this.#process = KernelProcess.adopt(book.pid, book.startedTicks, where, this.#processEvents(book.incarnation));
    if (!this.#process) {
      this.#phase = "dead";
      this.#say({ word: "died", incarnation: book.incarnation, code: null, signal: null, expected: false, atUnixMs: Date.now() });
      return;
    }
    this.#connect();
    const confirmed = await this.#heardFrom(ADOPT_REPLY_MS);
    this.#phase = "ready";
    const missed = { fromUnixMs: heardUnixMs, untilUnixMs: Date.now() };
    this.#say({ word: "adopted", incarnation: book.incarnation, pid: book.pid, confirmed, missed });
    // Its reply comes when the kernel is past whatever runs now: then the host knows that that has ended.
    this.#send("shell", "kernel_info_request", {});
  }

  /** True when the kernel has answered on control and is heard on iopub. It may not, while it is busy. */
  async #heardFrom(withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    const isHeard = () => !this.#readiness.missing.includes("output");
    const [first] = [await this.#asked("control", "kernel_info_request", {}, withinMs)];
    let answered = first !== null;
    while (answered && !isHeard() && performance.now() < deadline) {
      answered = (await this.#asked("control", "kernel_info_request", {}, deadline - performance.now())) !== null;
      await new Promise((done) => setTimeout(done, NUDGE_MS));
    }
    const info = first && parsed(first.content);
    if (info) this.#readiness.info = info;
    return answered && isHeard();
  }

  // Speaking to the kernel

  /** B2, B3. */
  #forward(channel: Channel, incarnation: number, message: Message): void {
    const head = headOf(message.header);
    const refuse = (code: RefusalCode, detail: string) => this.#say({ word: "refused", msgId: head?.msgId ?? "", code, detail });
    if (!head || [message.parent, message.metadata, message.content].some((part) => parsed(part) === null)) {
      return refuse("bad_message", "a message has a header with msg_id and msg_type, and four JSON objects");
    }
    const wanted = channelOf(head.msgType);
    if (channel === "iopub" || (wanted === "stdin") !== (channel === "stdin")) {
      return refuse("wrong_channel", `${head.msgType} travels on ${wanted}`);
    }
    if (incarnation !== this.#incarnation) {
      return refuse("stale_incarnation", `it was for incarnation ${incarnation}; this is ${this.#incarnation}`);
    }
    if (this.#phase !== "ready") return refuse("not_ready", `the kernel is ${this.#phase}`);
    this.#sockets!.send(channel, message);
  }

  #send(channel: "shell" | "control", msgType: string, content: object): string {
    const msgId = randomUUID();
    const session = this.#routingId;
    const date = new Date().toISOString();
    const header = { msg_id: msgId, msg_type: msgType, session, username: "holdfast", date, version: PROTOCOL_VERSION };
    const empty = json({});
    this.#sockets?.send(channel, { header: json(header), parent: empty, metadata: empty, content: json(content), buffers: [] });
    return msgId;
  }

  /** A question of our own, of which nobody else hears. */
  #ask(channel: "shell" | "control", msgType: string, content: object): string {
    const id = this.#send(channel, msgType, content);
    this.#own.add(id);
    return id;
  }

  async #asked(channel: "shell" | "control", msgType: string, content: object, withinMs: number): Promise<Message | null> {
    const id = this.#ask(channel, msgType, content);
    return new Promise((done) => {
      const timer = setTimeout(() => answer(null), Math.max(0, withinMs));
      const answer = (message: Message | null) => {
        clearTimeout(timer);
        this.#awaited.delete(id);
        done(message);
      };
      this.#awaited.set(id, answer);
    });
  }

  // Hearing the kernel

  #hear(channel: Channel, incarnation: number, message: Message): void {
    if (!this.#readiness.isReady) this.#readiness.heard(channel, message);
    const parentId = parentOf(message);
    const msgType = headOf(message.header)?.msgType ?? "";
    if (this.#own.has(parentId)) {
      if (channel !== "iopub") this.#awaited.get(parentId)?.(message);
      return;
    }
    if (msgType === "status") this.#heardStatus(parsed(message.content)?.execution_state);
    this.#outlet.put({ kind: "message", channel, incarnation, message }, isOutput(channel, msgType));
    this.#options.heard?.(message.content.length + message.buffers.reduce((sum, buffer) => sum + buffer.length, 0));
    if (this.#outlet.isBehind) this.#process?.pauseNatives(true);
  }

  #heardStatus(said: unknown): void {
    if (typeof said !== "string") return;
    this.#execution = said;
    if (said === "idle") for (const told of this.#onIdle) told();
  }

  #processEvents(incarnation: number): ProcessEvents {
    return {
      printed: (stream: NativeStream, bytes) => {
        this.#outlet.put({ kind: "native", stream, incarnation, bytes }, true);
        if (this.#outlet.isBehind) this.#process?.pauseNatives(true);
      },
      exited: (exit) => this.#heardExit(incarnation, exit),
    };
  }

  #isStopping = false;
  /** A death is told before whatever comes after it. */
  #deathTold: Promise<void> = Promise.resolve();
  #heardExit(incarnation: number, { code, signal }: KernelExit): void {
    const expected = this.#isStopping;
    if (!expected && !this.#isEnding) this.#phase = "dead";
    this.#execution = "dead";
    for (const told of this.#onIdle) told();
    // What iopub still holds is read first: its last words come before its end.
    this.#deathTold = new Promise((done) => {
      setTimeout(() => {
        this.#say({ word: "died", incarnation, code, signal, expected, atUnixMs: Date.now() });
        done();
      }, LAST_PRINTS_MS);
    });
  }

  #beat(): void {
    if (!this.#process || this.#process.isGone) return;
    touchBook(this.#bookPath, Date.now());
    const silentMs = performance.now() - this.#lastBeatMs;
    const limitMs = (this.#options.heartbeatMs ?? 3_000) * MISSED_BEATS;
    const hasBeaten = !this.#readiness.missing.includes("hb");
    if (!this.#isSilent && hasBeaten && silentMs > limitMs) this.#tellBeat("silent", silentMs);
    this.#sockets?.beat();
  }

  #heardBeat(): void {
    const now = performance.now();
    if (this.#isSilent) this.#tellBeat("back", now - this.#lastBeatMs);
    this.#lastBeatMs = now;
  }

  #tellBeat(state: "silent" | "back", forMs: number): void {
    this.#isSilent = state === "silent";
    this.#say({ word: "heartbeat", incarnation: this.#incarnation, state, forMs: Math.round(forMs) });
  }

  // Words of the host

  #obey(word: HostWord): void {
    const answer = (more: Omit<Answer, "word" | "id">) => this.#say({ word: "answer", id: word.id, ...more });
    switch (word.word) {
      case "status":
        return answer({ ok: true, status: this.#status() });
      case "interrupt":
        return void this.#interrupt(word).then(answer);
      case "restart":
        if (this.#isEnding) return answer({ ok: false, code: "busy_ending", detail: "the session is ending" });
        return void this.#inTurn(() => this.#restart()).then(() =>
          answer(this.#phase === "ready" ? { ok: true } : { ok: false, code: "failed", detail: `the kernel is ${this.#phase}` }),
        );
      case "shutdown":
        answer({ ok: true });
        return void this.end("shutdown", word.graceMs);
      default:
        return answer({ ok: false, code: "unknown_word", detail: String((word as { word: unknown }).word) });
    }
  }

  #status(): BridgeStatus {
    return {
      phase: this.#phase,
      incarnation: this.#incarnation,
      pid: this.#process && !this.#process.isGone ? this.#process.pid : null,
      execution: this.#execution,
      spooledBytes: this.#outlet.spooledBytes,
      gapRecords: this.#outlet.gapRecords,
      heldBytes: this.heldInputBytes(),
    };
  }

  /** B5. */
  async #interrupt(word: HostWord & { word: "interrupt" }): Promise<Omit<Answer, "word" | "id">> {
    const kernel = this.#process;
    if (!kernel || kernel.isGone) return { ok: false, code: "no_kernel", detail: `the kernel is ${this.#phase}` };
    const { spec } = this.#options.kernel;
    const implementation = String(this.#readiness.info.implementation ?? "");
    const plan = interruptPlan({ interruptMode: spec.interruptMode, implementation, argv: spec.argv }, word.mode);
    if (!plan.isSafe && word.confirmed !== true) return { ok: false, code: "may_end_kernel", detail: plan.detail };
    if (plan.way === "message") {
      const reply = await this.#asked("control", "interrupt_request", {}, this.#options.replyMs ?? 5_000);
      return reply ? { ok: true } : { ok: false, code: "no_reply", detail: "the kernel did not answer the interrupt_request" };
    }
    kernel.signal("SIGINT");
    if (this.#execution === "busy") await this.#idleWithin(WATCH_MS);
    else await kernel.endsWithin(plan.isSafe ? 0 : WATCH_MS);
    return kernel.isGone ? { ok: false, code: "kernel_ended", detail: "the kernel ended on SIGINT" } : { ok: true };
  }

  #idleWithin(ms: number): Promise<void> {
    return new Promise((done) => {
      const told = () => {
        clearTimeout(timer);
        this.#onIdle.delete(told);
        done();
      };
      const timer = setTimeout(told, ms);
      this.#onIdle.add(told);
    });
  }

  async #restart(): Promise<void> {
    if (this.#isEnding) return;
    this.#phase = "restarting";
    await this.#stop(true, STOP_GRACE_MS);
    if (!this.#connection) await this.#startFirst();
    else await this.#start();
  }

  /** Asks it to end, then SIGTERM at half the time, then SIGKILL; its sockets go with it (sockets.ts, Z4). */
  async #stop(isRestart: boolean, graceMs: number): Promise<void> {
    const kernel = this.#process;
    if (!kernel || kernel.isGone) {
      await this.#deathTold;
      this.#sockets?.close();
      return;
    }
    this.#isStopping = true;
    if (graceMs > 0) this.#ask("control", "shutdown_request", { restart: isRestart });
    if (!(await kernel.endsWithin(graceMs / 2))) {
      if (graceMs > 0) kernel.signal("SIGTERM");
      if (!(await kernel.endsWithin(graceMs / 2))) kernel.signal("SIGKILL");
    }
    await kernel.endsWithin(STOP_GRACE_MS);
    await this.#deathTold;
    this.#isStopping = false;
    this.#sockets?.close();
  }
}

/** Outlet O2: output may be dropped; what says where a run stands may not. */
const isOutput = (channel: Channel, msgType: string): boolean =>
  channel === "iopub" && msgType !== "status" && msgType !== "execute_input";
