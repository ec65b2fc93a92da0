/** Every route of the host's HTTP server: what is not here is answered by nobody. */
import type { Link, LinkHandlers } from "@holdfast/carrier/link";
import { LINK_PATH } from "@holdfast/carrier/websocket";
import type { Host } from "../host.ts";
import { httpRoutes } from "../http/index.ts";
import type { Proven } from "../link/handshake.ts";
import { httpLinkRoutes } from "./http-link-route.ts";
import { linkRoute } from "./link-route.ts";
import type { Routes } from "./listener.ts";

/** `meet`: hands a link to the host; `known` is called once it has proven who is there. `page`: of the console, where it is served too. */
export async function hostRoutes(
  host: Host,
  meet: (link: Link, proven: Proven | null, known?: () => void) => LinkHandlers,
  page: Routes = {},
): Promise<Routes> {
  const stranger = (link: Link, known: () => void): LinkHandlers => meet(link, null, known);
  return { ...page, [LINK_PATH]: await linkRoute(stranger), ...(await httpLinkRoutes(stranger)), ...httpRoutes(host, meet) };
}
