/** `hold audit heads`: the newest point of the host's chain, for keeping where the host can't reach. */
import { formatHead, HoldError } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { iso } from "../show/time.ts";

export async function run(context: Context, flags: { json: boolean }): Promise<number> {
  const client = await context.client();
  const head = await client.witness.head();
  const { hostId } = await client.status();
  const text = formatHead(hostId, head);
  const kept = await context.relayHeads();
  const newest = kept?.heads.at(-1);
  const found = newest ? await client.witness.compare(newest) : null;
  if (flags.json)
    jsonLine(context.out, {
      ...{ host: hostId, lsn: head.lsn, at: iso(BigInt(head.atUnixMs)), text },
      relay: newest ? { lsn: newest.lsn, at: iso(BigInt(newest.atUnixMs)), found, conflicts: kept!.conflicts.length } : null,
    });
  else line(context.out, text);
  if (!newest) return 0;
  const isWrong = found === "truncated" || found === "forked" || found === "unshown";
  if (isWrong)
    throw new HoldError(
      "witness_contradicted",
      `the relay has kept record ${newest.lsn} of host ${hostId}, signed ${iso(BigInt(newest.atUnixMs))}, and the host's record is not the continuation of it (${found}); look with \`hold audit verify\` there`,
      { host: hostId, found, lsn: String(newest.lsn) },
    );
  if (!flags.json)
    line(
      context.err,
      `the relay has kept it up to record ${newest.lsn}, at ${iso(BigInt(newest.atUnixMs))}, and it goes on from there`,
    );
  return 0;
}
