/** Calls on kernels (api/kernel.ts). A run goes on over the end of its link and its host, as a command does (commands.ts K1, K2). */
import { bytesOf, HoldError, type KernelCall, type Init, type KernelMessage, type RunAnswer } from "@holdfast/protocol";
import type { AttachHandlers, Attachment, AttachOptions, KernelRunOptions, KernelRunResult, Kernels } from "../api/index.ts";
import { saidOf } from "../record/kernel-said.ts";
import { type Asking, askedMsAgo, patienceOf } from "./commands.ts";
import type { Connection, Result } from "./connection.ts";
import { follow } from "./kernel-follow.ts";
import { Pieces } from "./kernel-pieces.ts";
import { textOfKernel } from "./kernel-text.ts";
import { Lasting } from "./lasting.ts";
import { envOnWire } from "./surroundings.ts";

type Ask = Exclude<Init<KernelCall>["ask"], undefined>;

export function kernelsOf(
  call: Connection["callFor"],
  asking: () => Asking,
  env: () => Readonly<Record<string, string | undefined>>,
  attach: (options: AttachOptions, handlers: AttachHandlers) => Promise<Attachment>,
): Kernels {
  const newId = (): string => asking().redial.newId();
  const ask = async (session: string, what: Ask, signal?: AbortSignal) => {
    const pieces = new Pieces();
    let late: KernelMessage | null = null;
    const more = (part: Result): void => {
      if (part.case === "kernel" && part.value.piece) late = pieces.take(part.value.piece);
    };
    const { value } = await call("kernel", { case: "kernel", value: { session, ask: what } }, { signal, more });
    return late ? { ...value, message: late } : value;
  };
  /** A buffer that is too large for one frame goes before its request. */
  const upload = async (session: string, buffer: Uint8Array): Promise<string> => {
    const name = newId();
    for (let at = 0; at < buffer.length; at += PIECE_BYTES)
      await ask(session, { case: "upload", value: { name, offset: BigInt(at), data: buffer.subarray(at, at + PIECE_BYTES) } });
    return name;
  };
  return {
    specs: async (of) => (await call("kernelSpecs", { case: "kernelSpecs", value: { env: envOnWire(of ?? env()) } })).value.specs,
    show: (session) => ask(session, { case: "show", value: {} }),
    follow: (session, handlers, options = {}) =>
      follow({ show: (of) => ask(of, { case: "show", value: {} }), attach }, session, handlers, options),
    run: (session, code, options = {}) => run(asking(), session, code, options),
    cancel: async (session, of) => void (await ask(session, { case: "cancel", value: { run: of } })),
    reply: async (session, prompt, value) => void (await ask(session, { case: "reply", value: { prompt, value } })),
    interrupt: async (session, { confirmed = false, mode } = {}) =>
      void (await ask(session, { case: "interrupt", value: { confirmed, mode: mode ?? "" } })),
    restart: async (session) => void (await ask(session, { case: "restart", value: {} })),
    request: async (session, msgType, { content, metadata, buffers = [], header, channel, signal } = {}) => {
      const value = {
        msgType,
        content: json(content),
        metadata: json(metadata),
        ...(bytesOfAll(buffers) <= PIECE_BYTES
          ? { buffers: [...buffers] }
          : { uploads: await all(buffers, (buffer) => upload(session, buffer)) }),
        header: json(header),
        channel: channel ?? "",
      };
      const { message } = await ask(session, { case: "request", value }, signal);
      return message ? saidOf(message.channel, message.incarnation, message) : null;
    },
    serve: async ({ listen = "", root = "", env: of } = {}) => {
      const { served } = await ask("", { case: "serve", value: { listen, root, env: envOnWire(of ?? env()) } });
      if (!served) throw new HoldError("internal", "the host says nothing of its endpoint for Jupyter");
      const { url, token, untilUnixMs, root: folder } = served;
      return { url, token, untilUnixMs: Number(untilUnixMs), root: folder || null };
    },
    endServe: async () => void (await ask("", { case: "serve", value: { off: true } })),
  };
}

const json = (value: object | undefined): Uint8Array => (value ? new TextEncoder().encode(JSON.stringify(value)) : bytesOf(""));

async function run(
  { connection, redial }: Asking,
  session: string,
  code: string,
  options: KernelRunOptions,
): Promise<KernelRunResult> {
  const { timeoutMs, signal, link } = options;
  const lasting = new Lasting(connection, redial);
  const value = {
    session,
    text: code,
    maxBytes: BigInt(options.maxBytes ?? 0),
    writer: options.writer ?? redial.newId(),
    n: 1n,
    kernel: {
      silent: options.silent ?? false,
      ...(options.storeHistory === undefined ? {} : { storeHistory: options.storeHistory }),
      noStdin: options.allowStdin === false,
      batch: options.batch ?? "",
      metadata: json(options.metadata),
    },
  };
  const left = patienceOf(redial, timeoutMs);
  const had = { offset: 0n, bytes: 0n, masked: 0n };
  let isQueued = false;
  const pieces = new Pieces();
  const part = (told: RunAnswer): void | Promise<void> => {
    if (told.state === "queued" && !isQueued) {
      isQueued = true;
      options.queued?.(told.run);
    }
    const message = told.message ?? (told.piece && pieces.take(told.piece));
    if (!message) return;
    had.offset = told.toOffset;
    had.bytes += bytesIn(message);
    had.masked += told.maskedBytes;
    return tellMessage(message, options);
  };
  try {
    const { value: r } = await lasting.ask(
      (on, againMs) => {
        pieces.clear();
        return on.callFor(
          "run",
          {
            case: "run",
            value: {
              ...value,
              ...left(),
              ...(againMs === null ? {} : { again: { askedMsAgo: askedMsAgo(againMs), offset: had.offset, bytes: had.bytes } }),
            },
          },
          { signal, more: (more) => (more.case === "run" ? part(more.value) : undefined) },
        );
      },
      { signal, timeoutMs, link, isNumbered: true },
    );
    if (r.run === "")
      throw new HoldError("unsupported", `session ${session} is no kernel; hold new --kernel NAME opens one`, { session });
    return {
      run: r.run,
      state: r.state as KernelRunResult["state"],
      outcome: r.outcome === "" ? null : (r.outcome as KernelRunResult["outcome"]),
      executionCount: r.executionCount === 0n ? null : Number(r.executionCount),
      omittedBytes: Number(r.omittedBytes),
      maskedBytes: Number(had.masked),
      seq: Number(r.seq),
    };
  } finally {
    lasting.close();
  }
}

async function tellMessage(message: KernelMessage, { message: told, text }: KernelRunOptions): Promise<void> {
  await told?.(saidOf(message.channel, message.incarnation, message));
  const shown = text && textOfKernel(message);
  if (shown) await text(shown);
}

/** Of one frame. */
const PIECE_BYTES = 512 * 1024;

async function all<T, R>(values: readonly T[], one: (value: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const value of values) results.push(await one(value));
  return results;
}

const bytesOfAll = (parts: readonly Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);

function bytesIn({ header, parent, metadata, content, buffers }: KernelMessage): bigint {
  return BigInt(bytesOfAll([header, parent, metadata, content, ...buffers]));
}
