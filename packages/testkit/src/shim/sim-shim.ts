/**
 * A shim that keeps docs/shim-protocol.md in memory, with a scripted program behind it (packages/shim/src/c is the model:
 * input.c, link.c, shim.c). It outlives every host; what reaches it and what it answers takes time.
 *
 *   X1  Numbered commands in rising seq; any other is refused `stale_seq` and has no effect.
 *   X2  A result is kept until it was sent and then acknowledged; control frames overtake output not yet begun.
 *   X3  The ring is bounded; when it is full the program blocks. Only an acknowledgement frees it.
 *   X4  A new link's hello fences the old one; what the old one had under way is not heard any more.
 *   X5  The terminal's own queue is bounded too: a frame is written in pieces as the program reads, and may be cut between them.
 *   X6  On pipes the program writes to stdout alone; its stderr is there, and stays empty.
 */
import type {
  ShimExit,
  ShimHandlers,
  ShimLink,
  ShimProbe,
  ShimRefusal,
  ShimResult,
  ShimSpec,
  ShimStatus,
  Stream,
} from "@holdfast/shim";
import type { Random, Scheduler } from "../clock/index.ts";
import type { Owner } from "../network/index.ts";
import { Program, type Mood, type Terminal } from "./program.ts";

const QUEUE_FRAMES = 1024;
const RESULTS = 4096;
const INPUT_BYTES = 256 * 1024;
/** What a tty keeps of input that nobody reads. */
const TTY_BYTES = 4096;
/** Bytes to a host that its socket holds. */
const SOCKET_BYTES = 208 * 1024;
const PIECE_BYTES = 64 * 1024;
const LINK_US = [10, 300] as const;

interface Queued {
  readonly seq: number;
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly kind: "input" | "interrupt";
  written: number;
}

/** A write to the terminal: the truth that the journal is checked against. */
export interface Written {
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly atUs: number;
}

type ToHost =
  | { readonly kind: "output"; readonly offset: number; readonly timeNs: bigint; readonly bytes: Uint8Array }
  | { readonly kind: "call"; readonly bytes: 64; readonly overtakes?: true; run(h: ShimHandlers): void }
  | {
      readonly kind: "end";
      readonly bytes: 0;
      readonly reason: "fenced" | "gone" | "protocol" | "closed";
      readonly detail: string;
    };

export class SimShim {
  readonly socketPath: string;
  readonly program: Program;
  readonly #terminal: Terminal;
  readonly pid: number;
  readonly spec: ShimSpec;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #note: (text: string) => void;
  readonly #ringBytes: number;
  #receivedSeq = 0;
  #appliedSeq = 0;
  #results: ShimResult[] = [];
  #queue: Queued[] = [];
  #queuedBytes = 0;
  /** Written and not yet read. */
  #tty: { readonly seq: number; readonly bytes: Uint8Array }[] = [];
  #ttyBytes = 0;
  /** Everything that the program ever wrote; the ring is its end from `#acked` on. */
  #output = Buffer.alloc(64 * 1024);
  #outputEnd = 0;
  #acked = 0;
  /** Marks of the ring: when the byte at this offset was read. */
  #times: { readonly offset: number; readonly timeNs: bigint }[] = [];
  /** Written by the program, not yet taken by the shim: it is blocked. */
  #blocked: Uint8Array[] = [];
  #exit: ShimExit | null = null;
  #exitOffset = 0;
  #exitAcked = false;
  #closed = false;
  #link: ShimSide | null = null;
  isReleased = false;
  isDead = false;
  /** What was written to the terminal, in order. */
  readonly written: Written[] = [];
  /** What an interrupt flushed out of the terminal, unread. */
  flushedBytes = 0;
  /** Set to the world's checks. */
  onViolation: (what: string) => void = () => {};

  onHello: () => void = () => {};

