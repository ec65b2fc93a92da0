/**
 * Commands and waiting: calls that take as long as what they are about, and go on over the end of their link and of their host.
 *
 *   K1  A command has a writer of its own, and with it a name that the host knows it by: asked again it is typed no second time.
 *   K2  Output that came is never asked for again: each byte is handed over once, whatever links carried it.
 *   K3  A wait begins where the session's journal stood when it was asked, on every link.
 */
import { bytesOf, HoldError, isOdd, type Session, type WaitAnswer } from "@holdfast/protocol";
import type { Attachment, ExecResult, HostClient, RunResult, WaitSpec } from "../api/index.ts";
import { ClientAttachment } from "./attachment.ts";
import type { Connection } from "./connection.ts";
import { Lasting, type Patience } from "./lasting.ts";
import { Pieces } from "./kernel-pieces.ts";
import { textOfKernel } from "./kernel-text.ts";
import type { Redial } from "./redial.ts";

export interface Asking {
  readonly connection: Connection;
  readonly redial: Redial;
}

type Options<K extends "run" | "exec"> = NonNullable<Parameters<HostClient[K]>[2]>;

/** Between asking a command of `exec` to end and forcing it. */
const EXEC_GRACE_MS = 2_000;
/** How long what such a command printed last is waited for: its reader may be one that takes nothing. */
const EXEC_LAST_MS = 1_000;

/** What is left of the caller's patience, each time that it is asked. */
export function patienceOf(redial: Redial, timeoutMs: number | undefined): () => { timeoutMs?: bigint } {
  const askedAt = redial.now();
  return () =>
    timeoutMs === undefined ? {} : { timeoutMs: BigInt(Math.max(0, Math.trunc(timeoutMs - (redial.now() - askedAt)))) };
}
export const askedMsAgo = (againMs: number): bigint => BigInt(Math.ceil(againMs));

export async function run(
  { connection: first, redial }: Asking,
  session: string,
  command: { readonly text?: string; readonly words?: readonly string[] },
  { timeoutMs, take = false, maxBytes = 0, signal, output, link, writer }: Options<"run">,
): Promise<RunResult> {
  const lasting = new Lasting(first, redial);
  const value = { session, text: command.text ?? "", words: [...(command.words ?? [])], take, maxBytes: BigInt(maxBytes) };
  const name = { writer: writer ?? redial.newId(), n: 1n };
  const left = patienceOf(redial, timeoutMs);
  // K2
  const had = { offset: 0n, bytes: 0n, omitted: 0n, masked: 0n };
  let omittedBefore = 0n;
  const pieces = new Pieces();
  try {
    const { value: r } = await lasting.ask(
      (connection, againMs) => {
        pieces.clear();
        omittedBefore = againMs === null ? 0n : had.omitted;
        const again =
          againMs === null ? {} : { again: { askedMsAgo: askedMsAgo(againMs), offset: had.offset, bytes: had.bytes } };
        return connection.callFor(
          "run",
          { case: "run", value: { ...value, ...name, ...left(), ...again } },
          {
            signal,
            more: (part) => {
              if (part.case !== "run") return;
              // Of a kernel, as text; kernels.ts has the messages.
              const message = part.value.message ?? (part.value.piece && pieces.take(part.value.piece));
              if (message) {
                had.offset = part.value.toOffset;
                const text = textOfKernel(message);
                return text === null ? undefined : output?.(bytesOf(text));
              }
              if (part.value.output.length === 0) return;
              had.offset = part.value.toOffset;
              had.bytes += BigInt(part.value.output.length);
              had.masked += part.value.maskedBytes;
              had.omitted = omittedBefore + part.value.omittedBytes;
              return output?.(part.value.output);
            },
          },
        );
      },
      { signal, timeoutMs, link, isNumbered: true },
    );
    return {
      state: r.state as RunResult["state"],
      code: r.code ?? null,
      fromOffset: Number(r.fromOffset),
      toOffset: Number(r.toOffset),
      omittedBytes: Number(omittedBefore + r.omittedBytes),
      maskedBytes: Number(had.masked),
      seq: Number(r.seq),
    };
  } finally {
    lasting.close();
  }
}

export async function exec(
  { connection: first, redial }: Asking,
  session: string,
  argv: readonly string[],
  options: Options<"exec"> & { readonly umask: number },
): Promise<ExecResult> {
  const lasting = new Lasting(first, redial);
  const { link, timeoutMs, umask } = options;
  const value = {
    session,
    argv: [...argv],
    ...(argv.some(isOdd) ? { exactArgv: argv.map(bytesOf) } : {}),
    stdin: options.stdin !== null && options.stdin !== undefined,
    umask,
    request: redial.newId(),
  };
  try {
    // Before it has started there is nothing to go on: a person may be asked about it.
    const givenUp = AbortSignal.any([options.leave, options.signal, options.end].filter((s) => s !== undefined));
    const { value: answer } = await lasting.ask(
      (connection, againMs) => {
        const again = againMs === null ? {} : { again: { askedMsAgo: askedMsAgo(againMs) } };
        return connection.callFor("exec", { case: "exec", value: { ...value, ...again } }, { signal: givenUp });
      },
      { signal: givenUp, timeoutMs, link, isNumbered: true },
    );
    const child = answer.session!.id;
    options.started?.(child);
    const { exit } = await follow(lasting, redial, child, options);
    return { session: child, exit: exit!, cwd: answer.cwd, environment: answer.environment };
  } finally {
    lasting.close();
  }
}

