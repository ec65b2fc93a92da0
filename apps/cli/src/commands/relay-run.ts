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
  readonly console: boolean;
  readonly consoleAt: string | undefined;
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
  const isConsole = flags.console || flags.consoleAt !== undefined;
  if (flags.web === undefined && (flags.allowHost?.[0] ?? flags.allowOrigin?.[0] ?? (isConsole || undefined)))
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
  if (flags.json) jsonLine(context.out, { url, web, page: running.page || null, folder, pid: process.pid, join });
  else {
    line(context.out, url);
    if (web) line(context.out, web);
    if (running.page !== "") line(context.out, running.page);
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

/** The names that others find the relay and its page by are ones that may be asked for. */
function webOf(flags: RunFlags, listen: string): RunOptions["web"] {
  const { public: named, allowHost = [], allowOrigin = [], tlsCert, consoleAt } = flags;
  const at = consoleAt === undefined ? undefined : placeOfPage(consoleAt);
  const isConsole = flags.console || at !== undefined;
  if (isConsole && tlsCert === undefined && !/^(localhost|127\.[\d.]+|\[::1\]):\d+$/.test(listen))
    throw usage(
      "no browser takes a certificate of the relay's own, and keys are made under a good one alone: give --tls-cert FILE --tls-key FILE, or have a proxy on this machine end TLS (--web 127.0.0.1:7445 --console-at https://NAME)",
    );
  return {
    listen,
    allowHosts: [...allowHost, ...(named === undefined ? [] : [named.replace(/:\d+$/, "")]), ...(at ? [at.host] : [])],
    allowOrigins: [...allowOrigin, ...(at ? [at.origin] : [])],
    ...(isConsole ? { console: { at: at?.origin } } : {}),
  };
}

function placeOfPage(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || text.replace(/\/$/, "") !== url.origin)
    throw usage(`${JSON.stringify(text)} is no place of a page: https://console.example is, or with a port`);
  return url;
}

/** Where others find it: as they were told, else this machine by the name that it has. */
function placeOf(said: string | undefined, listen: string, port: number): string {
  if (said !== undefined) return /:\d+$/.test(said) ? said : `${said}:${port}`;
  const address = listen.replace(/:\d+$/, "");
  const isAny = address === "0.0.0.0" || address === "[::]" || address === "";
  return `${isAny ? hostname() : address}:${port}`;
}
