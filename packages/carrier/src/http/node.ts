/**
 * The HTTP carrier on Node, both ends. The client's sends requests through `node:http`, which takes certificates of an authority of one's own and holds its
 * answer back; the rest of it is link.ts. The server's:
 *
 *   Q1  A link is named by an id, and known by a secret of 256 bits that its opener was told: who knows an id alone reaches nothing.
 *   Q2  A batch is taken whole, in the order of its number, and once. One that came before is answered as if it were taken; one out of turn is not.
 *   Q3  What is kept of a batch is bounded by its handlers' word of this moment, as of any frame.
 *   Q4  A client that says nothing for two minutes, though it says so when it has nothing to say, is gone.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { type IncomingMessage, request as plainRequest, type RequestOptions, type ServerResponse } from "node:http";
import { request as secureRequest } from "node:https";
import { HoldError, limits } from "@holdfast/protocol";
import { HEADER_BYTES } from "../framing.ts";
import type { Acceptor, Link, LinkHandlers } from "../link.ts";
import { packed } from "../websocket/frame.ts";
import { httpLinkUrl, LINK_HEADER, SEQ_HEADER } from "./address.ts";
import { connectHttp as connectBy, type Exchange } from "./link.ts";

export { HTTP_LINK_PATH, httpLinkUrl } from "./address.ts";

/** A comment, so that whoever stands between does not take a quiet answer for a dead one. */
const BEAT_MS = 15_000;
/** Q4. */
const SILENT_BEATS = 8;
/** How long an answer may take to begin. */
const OPEN_MS = 10_000;
/** Batches of one link that may wait for their turn: a client sends one at a time, and perhaps again the one before. */
const MAX_TAKING = 4;

// --- the server's end ---

export class HttpLinkEnd {
  readonly #links = new Map<string, ServerLink>();
  readonly #beatMs: number;

  constructor({ beatMs = BEAT_MS }: { readonly beatMs?: number } = {}) {
    this.#beatMs = beatMs;
  }

