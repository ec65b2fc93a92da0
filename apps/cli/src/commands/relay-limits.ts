/** `hold relay limits`. */
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { table } from "../show/table.ts";
import { bytesText } from "../show/time.ts";
import { asking } from "./relay-asked.ts";

interface LimitsFlags {
  readonly hosts: number | undefined;
  readonly tunnels: number | undefined;
  readonly mibPerSecond: number | undefined;
  readonly usual: boolean;
  readonly folder: string | undefined;
  readonly json: boolean;
}

const MIB = 1024 * 1024;

export async function run(context: Context, flags: LimitsFlags, args: readonly string[]): Promise<undefined> {
  const { hosts, tunnels, mibPerSecond, usual } = flags;
  const [fleet = ""] = args;
  const isSetting = usual || [hosts, tunnels, mibPerSecond].some((n) => n !== undefined);
  if (isSetting && fleet === "") throw usage("whose bounds? hold relay limits FLEET …");
  const ask = await asking(context, flags.folder);
  const { fleets } = await ask("limits", {
    ...{ fleet, usual },
    ...(hosts === undefined ? {} : { hosts }),
    ...(tunnels === undefined ? {} : { tunnels }),
    ...(mibPerSecond === undefined ? {} : { bytesPerSecond: BigInt(Math.round(mibPerSecond * MIB)) }),
  });
  if (flags.json) {
    for (const { passedBytes, mostBytesPerSecond, ...counted } of fleets)
      jsonLine(context.out, { ...counted, passedBytes: Number(passedBytes), mostBytesPerSecond: Number(mostBytesPerSecond) });
    return;
  }
  if (fleets.length === 0) {
    line(context.err, "no fleet is here; each has the usual bounds (hold help relay limits)");
    return;
  }
  const { paint } = context;
  const rows = fleets.map((f) => [
    f.fleet,
    `${f.hosts} of ${f.mostHosts}`,
    `${f.tunnels} of ${f.mostTunnels}`,
    bytesText(f.passedBytes),
    f.mostBytesPerSecond === 0n ? "no bound" : `${bytesText(f.mostBytesPerSecond)}/s`,
  ]);
  const columns = [
    { title: "FLEET", paint: paint.bold },
    { title: "HOSTS", right: true },
    { title: "TUNNELS", right: true },
    { title: "PASSED", right: true },
    { title: "AT MOST", right: true },
  ];
  for (const l of table(columns, rows, context.out.columns, { head: paint.dim })) line(context.out, l);
  return;
}
