/**
 * Messages and their bytes. A carrier moves frames: a channel number and one message; the channel stands outside the
 * message, so that one encoded event serves every attachment (docs/protocol.md §2).
 */
import { HoldError } from "./code.ts";
import { create, fromBinary, type Init, toBinary } from "./message.ts";
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
