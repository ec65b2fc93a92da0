/**
 * Asciicast, versions 2 and 3: a header and one JSON array a line. Version 2 has times since the start, version 3 times since the
 * event before. The text of an event is whole UTF-8: bytes of a character cut between two events go with the second.
 *   A1  Times never run backwards, whatever the clock did.
 *   A2  The concatenated output is the output, but for bytes that are no UTF-8.
 */
export interface CastHeader {
  readonly cols: number;
  readonly rows: number;
  readonly atMs: number;
  readonly title?: string;
  readonly command?: string;
  readonly term?: string;
}

export type CastCode = "o" | "i" | "m" | "r" | "x";

export class CastWriter {
  readonly #version: 2 | 3;
  readonly #idleMs: number;
  #lastMs: number;
  #spentMs = 0;
  readonly #decoders = { o: new TextDecoder(), i: new TextDecoder() };

  constructor(version: 2 | 3, startMs: number, idleMs = Number.POSITIVE_INFINITY) {
    this.#version = version;
    this.#lastMs = startMs;
    this.#idleMs = idleMs;
  }

  header(h: CastHeader): string {
    const timestamp = Math.floor(h.atMs / 1000);
    const more = { ...(h.title ? { title: h.title } : {}), ...(h.command ? { command: h.command } : {}) };
    const idle = Number.isFinite(this.#idleMs) ? { idle_time_limit: this.#idleMs / 1000 } : {};
    return this.#version === 2
      ? `${JSON.stringify({ version: 2, width: h.cols, height: h.rows, timestamp, ...idle, ...more, env: { TERM: h.term ?? "xterm-256color" } })}\n`
      : `${JSON.stringify({ version: 3, term: { cols: h.cols, rows: h.rows, type: h.term ?? "xterm-256color" }, timestamp, ...idle, ...more })}\n`;
  }

  /** One event's line; empty for bytes that end no character. Version 2 knows no `x`. */
  event(code: CastCode, atMs: number, data: Uint8Array | string): string {
    if (code === "x" && this.#version === 2) return "";
    const text = typeof data === "string" ? data : this.#decoders[code === "i" ? "i" : "o"].decode(data, { stream: true });
    if (text === "" && code !== "m") return "";
    const passed = Math.min(Math.max(0, atMs - this.#lastMs), this.#idleMs);
    this.#lastMs = Math.max(this.#lastMs, atMs);
    this.#spentMs += passed;
    const seconds = Number(((this.#version === 2 ? this.#spentMs : passed) / 1000).toFixed(6));
    return `${JSON.stringify([seconds, code, text])}\n`;
  }
}
