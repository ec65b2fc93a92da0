/** `hold approvals answer`: a person's word on a question, or their line for a program that waits for a secret. */
import { bytesOf, escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { approvalJson } from "../show/approval.ts";
import { namesOf, print, theOne } from "./approvals-show.ts";

interface AnswerFlags {
  readonly take: boolean;
  readonly secretFd: number | undefined;
  readonly json: boolean;
}

export async function run(context: Context, flags: AnswerFlags, args: readonly string[]): Promise<undefined> {
  const client = await context.client();
  const approval = await theOne(client, args[0]!);
  const text = args.slice(1).join(" ");
  const isSecret = approval.deed === "secret";
  if (!isSecret && approval.deed !== "question")
    throw usage(`${approval.id} is no question: hold approvals allow|deny ${approval.id}`);
  if (isSecret && (text !== "" || flags.take))
    throw usage("a secret is no argument: others see those; leave it away, and it is asked for unseen");
  if (!isSecret && (text === "") !== flags.take) throw usage("give the answer, or --take");
  // What is answered is what was listed here, as with allow.
  if (!flags.json) await print(context, flags, approval);
  const { approvals } = client;
  const said = isSecret
    ? await approvals.give(approval, bytesOf(await context.secret("unseen, for the program that reads: ", flags.secretFd)))
    : flags.take
      ? await approvals.takeOver(approval)
      : await approvals.answer(approval, chosen(text, approval.options));
  if (flags.json) jsonLine(context.out, approvalJson(said, await namesOf(context)));
  else line(context.err, escapeText(isSecret ? `given: ${said.id}` : `${said.state}: ${said.id}`));
  return;
}

/** A number is that of an option, where there are any. */
function chosen(text: string, options: readonly string[]): string {
  return /^[1-9]\d*$/.test(text) ? (options[Number(text) - 1] ?? text) : text;
}
