/** What heads that others have kept say against a host's record, in words. */
import { escapeText, type HostClient } from "@holdfast/sdk";
import { iso } from "./time.ts";

type Alarm = Awaited<ReturnType<HostClient["status"]>>["witnessAlarms"][number];

export function alarmLine({ found, by, head, lastLsn, atUnixMs }: Alarm): string {
  return `[witness_contradicted] the record contradicts record ${head?.lsn ?? 0n}, signed ${iso(head?.atUnixMs ?? 0n)} and kept by ${escapeText(by)} (${escapeText(found)}; it ended at record ${lastLsn} at ${iso(atUnixMs)}); look with \`hold audit verify\`, and if a copy was put back on purpose: hold audit accept`;
}
