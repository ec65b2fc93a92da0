/**
 * Who may knock: where a host or a relay may listen, and which names and pages may be in a request. Pure.
 *
 *   G1  Plaintext is for this machine alone: any other address takes a certificate and its key.
 *   G2  `Host` is compared whole with the names that who listens has. A page of somebody's whose name was made to lead here (DNS rebinding)
 *       still says its own.
 *   G3  `Origin` is absent (no page sent it), that of a page that who listens itself would serve, or one that was allowed. Compared whole: no patterns.
 *   G4  Neither is a credential. Where a request comes from proves nothing; a browser is on the loopback too.
 */
import { HoldError } from "@holdfast/protocol";
import { isLoopback } from "../websocket/address.ts";

/** What was asked for, as on the command line. */
export interface ListenWish {
  /** `ADDRESS:PORT`; port 0 takes one that is free. */
  readonly listen: string;
  /** Files, PEM. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly allowHosts?: readonly string[];
  readonly allowOrigins?: readonly string[];
  /** Serves the console's page there too. Default false. */
  readonly console?: boolean;
}

export interface Listen extends Required<Pick<ListenWish, "allowHosts" | "allowOrigins">> {
  readonly address: string;
  readonly port: number;
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

/** Addresses that stand for all of a machine's: no request names them. */
const WILDCARDS = new Set(["0.0.0.0", "::"]);

/** Throws `usage` for what can't be listened on. */
export function readListen(wish: ListenWish): Listen {
  const { listen, tlsCert, tlsKey, allowHosts = [], allowOrigins = [] } = wish;
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(listen) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535)
    throw new HoldError("usage", `${JSON.stringify(listen)} is nothing to listen on; 127.0.0.1:7433 and [::1]:7433 are`);
  const named = (bracketed ?? plain)!;
  const address = named === "localhost" ? "127.0.0.1" : named;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new HoldError("usage", "--tls-cert and --tls-key belong together: the certificate and its key, as PEM files");
  if (tlsCert === undefined && !isLoopback(address))
    throw new HoldError(
      "usage",
      `${listen} is reached from other machines, and without a certificate everything would go there in plaintext: give --tls-cert FILE --tls-key FILE, or listen on 127.0.0.1:${port} and come through ssh -L`,
    );
  if (WILDCARDS.has(address) && allowHosts.length === 0)
    throw new HoldError(
      "usage",
      `${listen} has no name that a client could ask for: say which ones it is reached by, with --allow-host NAME`,
    );
  for (const name of allowHosts)
    if (!HOST.test(name))
      throw new HoldError(
        "usage",
        `${JSON.stringify(name)} is no name that a request could ask for; box.example, box.example:8443 and [fd00::1] are, in small letters`,
      );
  for (const origin of allowOrigins) checkOrigin(origin);
  return {
    address,
    port,
    tls: tlsCert !== undefined && tlsKey !== undefined ? { cert: tlsCert, key: tlsKey } : null,
    allowHosts,
    allowOrigins,
  };
}

function checkOrigin(origin: string): void {
  let read = "";
  try {
    read = new URL(origin).origin;
  } catch {
    // Told below.
  }
  if (read === "null" || read !== origin)
    throw new HoldError(
      "usage",
      `${JSON.stringify(origin)} is no origin; it is a scheme, a name and a port that is not the scheme's own, such as https://console.example:8443`,
    );
}

const HOST = /^([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/;
const hasPort = (host: string): boolean => /[^:\]]:\d+$|\]:\d+$/.test(host);

export function hostText(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** What others dial: the address, or where that stands for all of a machine's, the first name that it goes by. */
export function reachedAt({ address, allowHosts }: Listen, port: number): string {
  const [name] = allowHosts;
  if (!WILDCARDS.has(address) || name === undefined) return hostText(address, port);
  return hasPort(name) ? name : `${name}:${port}`;
}

/** The two lists for a port that is open (G2, G3). */
export class Gate {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #command: string;

  /** `command`: with which more is allowed. */
  constructor({ address, allowHosts, allowOrigins, tls }: Listen, port: number, command: string) {
    this.#command = command;
    // Nobody sends the port that is a scheme's own.
    const usual = tls ? ":443" : ":80";
    const bare = (host: string): string => (host.endsWith(usual) ? host.slice(0, -usual.length) : host);
    const own = [
      hostText(address, port),
      ...(isLoopback(address) ? [`localhost:${port}`] : []),
      ...allowHosts.map((name) => (hasPort(name) ? name : `${name}:${port}`)),
    ];
    this.#hosts = new Set([...own, ...own.map(bare), ...allowHosts]);
    this.#origins = new Set([...allowOrigins, ...own.map((host) => `${tls ? "https" : "http"}://${bare(host)}`)]);
  }

  /** Null if the request may come in, else why not. `rawHeaders`: names and values in turn, doubled ones too. */
  refusal(rawHeaders: readonly string[]): string | null {
    const hosts = valuesOf("host", rawHeaders);
    if (hosts.length !== 1 || !this.#hosts.has(hosts[0]!))
      return `nobody here goes by that name; an admin allows one with: ${this.#command} --allow-host NAME`;
    const origins = valuesOf("origin", rawHeaders);
    if (origins.length > 1 || (origins.length === 1 && !this.#origins.has(origins[0]!)))
      return `pages of that origin may not come here; an admin allows one with: ${this.#command} --allow-origin URL`;
    return null;
  }
}

/** Of a header, doubled ones too. `rawHeaders`: names and values in turn. */
export function valuesOf(name: string, rawHeaders: readonly string[]): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) if (rawHeaders[i]!.toLowerCase() === name) values.push(rawHeaders[i + 1]!);
  return values;
}
