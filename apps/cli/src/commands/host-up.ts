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
  readonly console: boolean;
  readonly oidcIssuer: string | undefined;
  readonly oidcClientId: string | undefined;
  readonly ssh: string | undefined;
  readonly json: boolean;
}

export async function run(context: Context, flags: UpFlags): Promise<undefined> {
  const { listen, oidcIssuer, ssh } = flags;
  checkWishes(flags);
  const isPlain = listen === undefined && oidcIssuer === undefined && ssh === undefined;
  const client = isPlain ? await context.client() : await anew(context, flags);
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

function checkWishes(flags: UpFlags): void {
  const { listen, tlsCert, tlsKey, allowHost, allowOrigin, oidcIssuer, oidcClientId } = flags;
  if (listen === undefined && (flags.console || (tlsCert ?? tlsKey ?? allowHost?.[0] ?? allowOrigin?.[0])))
    throw usage("these are for a host that listens: add --listen ADDRESS:PORT");
  if ((oidcIssuer === undefined) !== (oidcClientId === undefined))
    throw usage("--oidc-issuer and --oidc-client-id belong together: where people log in, and what this host is called there");
}

/** What was listened on and could not be is an error here, where it was asked for. */
async function anew(context: Context, flags: UpFlags): Promise<HostClient> {
  const { listen, tlsCert, tlsKey, allowHost = [], allowOrigin = [], oidcIssuer: issuer, oidcClientId: clientId, ssh } = flags;
  const names = { allowHosts: allowHost, allowOrigins: allowOrigin };
  const wish = listen === undefined ? undefined : { listen, tlsCert, tlsKey, ...names, console: flags.console };
  const client = await context.hostAnew({
    listen: wish,
    oidc: issuer === undefined || clientId === undefined ? undefined : { issuer, clientId },
    ssh,
  });
  const { addresses, notices } = await client.status();
  if ((listen !== undefined && addresses["websocket"] === undefined) || (ssh !== undefined && addresses["ssh"] === undefined))
    throw new HoldError(
      "start_failed",
      `the host serves this machine, and is ${notices.find((n) => n.startsWith("not listening")) ?? "not listening"}; mend that and run the command again`,
    );
  return client;
}
