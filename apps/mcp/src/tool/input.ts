/**
 * Typing: text and keys are two things, so that no key is ever sent as the letters of its name, and no text as a key.
 *   K1  What expects another state than the session's is not typed. That is looked at last before the input is sent; what changes in
 *       the moment between is not seen.
 */
import {
  HoldError,
  type HostClient,
  type InputOutcome,
  InputStatus,
  keyNames,
  parseKey,
  type Session,
  SessionKind,
} from "@holdfast/sdk";
import { cursorAt } from "../text/cursor.ts";
import type { Call } from "./call.ts";
import { earlier, writerOf } from "./input-id.ts";
import { answer, type ToolResult } from "./result.ts";
import { activityOf, type LiveState } from "./states.ts";

/** INTR, QUIT and SUSP: alone, they go beside what is queued. */
const interrupts = new Set(["\x03", "\x1c", "\x1a"]);
/** C0 but tab and line ends, DEL, C1. */
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/** Of both. */
export interface Typing {
  readonly session: string;
  readonly take: boolean;
  /** K1 */
  readonly expect_state?: LiveState | undefined;
  readonly input_id?: string | undefined;
}

export async function sendText(
  call: Call,
  args: Typing & { readonly text: string; readonly submit: boolean; readonly paste: boolean },
): Promise<ToolResult> {
  if (controls.test(args.text)) throw new HoldError("bad_request", "text holds control characters; keys are sent with send_keys");
  if (args.text === "" && !args.submit) throw new HoldError("bad_request", "nothing to send: give text, or submit");
  return send(call, args, args.paste, (isPipes) => {
    const lines = args.text.replace(/\r\n?/g, "\n");
    // A terminal's Enter is a carriage return; a paste and a pipe keep their lines.
    const enter = isPipes ? "\n" : "\r";
    return (args.paste ? lines : lines.replaceAll("\n", enter)) + (args.submit && !args.paste ? enter : "");
  });
}

export async function sendKeys(call: Call, args: Typing & { readonly keys: readonly string[] }): Promise<ToolResult> {
  const bytes = args.keys.map((key) => {
    const known = parseKey(key);
    if (known === null)
      throw new HoldError(
        "bad_request",
        `${JSON.stringify(key)} is no key; keys are ${keyNames.join(", ")}, M-x, or one character`,
      );
    return known;
  });
  return send(call, args, false, (isPipes) => {
    const text = bytes.join("");
    return isPipes ? text.replaceAll("\r", "\n") : text;
  });
}

/** K1 */
async function demandState(client: HostClient, session: Session, expected: LiveState): Promise<void> {
  const state = await activityOf(client, session);
  if (state !== expected)
    throw new HoldError("other_state", `session ${session.name || session.id} is ${state}, not ${expected}`, {
      session: session.id,
      state,
      expected,
    });
}

async function send(call: Call, args: Typing, paste: boolean, textFor: (isPipes: boolean) => string): Promise<ToolResult> {
  const { take, expect_state: expected, input_id: inputId } = args;
  return call.way.change(async (client) => {
    const session = await client.show(args.session);
    const text = textFor(session.kind === SessionKind.PIPES);
    const bytes = Buffer.from(text);
    const named = inputId === undefined ? null : { writer: writerOf(inputId) };
    // Before the state: what was typed has changed that.
    const before = named && (await earlier(client, session.id, bytes, { ...named, paste }));
    if (!before && expected) await demandState(client, session, expected);
    const outcome: InputOutcome =
      before ?? (await client.send(session.id, bytes, { take, paste, interrupt: interrupts.has(text), ...named }));
    return answer({
      session: session.id,
      incarnation: session.incarnation,
      actor: client.operator.operator?.id,
      status: outcome.status === InputStatus.APPLIED ? "applied" : "not applied",
      input_seq: outcome.seq,
      bytes: outcome.bytes,
      repeated: before ? true : undefined,
      // What followed it then, too.
      cursor: cursorAt(before ? before.seq - 1 : Number(session.seq)),
      next_step: "wait or log with this cursor show what followed",
    });
  });
}
