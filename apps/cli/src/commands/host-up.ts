/** `hold host up`. */
import { type HostClient, HoldError } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";

interface UpFlags {
  readonly listen: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly allowHost: readonly string[] | undefined;
  readonly allowOrigin: readonly string[] | undefined;
  readonly json: boolean;
}

export async function run(context: Context, flags: UpFlags): Promise<undefined> {
  const client = flags.listen === undefined ? await plain(context, flags) : await listening(context, flags, flags.listen);
  const { pid, version, home, addresses } = await client.status();
  if (flags.json) jsonLine(context.out, { pid, version, home, addresses });
  else if (context.err.isTty)
    line(
      context.err,
      `host ${version} serves as pid ${pid}${Object.values(addresses)
        .map((a) => `, and at ${a}`)
        .join("")}`,
    );
  return;
}

function plain(context: Context, { tlsCert, tlsKey, allowHost, allowOrigin }: UpFlags): Promise<HostClient> {
  if (tlsCert ?? tlsKey ?? allowHost?.[0] ?? allowOrigin?.[0])
    throw usage("these are for a host that listens: add --listen ADDRESS:PORT");
  return context.client();
}

/** What was listened on and could not be is an error here, where it was asked for. */
async function listening(context: Context, flags: UpFlags, listen: string): Promise<HostClient> {
  const { tlsCert, tlsKey, allowHost = [], allowOrigin = [] } = flags;
  const client = await context.hostListen({ listen, tlsCert, tlsKey, allowHosts: allowHost, allowOrigins: allowOrigin });
  const { addresses, notices } = await client.status();
  if (addresses["websocket"] === undefined)
    throw new HoldError(
      "start_failed",
      `the host serves this machine, and is ${notices.find((n) => n.startsWith("not listening")) ?? "not listening"}; mend that and run the command again`,
    );
  return client;
}
