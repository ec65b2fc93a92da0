/** The host for stock SSH clients: nothing by default, and none of it loaded then. */
import type { Link, LinkHandlers } from "@holdfast/carrier";
import type { Proven } from "../link/handshake.ts";

export { sshHostKey } from "./host-key.ts";
export { SshServer } from "./server.ts";
export { readSsh } from "./wish.ts";

/** Hands a link to the host. */
export type MeetSsh = (link: Link, proven: Proven, begins: "open" | "hello") => LinkHandlers;
