/** The client without a machine: whoever has a way to dial and a credential makes one of these. */
export { ClientAttachment, type Redial } from "./attachment.ts";
export { Client, type Surroundings } from "./client.ts";
export { Connection, type ConnectionOptions, type Dial } from "./connection.ts";
export type { Credential, HostVerifier } from "./credential.ts";
