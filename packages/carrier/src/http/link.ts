/**
 * The client's end of the HTTP carrier, for networks that break WebSockets: one request whose answer never ends and brings frames down, as
 * server-sent events in base64; and requests that carry batches of frames up, one after the other. Runs in pages: what sends requests is
 * given (page.ts, node.ts).
 *
 *   P1  Batches are numbered from 1, and a batch is sent again until it is answered: the host takes each number once.
 *   P2  The link lives as long as its answer does. What was lost with it is core's to resume (the attachment's cursor and writer).
 *   P3  While the link is paused nothing is read from its answer: it waits in the hop, and the host is told so by its socket.
 *   P4  A host from which nothing comes, not even a comment, is gone; a client that has nothing to say says that, so that it is not taken for gone.
 */
import { HoldError, limits } from "@holdfast/protocol";
import { createParser } from "eventsource-parser";
import type { Acceptor, Link, LinkHandlers } from "../link.ts";
import { unpacked } from "../websocket/frame.ts";
import { packedFrame, takeBatch } from "./batch.ts";

/** How an end sends requests. */
export interface Exchange {
  /** Opens a link: resolves when the answer has begun. Rejects with a {@link HoldError}. */
  open(signal: AbortSignal): Promise<AsyncIterable<string>>;
  /** Resolves with the status that a batch was answered with; rejects when there was no answer. */
  post(to: Opened, seq: number, batch: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<number>;
  fromBase64(text: string): Uint8Array;
}

/** What the host says first. */
export interface Opened {
  readonly link: string;
  readonly token: string;
}

/** Of one request: enough that a paste is not a hundred of them, little enough that a key behind it does not wait long. */
const BATCH_BYTES = 256 * 1024;
/** Before each attempt to send a batch. */
const ATTEMPTS_MS = [0, 50, 250, 1_000, 3_000];
/** How long the answer to a batch may take: a host that holds its link back answers later. */
const ANSWER_MS = 20_000;
/** P4: how often it is looked; and after how many looks that heard nothing the host is gone. */
const LOOK_MS = 20_000;
const SILENT_LOOKS = 3;
/** Of one event: the largest frame in base64, and what stands around it. */
const MAX_EVENT_CHARS = Math.ceil(limits.frameBytes / 3) * 4 + 1_024;

export async function connectHttp(exchange: Exchange, accept: Acceptor): Promise<Link> {
  const over = new AbortController();
  const answer = await exchange.open(over.signal);
  const link = new HttpLink(exchange, over);
  await link.start(answer, accept);
  return link;
}

class HttpLink implements Link {
  readonly carrier = "http";
  readonly #exchange: Exchange;
  readonly #over: AbortController;
  readonly #parser = createParser({
    maxBufferSize: MAX_EVENT_CHARS,
    onEvent: ({ event, data }) => void this.#inbox.push({ event: event ?? "", data }),
    onError: (fault) => this.#end(`[bad_request] ${fault.message}`),
  });
  readonly #inbox: { readonly event: string; readonly data: string }[] = [];
  readonly #queue: Uint8Array[] = [];
  readonly #look: ReturnType<typeof setInterval>;
  #handlers: LinkHandlers | null = null;
  #opened: Opened | null = null;
  #began: ((begun: HoldError | null) => void) | null = null;
  #waitingBytes = 0;
  #seq = 0;
  #isPosting = false;
  #isClosing = false;
  #isPaused = false;
  #resumed: () => void = () => {};
  #silentLooks = 0;

  constructor(exchange: Exchange, over: AbortController) {
    this.#exchange = exchange;
    this.#over = over;
    this.#look = setInterval(() => this.#lookAlive(), LOOK_MS);
    (this.#look as { unref?: () => void }).unref?.();
  }

  /** Resolves when the host has said that the link is there. */
  start(answer: AsyncIterable<string>, accept: Acceptor): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#began = (fault) => {
        this.#began = null;
        if (fault) return reject(fault);
        this.#handlers = accept(this);
        resolve();
      };
      void this.#read(answer);
    });
  }

  async #read(answer: AsyncIterable<string>): Promise<void> {
    try {
      for await (const text of answer) {
        this.#silentLooks = 0;
        this.#parser.feed(text);
        await this.#deliver();
        if (this.#isOver) return;
      }
      this.#end("closed");
    } catch (fault) {
      this.#end(String(fault));
    }
  }

  /** P3. */
  async #deliver(): Promise<void> {
    const events = this.#inbox.splice(0);
    for (const { event, data } of events) {
      while (this.#isPaused && !this.#isOver)
        await new Promise<void>((resumed) => {
          this.#resumed = resumed;
        });
      if (this.#isOver) return;
      if (event === "link") {
        this.#opened = JSON.parse(data) as Opened;
        this.#began?.(null);
      } else if (event === "frame") this.#frame(data);
    }
  }

  #frame(data: string): void {
    const handlers = this.#handlers;
    const { channel, message } = unpacked(this.#exchange.fromBase64(data), handlers?.maxFrameBytes ?? limits.frameBytes);
    handlers?.frame(channel, message);
  }

  get buffered(): number {
    return this.#waitingBytes;
  }

  send(channel: number, message: Uint8Array): void {
    if (this.#isOver || this.#isClosing) return;
    const frame = packedFrame(channel, message);
    this.#queue.push(frame);
    this.#waitingBytes += frame.length;
    this.#startPosting();
  }

  /** Frames sent in one turn leave in one batch. */
  #startPosting(): void {
    if (this.#isPosting) return;
    this.#isPosting = true;
    queueMicrotask(() => void this.#post());
  }

  async #post(): Promise<void> {
    do {
      const batch = takeBatch(this.#queue, BATCH_BYTES);
      const why = await this.#deliverBatch(++this.#seq, batch);
      if (why !== null) return this.#end(why);
      this.#waitingBytes -= batch.length;
      if (this.#waitingBytes === 0) this.#handlers?.drained?.();
    } while (this.#queue.length > 0);
    this.#isPosting = false;
    if (this.#isClosing) this.#end("closed");
  }

  /** P1. Null when it was taken, else why the link is over. */
  async #deliverBatch(seq: number, batch: Uint8Array<ArrayBuffer>): Promise<string | null> {
    let why = "closed";
    for (const waitMs of ATTEMPTS_MS) {
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (this.#isOver) return "closed";
      try {
        const status = await this.#attempt(seq, batch);
        if (status === 204) return null;
        why = `the host answered ${status}`;
        // What stands between may be busy; the host itself has said no.
        if (status !== 502 && status !== 503 && status !== 504) return why;
      } catch (fault) {
        why = String(fault);
      }
    }
    return why;
  }

  #stopAttempt: () => void = () => {};
  async #attempt(seq: number, batch: Uint8Array<ArrayBuffer>): Promise<number> {
    const attempt = new AbortController();
    this.#stopAttempt = () => attempt.abort();
    const late = setTimeout(this.#stopAttempt, ANSWER_MS);
    try {
      return await this.#exchange.post(this.#opened!, seq, batch, attempt.signal);
    } finally {
      clearTimeout(late);
    }
  }

  /** P4. */
  #lookAlive(): void {
    if (this.#isPaused || !this.#opened) return;
    if (++this.#silentLooks > SILENT_LOOKS) return this.#end("no word from the host");
    this.#startPosting();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#silentLooks = 0;
    this.#resumed();
  }

  close(): void {
    if (this.#isPosting) this.#isClosing = true;
    else this.#end("closed");
  }

  destroy(): void {
    this.#end("closed");
  }

  get #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  #end(reason: string): void {
    if (this.#isOver) return;
    clearInterval(this.#look);
    this.#over.abort();
    this.#stopAttempt();
    this.#queue.length = 0;
    this.#waitingBytes = 0;
    this.#resumed();
    this.#began?.(new HoldError("unreachable", `the host took the link and let it go (${reason})`));
    this.#handlers?.closed(reason);
  }
}
