/** `hold wait`: until something happens. */
import { spawn } from "node:child_process";
import { escapeText, exitJson, HoldError } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { linkNotice } from "../app/link-notice.ts";
import { exitText } from "../show/words.ts";

interface WaitFlags {
  exit: boolean;
  command: boolean;
  match: string | undefined;
  idle: number | undefined;
  inputNeeded: boolean;
  timeout: number | undefined;
  fromSeq: number | undefined;
  notify: boolean;
  json: boolean;
}

export async function run(context: Context, flags: WaitFlags, args: readonly string[]): Promise<number | undefined> {
  const session = args[0]!;
  if (!flags.exit && !flags.command && flags.match === undefined && flags.idle === undefined && !flags.inputNeeded)
    throw usage("wait for what? --exit, --command, --match RE, --idle 2s or --input-needed");
  if (flags.match !== undefined) {
    try {
      new RegExp(flags.match);
    } catch (error) {
      throw usage(`--match: ${(error as Error).message}`);
    }
  }
  const client = await context.client();
  const answer = await client.wait(
    session,
    {
      exit: flags.exit,
      command: flags.command,
      inputNeeded: flags.inputNeeded,
      link: linkNotice(context, session),
      ...(flags.match === undefined ? {} : { match: flags.match }),
      ...(flags.idle === undefined ? {} : { idleMs: flags.idle }),
      ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }),
      ...(flags.fromSeq === undefined ? {} : { fromSeq: flags.fromSeq }),
    },
    context.cancelled,
  );
  const timedOut = answer.fired === "timeout";
  const ended = answer.fired === "ended";
  const code = answer.code ?? answer.exit?.code ?? null;
  const what = timedOut
    ? "time ran out"
    : `${answer.fired.replaceAll("_", " ")}${answer.fired === "exit" || ended ? `: ${exitText(answer.exit)}` : answer.fired === "command" ? `: ${code === null ? "code unknown" : `exit ${code}`}` : answer.text ? `: ${answer.text}` : ""}`;
  if (flags.notify && !timedOut) notify(context, session, what);
  if (flags.json)
    jsonLine(context.out, {
      fired: answer.fired,
      state: answer.state,
      seq: Number(answer.seq),
      code,
      exit: exitJson(answer.exit),
      text: answer.text || null,
    });
  else if (timedOut)
    throw new HoldError(
      "timed_out",
      `nothing waited for happened in ${session} in time; it is ${answer.state.replaceAll("_", " ") || "running"} and goes on`,
    );
  else if (ended)
    throw new HoldError(
      "session_ended",
      `${session} has ended (${exitText(answer.exit)}), and nothing that was waited for happened before; \`hold show ${session}\` says how, \`hold log ${session}\` what came before`,
      { session },
    );
  else line(context.out, `${escapeText(what)} (${answer.state.replaceAll("_", " ")})`);
  return timedOut ? 124 : ended ? 1 : 0;
}

/** The bell and OSC 9 on the terminal, and the desktop's own way where there is one. */
function notify(context: Context, session: string, what: string): void {
  const text = escapeText(`${session}: ${what}`).slice(0, 200);
  const terminal = context.err.isTty ? context.err : context.out.isTty ? context.out : undefined;
  terminal?.write(`\x07\x1b]9;hold: ${text}\x1b\\`);
  if (!context.env["DISPLAY"] && !context.env["WAYLAND_DISPLAY"]) return;
  const child = spawn("notify-send", ["--app-name=hold", "--", `hold: ${escapeText(session)}`, text], {
    stdio: "ignore",
    detached: true,
  });
  child.on("error", () => {
    // No notify-send here: the bell has to do.
  });
  child.unref();
}
