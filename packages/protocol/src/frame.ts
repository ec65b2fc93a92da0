/**
 * Messages and their bytes. A carrier moves frames: a channel number and one message; the channel stands outside the
 * message, so that one encoded event serves every attachment (docs/protocol.md §2).
 */
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { HoldError } from "./code.ts";
import { create, fromBinary, type Init, toBinary } from "./message.ts";
import { type Event, EventSchema } from "./wire/names.ts";
import { type ClientFrame, ClientFrameSchema, type HostFrame, HostFrameSchema } from "./wire/link.ts";

/** The channel of the handshake and of calls; every other one is an attachment, numbered by the client. */
export const CONTROL_CHANNEL = 0;

export type ClientBody = NonNullable<Init<ClientFrame>["body"]>;
export type HostBody = NonNullable<Init<HostFrame>["body"]>;

export function encodeClient(body: ClientBody): Uint8Array {
  return toBinary(ClientFrameSchema, create(ClientFrameSchema, { body }));
}

export function encodeHost(body: HostBody): Uint8Array {
  return toBinary(HostFrameSchema, create(HostFrameSchema, { body }));
}

/** Above this, copying data once more at each level of the message costs more than the writers that avoid it. */
const LARGE_DATA_BYTES = 1024;
/** Field numbers of the schema: HostFrame.event and Event.data, both length-delimited. */
const EVENT_TAG = (7 << 3) | 2;
const DATA_TAG = (8 << 3) | 2;
const NO_DATA = new Uint8Array(0);

/**
 * A HostFrame with one whole event: what {@link encodeHost} would say, with the data copied once, where the generated encoder
 * copies it at every level. Large data stands after the other fields, an order that protobuf leaves open.
 */
export function encodeEvent(event: Event): Uint8Array {
  const { data } = event;
  if (data.length < LARGE_DATA_BYTES) return toBinary(HostFrameSchema, { body: { case: "event", value: event } });
  const head = toBinary(EventSchema, { ...event, data: NO_DATA });
  const dataHead = new BinaryWriter().uint32(DATA_TAG).uint32(data.length).finish();
  return new BinaryWriter()
    .uint32(EVENT_TAG)
    .uint32(head.length + dataHead.length + data.length)
    .raw(head)
    .raw(dataHead)
    .raw(data)
    .finish();
}

/** Throws `bad_request` for bytes that are not a message of ours. */
export function decodeClient(message: Uint8Array): ClientFrame["body"] {
  return decoded(() => fromBinary(ClientFrameSchema, message).body);
}

export function decodeHost(message: Uint8Array): HostFrame["body"] {
  return decoded(() => fromBinary(HostFrameSchema, message).body);
}

function decoded<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new HoldError("bad_request", "a frame holds no message of this protocol", {}, { cause });
  }
}
