/** The host on a network: nothing by default, this machine's loopback when asked, another address with TLS alone. */
export { httpLinkRoutes } from "./http-link-route.ts";
export { linkRoute } from "./link-route.ts";
export { Listener, type Route, type Routes, type Visit } from "./listener.ts";
