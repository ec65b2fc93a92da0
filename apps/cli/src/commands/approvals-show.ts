/** `hold approvals show`, and finding the request that is meant. */
import { type Approval, type HostClient, HoldError } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { approvalJson, approvalLines } from "../show/approval.ts";
import { pairs } from "../show/table.ts";

export async function run(context: Context, flags: { json: boolean }, args: readonly string[]): Promise<undefined> {
  const approval = await theOne(await context.client(), args[0]!);
  await print(context, flags, approval);
  return;
}

export async function print(context: Context, flags: { json: boolean }, approval: Approval): Promise<void> {
  const nameOf = await namesOf(context);
  if (flags.json) return jsonLine(context.out, approvalJson(approval, nameOf));
  for (const l of pairs(approvalLines(approval, nameOf), context.paint.dim)) line(context.out, l);
}

/** By its id, or the beginning of it. */
export async function theOne(client: HostClient, id: string): Promise<Approval> {
  const all = await client.approvals.list();
  const found = all.filter((a) => a.id.startsWith(id));
  if (found.length === 1) return found[0]!;
  throw new HoldError(
    "no_such_approval",
    found.length > 1
      ? `${JSON.stringify(id)} begins several: ${found.map((a) => a.id).join(", ")}`
      : `no request ${JSON.stringify(id)} waits (it may be decided, or its time over): hold approvals lists those that do`,
  );
}

/** Names for ids, where they are known. */
export async function namesOf(context: Context): Promise<(id: string) => string> {
  const operators = await (await context.client()).operatorList().catch(() => []);
  const names = new Map(operators.map((o) => [o.id, o.name]));
  return (id) => names.get(id) ?? id;
}
