/**
 * `hold attach` at a terminal: enters it once, attaches to one session after the other as the person switches, and leaves it as it was.
 *   I1  A session is never attached to itself: its output would be its input's echo for ever.
 *   I2  What is said on leaving names the session and how to come back.
 */
import { escapeText, HoldError, type HostClient, type Session, terminal } from "@holdfast/sdk";
import { type Context, line } from "../app/context.ts";
import { remoteText } from "../read/remote.ts";
import { commandText, stateText } from "../show/session.ts";
import { ago } from "../show/time.ts";
import { exitText, isRunning } from "../show/words.ts";
import { Binding } from "./binding.ts";
import type { Ending } from "./bound.ts";

export interface AttachRequest {
  readonly session: string;
  readonly observe: boolean;
  readonly take: boolean;
  readonly screen?: "alternate" | "main";
}

export async function attachInteractive(context: Context, request: AttachRequest): Promise<number> {
  const [attached, settings] = await Promise.all([context.client(), context.settings()]);
  let client = attached;
  const screen = request.screen ?? settings.screen;
  let session = attachable(await client.show(request.session), context);
  const outer = await context.outer();

  let current: Binding | undefined;
  // What was typed ahead, while this program started, belongs to the session.
  const early: Uint8Array[] = [];
  const onKeys = (bytes: Uint8Array) => (current ? current.keys(bytes) : void early.push(Uint8Array.from(bytes)));
  const entering = outer.enter(onKeys, () => current?.outerResized());
  outer.undoWith(() => Buffer.concat([Buffer.from(current?.undo() ?? ""), Buffer.from(leave(screen, outer.size().rows))]));
  outer.write(enter(screen, outer.size().rows));
  outer.onGone((why) => current?.gone(why));
  const tellAlarms = context.holdAlarms();
  let ending: Exclude<Ending, { kind: "switch" }>;
  let previous: string | undefined;
  try {
    for (let first = true; ; first = false) {
      current = new Binding({
        client,
        reconnect: () => context.reconnect(),
        outer,
        screen,
        settings,
        session,
        observe: request.observe,
        take: first && request.take,
        previous,
        newTracker: () => new terminal.ModeTracker(),
        me: client.operator.operator?.id ?? "",
      });
      for (const bytes of early.splice(0)) current.keys(bytes);
      const next = await current.run();
      if (next.kind !== "switch") {
        ending = next;
        break;
      }
      previous = session.id;
      client = current.client;
      session = await client.show(next.to);
    }
  } finally {
    await entering;
    outer.restore();
    tellAlarms();
  }
  return said(context, current.client, session, ending);
}

/** Leaves the person's screen untouched (`alternate`), or pushes it into their scrollback (`main`). */
function enter(screen: "alternate" | "main", rows: number): string {
  return screen === "alternate" ? "\x1b[22;2t\x1b[?1049h\x1b[H\x1b[2J" : `\x1b[22;2t${"\r\n".repeat(rows)}\x1b[H`;
}

function leave(screen: "alternate" | "main", rows: number): string {
  return screen === "alternate" ? "\x1b[?1049l\x1b[23;2t" : `\x1b[${rows};1H\r\n\x1b[23;2t`;
}

/** The session, if there is something to attach to. */
export function attachable(session: Session, context: Context): Session {
  const name = session.name || session.id;
  if (session.id === context.env["HOLDFAST_SESSION"])
    throw new HoldError(
      "attach_to_itself",
      `this terminal is the session ${name} itself; attach from another terminal, or open another session with \`hold new\``,
    );
  if (isRunning(session)) return session;
  const when = session.exit ? ` ${ago(session.exit.atUnixMs, context.now())}` : "";
  throw new HoldError(
    "session_ended",
    `${name} is over (${stateText(session)}${when}); \`hold screen ${name}\` shows its last screen, \`hold log ${name}\` what happened`,
    { session: session.id },
  );
}

/** The command that attaches as this one did: at that host, with that credential. */
function comeBack({ host, as }: Context): string {
  const words = ["hold", ...(host === undefined ? [] : ["--host", host]), ...(as === undefined ? [] : ["--as", as]), "attach"];
  return commandText(words);
}

async function said(
  context: Context,
  client: HostClient,
  session: Session,
  ending: Exclude<Ending, { kind: "switch" }>,
): Promise<number> {
  const own = escapeText(session.name || session.id);
  const name = context.remote ? remoteText(context.remote, own) : own;
  const again = `${comeBack(context)} ${name}`;
  if (ending.kind === "detached") {
    line(context.err, `[detached from ${name}]  come back with: ${again}`);
    return 0;
  }
  if (ending.kind === "gone") return 1;
  if (ending.kind === "failed")
    throw Object.assign(new Error(`${ending.message}; the session ${name} runs on`), { name: "HoldError", code: ending.code });
  const after = await client.show(session.id).catch(() => session);
  if (isRunning(after)) line(context.err, `[detached from ${name}: ${escapeText(ending.reason)}]  come back with: ${again}`);
  else
    line(
      context.err,
      `[${name} ended: ${escapeText(exitText(after.exit) || stateText(after))}]${context.remote ? "" : `  its last screen: hold screen ${name}`}`,
    );
  return 0;
}
