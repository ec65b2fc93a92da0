/**
 * Where a relay is: `https://relay.example:7444`, `http://127.0.0.1:7444`, and its web side `wss://` and `ws://`; and where a host is that is reached
 * through it: `relay://relay.example:7444/HOST`, `relay+http://127.0.0.1:7444/HOST`, `relay+wss://` and `relay+ws://` likewise. Behind `#` the key that
 * is meant, for a relay whose certificate no authority has signed: SHA-256 of its SubjectPublicKeyInfo, in hex.
 */
import { HoldError } from "@holdfast/protocol";
import { isLoopback } from "../websocket/address.ts";

export interface RelayAddress {
  /** `relay.example:7444` */
  readonly authority: string;
  readonly isPlain: boolean;
  /** By WebSocket, where a network breaks gRPC. */
  readonly isWeb: boolean;
  /** 64 hex digits; empty: the certificate's authority is asked, as in a browser. */
  readonly pin: string;
}

/** A host that is reached through a relay. */
export interface RelayedHost {
  readonly relay: RelayAddress;
  /** Its id, or its name there. */
  readonly host: string;
}

export const RELAY_PORT = 7444;
const HOST = /^[0-9a-z][0-9a-z-]{0,62}$/;

/** Throws `usage` for what is none, and for plaintext that would leave this machine. */
export function relayAddress(text: string): RelayAddress {
  const url = urlOf(/^[a-z+]+:\/\//i.test(text) ? text : `https://${text}`);
  if (!url || !/^(http|ws)s?:$/.test(url.protocol) || url.pathname !== "/") throw noAddress(text);
  return addressIn(url, text);
}

/** The same of a host's. */
export function relayedHost(text: string): RelayedHost {
  const url = /^relay(\+(http|wss?))?:\/\//i.test(text)
    ? urlOf(text.replace(/^relay\+/i, "").replace(/^relay:/i, "https:"))
    : null;
  const host = url?.pathname.slice(1) ?? "";
  if (!url || !HOST.test(host))
    throw new HoldError(
      "usage",
      `${JSON.stringify(text)} is no address of a host behind a relay; relay://relay.example:${RELAY_PORT}/box is`,
    );
  return { relay: addressIn(url, text), host };
}

/** As {@link relayAddress} reads it. */
export function relayUrl({ authority, isPlain, isWeb, pin }: RelayAddress): string {
  return `${isWeb ? "ws" : "http"}${isPlain ? "" : "s"}://${authority}${pinned(pin)}`;
}

/** As {@link relayedHost} reads it. */
export function relayedUrl({ relay, host }: RelayedHost): string {
  const { authority, isPlain, isWeb, pin } = relay;
  const scheme = isWeb ? `relay+ws${isPlain ? "" : "s"}` : isPlain ? "relay+http" : "relay";
  return `${scheme}://${authority}/${host}${pinned(pin)}`;
}

const pinned = (pin: string): string => (pin === "" ? "" : `#${pin}`);

function urlOf(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function addressIn(url: URL, text: string): RelayAddress {
  const { protocol, hostname, port, hash, username, password, search } = url;
  const pin = hash.replace(/^#/, "").toLowerCase();
  if (hostname === "" || username !== "" || password !== "" || search !== "") throw noAddress(text);
  if (pin !== "" && !/^[0-9a-f]{64}$/.test(pin)) throw noAddress(text);
  const isPlain = protocol === "http:" || protocol === "ws:";
  const isWeb = protocol === "ws:" || protocol === "wss:";
  if (isPlain && !isLoopback(hostname))
    throw new HoldError(
      "usage",
      `${text}: a relay is spoken to in plaintext on this machine alone; say ${isWeb ? "wss" : "https"}://${url.host}`,
    );
  return { authority: `${hostname}:${port || (isPlain ? 80 : 443)}`, isPlain, isWeb, pin };
}

function noAddress(text: string): HoldError {
  return new HoldError("usage", `${JSON.stringify(text)} is no address of a relay; https://relay.example:${RELAY_PORT} is`);
}
