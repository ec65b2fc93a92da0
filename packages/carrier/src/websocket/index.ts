/** The WebSocket carrier for whoever has no Node: imports nothing but the platform. Node's ends are in node.ts. */
export { behindRelay, isLoopback, LINK_PATH, linkUrl, REACH_PATH, REACH_SUBPROTOCOL, reachUrl, SUBPROTOCOL } from "./address.ts";
export { connectWebSocket } from "./page.ts";
export { reachPlain } from "./relayed-page.ts";
