/** Where a host's HTTP links are. Pure. */
import { linkUrl } from "../websocket/address.ts";

/** A POST to it opens a link; one to what stands below it, named by the link's id, carries frames to the host. */
export const HTTP_LINK_PATH = "/v1/http-link";
/** Headers of the latter: the link's secret, and the batch's number. */
export const LINK_HEADER = "Holdfast-Link";
export const SEQ_HEADER = "Holdfast-Seq";

/** As {@link linkUrl}, with the same refusals. */
export function httpLinkUrl(text: string): URL {
  const url = linkUrl(text);
  return new URL(`${url.protocol === "wss:" ? "https" : "http"}://${url.host}${HTTP_LINK_PATH}`);
}
