/** Typing: text and keys are two things, so that no key is ever sent as the letters of its name, and no text as a key. */
import { HoldError, type InputOutcome, InputStatus, keyNames, parseKey, SessionKind } from "@holdfast/sdk";
import { cursorAt } from "../text/cursor.ts";
import type { Call } from "./call.ts";
import { answer, type ToolResult } from "./result.ts";

/** INTR, QUIT and SUSP: alone, they go beside what is queued. */
const interrupts = new Set(["\x03", "\x1c", "\x1a"]);
/** C0 but tab and line ends, DEL, C1. */
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

export async function sendText(
  call: Call,
  args: { session: string; text: string; submit: boolean; paste: boolean; take: boolean },
): Promise<ToolResult> {
  if (controls.test(args.text)) throw new HoldError("bad_request", "text holds control characters; keys are sent with send_keys");
  if (args.text === "" && !args.submit) throw new HoldError("bad_request", "nothing to send: give text, or submit");
  return send(call, args.session, args.take, args.paste, (isPipes) => {
    const lines = args.text.replace(/\r\n?/g, "\n");
    // A terminal's Enter is a carriage return; a paste and a pipe keep their lines.
    const enter = isPipes ? "\n" : "\r";
    return (args.paste ? lines : lines.replaceAll("\n", enter)) + (args.submit && !args.paste ? enter : "");
  });
}

export async function sendKeys(
  call: Call,
  args: { session: string; keys: readonly string[]; take: boolean },
): Promise<ToolResult> {
  const bytes = args.keys.map((key) => {
    const known = parseKey(key);
    if (known === null)
      throw new HoldError(
        "bad_request",
        `${JSON.stringify(key)} is no key; keys are ${keyNames.join(", ")}, M-x, or one character`,
      );
    return known;
  });
  return send(call, args.session, args.take, false, (isPipes) => {
    const text = bytes.join("");
    return isPipes ? text.replaceAll("\r", "\n") : text;
  });
}

async function send(
  call: Call,
  name: string,
  take: boolean,
  paste: boolean,
  textFor: (isPipes: boolean) => string,
): Promise<ToolResult> {
  return call.way.change(async (client) => {
    const session = await client.show(name);
    const text = textFor(session.kind === SessionKind.PIPES);
    const outcome: InputOutcome = await client.send(session.id, Buffer.from(text), {
      take,
      paste,
      interrupt: interrupts.has(text),
    });
    return answer({
      session: session.id,
      incarnation: session.incarnation,
      actor: client.operator.operator?.id,
      status: outcome.status === InputStatus.APPLIED ? "applied" : "not applied",
      input_seq: outcome.seq,
      bytes: outcome.bytes,
      cursor: cursorAt(Number(session.seq)),
      next_step: "wait or log with this cursor show what followed",
    });
  });
}
