/** The host on a network: nothing by default, this machine's loopback when asked, another address with TLS alone. */
export { type Handler, Listener, type Route, type Routes, type Visit } from "./listener.ts";
