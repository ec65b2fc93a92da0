/**
 * `hold policy edit`: a text is written here, in the person's editor, and saved at the host over what was read there (ADR 173).
 *   E1  What was typed is a file of this machine until it is saved; who is refused is told where it is.
 *   E2  What was saved meanwhile is not written over by who was not told of it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { escapeText, HoldError, type HostClient, policyExample, type PolicyInForce } from "@holdfast/sdk";
import { type Context, line } from "../app/context.ts";
import { asFailure } from "../app/fail.ts";
import { edit } from "./config-edit.ts";

export async function run(context: Context, flags: { from: string | undefined }): Promise<undefined> {
  const given = flags.from === undefined ? null : readFileSync(flags.from, "utf8");
  const client = await context.client();
  demandAdmin(client);
  const read = await client.policy();
  if (given === null && read.fileText !== null && read.fileText !== read.text)
    line(context.err, escapeText(`${read.path} is not what is in force; you go on from it`));
  const begun = given ?? (read.fileText || read.text || policyExample);
  const draft = join(mkdtempSync(join(tmpdir(), "hold-policy-")), "policy.toml");
  writeFileSync(draft, begun, { mode: 0o600 });
  try {
    await written(context, { draft, read, unchanged: given === null ? begun : null });
  } catch (fault) {
    if (readFileSync(draft, "utf8") !== begun) throw keptIn(draft, fault);
    forget(draft);
    throw fault;
  }
  forget(draft);
  return;
}

interface Writing {
  readonly draft: string;
  readonly read: PolicyInForce;
  /** As which it is not worth saving; null: it is as it was given, too. */
  readonly unchanged: string | null;
}

/** Rejects with why it is not saved. */
async function written(context: Context, { draft, read, unchanged }: Writing): Promise<void> {
  for (let over: PolicyInForce | null = read; over !== null; ) {
    await edit(context, draft);
    const text = readFileSync(draft, "utf8");
    if (text === unchanged) return line(context.err, "nothing was changed, and nothing is saved");
    over = await saved(context, { draft, text, read: over });
  }
}

/** Null: it is in force. Else the person edits it again, to save it over this. */
async function saved(
  context: Context,
  { draft, text, read }: { readonly draft: string; readonly text: string; readonly read: PolicyInForce },
): Promise<PolicyInForce | null> {
  const problems = await asked(context, (client) => client.policyCheck(text));
  for (const problem of problems) line(context.err, context.errPaint.yellow(escapeText(problem)));
  if (problems.length > 0) {
    if (await saysYes(context, "Edit it again?")) return read;
    throw new HoldError("bad_request", "it is not saved, and what was in force stays");
  }
  try {
    return inForce(context, await asked(context, (client) => client.policySave(text, read)));
  } catch (fault) {
    if (!(fault instanceof HoldError) || fault.code !== "file_changed") throw fault;
    const now = await asked(context, (client) => client.policy());
    // It was saved by us: the answer to that went with its link.
    if (now.text === text && now.fileText === text) return inForce(context, now);
    const theirs = join(dirname(draft), "policy-now.toml");
    writeFileSync(theirs, now.fileText || now.text, { mode: 0o600 });
    line(context.err, context.errPaint.yellow(escapeText(`${fault.message}; what is there now is in ${theirs}`)));
    if (await saysYes(context, "Edit yours again, and save it over that?")) return now;
    throw fault;
  }
}

function inForce(context: Context, { path, sha256 }: PolicyInForce): null {
  line(context.err, escapeText(`it is ${path} and in force now, sha256 ${sha256}`));
  return null;
}

/** An editor is open for hours, and the link may not be there any more by then. */
async function asked<T>(context: Context, ask: (client: HostClient) => Promise<T>): Promise<T> {
  try {
    return await ask(await context.client());
  } catch (fault) {
    if (!(fault instanceof HoldError) || fault.code !== "unreachable") throw fault;
    return ask(await context.reconnect());
  }
}

/** No where nobody can be asked. */
async function saysYes(context: Context, question: string): Promise<boolean> {
  if (!context.input.isTty || !context.err.isTty) return false;
  context.err.write(`${question} [Y/n] `);
  const said = await context.input.line();
  return said !== null && !/^n/i.test(said.trim());
}

/** Before somebody writes for nothing; the host decides. */
function demandAdmin({ operator }: HostClient): void {
  const { name, role, capabilities } = operator.operator!;
  if (!capabilities.includes("policy.write"))
    throw new HoldError(
      "not_permitted",
      `${name} is ${role} here, and saving a policy is an admin's; hold policy show prints what holds`,
      { right: "policy.write" },
    );
}

/** E1 */
function keptIn(draft: string, fault: unknown): HoldError {
  const { code, message, details } = asFailure(fault);
  const hint = `what you typed is kept in ${draft}, and hold policy edit --from ${draft} goes on from it`;
  return new HoldError(code, `${message}; ${hint}`, details, { cause: fault });
}

function forget(draft: string): void {
  rmSync(dirname(draft), { recursive: true, force: true });
}
