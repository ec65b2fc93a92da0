/** `hold redact`: payloads out of the record, the chain whole. */
import { escapeText } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";

interface RedactFlags {
  seq: readonly string[];
  from: number | undefined;
  to: number | undefined;
  match: string | undefined;
  reason: string | undefined;
  yes: boolean;
  json: boolean;
}

export async function run(context: Context, flags: RedactFlags, args: readonly string[]): Promise<number | undefined> {
  const session = args[0]!;
  const seqs = flags.seq
    .flatMap((s) => s.split(","))
    .map((s) => {
      if (!/^\d+$/.test(s))
        throw usage(`--seq takes a position of the journal, not ${JSON.stringify(s)}; \`hold log ${session}\` shows them`);
      return Number(s);
    });
  const client = await context.client();
  if (flags.match !== undefined) {
    if (flags.match === "") throw usage("--match needs text");
    for (const hit of await client.search(session, flags.match, { limit: 1000 })) seqs.push(Number(hit.seq));
    if (seqs.length === 0 && flags.from === undefined) {
      if (flags.json) jsonLine(context.out, { redacted: 0 });
      else
        line(context.err, "nothing that was printed holds that text; what was typed is found by `hold log SESSION --kind input`");
      return 0;
    }
  }
  const range = flags.from !== undefined || flags.to !== undefined;
  if (seqs.length === 0 && !range) throw usage("redact what? --seq SEQ, --from SEQ --to SEQ or --match TEXT");
  if (range && (flags.from === undefined || flags.to === undefined || flags.from > flags.to))
    throw usage("a range needs both --from and --to, in this order");
  if (!flags.yes) {
    if (!context.input.isTty || !context.err.isTty)
      throw usage("what is redacted is gone for good, and nobody can be asked here; say so with --yes");
    context.err.write(
      `Erase the payload of ${range ? `events ${flags.from} to ${flags.to}` : `${new Set(seqs).size} events`} for good? [y/N] `,
    );
    if (!/^y(es)?$/i.test((await context.input.line())?.trim() ?? "")) {
      line(context.err, "nothing erased");
      return 1;
    }
  }
  let mirrorPending: string | null = null as string | null;
  const redacted = await client.redact(session, {
    ...(seqs.length > 0 ? { seqs: [...new Set(seqs)] } : {}),
    ...(range ? { from: flags.from!, to: flags.to! } : {}),
    ...(flags.reason === undefined ? {} : { reason: flags.reason }),
    mirrorPending: (why) => {
      mirrorPending = why;
    },
  });
  if (mirrorPending !== null && !flags.json)
    line(
      context.err,
      context.errPaint.yellow(
        `the mirror has them still (${escapeText(mirrorPending)}); it erases them when it can: hold host mirror status`,
      ),
    );
  if (flags.json) jsonLine(context.out, { redacted, ...(mirrorPending === null ? {} : { mirrorPending }) });
  else
    line(
      context.err,
      redacted === 0
        ? "nothing erased: those events have no payload, or no longer"
        : `erased ${redacted} payload${redacted === 1 ? "" : "s"}; who, when and how many bytes stay`,
    );
  return;
}
