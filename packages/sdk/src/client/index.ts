/** The client without a machine: whoever has a way to dial and a credential makes one of these. */
export { ClientAttachment } from "./attachment.ts";
export type { Redial } from "./redial.ts";
export { Client } from "./client.ts";
export type { Surroundings } from "./surroundings.ts";
export { Connection } from "./connection.ts";
export { type Dial, type HandshakeOptions, type Met, type Redemption, shakeHands } from "./handshake.ts";
export type { Credential, HostVerifier } from "./credential.ts";
