/** Calls on kernels (api/kernel.ts). A run goes on over the end of its link and its host, as a command does (commands.ts K1, K2). */
import { parsed } from "@holdfast/kernel";
import { bytesOf, HoldError, type KernelCall, type Init, type KernelMessage, type RunAnswer } from "@holdfast/protocol";
import type { KernelRunOptions, KernelRunResult, KernelSaid, Kernels } from "../api/index.ts";
import { type Asking, askedMsAgo, patienceOf } from "./commands.ts";
import type { Connection } from "./connection.ts";
import { textOfKernel } from "./kernel-text.ts";
import { Lasting } from "./lasting.ts";
import { envOnWire } from "./surroundings.ts";

type Ask = Exclude<Init<KernelCall>["ask"], undefined>;

export function kernelsOf(
  call: Connection["callFor"],
  asking: () => Asking,
  env: () => Readonly<Record<string, string | undefined>>,
): Kernels {
  const ask = async (session: string, what: Ask, signal?: AbortSignal) =>
    (await call("kernel", { case: "kernel", value: { session, ask: what } }, { signal })).value;
  return {
    specs: async (of) => (await call("kernelSpecs", { case: "kernelSpecs", value: { env: envOnWire(of ?? env()) } })).value.specs,
    show: (session) => ask(session, { case: "show", value: {} }),
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
        buffers: [...buffers],
        header: json(header),
        channel: channel ?? "",
      };
      const { message } = await ask(session, { case: "request", value }, signal);
      return message ? saidOf(message) : null;
    },
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
  const part = (told: RunAnswer): void | Promise<void> => {
    if (told.state === "queued" && !isQueued) {
      isQueued = true;
      options.queued?.(told.run);
    }
    if (!told.message) return;
    had.offset = told.toOffset;
    had.bytes += bytesIn(told.message);
    had.masked += told.maskedBytes;
    return tellMessage(told.message, options);
  };
  try {
    const { value: r } = await lasting.ask(
      (on, againMs) =>
        on.callFor(
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
        ),
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
  await told?.(saidOf(message));
  const shown = text && textOfKernel(message);
  if (shown) await text(shown);
}

function bytesIn({ header, parent, metadata, content, buffers }: KernelMessage): bigint {
  return BigInt([header, parent, metadata, content, ...buffers].reduce((sum, part) => sum + part.length, 0));
}

function saidOf(message: KernelMessage): KernelSaid {
  const { channel, incarnation, buffers, header, parent, metadata, content } = message;
  const head = parsed(header) ?? {};
  return {
    channel,
    incarnation,
    type: typeof head["msg_type"] === "string" ? head["msg_type"] : "",
    header: head,
    parent: parsed(parent) ?? {},
    metadata: parsed(metadata) ?? {},
    content: parsed(content) ?? {},
    buffers,
    raw: { header, parent, metadata, content },
  };
}
