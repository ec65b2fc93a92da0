/** What `config.toml` sets for the host (sections `[host]` and `[oidc]`), read at its start. What can't be read or is out of bounds has its default, and the log says so. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { configFolder } from "@holdfast/carrier";
import { parse } from "smol-toml";
import type { ListenWish } from "@holdfast/carrier/listen";
import type { OidcSettings } from "./operator/oidc.ts";

/** `ssh`: `ssh -L` alone. */
export type Forwarding = "off" | "ssh" | "on";

export interface HostSettings {
  /** Output kept of a session, bytes. Default 64 MiB. */
  readonly outputBytes: number;
  /** How long it is kept who did what. Default 90 days. */
  readonly recordDays: number;
  /** How much of it is kept, bytes. Default 2 GiB. */
  readonly recordBytes: number;
  /** Most live sessions. Default 4,000. */
  readonly sessions: number;
  /** Where it listens besides its socket. Default: nowhere. */
  readonly listen: ListenWish | null;
  /** Where people log in. Default: nowhere. */
  readonly oidc: OidcSettings | null;
  /** Who is led to ports of sessions. Default: `ssh -L` alone. */
  readonly forwarding: Forwarding;
  /** Where it takes ssh clients, `ADDRESS:PORT`. Default: nowhere. */
  readonly ssh: string | null;
}

const MIB = 1024 * 1024;
/** Each key, its bounds and default. A session keeps at least one whole payload file. */
const keys = {
  output_retention_mib: { least: 8, most: 1_000_000, otherwise: 64 },
  record_retention_days: { least: 1, most: 36_500, otherwise: 90 },
  record_retention_mib: { least: 64, most: 1_000_000, otherwise: 2_048 },
  sessions: { least: 1, most: 100_000, otherwise: 4_000 },
} as const;

export function readSettings(env: Readonly<Record<string, string | undefined>>, log: (text: string) => void): HostSettings {
  const file = tablesOf(join(configFolder(env), "config.toml"), log);
  const section = file("host");
  const read = (key: keyof typeof keys): number => {
    const { least, most, otherwise } = keys[key];
    const value = section[key];
    if (value === undefined) return otherwise;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    log(
      `config.toml: host.${key} is ${JSON.stringify(value)}; a whole number from ${least} to ${most} is wanted, ${otherwise} is used`,
    );
    return otherwise;
  };
  return {
    outputBytes: read("output_retention_mib") * MIB,
    recordDays: read("record_retention_days"),
    recordBytes: read("record_retention_mib") * MIB,
    sessions: read("sessions"),
    listen: listenOf(section, log),
    oidc: oidcOf(file("oidc"), log),
    ssh: sshOf(section["ssh"], log),
    forwarding: forwardingOf(section["forward"], log),
  };
}

/** `issuer` and `client_id`. What they may be is read where they are used. */
function oidcOf(section: Readonly<Record<string, unknown>>, log: (text: string) => void): OidcSettings | null {
  const { issuer = "", client_id: clientId = "" } = section;
  if (typeof issuer === "string" && typeof clientId === "string") return issuer === "" ? null : { issuer, clientId };
  log("config.toml: oidc.issuer and oidc.client_id are texts; nobody logs in");
  return null;
}

/** `listen`, `tls_cert`, `tls_key`, `console`, and `allow_host` and `allow_origin` with blanks between several. */
function listenOf(section: Readonly<Record<string, unknown>>, log: (text: string) => void): ListenWish | null {
  let isWrong = false;
  const text = (key: string): string => {
    const value = section[key] ?? "";
    if (typeof value === "string") return value.trim();
    isWrong = true;
    log(`config.toml: host.${key} is ${JSON.stringify(value)}; a text is wanted, nothing is listened on`);
    return "";
  };
  const several = (key: string): string[] => text(key).split(/\s+/).filter(Boolean);
  const listen = text("listen");
  const console = section["console"] ?? false;
  if (typeof console !== "boolean") {
    isWrong = true;
    log(`config.toml: host.console is ${JSON.stringify(console)}; true or false is wanted, nothing is listened on`);
  }
  const wish = {
    listen,
    tlsCert: text("tls_cert") || undefined,
    tlsKey: text("tls_key") || undefined,
    allowHosts: several("allow_host"),
    allowOrigins: several("allow_origin"),
    ...(console === true ? { console } : {}),
  };
  // Half of what was meant may be the certificate.
  return listen === "" || isWrong ? null : wish;
}

function sshOf(value: unknown, log: (text: string) => void): string | null {
  if (typeof value === "string") return value.trim() || null;
  if (value !== undefined)
    log(`config.toml: host.ssh is ${JSON.stringify(value)}; a text is wanted, nothing is listened on for ssh`);
  return null;
}

function forwardingOf(value: unknown, log: (text: string) => void): Forwarding {
  if (value === undefined || value === "ssh") return "ssh";
  if (value === "on" || value === "off") return value;
  log(
    `config.toml: host.forward is ${JSON.stringify(value)}; "off", "ssh" or "on" is wanted, nobody is led to ports of sessions`,
  );
  return "off";
}

function tablesOf(path: string, log: (text: string) => void): (name: string) => Readonly<Record<string, unknown>> {
  let read: Readonly<Record<string, unknown>> = {};
  try {
    if (existsSync(path)) read = parse(readFileSync(path, "utf8"));
  } catch (fault) {
    log(`${path} can't be read, the host goes on with its defaults: ${fault instanceof Error ? fault.message : String(fault)}`);
  }
  return (name) => {
    const table = read[name];
    return typeof table === "object" && table !== null ? (table as Record<string, unknown>) : {};
  };
}
