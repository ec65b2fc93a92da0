/** Following a program of `exec` from its start to its exit: its output, its input, and whoever wants it ended or left. */
import { type ExecAnswer, HoldError } from "@holdfast/protocol";
import type { Attachment, ExecOptions, ExecResult, HostClient } from "../api/index.ts";
import type { Redial } from "./attachment.ts";

/** Between asking a command of `exec` to end and forcing it. */
const EXEC_GRACE_MS = 2_000;
/** How long what such a command printed last is waited for: its reader may be one that takes nothing. */
const EXEC_LAST_MS = 1_000;

/** `start` has it started; it may be given up until then. */
export async function followExec(
  client: Pick<HostClient, "attach" | "kill" | "signal" | "show">,
  redial: Pick<Redial, "wait">,
  start: (signal: AbortSignal) => Promise<ExecAnswer>,
  options: ExecOptions,
): Promise<ExecResult> {
  // Before it has started there is nothing to go on: a person may be asked about it.
  const givenUp = [options.leave, options.signal, options.end].filter((s) => s !== undefined);
  const answer = await start(AbortSignal.any(givenUp));
  const child = answer.session!;
  options.started?.(child.id);
  let ended!: () => void;
  let failed!: (e: unknown) => void;
  const over = new Promise<void>((resolve, reject) => {
    ended = resolve;
    failed = reject;
  });
  // It may fail while attaching still waits.
  over.catch(() => {});
  const done = new AbortController();
  let exited = false;
  const attachment = await client.attach(
    { session: child.id, mode: "replay", after: 0, quiet: true },
    {
      output: (o) => options.output?.(o.stream === 2 ? 2 : 1, o.bytes),
      event: (e) => {
        const kind = e.body?.kind.case;
        if (kind === "exited" || kind === "ended") {
          exited = true;
          ended();
        }
      },
      detached: (_reason, error) => {
        if (!exited)
          failed(new HoldError("unreachable", error?.message ?? "the link to the command ended; it goes on without us"));
      },
    },
  );
  let late: HoldError | null = null;
  const orderEnd = (): void =>
    void client
      .kill(child.id, EXEC_GRACE_MS)
      .catch((fault: unknown) => {
        if (fault instanceof HoldError && fault.code === "session_ended") return;
        throw new HoldError(
          late ? "timed_out" : "unreachable",
          `the command could not be ended (${fault instanceof Error ? fault.message : String(fault)}); end it with: hold kill ${child.id}`,
          { session: child.id },
          { cause: fault },
        );
      })
      .then(() => Promise.race([over, redial.wait(EXEC_LAST_MS, done.signal).catch(() => {})]))
      .then(ended, failed);
  if (options.timeoutMs !== undefined) {
    const { timeoutMs } = options;
    redial.wait(timeoutMs, done.signal).then(
      () => {
        late = new HoldError("timed_out", `the command took longer than ${timeoutMs / 1000} s and was ended`, {
          session: child.id,
        });
        orderEnd();
      },
      () => {},
    );
  }
  const interrupt = (): void => void client.signal(child.id, "tree", 2).catch(() => {});
  if (options.signal?.aborted) interrupt();
  options.signal?.addEventListener("abort", interrupt, { once: true });
  if (options.end?.aborted) orderEnd();
  options.end?.addEventListener("abort", orderEnd, { once: true });
  const leave = (): void => failed(new HoldError("cancelled", `nobody follows ${child.id} any more; it goes on`));
  if (options.leave?.aborted) leave();
  options.leave?.addEventListener("abort", leave, { once: true });
  void feed(attachment, options.stdin ?? null).catch(() => {});
  try {
    await over;
    if (late) throw late;
  } finally {
    done.abort();
    options.signal?.removeEventListener("abort", interrupt);
    options.end?.removeEventListener("abort", orderEnd);
    options.leave?.removeEventListener("abort", leave);
    await attachment.detach();
  }
  const { exit } = await client.show(child.id);
  return { session: child.id, exit: exit!, cwd: answer.cwd, environment: answer.environment };
}

async function feed(attachment: Attachment, stdin: AsyncIterable<Uint8Array> | Uint8Array | null): Promise<void> {
  if (stdin instanceof Uint8Array) {
    if (stdin.length > 0) await attachment.input(stdin);
  } else if (stdin) {
    for await (const bytes of stdin) if (bytes.length > 0) await attachment.input(bytes);
  }
  await attachment.input(new Uint8Array(0), { eof: true });
}
