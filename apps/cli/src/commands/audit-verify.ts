/** `hold audit verify`: reads the journal folder itself, whatever the host says; of a host elsewhere, asks it. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { escapeText } from "@holdfast/sdk";

export async function run(context: Context, flags: { witness: readonly string[]; json: boolean }): Promise<number> {
  const progress = context.err.isTty && !flags.json;
  const findings = await context.verifyAudit((done, total) => {
    if (progress) context.err.write(`\r\x1b[Kchecking: ${total > 0 ? Math.floor((100 * done) / total) : 100} %`);
  }, flags.witness);
  let wrong = 0;
  for await (const f of findings) {
    if (!f.ok) wrong++;
    if (flags.json) {
      jsonLine(context.out, { ...f, ...context.origin });
      continue;
    }
    if (progress) context.err.write("\r\x1b[K");
    const where = [
      f.file === "" ? "" : `${f.file}:${f.position}`,
      f.lsn === undefined ? "" : `lsn ${f.lsn}`,
      f.session ? `session ${f.session}` : "",
      f.seq === undefined ? "" : `seq ${f.seq}`,
    ]
      .filter(Boolean)
      .join(", ");
    line(
      context.out,
      f.ok
        ? escapeText(f.problem)
        : `${context.paint.red("WRONG")}  ${where === "" ? "" : `${escapeText(where)}: `}${escapeText(f.problem)}`,
    );
  }
  if (progress) context.err.write("\r\x1b[K");
  if (!flags.json)
    line(
      context.out,
      wrong === 0
        ? context.paint.green("the record is whole")
        : context.paint.red(
            `${wrong} ${wrong === 1 ? "thing is" : "things are"} wrong; keep a copy of the folder before anything else writes to it`,
          ),
    );
  return wrong === 0 ? 0 : 1;
}
