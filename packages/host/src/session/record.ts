/** Events as the journal stores them and as the wire carries them. Output has no body of its own: stream, offset and bytes say all. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EventBody_OutputSchema, EventBodySchema, EventSchema, type Event, type EventBody } from "@holdfast/protocol";
import type { FoldedEvent } from "@holdfast/core";
import type { Entry } from "../journal/journal.ts";
import { OWN_KIND } from "../journal/own.ts";

export type Body = Exclude<EventBody["kind"], { case: undefined }>;
type Case = Body["case"];

/** Journal `kind`: the field number in EventBody, so that a record can be told apart without decoding it. */
const numbers = Object.fromEntries(EventBodySchema.fields.map((f) => [f.localName, f.number])) as Record<Case, number>;
export const OUTPUT_KIND = numbers.output;

const NOTHING = new Uint8Array(0);
export const OUTPUT_BODY: Body = { case: "output", value: create(EventBody_OutputSchema) };

export function kindOf(body: Body): number {
  return numbers[body.case];
}

export function kindNamed(name: string): number | null {
  return (numbers as Record<string, number>)[name] ?? null;
}

export function encodeBody(body: Body): Uint8Array {
  return body.case === "output" ? NOTHING : toBinary(EventBodySchema, create(EventBodySchema, { kind: body }));
}

/** A kind that this version does not know reads as null: a newer host wrote it. */
export function decodeBody(kind: number, meta: Uint8Array): Body | null {
  if (kind === OUTPUT_KIND) return OUTPUT_BODY;
  if (kind === OWN_KIND) return null;
  const { kind: body } = fromBinary(EventBodySchema, meta);
  return body.case === undefined ? null : body;
}

export function folded(entry: Entry, body: Body | null): FoldedEvent {
  return { seq: entry.seq, actor: entry.actor, atUnixMs: entry.wallMs, body: body ?? { case: undefined }, stream: entry.stream, offset: entry.offset, bytes: entry.payloadBytes };
}

/** `data`: what this reader is shown of the payload (queries taken out, or nothing). */
export function wireEvent(entry: Entry, body: Body | null, data: Uint8Array): Event {
  return create(EventSchema, {
    seq: BigInt(entry.seq), actor: entry.actor, via: entry.via, atUnixMs: BigInt(Math.trunc(entry.wallMs)), lsn: BigInt(entry.lsn),
    ...(entry.kind === OUTPUT_KIND ? { stream: entry.stream, offset: BigInt(entry.offset) } : body ? { body: { kind: body } } : {}),
    data, payloadBytes: entry.payloadBytes,
    payload: entry.payloadState === "present" || entry.payloadState === "none" ? "" : entry.payloadState,
  });
}
