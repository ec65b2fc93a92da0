/**
 * `hold mcp --listen`: MCP over HTTP at /mcp, behind the gate and the bounds that a host's own listener has.
 *   M3  This process has no authority of its own there: each request carries a grant, which is handed on to the host in the handshake of a link. Who
 *       may do what is the host's to say, and a grant for another host is refused by it.
 */
import { Listener, type Handler, type Routes } from "@holdfast/host/listen";
import { readListen } from "@holdfast/host/start";
import { HoldError, OperatorKind } from "@holdfast/sdk";
import { type Context, type HostClient, line } from "../app/context.ts";

/** A grant is read by the host, over a link: on a busy machine that takes longer than a host takes to read one, whose strangers have 5 s. */
const STRANGER_MS = 20_000;

export interface ListenFlags {
  readonly listen: string;
  readonly allowHost: readonly string[] | undefined;
  readonly allowOrigin: readonly string[] | undefined;
}

export async function serveHttp(context: Context, flags: ListenFlags): Promise<void> {
  const { answer } = await import("@holdfast/mcp");
  const fault = (error: Error): void => line(context.err, `hold mcp: ${error.message}`);
  const wish = { listen: flags.listen, allowHosts: flags.allowHost ?? [], allowOrigins: flags.allowOrigin ?? [] };
  const listen = readListen(wish);
  // Started before the first request, so that what is wrong is told at once.
  (await context.client()).close();
  const mcp = async (
    request: Parameters<typeof answer>[1],
    response: Parameters<typeof answer>[2],
    grant: Borne,
  ): Promise<void> => {
    let first: HostClient | null = grant.client;
    const connect = async (): Promise<HostClient> => {
      const client = first ?? (await bearing(context, grant.token));
      first = null;
      return client;
    };
    try {
      await answer({ version: context.version, connect, fault }, request, response);
    } finally {
      grant.client.close();
    }
  };
  const listener = await Listener.open<Borne>(listen, mcpRoutes(mcp), {
    log: (text) => line(context.err, `hold mcp: ${text}`),
    strangerMs: STRANGER_MS,
    readGrant: async (token) => ({ token, client: await bearing(context, token) }),
  });
  line(context.err, `hold mcp serves at ${listener.url.replace(/^ws/, "http")}/mcp; each request carries a grant (hold grant)`);
  await new Promise<void>((over) => {
    if (context.cancelled.aborted) over();
    context.cancelled.addEventListener("abort", () => over(), { once: true });
  });
  await listener.close();
}

/** All that is answered there. */
export function mcpRoutes<G>(
  serve: (request: Parameters<Handler<G>>[0], response: Parameters<Handler<G>>[1], grant: G) => Promise<void>,
): Routes<G> {
  const answer: Handler<G> = (request, response, { grant }) => serve(request, response, grant);
  return { "/mcp": { credential: "bearer", POST: answer, GET: answer } };
}

/** M1, of mcp.ts: whoever comes here is an AI, whatever it has been given. */
async function bearing(context: Context, grant: string): Promise<HostClient> {
  const client = await context.connectBearing(grant);
  const { operator } = client.operator;
  if (operator?.kind === OperatorKind.AI) return client;
  client.close();
  throw new HoldError(
    "not_permitted",
    `${operator?.name} is no AI, and what an AI does carries a name of its own: hold --as NAME grant, of an operator of kind ai`,
  );
}

/** A grant, and the link that it has opened. */
interface Borne {
  readonly token: string;
  readonly client: HostClient;
}
