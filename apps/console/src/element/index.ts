/** `<hold-terminal>`: defined when this is imported; with what a page needs of the SDK to let itself in. */
import { HoldTerminal as Own } from "./hold-terminal.ts";
import type { HoldTerminalElement } from "./public.ts";

export { connect, credentialFrom, generateKeyPair, joinByInvite } from "@holdfast/sdk";
export type * from "./public.ts";

export const HoldTerminal: new () => HoldTerminalElement = Own;

if (!customElements.get("hold-terminal")) customElements.define("hold-terminal", Own);