  constructor(options: {
    scheduler: Scheduler;
    spec: ShimSpec;
    pid: number;
    mood: Mood;
    ringBytes: number;
    note: (text: string) => void;
  }) {
    this.#scheduler = options.scheduler;
    this.#random = options.scheduler.random.fork();
    this.spec = options.spec;
    this.socketPath = options.spec.socketPath;
    this.pid = options.pid;
    this.#ringBytes = options.ringBytes;
    this.#note = options.note;
    const shim = this;
    this.#terminal = {
      read: (most) => this.#take(most),
      write: (bytes) => this.prints(bytes),
      get isBlocked() {
        return shim.isBlocked;
      },
      later: (us, run) =>
        this.#scheduler.after(us, () => {
          if (this.isDead || this.#exit) return;
          run();
          this.#pump();
          this.#flush();
        }),
    };
    this.program = new Program(options.mood, this.#random.fork());
    const nonce = options.spec.env.find((kv) => kv.startsWith("HOLDFAST_SHELL_NONCE="));
    if (nonce) this.program.nonce = nonce.slice(nonce.indexOf("=") + 1);
    if (options.mood === "shell") this.program.prompts(this.#terminal);
    this.#beat();
  }

  // --- for the world ---

  /** X6: of its output. */
  get stream(): Stream {
    return this.spec.mode === "pipes" ? 1 : 0;
  }

  #hasWritten(stream: Stream, offset: bigint, end: number): boolean {
    return stream === this.stream ? Number(offset) <= end : this.stream === 1 && stream === 2 && offset === 0n;
  }

  /** All that the program wrote and the shim took. */
  get output(): Buffer {
    return this.#output.subarray(0, this.#outputEnd);
  }

  get isThere(): boolean {
    return !this.isDead && !this.isReleased;
  }

  get hasExited(): boolean {
    return this.#exit !== null;
  }

  get exitCode(): number | null {
    return this.#exit?.code ?? null;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get isBlocked(): boolean {
    return this.#blocked.length > 0;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get unacknowledgedResults(): number {
    return this.#results.length;
  }

  /** The program writes by itself. */
  prints(bytes: Uint8Array): void {
    if (this.#closed || this.isDead) return;
    this.#blocked.push(bytes);
    this.#fill();
  }

  setMood(mood: Mood): void {
    this.program.mood = mood;
    this.#read();
  }

  /** A program that ran has read what was typed. */
  flushes(): void {
    this.flushedBytes += this.#ttyBytes;
    this.#tty = [];
    this.#ttyBytes = 0;
    this.#pump();
    this.#flush();
  }

  /** The leader ends; `leavesChild`: something of it keeps the terminal open and may print on. */
  exits(code: number, leavesChild = false): void {
    if (this.#exit || this.isDead) return;
    this.#note(`program exits ${code}${leavesChild ? ", a child stays" : ""}`);
    this.#drop(() => true, "exited");
    const now = BigInt(this.#scheduler.nowUs) * 1000n;
    // What blocked in write(2) is lost with the process that was writing it.
    this.#blocked = [];
    this.#exit = {
      code,
      signal: null,
      core: false,
      userUs: 1n,
      systemUs: 1n,
      maxRssKib: 1n,
      timeNs: now,
      wallMs: BigInt(this.#scheduler.clock.wallMs()),
    };
    this.#exitOffset = this.#outputEnd;
    if (!leavesChild) this.#closed = true;
    this.#flush();
  }

  childEnds(): void {
    if (!this.#exit || this.#closed) return;
    this.#note("the child ends");
    this.#blocked = [];
    this.#closed = true;
    this.#flush();
  }

  /** The shim itself is killed: its session is lost. */
  dies(): void {
    this.isDead = true;
    this.#note("shim dies");
    this.#link?.push({ kind: "end", bytes: 0, reason: "gone", detail: "the shim closed the link" });
    this.#link = null;
  }

  // --- links ---

  connect(
    owner: Owner,
    acked: readonly { readonly stream: Stream; readonly offset: bigint }[],
    handlers: ShimHandlers,
  ): ShimLink {
    const side = new ShimSide(this, this.#scheduler, this.#random, owner, handlers);
    side.tell(() => this.#hello(side, acked));
    return side;
  }

  /** The link drops without either end having died. */
  cutLink(): void {
    const link = this.#link;
    if (!link) return;
    this.#note("cut the shim's link");
    this.#link = null;
    link.isCut = true;
    link.push({ kind: "end", bytes: 0, reason: "gone", detail: "the shim closed the link" });
  }

  #hello(side: ShimSide, acked: readonly { readonly stream: Stream; readonly offset: bigint }[]): void {
    if (this.isDead || this.isReleased)
      return side.push({ kind: "end", bytes: 0, reason: "gone", detail: "connect ECONNREFUSED" });
    for (const { stream, offset } of acked) {
      if (!this.#hasWritten(stream, offset, this.#outputEnd))
        return side.push({ kind: "end", bytes: 0, reason: "protocol", detail: "HELLO names output that was never written" });
    }
    for (const { stream, offset } of acked) if (stream === this.stream) this.#ackOutput(Number(offset));
    const old = this.#link;
    if (old) {
      old.isCut = true;
      old.push({ kind: "end", bytes: 0, reason: "fenced", detail: "a newer host has taken the shim" });
    }
    this.#link = side;
    this.onHello();
    side.sent = this.#acked;
    side.exitSent = this.#exitAcked;
    const welcome = {
      protocol: 1,
      shimPid: this.pid + 1,
      pid: this.pid,
      pidStart: 1n,
      mode: this.spec.mode,
      phase: this.#exit ? "exited" : "running",
      cols: this.spec.cols,
      rows: this.spec.rows,
      receivedSeq: BigInt(this.#receivedSeq),
      appliedSeq: BigInt(this.#appliedSeq),
      streams: [
        { stream: this.stream, start: BigInt(this.#acked), end: BigInt(this.#outputEnd) },
        ...(this.stream === 1 ? [{ stream: 2, start: 0n, end: 0n } as const] : []),
      ],
    } as const;
    side.push({ kind: "call", bytes: 64, run: (h) => h.welcome(welcome) });
    this.#fill();
  }

  /** A link's process is gone and all that it had sent was heard. */
  lost(side: ShimSide): void {
    if (this.#link === side) this.#link = null;
  }

  isLinked(side: ShimSide): boolean {
    return this.#link === side;
  }

  // --- commands, as they arrive ---

  #numbered(side: ShimSide, seq: bigint, act: (seq: number) => void): void {
    const n = Number(seq);
    if (n <= this.#receivedSeq) {
      side.push({ kind: "call", bytes: 64, run: (h) => h.result(this.#makeResult(n, "refused", "stale_seq", 0)) });
      this.onViolation(`K1: seq ${n} reached the shim after ${this.#receivedSeq}`);
      return;
    }
    this.#receivedSeq = n;
    act(n);
    this.#flush();
  }

  input(side: ShimSide, seq: bigint, tag: number, bytes: Uint8Array): void {
    this.#numbered(side, seq, (n) => {
      this.#enqueue({ seq: n, tag, bytes, kind: "input", written: 0 });
      this.#pump();
    });
  }

  interrupt(side: ShimSide, seq: bigint, byte: number): void {
    this.#numbered(side, seq, (n) => {
      if (this.#exit) return this.#settle(n, "refused", "exited", 0);
      this.#drop(() => true, "none");
      if (this.#ttyBytes > 0) {
        this.flushes();
        this.#settle(n, "applied", "none", 0);
      } else {
        this.#enqueue({ seq: n, tag: 0, bytes: Uint8Array.of(byte), kind: "interrupt", written: 0 });
        this.#pump();
      }
    });
  }

  /** What is taken at once and changes nothing here: another size, or the end of stdin. */
  takes(side: ShimSide, seq: bigint): void {
    this.#numbered(side, seq, (n) =>
      this.#exit ? this.#settle(n, "refused", "exited", 0) : this.#settle(n, "applied", "none", 0),
    );
  }

  signal(side: ShimSide, seq: bigint, signo: number): void {
    this.#numbered(side, seq, (n) => {
      if (this.#exit) return this.#settle(n, "refused", "exited", 0);
      this.#settle(n, "applied", "none", 0);
      if (signo === 9 || signo === 15) this.exits(128 + signo);
    });
  }

  cancel(tag: number): void {
    this.#note(`shim cancels tag ${tag}`);
    this.#drop((q) => tag === 0 || q.tag === tag, "none");
    this.#pump();
    this.#flush();
  }

  ack(side: ShimSide, a: Parameters<ShimLink["ack"]>[0]): void {
    for (const { stream, offset } of a.streams ?? []) {
      if (!this.#hasWritten(stream, offset, side.sent)) {
        this.onViolation(`the host acknowledged output ${offset} that it was not sent (${side.sent})`);
        continue;
      }
      if (stream === this.stream) this.#ackOutput(Number(offset));
    }
    if (a.resultSeq !== undefined) {
      const { resultSeq } = a;
      const before = this.#results.length;
      this.#results = this.#results.filter((r, i) => !(i < side.resultsSent && r.seq <= resultSeq));
      side.resultsSent -= before - this.#results.length;
    }
    if (a.exit && side.exitSent) this.#exitAcked = true;
    this.#fill();
  }

  endTree(graceMs: number): void {
    this.#scheduler.after(graceMs * 500, () => {
      this.exits(143);
      this.childEnds();
    });
  }

  probe(token: number): ShimProbe {
    const { pid } = this;
    return {
      token,
      icanon: true,
      echo: !this.program.isHiding,
      isig: true,
      foregroundPgrp: pid,
      leaderPid: pid,
      kernelInputBytes: this.#ttyBytes,
      queuedInputBytes: this.#queuedBytes,
      processes: [{ pid, comm: "program", state: this.program.isBusy ? "R" : "S", wchan: "", syscall: -1, syscallArg0: -1 }],
    };
  }

  release(side: ShimSide): void {
    if (this.#exit && this.#closed) {
      this.isReleased = true;
      this.#note("shim released");
      side.push({ kind: "end", bytes: 0, reason: "closed", detail: "released" });
      this.#link = null;
    } else {
      side.push({ kind: "call", bytes: 64, run: (h) => h.releaseRefused?.(1) });
    }
  }

  // --- inside ---

  #enqueue(q: Queued): void {
    if (this.#exit) return this.#settle(q.seq, "refused", "exited", 0);
    if (
      this.#queue.length >= QUEUE_FRAMES ||
      this.#results.length + this.#queue.length >= RESULTS ||
      this.#queuedBytes + q.bytes.length > INPUT_BYTES
    ) {
      return this.#settle(q.seq, "refused", "queue_full", 0);
    }
    this.#queue.push(q);
    this.#queuedBytes += q.bytes.length;
  }

  /** X5. */
  #pump(): void {
    while (this.#queue.length > 0 && !this.#exit) {
      const q = this.#queue[0]!;
      const room = TTY_BYTES - this.#ttyBytes;
      const n = Math.min(room, q.bytes.length - q.written);
      if (n > 0) {
        const bytes = q.bytes.slice(q.written, q.written + n);
        q.written += n;
        this.#queuedBytes -= n;
        this.#tty.push({ seq: q.seq, bytes });
        this.#ttyBytes += n;
        this.written.push({ seq: q.seq, bytes, atUs: this.#scheduler.nowUs });
        this.#note(`tty takes ${n} of ${q.seq}`);
      }
      if (q.written < q.bytes.length) break;
      this.#queue.shift();
      this.#settle(q.seq, "applied", "none", q.bytes.length);
    }
    if (this.#ttyBytes > 0) this.#readSoon();
  }

  #drop(which: (q: Queued) => boolean, refusal: ShimRefusal): void {
    const dropped = this.#queue.filter(which);
    this.#queue = this.#queue.filter((q) => !which(q));
    for (const q of dropped) {
      this.#queuedBytes -= q.bytes.length - q.written;
      this.#settle(q.seq, q.written > 0 ? "cut" : "void", refusal, q.written);
    }
  }

  #makeResult(seq: number, status: ShimStatus, refusal: ShimRefusal, bytes: number): ShimResult {
    return {
      seq: BigInt(seq),
      status,
      refusal,
      bytes,
      secret: this.program.isHiding && bytes > 0,
      outputOffset: BigInt(this.#outputEnd),
      timeNs: BigInt(this.#scheduler.nowUs) * 1000n,
    };
  }

  #settle(seq: number, status: ShimStatus, refusal: ShimRefusal, bytes: number): void {
    this.#appliedSeq = Math.max(this.#appliedSeq, seq);
    this.#results.push(this.#makeResult(seq, status, refusal, bytes));
    this.#note(`shim: ${seq} ${status} ${bytes}`);
  }

  #readDue = false;
  #readSoon(): void {
    // Who does not read now is not asked again and again: what changes that asks.
    if (this.#readDue || this.isBlocked || !this.program.wouldRead) return;
    this.#readDue = true;
    this.#scheduler.after(this.#random.int(5, 200), () => {
      this.#readDue = false;
      this.#read();
    });
  }

  #read(): void {
    if (this.isDead || this.#exit) return;
    this.program.wake(this.#terminal);
    this.#pump();
    this.#flush();
  }

  #take(most: number): Uint8Array {
    const taken: Uint8Array[] = [];
    for (let room = most; room > 0 && this.#tty.length > 0; ) {
      const { seq, bytes } = this.#tty[0]!;
      const part = bytes.subarray(0, room);
      taken.push(part);
      room -= part.length;
      this.#ttyBytes -= part.length;
      this.program.readSeq = seq;
      if (part.length < bytes.length) this.#tty[0] = { seq, bytes: bytes.subarray(part.length) };
      else this.#tty.shift();
    }
    return Uint8Array.from(Buffer.concat(taken));
  }

  /** Something that reads now and then looks again. */
  #beat(): void {
    this.#scheduler.after(50_000, () => {
      if (this.isDead || this.isReleased || this.#exit) return;
      if (this.#ttyBytes > 0) this.#read();
      this.#beat();
    });
  }

  /** X3: takes from the program what there is room for. */
  #fill(): void {
    while (this.#blocked.length > 0) {
      const room = this.#ringBytes - (this.#outputEnd - this.#acked);
      if (room === 0) break;
      const bytes = this.#blocked[0]!;
      const n = Math.min(room, bytes.length);
      while (this.#outputEnd + n > this.#output.length)
        this.#output = Buffer.concat([this.#output, Buffer.alloc(this.#output.length)]);
      this.#output.set(bytes.subarray(0, n), this.#outputEnd);
      this.#times.push({ offset: this.#outputEnd, timeNs: BigInt(this.#scheduler.nowUs) * 1000n });
      this.#outputEnd += n;
      if (n < bytes.length) this.#blocked[0] = bytes.subarray(n);
      else this.#blocked.shift();
    }
    if (!this.isBlocked && this.#ttyBytes > 0) this.#readSoon();
    this.#flush();
  }

  #ackOutput(offset: number): void {
    this.#acked = Math.max(this.#acked, offset);
    while (this.#times.length > 1 && this.#times[1]!.offset <= this.#acked) this.#times.shift();
  }

  /** X2: results first, then output as far as the socket takes it, then what ends. */
  flush(): void {
    this.#flush();
  }

  #flush(): void {
    const link = this.#link;
    if (!link) return;
    while (link.resultsSent < this.#results.length) {
      const r = this.#results[link.resultsSent++]!;
      link.push({ kind: "call", bytes: 64, overtakes: true, run: (h) => h.result(r) });
    }
    while (link.sent < this.#outputEnd && link.waitingBytes < SOCKET_BYTES) {
      const until = this.#times.find((t) => t.offset > link.sent)?.offset ?? this.#outputEnd;
      const n = Math.min(until - link.sent, PIECE_BYTES, SOCKET_BYTES - link.waitingBytes);
      const timeNs = this.#times.findLast((t) => t.offset <= link.sent)?.timeNs ?? 0n;
      link.push({
        kind: "output",
        offset: link.sent,
        timeNs,
        bytes: Uint8Array.from(this.#output.subarray(link.sent, link.sent + n)),
      });
      link.sent += n;
    }
    if (this.#exit && link.sent >= this.#exitOffset && !link.exitSent) {
      link.exitSent = true;
      const exit = this.#exit;
      link.push({ kind: "call", bytes: 64, run: (h) => h.exited(exit) });
    }
    if (this.#closed && link.sent >= this.#outputEnd && !link.closedSent) {
      link.closedSent = true;
      const end = BigInt(this.#outputEnd);
      link.push({ kind: "call", bytes: 64, run: (h) => h.closed(this.stream, end) });
      if (this.stream === 1) link.push({ kind: "call", bytes: 64, run: (h) => h.closed(2, 0n) });
    }
  }
}

/** The host's end of one link, and what is under way both ways. */
class ShimSide implements ShimLink {
  readonly #shim: SimShim;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #owner: Owner;
  readonly #handlers: ShimHandlers;
  /** To the host. */
  #toHost: ToHost[] = [];
  #toHostDue = false;
  #paused = false;
  #ended = false;
  #closing = false;
  /** To the shim. */
  #toShim: (() => void)[] = [];
  #toShimDue = false;
  isCut = false;
  sent = 0;
  resultsSent = 0;
  exitSent = false;
  closedSent = false;

  constructor(shim: SimShim, scheduler: Scheduler, random: Random, owner: Owner, handlers: ShimHandlers) {
    this.#shim = shim;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#owner = owner;
    this.#handlers = handlers;
  }

  get waitingBytes(): number {
    return this.#toHost.reduce((n, m) => n + (m.kind === "output" ? m.bytes.length : m.bytes), 0);
  }

  // --- to the host ---

  push(message: ToHost): void {
    if (this.#ended) return;
    // F4: a result goes before output that is not begun; the first frame counts as begun.
    const begun = this.#toHost.findIndex((m, i) => i > 0 && m.kind === "output");
    if (message.kind === "call" && message.overtakes && begun > 0) this.#toHost.splice(begun, 0, message);
    else this.#toHost.push(message);
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (this.#toHostDue || this.#paused || this.#toHost.length === 0) return;
    this.#toHostDue = true;
    this.#scheduler.after(this.#random.int(...LINK_US), () => {
      this.#toHostDue = false;
      this.#deliver();
    });
  }

  /** One read of the socket: one frame, or all that are there. */
  #deliver(): void {
    for (let n = this.#random.chance(0.5) ? 1 : Infinity; n > 0 && this.#toHost.length > 0; n--) {
      if (this.#paused || this.#ended || !this.#owner.isAlive) break;
      const message = this.#toHost[0]!;
      if (message.kind === "output" && this.#random.chance(0.1) && message.bytes.length > 1) {
        // N1: output is handed on as it arrives, in any pieces.
        const n = this.#random.int(1, message.bytes.length - 1);
        this.#toHost[0] = { ...message, offset: message.offset + n, bytes: message.bytes.subarray(n) };
        this.#handlers.output(this.#shim.stream, BigInt(message.offset), message.timeNs, message.bytes.subarray(0, n));
        continue;
      }
      this.#toHost.shift();
      if (message.kind === "end") this.#end(message.reason, message.detail);
      else if (message.kind === "output")
        this.#handlers.output(this.#shim.stream, BigInt(message.offset), message.timeNs, message.bytes);
      else message.run(this.#handlers);
    }
    if (this.#ended || !this.#owner.isAlive) return;
    this.#shim.flush();
    this.#deliverSoon();
  }

  #end(reason: "fenced" | "gone" | "protocol" | "closed", detail: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#toHost = [];
    if (this.#closing) this.#handlers.end("closed", "closed by this host");
    else this.#handlers.end(reason, detail);
  }

  // --- to the shim ---

  tell(run: () => void): void {
    this.#toShim.push(run);
    this.#hearSoon();
  }

  #command(what: string, run: () => void): void {
    if (this.#ended || this.#closing || !this.#owner.effect(`tells the shim ${what}`)) return;
    this.tell(() => {
      if (this.#shim.isLinked(this)) run();
    });
  }

  #hearSoon(): void {
    if (this.#toShimDue || this.#toShim.length === 0) return;
    this.#toShimDue = true;
    this.#scheduler.after(this.#random.int(...LINK_US), () => {
      this.#toShimDue = false;
      for (let n = this.#random.chance(0.5) ? 1 : Infinity; n > 0 && this.#toShim.length > 0; n--) {
        const run = this.#toShim.shift()!;
        if (!this.isCut) run();
      }
      if (this.#toShim.length === 0 && (!this.#owner.isAlive || this.#closing)) {
        this.#shim.lost(this);
        if (this.#owner.isAlive) this.push({ kind: "end", bytes: 0, reason: "closed", detail: "closed by this host" });
      }
      this.#hearSoon();
    });
  }

  /** The host's process died: what it had sent is heard, nothing is heard by it. */
  ownerDied(): void {
    this.tell(() => {});
  }

  input(seq: bigint, tag: number, bytes: Uint8Array): void {
    const copy = Uint8Array.from(bytes);
    this.#command(`input ${seq}`, () => this.#shim.input(this, seq, tag, copy));
  }
  interrupt(seq: bigint, _key: "intr" | "quit" | "susp", byte: number): void {
    this.#command(`interrupt ${seq}`, () => this.#shim.interrupt(this, seq, byte));
  }
  resize(seq: bigint): void {
    this.#command(`resize ${seq}`, () => this.#shim.takes(this, seq));
  }
  signal(seq: bigint, _target: "leader" | "foreground" | "tree", signo: number): void {
    this.#command(`signal ${seq}`, () => this.#shim.signal(this, seq, signo));
  }
  cancel(tag: number): void {
    this.#command(`cancel ${tag}`, () => this.#shim.cancel(tag));
  }
  eof(seq: bigint): void {
    if (this.#shim.stream === 0) throw new Error("a PTY session has no end of input");
    this.#command(`eof ${seq}`, () => this.#shim.takes(this, seq));
  }
  respawn(): void {
    throw new Error("a PTY session is not respawned");
  }
  probe(token: number): void {
    this.#command("probe", () => {
      const probe = this.#shim.probe(token);
      this.push({ kind: "call", bytes: 64, overtakes: true, run: (h) => h.probe(probe) });
    });
  }
  ack(a: Parameters<ShimLink["ack"]>[0]): void {
    this.#command("ack", () => this.#shim.ack(this, a));
  }
  endTree(graceMs: number): void {
    this.#command("end the tree", () => this.#shim.endTree(graceMs));
  }
  release(): void {
    this.#command("release", () => this.#shim.release(this));
  }
  pause(): void {
    this.#paused = true;
  }
  resume(): void {
    this.#paused = false;
    this.#deliverSoon();
  }
  close(): void {
    if (this.#ended || this.#closing) return;
    this.tell(() => {});
    this.#closing = true;
    this.#paused = false;
  }
}
