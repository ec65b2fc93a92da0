/** Where a host listens, as people and programs write it. Pure. */
import { HoldError } from "@holdfast/protocol";

/** The one path of a host's links. */
export const LINK_PATH = "/v1/link";
/** The subprotocol: what is no Holdfast client does not get past the upgrade by mistake. */
export const SUBPROTOCOL = "holdfast.v1";
/** Where a relay takes a knock by WebSocket, and the subprotocol of that. */
export const REACH_PATH = "/v1/reach";
export const REACH_SUBPROTOCOL = "holdfast.relay.v1";
/** Of one piece of what a relay passes on: a few TLS records. Small enough that what is urgent does not wait long behind it on a slow line. */
export const PIECE_BYTES = 32 * 1024;

/** True for names and addresses that never leave the machine: 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(name: string): boolean {
  return name === "localhost" || name === "::1" || name === "[::1]" || /^127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(name);
}

/**
 * The address of a host's links: `ws://127.0.0.1:7433`, `wss://box:7433`; `http` and `https` are taken for the same. Throws `usage` for
 * whatever else: an address carries no name, no secret and no query, and plaintext goes nowhere but to this machine.
 */
export function linkUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new HoldError("usage", `${JSON.stringify(text)} is no address of a host; ws://127.0.0.1:PORT and wss://NAME:PORT are`);
  }
  const secure = url.protocol === "wss:" || url.protocol === "https:";
  if (!secure && url.protocol !== "ws:" && url.protocol !== "http:")
    throw new HoldError("usage", `${JSON.stringify(text)}: an address of a host begins with ws:// or wss://`);
  if (url.username || url.password || url.search || url.hash)
    throw new HoldError("usage", "an address of a host carries no name, password or query: who you are is proven with a key");
  if (url.pathname !== "/" && url.pathname !== LINK_PATH)
    throw new HoldError("usage", `${JSON.stringify(text)}: a host's links have the path ${LINK_PATH}; leave it out`);
  if (!secure && !isLoopback(url.hostname))
    throw new HoldError(
      "usage",
      `${url.host} is another machine, and ws:// is plaintext: use wss://${url.host}, or a tunnel to a port of this machine`,
    );
  const made = new URL(`${secure ? "wss" : "ws"}://${url.host}${LINK_PATH}`);
  return made;
}

/**
 * A host behind a relay's web side, as invitations name it: `relay+wss://relay.example:7445/HOST`. Null for anything else; a key behind `#` is left
 * out, as browsers ask authorities alone.
 */
export function behindRelay(text: string): { readonly relay: string; readonly host: string } | null {
  const [, relay = "", host] = /^relay\+(wss?:\/\/[^/#?]+)\/([0-9a-z][0-9a-z-]{0,62})(?:#[0-9a-f]{64})?$/.exec(text) ?? [];
  return host === undefined || !URL.canParse(relay) ? null : { relay, host };
}

/**
 * A relay's web side: `wss://relay.example:7445`, `ws://127.0.0.1:7445`; `http` and `https` are taken for the same. `authority`: as passes name it,
 * its port always said. Throws `usage` as {@link linkUrl} does.
 */
export function reachUrl(text: string): { readonly url: string; readonly authority: string } {
  const { protocol, host, hostname, port } = linkUrl(text);
  return {
    url: `${protocol}//${host}${REACH_PATH}`,
    authority: `${hostname}:${port || (protocol === "wss:" ? 443 : 80)}`,
  };
}
