import { writeSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { HoldError, limits } from "@holdfast/protocol";
import { Deframer, framed, header, HEADER_BYTES } from "./framing.ts";
import type { Link, LinkHandlers } from "./link.ts";

/** Below this, header and message are copied into one buffer; above, they are written as two. */
const COPY_BYTES = 8 * 1024;

/**
 * A link over a pair of byte streams, which for a socket are one. Frames sent in one turn of the loop leave in one write.
 *
 * What is small and has nothing before it is written to the descriptor itself: a stream's own way to the same call takes longer
 * than the call, and a key waits for it twice. What the kernel does not take at once goes through the stream, as all that is large.
 */
export class StreamLink implements Link {
  readonly carrier: Link["carrier"];
  readonly #in: Readable;
  readonly #out: Writable;
  #handlers: LinkHandlers | null = null;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #over = false;

  constructor(carrier: Link["carrier"], input: Readable, output: Writable) {
    this.carrier = carrier;
    this.#in = input;
    this.#out = output;
  }

  open(handlers: LinkHandlers): void {
    this.#handlers = handlers;
    const deframer = new Deframer(() => handlers.maxFrameBytes ?? limits.frameBytes);
    const [input, output] = [this.#in, this.#out];
    input.on("data", (chunk: Buffer) => {
      try {
        deframer.push(chunk, (channel, message) => {
          if (!this.#over) handlers.frame(channel, message);
        });
      } catch (fault) {
        this.#end(fault instanceof HoldError ? fault.toString() : String(fault));
        this.#destroyBoth();
        if (!(fault instanceof HoldError)) throw fault;
      }
    });
    output.on("drain", () => handlers.drained?.());
    // What the far end said last is still heard after it has stopped to listen: the link is over when nothing more can come.
    let why = "closed";
    for (const stream of new Set<Readable | Writable>([input, output]))
      stream.on("error", (fault: Error) => {
        why = fault.message;
        if (stream === input) this.#end(why);
      });
    input.on("close", () => {
      this.#destroyBoth();
      this.#end(why);
    });
  }

  get buffered(): number {
    return this.#out.writableLength + this.#waitingBytes;
  }

  send(channel: number, message: Uint8Array): void {
    if (this.#over) return;
    if (this.#waiting.length === 0) process.nextTick(() => this.#flush());
    if (message.length <= COPY_BYTES) {
      this.#waiting.push(framed(channel, message));
    } else {
      this.#waiting.push(header(channel, message.length), message);
    }
    this.#waitingBytes += message.length + HEADER_BYTES;
  }

  #flush(): void {
    const waiting = this.#waiting;
    const bytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#over || waiting.length === 0) return;
    const output = this.#out;
    if (bytes <= COPY_BYTES && output.writableLength === 0) {
      const whole = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting, bytes);
      const taken = writeNow(output, whole);
      if (taken < bytes) output.write(whole.subarray(taken));
      return;
    }
    output.cork();
    for (const piece of waiting) output.write(piece);
    output.uncork();
  }

  pause(): void {
    this.#in.pause();
  }

  resume(): void {
    this.#in.resume();
  }

  close(): void {
    this.#flush();
    this.#out.end();
  }

  destroy(): void {
    this.#destroyBoth();
    this.#end("closed");
  }

  #destroyBoth(): void {
    this.#in.destroy();
    this.#out.destroy();
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#handlers?.closed(reason);
  }
}

/** Writes to the stream's descriptor: how many bytes the kernel took; 0 where it has no room, or where there is no descriptor to write to. */
function writeNow(output: Writable, bytes: Uint8Array): number {
  const { _handle, connecting } = output as { _handle?: { fd?: number } | null; connecting?: boolean };
  const fd = _handle?.fd;
  if (fd === undefined || fd < 0 || connecting) return 0;
  try {
    return writeSync(fd, bytes);
  } catch {
    // Whatever is the matter, the stream finds it again and tells.
    return 0;
  }
}