/** To the command's end: its output to the caller, the caller's input and wishes to it. Resolves with the session that it was. */
async function follow(lasting: Lasting, redial: Redial, child: string, options: Options<"exec">): Promise<Session> {
  const { timeoutMs, signal, end, leave, link } = options;
  let ended!: () => void;
  let failed!: (e: unknown) => void;
  const over = new Promise<void>((resolve, reject) => {
    ended = resolve;
    failed = reject;
  });
  // It may fail while attaching still waits.
  over.catch(() => {});
  const done = new AbortController();
  const attachment = await lasting.ask(
    (connection) => {
      let isAttached = false;
      let exited = false;
      const attaching = ClientAttachment.open(
        connection,
        redial,
        { session: child, mode: "replay", after: 0, quiet: true },
        {
          output: (o) => options.output?.(o.stream === 2 ? 2 : 1, o.bytes, o.masked),
          event: (e) => {
            const kind = e.body?.kind.case;
            if (kind === "exited" || kind === "ended") {
              exited = true;
              ended();
            }
          },
          link: (state, { resumed }) => {
            if (state === "offline" || resumed) link?.(state);
          },
          detached: (_reason, error) => {
            if (isAttached && !exited)
              failed(new HoldError("unreachable", error?.message ?? "the link to the command ended; it goes on without us"));
          },
        },
      );
      return attaching.then((attachment) => {
        isAttached = true;
        return attachment;
      });
    },
    { signal: leave, timeoutMs, link },
  );
  let late: HoldError | null = null;
  const orderEnd = (): void =>
    void kill(lasting, child)
      .catch((fault: unknown) => {
        if (fault instanceof HoldError && fault.code === "session_ended") return;
        throw new HoldError(
          late ? "timed_out" : "unreachable",
          `the command could not be ended (${fault instanceof Error ? fault.message : String(fault)}); end it with: hold kill ${child}`,
          { session: child },
          { cause: fault },
        );
      })
      .then(() => Promise.race([over, redial.wait(EXEC_LAST_MS, done.signal).catch(() => {})]))
      .then(ended, failed);
  if (timeoutMs !== undefined)
    redial.wait(timeoutMs, done.signal).then(
      () => {
        late = new HoldError("timed_out", `the command took longer than ${timeoutMs / 1000} s and was ended`, { session: child });
        orderEnd();
      },
      () => {},
    );
  const interrupt = (): void => {
    const value = { session: child, target: "tree", signal: 2 };
    void lasting.ask((connection) => connection.callFor("done", { case: "signal", value })).catch(() => {});
  };
  if (signal?.aborted) interrupt();
  signal?.addEventListener("abort", interrupt, { once: true });
  if (end?.aborted) orderEnd();
  end?.addEventListener("abort", orderEnd, { once: true });
  const left = (): void => failed(new HoldError("cancelled", `nobody follows ${child} any more; it goes on`));
  if (leave?.aborted) left();
  leave?.addEventListener("abort", left, { once: true });
  void feed(attachment, options.stdin ?? null).catch(() => {});
  try {
    await over;
    if (late) throw late;
  } finally {
    done.abort();
    signal?.removeEventListener("abort", interrupt);
    end?.removeEventListener("abort", orderEnd);
    leave?.removeEventListener("abort", left);
    await attachment.detach();
  }
  return (await show(lasting, child, { link })).value;
}

const show = (lasting: Lasting, session: string, patience: Patience) =>
  lasting.ask((connection) => connection.callFor("session", { case: "show", value: { session } }), patience);

const kill = (lasting: Lasting, session: string) =>
  lasting.ask((connection) =>
    connection.callFor("session", { case: "kill", value: { session, graceMs: BigInt(EXEC_GRACE_MS) } }),
  );

async function feed(attachment: Attachment, stdin: AsyncIterable<Uint8Array> | Uint8Array | null): Promise<void> {
  if (stdin instanceof Uint8Array) {
    if (stdin.length > 0) await attachment.input(stdin);
  } else if (stdin) {
    for await (const bytes of stdin) if (bytes.length > 0) await attachment.input(bytes);
  }
  await attachment.input(new Uint8Array(0), { eof: true });
}

export async function wait(
  { connection: first, redial }: Asking,
  session: string,
  { timeoutMs, fromSeq, link, ...spec }: WaitSpec,
  signal?: AbortSignal,
): Promise<WaitAnswer> {
  const lasting = new Lasting(first, redial);
  const patience = { signal, timeoutMs, link };
  const left = patienceOf(redial, timeoutMs);
  try {
    // K3. Who may look at a session and not into its history can't be told where that stands: their wait ends with its link.
    const here = await show(lasting, session, patience).catch((fault: unknown) => {
      if (fault instanceof HoldError && fault.code === "not_permitted") return null;
      throw fault;
    });
    const from = fromSeq ?? here?.value.seq;
    const value = {
      session: here?.value.id ?? session,
      exit: spec.exit ?? false,
      command: spec.command ?? false,
      match: spec.match ?? "",
      idleMs: BigInt(spec.idleMs ?? 0),
      inputNeeded: spec.inputNeeded ?? false,
      ...(from === undefined ? {} : { fromSeq: BigInt(from) }),
    };
    const ask = (connection: Connection) =>
      connection.callFor("wait", { case: "wait", value: { ...value, ...left() } }, { signal });
    return (await (here ? lasting.ask(ask, patience) : ask(first))).value;
  } finally {
    lasting.close();
  }
}
