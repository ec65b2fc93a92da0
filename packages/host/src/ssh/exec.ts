/**
 * `ssh SESSION@host COMMAND`: a command beside the terminal, as `hold exec` starts one, by the login shell as sshd would.
 *
 *   X1  Its two streams stay apart and its exit is exact: a code, or the signal that ended it.
 *   X2  The client's end of input is the program's, whatever became of the input before.
 *   X3  Who leaves on purpose, or closes what it reads from, ends it; a connection that breaks does not. It is a session of its own, and its record stays.
 *   X4  With `ssh -t` it has a terminal of its own, of the client's size.
 */
import type { Event, Exit as ExitOnWire, Session } from "@holdfast/protocol";
import type { ChannelWork } from "./channel.ts";
import { asked } from "./inner-link.ts";
import { CHUNK_BYTES, Seat } from "./seat.ts";
import { exitOf, signalNumber } from "./signals.ts";
import type { Exit } from "./sink.ts";
import { isInterrupt } from "./typing.ts";

const UMASK = 0o022;
/** Between asking a command to end and forcing it. */
const GRACE_MS = 2_000n;
/** When a program whose input is full is tried again. */
const FULL_MS = 15;

export async function exec(work: ChannelWork, command: string): Promise<Exit> {
  const { conversation, session, shell, terminal } = work;
  const value = { session, argv: [shell, "-c", command], stdin: true, umask: UMASK };
  const answer = terminal ? await work.openBeside(value, terminal) : await asked(conversation, "exec", { case: "exec", value });
  return follow(work, answer.session!);
}

/** Until it has ended: its output to the client, the client's input and signals to it. */
async function follow(work: ChannelWork, child: Session): Promise<Exit> {
  const { conversation, sink, terminal } = work;
  const ended = Promise.withResolvers<Exit>();
  // It may end while attaching still waits, which then rejects with the same.
  ended.promise.catch(() => {});
  const size = terminal?.size ? { size: terminal.size } : {};
  const seat = await Seat.open(
    conversation,
    { session: child.id, replay: true, fromStart: true, quiet: true, writer: work.newWriter(), ...size },
    {
      output: ({ stream, bytes }) => sink.write(bytes, stream === 2 ? 2 : 1),
      event: (event) => {
        const exit = endOf(event);
        if (exit !== undefined) ended.resolve(exitOf(exit));
      },
      over: (error) => (error ? ended.reject(error) : ended.resolve({ code: 1 })),
    },
  );
  sink.read(
    (bytes) => feed(work, seat, bytes),
    () => void (terminal ? null : seat.input(new Uint8Array(0), { eof: true })),
  );
  work.onResize = (to) => seat.resize(to);
  work.onSignal = (name) => {
    const signal = signalNumber(name);
    if (signal === null) return;
    conversation.call({ case: "signal", value: { session: child.id, target: "tree", signal } }).catch(() => {});
  };
  // X3.
  work.onLeft = () => {
    conversation.call({ case: "kill", value: { session: child.id, graceMs: GRACE_MS } }).catch(() => {});
  };
  if (work.hasLeft) work.onLeft();
  seat.begin();
  try {
    return await ended.promise;
  } finally {
    work.onSignal = work.onLeft = work.onResize = null;
    seat.detach();
  }
}

/** One frame after the other, each again while the program has no room for it: a client's input is a stream, of which nothing may be missing. */
async function feed(work: ChannelWork, seat: Seat, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const frame = bytes.subarray(at, at + CHUNK_BYTES);
    const interrupt = work.terminal !== null && isInterrupt(frame);
    const { isApplied, code } = await seat.input(frame, { interrupt });
    if (isApplied) at += frame.length;
    else if (code === "input_blocked") await new Promise<void>((again) => void work.later(FULL_MS, again));
    // The program has closed its input, or is gone: what comes is nobody's.
    else return;
  }
}

/** How the session ended, if this event says that it did; null: it says nothing of how. */
export function endOf(event: Event): ExitOnWire | null | undefined {
  const kind = event.body?.kind;
  if (kind?.case === "exited") return kind.value.exit ?? null;
  return kind?.case === "ended" ? null : undefined;
}
