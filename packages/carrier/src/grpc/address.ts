/**
 * Where a relay is: `https://relay.example:7444`, `http://127.0.0.1:7444`, and behind `#` the key that is meant, for a relay whose certificate
 * no authority has signed: SHA-256 of its SubjectPublicKeyInfo, in hex.
 */
import { isIP } from "node:net";
import { HoldError } from "@holdfast/protocol";

export interface RelayAddress {
  /** `relay.example:7444` */
  readonly authority: string;
  readonly isPlain: boolean;
  /** 64 hex digits; empty: the certificate's authority is asked, as in a browser. */
  readonly pin: string;
}

export const RELAY_PORT = 7444;

/** Throws `usage` for what is none, and for plaintext that would leave this machine. */
export function relayAddress(text: string): RelayAddress {
  let url: URL;
  try {
    url = new URL(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`);
  } catch {
    throw noAddress(text);
  }
  const { protocol, hostname, port, hash } = url;
  const pin = hash.replace(/^#/, "").toLowerCase();
  if ((protocol !== "https:" && protocol !== "http:") || hostname === "" || url.username !== "" || url.search !== "") throw noAddress(text);
  if (url.pathname !== "/" || (pin !== "" && !/^[0-9a-f]{64}$/.test(pin))) throw noAddress(text);
  const isPlain = protocol === "http:";
  if (isPlain && !isLoopback(hostname))
    throw new HoldError("usage", `${text}: a relay is spoken to in plaintext on this machine alone; say https://${url.host}`);
  return { authority: `${hostname}:${port || (isPlain ? 80 : 443)}`, isPlain, pin };
}

/** As {@link relayAddress} reads it. */
export function relayUrl({ authority, isPlain, pin }: RelayAddress): string {
  return `${isPlain ? "http" : "https"}://${authority}${pin === "" ? "" : `#${pin}`}`;
}

function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, "");
  return name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}

function noAddress(text: string): HoldError {
  return new HoldError("usage", `${JSON.stringify(text)} is no address of a relay; https://relay.example:${RELAY_PORT} is`);
}
