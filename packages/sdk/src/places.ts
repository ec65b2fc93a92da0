/** Where others find a host, as its status tells: addresses for an invitation, and the places that serve the console. Pure. */
import type { HostStatusAnswer } from "@holdfast/protocol";

/** Where a browser finds the console, and the host from there. */
export interface ServedPage {
  /** `https://box.example:7433` */
  readonly url: string;
  /** Addresses for an invitation that is taken up there. */
  readonly at: readonly string[];
  /** `here`: this machine's loopback. `network`: where the host listens, TLS to the host itself. `relay`: not end to end (docs/relay-web.md). */
  readonly by: "here" | "network" | "relay";
}

/** How links are made, the surest first; other carriers' addresses are told too, for those who know a way. */
const KNOWN = /^(wss?|relay(\+http)?):/;

/** Addresses that a host says it has, those first by which links are made; relays among them. One port that answers in several ways stands once. */
export function placesOf({ addresses, uplinks }: Pick<HostStatusAnswer, "addresses" | "uplinks">): readonly string[] {
  const relayed = uplinks.filter(({ state }) => state === "connected").map(({ url, name }) => relayedAddress(url, name));
  const told = [...Object.values(addresses), ...relayed];
  const ranked = [...told.filter((a) => KNOWN.test(a)), ...told.filter((a) => !KNOWN.test(a))];
  return ranked.filter((a, i) => ranked.findIndex((b) => placeOf(b) === placeOf(a)) === i);
}

const placeOf = (address: string): string => address.replace(/^\w+(\+\w+)?:\/\//, "");

/** Where the console is served now, the surest first. A relay's only where the host lets pages in by it. */
export function pagesOf({
  addresses,
  uplinks,
  hostId,
}: Pick<HostStatusAnswer, "addresses" | "uplinks" | "hostId">): readonly ServedPage[] {
  const page = (by: ServedPage["by"], url: string | undefined): readonly ServedPage[] =>
    url ? [{ by, url, at: [url.replace(/^http/, "ws")] }] : [];
  const relays = uplinks.filter((uplink) => uplink.page !== "" && uplink.allowPlain);
  const behind = relays.map((uplink) => `relay+${uplink.page.replace(/^http/, "ws")}/${hostId}`);
  return [
    ...page("network", addresses["network_console"]),
    ...relays.map(({ page: url }): ServedPage => ({ by: "relay", url, at: behind })),
    ...page("here", addresses["console"]),
  ];
}

/** How operators say where a host is that has joined a relay. */
export function relayedAddress(relay: string, host: string): string {
  const [, scheme = "https", authority = "", pin = ""] = /^(?:(\w+):\/\/)?([^#/]+)\/?(#.*)?$/.exec(relay) ?? [];
  return `relay${scheme === "https" ? "" : `+${scheme}`}://${authority}/${host}${pin}`;
}
