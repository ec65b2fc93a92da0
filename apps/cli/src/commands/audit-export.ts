/** `hold audit export`: JSON lines for keeping elsewhere; the first is the signed head. */
import type { Context } from "../app/context.ts";
import { recordJson } from "./audit-show.ts";
import { fileOrOut } from "./export.ts";
import { sinceMs } from "./since.ts";

export async function run(
  context: Context,
  flags: { output: string | undefined; since: string | undefined },
): Promise<undefined> {
  const since = sinceMs(flags.since, context.now());
  const client = await context.client({ record: null });
  const head = await client.auditHead(true);
  const names = new Map((await client.list({ all: true })).map((s) => [s.id, s.name]));
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const sink = fileOrOut(context, flags.output);
  try {
    sink.write(
      `${JSON.stringify({ kind: "head", lsn: head.lsn, chain: hex(head.chain), signature: hex(head.signature), publicKey: hex(head.publicKey), at: new Date(context.now()).toISOString(), ...context.origin })}\n`,
    );
    for await (const r of await context.auditRecords(since > 0 ? { sinceMs: since } : {})) {
      if (context.cancelled.aborted) return;
      sink.write(`${JSON.stringify(recordJson(r, names))}\n`);
      await context.out.drained();
    }
  } finally {
    sink.close();
  }
  return;
}
