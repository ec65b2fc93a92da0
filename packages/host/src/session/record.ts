/** Events as the journal stores them and as the wire carries them. Output has no body of its own: stream, offset and bytes say all. */
import {
  create,
  fromBinary,
  toBinary,
  EventBody_OutputSchema,
  EventBodySchema,
  type Event,
  type EventBody,
} from "@holdfast/protocol";
import type { FoldedEvent } from "@holdfast/core";
import type { Entry } from "../journal/journal.ts";
import { OWN_KIND } from "../journal/own.ts";

export type Body = Exclude<EventBody["kind"], { case: undefined }>;
type Case = Body["case"];

/** Journal `kind`: the field number in EventBody, so that a record can be told apart without decoding it. */
export const kinds = {
  opened: 1,
  output: 2,
  input: 3,
  inputSettled: 4,
  resized: 5,
  signalled: 6,
  attached: 7,
  detached: 8,
  floorChanged: 9,
  aiPaused: 10,
  commandStarted: 11,
  commandEnded: 12,
  exited: 13,
  closed: 14,
  ended: 15,
  renamed: 16,
  redacted: 17,
  gap: 18,
  started: 19,
  note: 20,
  operatorChanged: 21,
  hostStarted: 22,
  replyWritten: 23,
  removed: 24,
  resizeAsked: 25,
  fileUsed: 26,
  approvalAsked: 60,
  approvalDecided: 61,
  approvalOver: 62,
  policyLoaded: 63,
  portUsed: 64,
  headContradicted: 85,
  witnessAccepted: 86,
  kernelAsked: 87,
  kernelOver: 88,
  bridgeEnded: 89,
} as const satisfies Record<Case, number>;
export const OUTPUT_KIND = kinds.output;

const NOTHING = new Uint8Array(0);
export const OUTPUT_BODY: Body = { case: "output", value: create(EventBody_OutputSchema) };

export function kindOf(body: Body): number {
  return kinds[body.case];
}

export function encodeBody(body: Body): Uint8Array {
  return body.case === "output" ? NOTHING : toBinary(EventBodySchema, { kind: body });
}

/** A kind that this version does not know reads as null: a newer host wrote it. */
export function decodeBody(kind: number, meta: Uint8Array): Body | null {
  if (kind === OUTPUT_KIND) return OUTPUT_BODY;
  if (kind === OWN_KIND) return null;
  const { kind: body } = fromBinary(EventBodySchema, meta);
  return body.case === undefined ? null : body;
}

export function folded(entry: Entry, body: Body | null): FoldedEvent {
  return {
    seq: entry.seq,
    actor: entry.actor,
    atUnixMs: entry.wallMs,
    body: body ?? { case: undefined },
    stream: entry.stream,
    offset: entry.offset,
    bytes: entry.payloadBytes,
  };
}

/** `data`: what this reader is shown of the payload (queries taken out, or nothing). `masked`: how many of its bytes are masked secrets. */
export function wireEvent(entry: Entry, body: Body | null, data: Uint8Array, masked = 0): Event {
  const isOutput = entry.kind === OUTPUT_KIND;
  const isUntold = entry.kind === kinds.input && data.length === 0 && entry.payloadState === "present";
  return {
    seq: BigInt(entry.seq),
    actor: entry.actor,
    via: entry.via,
    atUnixMs: BigInt(Math.trunc(entry.wallMs)),
    lsn: BigInt(entry.lsn),
    stream: isOutput ? entry.stream : 0,
    offset: isOutput ? BigInt(entry.offset) : 0n,
    body: isOutput || !body ? undefined : { kind: body },
    data,
    masked,
    payloadBytes: entry.payloadBytes,
    payload: isUntold ? "untold" : entry.payloadState === "present" || entry.payloadState === "none" ? "" : entry.payloadState,
  };
}
