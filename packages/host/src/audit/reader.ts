/**
 * The host's end of the thread that reads its record.
 *   R1  There is no thread while nobody asks, nor {@link IDLE_MS} after the last answer; a walk whose caller has left is ended with its thread.
 *   R2  One walk over the whole record at a time: it takes a core as long as it lasts.
 *   R3  Pages are read by one thread, one after the other, and {@link MOST_WAITING} may wait.
 */
import { Worker } from "node:worker_threads";
import { type AuditReadAnswer, AuditReadAnswerSchema, type AuditVerifyAnswer, fromBinary, HoldError } from "@holdfast/protocol";
import type { AuditOrigin } from "../audit.ts";
import type { AuditAsk } from "./page.ts";
import type { FromReader, ReaderSettings, ToReader } from "./wire.ts";

const IDLE_MS = 30_000;
const MOST_WAITING = 32;
const HEAP_MIB = 512;

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (fault: HoldError) => void;
  readonly progress: (doneBytes: number, totalBytes: number) => void;
  /** The caller's leaving means nothing any more. */
  readonly done: () => void;
}

export class AuditReader {
  readonly #settings: ReaderSettings;
  readonly #workerUrl: URL;
  #pages: Thread | null = null;
  #retires: NodeJS.Timeout | null = null;
  #walk: Thread | null = null;

  /** `origin`: of a record that was copied. */
  constructor(home: string, workerUrl: URL, origin?: AuditOrigin) {
    this.#settings = { home, ...(origin ? { origin } : {}) };
    this.#workerUrl = workerUrl;
  }

  /** Rejects with `too_many` (R3), and with `cancelled` for a caller who has left. */
  async read(ask: AuditAsk, signal: AbortSignal): Promise<AuditReadAnswer> {
    if (this.#retires) clearTimeout(this.#retires);
    const thread = (this.#pages ??= this.#begun());
    if (thread.waiting >= MOST_WAITING)
      throw new HoldError("too_many", "many read the record of this host now: ask again in a moment");
    try {
      return await thread.ask<AuditReadAnswer>((id) => ({ do: "read", id, ask }), signal);
    } finally {
      if (thread.isOver && this.#pages === thread) this.#pages = null;
      if (thread.waiting === 0) this.#retires = setTimeout(() => this.#retire(thread), IDLE_MS).unref();
    }
  }

  /** Rejects with `too_many` while another goes on (R2). */
  async verify(progress: Waiting["progress"], signal: AbortSignal): Promise<AuditVerifyAnswer> {
    if (this.#walk) throw new HoldError("too_many", "the record is being verified for somebody now: ask again when that is done");
    const thread = (this.#walk = this.#begun());
    try {
      return await thread.ask<AuditVerifyAnswer>((id) => ({ do: "verify", id }), signal, progress);
    } finally {
      this.#walk = null;
      thread.end();
    }
  }

  #begun(): Thread {
    return new Thread(this.#workerUrl, this.#settings);
  }

  #retire(thread: Thread): void {
    if (thread.waiting > 0) return;
    thread.end();
    if (this.#pages === thread) this.#pages = null;
  }
}

class Thread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #over: string | null = null;

  constructor(url: URL, settings: ReaderSettings) {
    this.#worker = new Worker(url, {
      workerData: settings,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
      name: "audit-reader",
    });
    this.#worker.unref();
    this.#worker.on("message", (message: FromReader) => this.#heard(message));
    this.#worker.on("error", (fault) => this.#lost(fault instanceof Error ? fault.message : String(fault)));
    this.#worker.on("exit", () => this.#lost("its thread ended"));
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get isOver(): boolean {
    return this.#over !== null;
  }

  ask<T>(message: (id: number) => ToReader, signal: AbortSignal, progress: Waiting["progress"] = () => {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#over !== null) return reject(unread(this.#over));
      const id = ++this.#lastId;
      const left = (): void => {
        this.#waiting.delete(id);
        reject(new HoldError("cancelled", "the caller left before the record was read"));
      };
      signal.addEventListener("abort", left, { once: true });
      this.#waiting.set(id, {
        resolve: (answer) => resolve(answer as T),
        reject,
        progress,
        done: () => signal.removeEventListener("abort", left),
      });
      this.#worker.postMessage(message(id));
    });
  }

  end(): void {
    void this.#worker.terminate();
  }

  #heard(message: FromReader): void {
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return;
    if (message.is === "progress") return waiting.progress(message.doneBytes, message.totalBytes);
    this.#waiting.delete(message.id);
    waiting.done();
    if (message.is === "failed") waiting.reject(unread(message.why));
    else waiting.resolve((message.is === "page" ? fromBinary(AuditReadAnswerSchema, message.page) : message.answer) as never);
  }

  #lost(why: string): void {
    this.#over ??= why;
    for (const { reject, done } of this.#waiting.values()) {
      done();
      reject(unread(why));
    }
    this.#waiting.clear();
  }
}

const unread = (why: string): HoldError => new HoldError("internal", `the record could not be read: ${why}`);
