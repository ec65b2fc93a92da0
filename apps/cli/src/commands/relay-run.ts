/** `hold relay`: a relay in the foreground, until it is told to stop. */
import { hostname } from "node:os";
import type { RunOptions } from "@holdfast/relay";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { askedOf } from "./relay-asked.ts";

interface RunFlags {
  readonly listen: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly web: string | undefined;
  readonly allowHost: readonly string[] | undefined;
  readonly allowOrigin: readonly string[] | undefined;
  readonly nats: readonly string[] | undefined;
  readonly natsCreds: string | undefined;
  readonly natsCa: string | undefined;
  readonly public: string | undefined;
  readonly folder: string | undefined;
  readonly json: boolean;
}

const LISTEN = "127.0.0.1:7444";
const FIRST_TOKEN_MS = 3_600_000;

export async function run(context: Context, flags: RunFlags): Promise<undefined> {
  const { tlsCert: cert, tlsKey: key, listen = LISTEN } = flags;
  if ((cert === undefined) !== (key === undefined)) throw usage("--tls-cert and --tls-key belong together");
  if (flags.web === undefined && (flags.allowHost?.[0] ?? flags.allowOrigin?.[0]))
    throw usage("these are for --web ADDRESS:PORT");
  if (!flags.nats?.length && (flags.natsCreds ?? flags.natsCa)) throw usage("these are for --nats URL");
  const { folder, relays } = await askedOf(context, flags.folder);
  const stop = context.cancelled;
  const running = await relays.runRelay({
    folder,
    listen,
    public: flags.public?.replace(/:\d+$/, ""),
    tls: cert === undefined || key === undefined ? undefined : { cert, key },
    web: flags.web === undefined ? undefined : webOf(flags, flags.web),
    nats: flags.nats?.length ? { servers: flags.nats, creds: flags.natsCreds, ca: flags.natsCa } : undefined,
    log: (event, facts) => jsonLine(context.err, { at: new Date(context.now()).toISOString(), event, ...facts }),
  });
  const pinned = (isPlain: boolean): string => (isPlain || running.pin === "" ? "" : `#${running.pin}`);
  const url = `${running.isPlain ? "http" : "https"}://${placeOf(flags.public, listen, running.port)}${pinned(running.isPlain)}`;
  const web = running.web && `${running.web.url.replace(/^http/, "ws")}${pinned(running.web.isPlain)}`;
  const token = (await running.relay.book.isEmpty)
    ? (await relays.askRelay(relays.adminSocket(folder), "invite", { fleet: "home", ttlMs: BigInt(FIRST_TOKEN_MS) })).token
    : null;
  const join = token && `hold host join ${url} --token ${Buffer.from(token).toString("base64url")}`;
  if (flags.json) jsonLine(context.out, { url, web, folder, pid: process.pid, join });
  else {
    line(context.out, url);
    if (web) line(context.out, web);
    if (context.err.isTty)
      line(
        context.err,
        join ? `a host joins with this, once, within an hour:\n  ${join}` : "a host joins with: hold relay invite",
      );
  }
  if (!stop.aborted) await new Promise<void>((over) => stop.addEventListener("abort", () => over(), { once: true }));
  await running.drain();
  return;
}

/** The name that others find the relay by is one that may be asked for. */
function webOf({ public: named, allowHost = [], allowOrigin = [] }: RunFlags, listen: string): RunOptions["web"] {
  return {
    listen,
    allowHosts: [...allowHost, ...(named === undefined ? [] : [named.replace(/:\d+$/, "")])],
    allowOrigins: allowOrigin,
  };
}

/** Where others find it: as they were told, else this machine by the name that it has. */
function placeOf(said: string | undefined, listen: string, port: number): string {
  if (said !== undefined) return /:\d+$/.test(said) ? said : `${said}:${port}`;
  const address = listen.replace(/:\d+$/, "");
  const isAny = address === "0.0.0.0" || address === "[::]" || address === "";
  return `${isAny ? hostname() : address}:${port}`;
}
