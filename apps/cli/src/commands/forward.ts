/** `hold forward`. */
import { forward, type Forward } from "@holdfast/sdk/node";
import { escapeText, HoldError } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { table } from "../show/table.ts";
import { meant, untilOver } from "./led.ts";

interface ForwardFlags {
  list: boolean;
  json: boolean;
}

export async function run(context: Context, flags: ForwardFlags, args: readonly string[]): Promise<undefined> {
  const [asked, ...wanted] = args as [string, ...string[]];
  if (flags.list && wanted.length > 0) throw usage("--list tells of all ports; name none with it");
  if (!flags.list && wanted.length === 0) throw usage("which port? `hold forward SESSION --list` shows those that there are");
  const pairs = wanted.map(pairOf);
  const session = meant(context, asked);
  const client = await context.client();
  if (flags.list) return list(context, (await client.ports(session)).ports);
  await untilOver(context, client, session, async (failed) => {
    const made: Forward[] = [];
    const close = async (): Promise<void> => void (await Promise.all(made.map((f) => f.close())));
    try {
      for (const { port, local } of pairs) {
        const led = await listen(client, session, port, local, failed);
        made.push(led);
        if (context.json) jsonLine(context.out, { port, local: led.localPort, address: "127.0.0.1" });
        else line(context.out, escapeText(`127.0.0.1:${led.localPort} leads to port ${port} of ${session}`));
      }
    } catch (fault) {
      await close();
      throw fault;
    }
    return { close };
  });
  return;
}

type Client = Awaited<ReturnType<Context["client"]>>;
type Failed = (fault: HoldError) => void;

/** Without a port here the same one as there, or, where that is taken (on the session's own machine it is), any that is free. */
async function listen(client: Client, session: string, port: number, local: number | null, failed: Failed): Promise<Forward> {
  if (local !== null) return forward(client, session, { port, localPort: local, failed });
  try {
    return await forward(client, session, { port, localPort: port, failed });
  } catch (fault) {
    if (!(fault instanceof HoldError && fault.code === "name_taken")) throw fault;
    return forward(client, session, { port, failed });
  }
}

function list(context: Context, ports: Awaited<ReturnType<Client["ports"]>>["ports"]): undefined {
  if (context.json) for (const port of ports) jsonLine(context.out, port);
  else if (ports.length > 0) {
    const rows = ports.map((p) => [String(p.port), p.address, String(p.pid), escapeText(p.program)]);
    const columns = [{ title: "PORT", right: true }, { title: "ADDRESS" }, { title: "PID", right: true }, { title: "PROGRAM" }];
    const width = context.out.isTty ? context.out.columns : Number.POSITIVE_INFINITY;
    for (const l of table(columns, rows, width, { head: context.paint.dim })) line(context.out, l);
  }
}

/** `3000`, or `3000:8080` for port 8080 here. */
function pairOf(text: string): { readonly port: number; readonly local: number | null } {
  const [, port, local] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text) ?? [];
  const read = (digits: string | undefined, least: number): number => {
    const number = Number(digits);
    if (digits !== undefined && number >= least && number <= 65_535) return number;
    throw usage(`${JSON.stringify(text)} is no port; write PORT, or PORT:LOCAL with the port of this machine behind it`);
  };
  return { port: read(port, 1), local: local === undefined ? null : read(local, 0) };
}
