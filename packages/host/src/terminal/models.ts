/**
 * The byte thread's side of the terminal models: queues, batches and remembers who asked what. It never parses.
 *
 *   C1  What was fed stays the caller's and unchanged; on its way to the worker it is copied once, joined to pieces that are transferred.
 *   C2  At most {@link WINDOW_BYTES} are with the worker; the rest waits here, where `backlog` counts it.
 *   C3  When the worker dies, every model is forgotten, every request fails, and `lost` is told once; the next `open` starts another.
 *   C4  The worker ends when no model has been open for {@link RETIRE_MS}: its heap, a dozen MiB, is for nobody. The next `open` starts another.
 */
import { Worker } from "node:worker_threads";
import type { ModelHandlers, ModelPosition, ScreenText, Snapshot, TerminalModels } from "./model.ts";
import { isSizeAllowed } from "./size.ts";
import type { News, Order, WorkerSettings } from "./wire.ts";

export interface TerminalModelOptions extends WorkerSettings {
  /** Where the worker's code is. Default: `worker.ts` beside this file, or `terminal-worker.mjs` beside the bundle. */
  readonly workerUrl?: URL;
  /** Heap of the worker, MiB; above it the worker ends and `lost` is told. Default 1,024. */
  readonly maxHeapMb?: number;
  /** How long it outlives the last model. Default 1 s. */
  readonly retireMs?: number;
}

const WINDOW_BYTES = 4 * 1024 * 1024;
/** A worker takes 50 ms to start, so one that may be needed at once is kept. */
const RETIRE_MS = 1_000;
const DEFAULT_SCROLLBACK = 1000;
const MAX_SCROLLBACK = 100_000;

interface Life {
  readonly session: string;
  readonly handle: number;
  cols: number;
  rows: number;
  /** End of what was fed, of what the worker has, of what it parsed. */
  fed: number;
  sent: number;
  parsed: number;
  waiting: Order[];
}
interface Request {
  readonly handle: number;
  resolve(value: never): void;
  reject(e: Error): void;
}

class Models implements TerminalModels {
  private readonly handlers: ModelHandlers;
  private readonly options: TerminalModelOptions;
  private readonly lives = new Map<string, Life>();
  private readonly byHandle = new Map<number, Life>();
  private readonly requests = new Map<number, Request>();
  private worker: Worker | undefined;
  private stopped = false;
  private nextId = 1;
  private inFlight = 0;
  private isFlushing = false;
  private retiring: NodeJS.Timeout | undefined;

  constructor(handlers: ModelHandlers, options: TerminalModelOptions) {
    this.handlers = handlers;
    this.options = options;
    this.worker = this.start();
  }

  open(
    session: string,
    from: ModelPosition & { readonly vt?: Uint8Array },
    options: { readonly scrollback?: number } = {},
  ): void {
    if (this.stopped) throw new Error("[stopped] the terminal models were stopped");
    if (!isSizeAllowed(from.cols, from.rows))
      throw new RangeError(`[bad_size] session ${session}: ${from.cols}x${from.rows}; columns 1 to 1000, rows 1 to 500`);
    this.close(session);
    clearTimeout(this.retiring);
    this.worker ??= this.start();
    const life: Life = {
      session,
      handle: this.nextId++,
      cols: from.cols,
      rows: from.rows,
      fed: from.offset,
      sent: from.offset,
      parsed: from.offset,
      waiting: [],
    };
    this.lives.set(session, life);
    this.byHandle.set(life.handle, life);
    const scrollback = Math.min(MAX_SCROLLBACK, Math.max(0, Math.trunc(options.scrollback ?? DEFAULT_SCROLLBACK)));
    this.enqueue(life, {
      do: "open",
      handle: life.handle,
      cols: from.cols,
      rows: from.rows,
      offset: from.offset,
      scrollback,
      ...(from.vt === undefined ? {} : { vt: new Uint8Array(from.vt) }),
    });
  }

  feed(session: string, offset: number, bytes: Uint8Array, live: boolean): void {
    const life = this.lives.get(session);
    if (life === undefined || bytes.length === 0) return;
    if (offset !== life.fed) throw new RangeError(`[model_gap] session ${session}: fed up to ${life.fed}, then from ${offset}`);
    life.fed += bytes.length;
    this.enqueue(life, { do: "feed", handle: life.handle, bytes, live });
  }

  resize(session: string, cols: number, rows: number): void {
    const life = this.lives.get(session);
    if (life === undefined) return;
    if (!isSizeAllowed(cols, rows))
      throw new RangeError(`[bad_size] session ${session}: ${cols}x${rows}; columns 1 to 1000, rows 1 to 500`);
    if (life.cols === cols && life.rows === rows) return;
    life.cols = cols;
    life.rows = rows;
    this.enqueue(life, { do: "resize", handle: life.handle, cols, rows });
  }

  snapshot(session: string, options: { readonly scrollback?: number } = {}): Promise<Snapshot> {
    return this.ask("snapshot", session, options.scrollback);
  }

  text(session: string, options: { readonly scrollback?: number } = {}): Promise<ScreenText> {
    return this.ask("text", session, options.scrollback);
  }

  backlog(session: string): number {
    const life = this.lives.get(session);
    return life === undefined ? 0 : life.fed - life.parsed;
  }

