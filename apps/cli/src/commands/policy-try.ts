/** `hold policy try`. */
import { readFileSync } from "node:fs";
import { type Deed, escapeText, type PolicyQuestion, type PolicyTried } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";

interface Flags {
  readonly file: string | undefined;
  readonly session: string | undefined;
  readonly group: string | undefined;
  readonly ai: string | undefined;
  readonly json: boolean;
}

export async function run(context: Context, flags: Flags, args: readonly string[]): Promise<number> {
  const [deed, text] = args;
  const { tail } = context;
  if (text !== undefined && tail !== undefined)
    throw usage("a line is `run`'s and the words after -- are `exec`'s: give one of the two");
  const policy = flags.file === undefined ? undefined : readFileSync(flags.file, "utf8");
  const client = await context.client();
  const tried = await client.policyTry({
    deed: deed as Deed,
    ...(policy === undefined ? {} : { text: policy }),
    ...(flags.session === undefined ? {} : { session: flags.session }),
    ...(flags.group === undefined ? {} : { group: flags.group }),
    ...(flags.ai === undefined ? {} : { operator: flags.ai }),
    ...commandOf(text, tail),
  });
  if (flags.json)
    jsonLine(context.out, { deed, session: flags.session ?? null, group: flags.group ?? null, ai: flags.ai ?? null, ...tried });
  else if ("ruling" in tried) tell(context, tried, flags.ai);
  else for (const problem of tried.problems) line(context.out, escapeText(`${flags.file}: ${problem}`));
  return "ruling" in tried && tried.ruling === "allow" && tried.lacks === null ? 0 : 1;
}

type Ruled = Extract<PolicyTried, { readonly ruling: string }>;

function tell({ out, err, errPaint }: Context, { ruling, because, isOpaque, lacks }: Ruled, ai: string | undefined): void {
  if (lacks === null) line(out, escapeText(`${ruling}  ${because}`));
  else {
    line(out, escapeText(`deny  the role of ${ai} leaves out ${lacks}`));
    line(err, escapeText(`the policy itself says ${ruling}: ${because}`));
  }
  if (isOpaque)
    line(err, errPaint.yellow("that line is not plain words: no rule that allows speaks of it, and every other rule does"));
}

function commandOf(text: string | undefined, tail: readonly string[] | undefined): Pick<PolicyQuestion, "command"> {
  const command = tail ?? text;
  return command === undefined ? {} : { command };
}
