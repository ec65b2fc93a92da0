/** The host as a library: for its own process (main.ts) and for the simulated world of testkit. */
export { Host, HOST_SESSION, type HostOptions } from "./host.ts";
export type { Proven } from "./link/handshake.ts";
export type { HostIdentity } from "./link/identity.ts";
export { HostLink } from "./link/host-link.ts";
export { Continuity, type ContinuityStore } from "./operator/continuity.ts";
export { Invitations } from "./operator/invitations.ts";
export { OperatorRegistry, type RegisteredOperator } from "./operator/registry.ts";
export { PolicyStore } from "./policy/store.ts";
export { Alarms } from "./witness/alarms.ts";
export { HostWitness } from "./witness/witness.ts";
export * from "./session/ports.ts";
export type { Opener, SessionFiles } from "./session/open.ts";
export { LiveSession } from "./session/session.ts";
export type { ModelHandlers, ModelPosition, QueryReply, ScreenText, Snapshot, TerminalModels } from "./terminal/model.ts";
