/** What others call. The Node parts (sockets, keys, folders) stand at `@holdfast/sdk/node`. */
export * from "./api/index.ts";
export { escapeBytes, escapeLines, escapeText } from "./escape.ts";
export { shownExactly } from "./shown-exactly.ts";
export { readJournal } from "./journal.ts";
export type { Credential } from "./client/credential.ts";
export { keyNames, parseKey } from "./key.ts";
export { openSshPublicKey } from "./ssh-key.ts";
export { formatInvite, type InviteText, parseInvite } from "./invite-text.ts";
export { connect, type WebOptions } from "./web/connect.ts";
export { joinByInvite, type WebJoined, type WebJoinOptions } from "./web/join.ts";
export { credentialFrom, generateKeyPair, type KeyPair, publicKeyOf } from "./web/key.ts";
export { bytesOf, HoldError, adviceOf, codes, exitCodeOf, limits, type Code } from "@holdfast/protocol";
export { capabilities, roles, terminal } from "@holdfast/core";
export { EventBodySchema, FloorMode, InputStatus, OperatorKind, SessionKind, SessionState } from "@holdfast/protocol";