  close(session: string): void {
    const life = this.lives.get(session);
    if (life === undefined) return;
    this.lives.delete(session);
    this.byHandle.delete(life.handle);
    this.inFlight -= life.sent - life.parsed;
    for (const [id, request] of this.requests)
      if (request.handle === life.handle) this.fail(id, `[closed] the model of session ${session} was closed`);
    this.worker?.postMessage([{ do: "close", handle: life.handle } satisfies Order]);
    this.flushSoon();
    clearTimeout(this.retiring);
    if (this.lives.size === 0) this.retiring = setTimeout(() => this.retire(), this.options.retireMs ?? RETIRE_MS).unref();
  }

  /** C4. */
  private retire(): void {
    const { worker } = this;
    this.worker = undefined;
    this.inFlight = 0;
    void worker?.terminate();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retiring);
    const { worker } = this;
    this.forget("[stopped] the terminal models were stopped");
    await worker?.terminate();
  }

  private ask<T>(what: "snapshot" | "text", session: string, scrollback: number | undefined): Promise<T> {
    const life = this.lives.get(session);
    if (life === undefined) return Promise.reject(new Error(`[no_model] session ${session} has no open model`));
    const id = this.nextId++;
    return new Promise<T>((resolve, reject) => {
      this.requests.set(id, { handle: life.handle, resolve, reject });
      this.worker?.ref();
      this.enqueue(life, {
        do: what,
        handle: life.handle,
        request: id,
        ...(scrollback === undefined ? {} : { scrollback: Math.max(0, scrollback) }),
      });
    });
  }

  private enqueue(life: Life, order: Order): void {
    life.waiting.push(order);
    this.flushSoon();
  }

  private flushSoon(): void {
    if (this.isFlushing) return;
    this.isFlushing = true;
    setImmediate(() => {
      this.isFlushing = false;
      this.flush();
    });
  }

  private flush(): void {
    if (this.worker === undefined) return;
    const orders: Order[] = [];
    const transfers: ArrayBuffer[] = [];
    for (const life of this.lives.values()) {
      let at = 0;
      while (at < life.waiting.length) {
        const order = life.waiting[at] as Order;
        if (order.do !== "feed") {
          orders.push(order);
          at++;
          continue;
        }
        if (this.inFlight >= WINDOW_BYTES) break;
        let end = at + 1;
        let size = order.bytes.length;
        for (
          let next = life.waiting[end];
          next?.do === "feed" && next.live === order.live && size < WINDOW_BYTES;
          next = life.waiting[++end]
        )
          size += next.bytes.length;
        const bytes = joined(life.waiting.slice(at, end) as Extract<Order, { do: "feed" }>[], size);
        orders.push({ do: "feed", handle: life.handle, bytes, live: order.live });
        transfers.push(bytes.buffer as ArrayBuffer);
        life.sent += size;
        this.inFlight += size;
        at = end;
      }
      life.waiting = at === life.waiting.length ? [] : life.waiting.slice(at);
    }
    if (orders.length > 0) this.worker.postMessage(orders, transfers);
  }

  private start(): Worker {
    const { workerUrl, maxHeapMb, retireMs: _, ...settings } = this.options;
    const worker = new Worker(workerUrl ?? defaultWorkerUrl(), {
      workerData: settings,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb ?? 1024 },
      name: "terminal-models",
    });
    worker.unref();
    worker.on("message", (batch: News[]) => {
      if (this.worker === worker) for (const item of batch) this.hear(item);
    });
    worker.on("error", (e) => this.lost(worker, String(e)));
    worker.on("exit", (code) => this.lost(worker, `the worker ended with code ${code}`));
    return worker;
  }

  private hear(item: News): void {
    if (item.is === "answer") {
      const r = this.requests.get(item.request);
      this.settled(item.request);
      r?.resolve(item.value as never);
      return;
    }
    if (item.is === "failed") {
      this.fail(item.request, item.detail);
      return;
    }
    const life = this.byHandle.get(item.handle);
    if (life === undefined) return;
    switch (item.is) {
      case "parsed":
        this.inFlight -= item.offset - life.parsed;
        life.parsed = item.offset;
        if (life.waiting.length > 0) this.flushSoon();
        this.handlers.parsed(life.session, item.offset);
        return;
      case "reply":
        this.handlers.reply({ session: life.session, offset: item.offset, bytes: item.bytes });
        return;
      case "notice":
        this.handlers.notice(life.session, item.kind, item.text);
        return;
    }
  }

  private fail(id: number, detail: string): void {
    const request = this.requests.get(id);
    this.settled(id);
    request?.reject(new Error(detail));
  }

  private settled(id: number): void {
    this.requests.delete(id);
    if (this.requests.size === 0) this.worker?.unref();
  }

  private lost(worker: Worker, detail: string): void {
    if (this.worker !== worker || this.stopped) return;
    this.forget(`[model_lost] ${detail}`);
    this.handlers.lost(detail);
  }

  private forget(detail: string): void {
    this.worker = undefined;
    this.lives.clear();
    this.byHandle.clear();
    this.inFlight = 0;
    for (const id of [...this.requests.keys()]) this.fail(id, detail);
  }
}

/** From source the worker stands beside this file; bundled, beside the bundle. */
function defaultWorkerUrl(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./terminal-worker.mjs", import.meta.url);
}

function joined(feeds: readonly Extract<Order, { do: "feed" }>[], size: number): Uint8Array {
  const out = new Uint8Array(size);
  let at = 0;
  for (const f of feeds) {
    out.set(f.bytes, at);
    at += f.bytes.length;
  }
  return out;
}

/** Starts the worker; it runs until `stop`. */
export function startTerminalModels(handlers: ModelHandlers, options: TerminalModelOptions = {}): TerminalModels {
  return new Models(handlers, options);
}
