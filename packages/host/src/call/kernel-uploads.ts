/**
 * Buffers of requests that are too large for one frame: they come in parts, before the request that names them.
 *
 *   U1  Bounded: 64 MiB of one operator in one session; what nobody has added to for a minute is gone.
 */
import { MonotonicMs } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import type { SessionPorts } from "../session/ports.ts";

const MAX_BYTES = 64 * 1024 * 1024;
const KEPT_MS = 60_000;

interface Upload {
  readonly parts: Uint8Array[];
  bytes: number;
  stop: () => void;
}

export class KernelUploads {
  readonly #ports: Pick<SessionPorts, "clock" | "wakeAt">;
  /** By operator and session, then by name. */
  readonly #of = new Map<string, Map<string, Upload>>();

  constructor(ports: Pick<SessionPorts, "clock" | "wakeAt">) {
    this.#ports = ports;
  }

  /** `of`: whose it is, and for which session. */
  add(of: string, name: string, offset: number, data: Uint8Array): void {
    const theirs = this.#of.get(of) ?? new Map<string, Upload>();
    this.#of.set(of, theirs);
    const upload = theirs.get(name) ?? { parts: [], bytes: 0, stop: () => {} };
    if (offset !== upload.bytes)
      throw new HoldError("bad_request", `upload ${name} goes on at ${upload.bytes}, and this part begins at ${offset}`);
    let bytes = data.length;
    for (const one of theirs.values()) bytes += one.bytes;
    if (bytes > MAX_BYTES) throw new HoldError("too_many", `buffers of ${bytes} bytes; ${MAX_BYTES} at most at a time`);
    upload.parts.push(data.slice());
    upload.bytes += data.length;
    upload.stop();
    const at = MonotonicMs(this.#ports.clock.monoMs() + KEPT_MS);
    upload.stop = this.#ports.wakeAt(at, () => this.#drop(of, name));
    theirs.set(name, upload);
  }

  /** All of it; it is not kept any more. Throws if there is none. */
  take(of: string, name: string): Uint8Array {
    const upload = this.#of.get(of)?.get(name);
    if (!upload) throw new HoldError("bad_request", `no upload ${name}: it was never sent, or lay for longer than a minute`);
    this.#drop(of, name);
    return Buffer.concat(upload.parts);
  }

  #drop(of: string, name: string): void {
    const theirs = this.#of.get(of);
    theirs?.get(name)?.stop();
    theirs?.delete(name);
    if (theirs?.size === 0) this.#of.delete(of);
  }
}
