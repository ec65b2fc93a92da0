/** What both of the package's entries give: a program on Node needs one import. */
export * from "./api/index.ts";
export { escapeBytes, escapeLines, escapeText } from "./escape.ts";
export { shownExactly } from "./shown-exactly.ts";
export { readJournal } from "./journal.ts";
export {
  auditJson,
  eventJson,
  eventKind,
  exitJson,
  floorModeWord,
  inputStatusWord,
  kindWord,
  sessionKindWord,
  stateWord,
} from "./record/event-json.ts";
export { policyExample } from "./policy-example.ts";
export { KernelReader } from "./record/kernel-reader.ts";
export { codeText, KernelTranscript, type TranscriptPiece } from "./record/kernel-transcript.ts";
export { textOfSaid } from "./client/kernel-text.ts";
export { castOf, type CastOptions } from "./record/cast.ts";
export { type Cast, type CastEvent, readCast, sizeOfCast } from "./record/read-cast.ts";
export { told } from "./session.ts";
export type { Credential } from "./client/credential.ts";
export { keyNames, parseKey } from "./key.ts";
export { openSshPublicKey } from "./ssh-key.ts";
export { pagesOf, placesOf, relayedAddress, type ServedPage } from "./places.ts";
export { formatInvite, type InviteText, parseInvite } from "./invite-text.ts";
export { formatHead, headFrom, type Head as WireHead, parseHeads, type SignedHead, type Standing } from "@holdfast/protocol";
export { bytesOf, textOf, HoldError, adviceOf, codes, exitCodeOf, limits, withoutSecret, type Code } from "@holdfast/protocol";
export { capabilities, type Deed, deeds, roles, terminal } from "@holdfast/core";
export { EventBodySchema, FloorMode, InputStatus, OperatorKind, SessionKind, SessionState } from "@holdfast/protocol";