  /** Begins the answer that brings frames down. */
  open(response: ServerResponse, accept: Acceptor): void {
    const link = new ServerLink(response, this.#beatMs);
    this.#links.set(link.id, link);
    response.once("close", () => this.#links.delete(link.id));
    link.open(accept(link));
  }

  /** Q1. */
  find(id: string, { headers }: IncomingMessage): ServerLink | null {
    const link = this.#links.get(id);
    const token = Buffer.from(String(headers[LINK_HEADER.toLowerCase()] ?? ""));
    return link && token.length === link.token.length && timingSafeEqual(token, Buffer.from(link.token)) ? link : null;
  }
}

export class ServerLink implements Link {
  readonly carrier = "http";
  readonly id = randomBytes(9).toString("base64url");
  readonly token = randomBytes(32).toString("base64url");
  readonly #response: ServerResponse;
  readonly #beat: NodeJS.Timeout;
  #handlers: LinkHandlers | null = null;
  #taken = 0;
  #taking = 0;
  #turn: Promise<void> = Promise.resolve();
  #isPaused = false;
  #resumed: () => void = () => {};
  #silentBeats = 0;
  #over = false;

  constructor(response: ServerResponse, beatMs: number) {
    this.#response = response;
    this.#beat = setInterval(() => this.#beats(), beatMs);
    this.#beat.unref();
  }

  open(handlers: LinkHandlers): void {
    this.#handlers = handlers;
    const response = this.#response;
    response.on("error", () => {});
    response.on("drain", () => {
      if (!this.#over) handlers.drained?.();
    });
    response.once("close", () => this.#end("closed"));
    response.writeHead(200, {
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-store, no-transform",
      "X-Content-Type-Options": "nosniff",
      "X-Accel-Buffering": "no",
    });
    response.write(`event: link\ndata: ${JSON.stringify({ link: this.id, token: this.token })}\n\n`);
  }

  /** A request with a batch. Answers it. */
  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = (status: number, text = ""): void => {
      const isWhole = request.complete;
      if (!response.headersSent && !response.destroyed)
        response.writeHead(status, { "Cache-Control": "no-store", ...(isWhole ? {} : { Connection: "close" }) }).end(text);
    };
    const said = String(request.headers[SEQ_HEADER.toLowerCase()] ?? "");
    if (!/^[1-9]\d{0,14}$/.test(said)) return answer(400, `${SEQ_HEADER} is the batch's number`);
    if (this.#taking >= MAX_TAKING) return answer(409, "one batch at a time");
    this.#silentBeats = 0;
    this.#taking++;
    try {
      const batch = await readBatch(request, () => (this.#handlers?.maxFrameBytes ?? limits.frameBytes) + HEADER_BYTES);
      const before = this.#turn;
      let done!: () => void;
      this.#turn = new Promise((resolve) => {
        done = resolve;
      });
      await before;
      try {
        answer(await this.#takeInTurn(Number(said), batch));
      } finally {
        done();
      }
    } catch (fault) {
      answer(400, String(fault));
      this.#refuse(String(fault));
    } finally {
      this.#taking--;
    }
  }

  /** Q2. Answered when its frames have been handed on, so that a client does not run ahead of a link that is held back. */
  async #takeInTurn(seq: number, batch: Buffer): Promise<number> {
    if (this.#over) return 404;
    if (seq <= this.#taken) return 204;
    if (seq !== this.#taken + 1) return 409;
    this.#taken = seq;
    for (const { channel, message } of framesOf(batch, () => this.#handlers?.maxFrameBytes ?? limits.frameBytes)) {
      while (this.#isPaused && !this.#over)
        await new Promise<void>((resumed) => {
          this.#resumed = resumed;
        });
      if (this.#over) return 404;
      this.#handlers?.frame(channel, message);
    }
    return 204;
  }

  get buffered(): number {
    return this.#over ? 0 : this.#response.writableLength;
  }

  send(channel: number, message: Uint8Array): void {
    if (this.#over || this.#response.writableEnded) return;
    const { buffer } = packed(channel, message);
    this.#response.write(`event: frame\ndata: ${Buffer.from(buffer).toString("base64")}\n\n`, "latin1");
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#resumed();
  }

  close(): void {
    this.#response.end();
  }

  destroy(): void {
    this.#refuse("closed");
  }

  /** Q4. */
  #beats(): void {
    if (!this.#isPaused && ++this.#silentBeats > SILENT_BEATS) return this.#refuse("no word from the client");
    if (this.#response.writableLength === 0 && !this.#response.writableEnded) this.#response.write(":\n\n");
  }

  #refuse(reason: string): void {
    this.#response.destroy();
    this.#end(reason);
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#beat);
    this.#resumed();
    this.#handlers?.closed(reason);
  }
}

/** Q3. */
async function readBatch(request: IncomingMessage, maxBytes: () => number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBytes()) throw new HoldError("bad_request", `a batch has at most ${maxBytes()} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts, bytes);
}

/** One after the other, each bounded when it is its turn: a frame may raise the bound for the next. */
function* framesOf(batch: Buffer, maxBytes: () => number): Generator<{ readonly channel: number; readonly message: Uint8Array }> {
  for (let at = 0; at < batch.length; ) {
    const length = at + HEADER_BYTES <= batch.length ? batch.readUInt32BE(at) : 0;
    const end = at + 4 + length;
    if (length < 4 || length > maxBytes() || end > batch.length)
      throw new HoldError("bad_request", `a batch is of whole frames, of 4 to ${maxBytes()} bytes each`);
    yield { channel: batch.readUInt32BE(at + 4), message: batch.subarray(at + HEADER_BYTES, end) };
    at = end;
  }
}

// --- the client's end ---

export interface HttpDial {
  /** Certificates of authorities to trust in place of the system's, PEM. */
  readonly ca?: string | Buffer;
}

/** Connects; rejects with `unreachable` when nobody answers, and says so when who answers refuses or is no host. */
export function connectHttp(url: string | URL, accept: Acceptor, { ca }: HttpDial = {}): Promise<Link> {
  const address = httpLinkUrl(String(url));
  const send = address.protocol === "https:" ? secureRequest : plainRequest;
  const options: RequestOptions & { ca?: string | Buffer } = { method: "POST", ...(ca ? { ca } : {}) };
  const exchange: Exchange = {
    open: (signal) =>
      new Promise((resolve, reject) => {
        const failed = (why: string, cause?: Error): void =>
          reject(
            new HoldError(
              "unreachable",
              `no host answers at ${address.origin} over HTTP (${why})`,
              { url: address.href },
              { cause },
            ),
          );
        const asking = send(address, { ...options, timeout: OPEN_MS, headers: { "Content-Length": 0 } });
        signal.addEventListener("abort", () => asking.destroy(), { once: true });
        asking.once("timeout", () => asking.destroy(new Error("it took too long")));
        asking.on("error", (cause: NodeJS.ErrnoException) => failed(cause.code ?? cause.message, cause));
        asking.once("response", (answer) => {
          asking.setTimeout(0);
          // Ended by us, perhaps while nobody reads: whoever reads is told by the reading.
          answer.on("error", () => {});
          if (answer.statusCode === 200 && answer.headers["content-type"] === "text/event-stream") {
            answer.setEncoding("latin1");
            return resolve(answer as AsyncIterable<string>);
          }
          asking.destroy();
          failed(`it says ${answer.statusCode}`);
        });
        asking.end();
      }),
    post: (to, seq, batch, signal) =>
      new Promise((resolve, reject) => {
        const headers = {
          "Content-Type": "application/octet-stream",
          "Content-Length": batch.length,
          [LINK_HEADER]: to.token,
          [SEQ_HEADER]: String(seq),
        };
        const asking = send(new URL(`${address.pathname}/${to.link}`, address), { ...options, headers });
        signal.addEventListener("abort", () => asking.destroy(new Error("given up")), { once: true });
        asking.on("error", reject);
        asking.once("response", (answer) => {
          answer.on("error", reject);
          answer.once("close", () => resolve(answer.statusCode ?? 0));
          answer.resume();
        });
        asking.end(batch);
      }),
    fromBase64: (text) => Buffer.from(text, "base64"),
  };
  return connectBy(exchange, accept);
}
