/** `hold approvals`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { approvalJson, deedText, leftText } from "../show/approval.ts";
import { table } from "../show/table.ts";
import { namesOf } from "./approvals-show.ts";

export async function run(context: Context, flags: { json: boolean }): Promise<undefined> {
  const client = await context.client();
  const [approvals, nameOf] = [await client.approvals.list(), await namesOf(context)];
  if (flags.json) {
    for (const a of approvals) jsonLine(context.out, approvalJson(a, nameOf));
    return;
  }
  if (approvals.length === 0) {
    line(context.err, "nothing waits for approval or an answer");
    return;
  }
  const { paint } = context;
  const rows = approvals.map((a) => [
    a.id,
    leftText(a),
    a.mayDecide ? "" : "others decide",
    `${a.actorName}${a.onBehalfOf.length > 0 ? ` for ${a.onBehalfOf.map(nameOf).join(", ")}` : ""}`,
    a.sessionName || (a.session ?? ""),
    a.deed,
    deedText(a),
  ]);
  const columns = [
    { title: "ID", paint: paint.bold },
    { title: "LEFT" },
    { title: "" },
    { title: "WHO", least: 8, give: 1 },
    { title: "SESSION", least: 8, give: 2 },
    { title: "DEED" },
    // Never left out: what is cut here is whole in `hold approvals show`.
    { title: "WHAT", least: 20 },
  ];
  for (const l of table(columns, rows, context.out.isTty ? context.out.columns : Number.POSITIVE_INFINITY, { head: paint.dim }))
    line(context.out, l);
  if (context.err.isTty) line(context.err, "in full: hold approvals show ID; then hold approvals allow|deny|answer ID");
  return;
}
