/**
 * Frames: a channel number (u32, big-endian) and one protobuf message. Carriers move frames and know nothing of them;
 * the channel stands outside the message so that one encoded event serves every attachment (docs/protocol.md §2).
 */
import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { ClientFrameSchema, HostFrameSchema, type ClientFrame, type HostFrame } from "@holdfast/protocol/wire/link";
import { HoldError } from "./code.ts";

export const CHANNEL_BYTES = 4;

export type ClientBody = NonNullable<MessageInitShape<typeof ClientFrameSchema>["body"]>;
export type HostBody = NonNullable<MessageInitShape<typeof HostFrameSchema>["body"]>;

export function encodeClient(channel: number, body: ClientBody): Uint8Array {
  return withChannel(channel, toBinary(ClientFrameSchema, create(ClientFrameSchema, { body })));
}

export function encodeHost(channel: number, body: HostBody): Uint8Array {
  return withChannel(channel, encodeHostMessage(body));
}

/** The message alone, to be sent on several channels. */
export function encodeHostMessage(body: HostBody): Uint8Array {
  return toBinary(HostFrameSchema, create(HostFrameSchema, { body }));
}

export function channelOf(frame: Uint8Array): number {
  if (frame.length < CHANNEL_BYTES) throw new HoldError("bad_request", `a frame of ${frame.length} bytes has no channel number`);
  return ((frame[0]! << 24) | (frame[1]! << 16) | (frame[2]! << 8) | frame[3]!) >>> 0;
}

/** Throws `bad_request` for anything that is not a message of ours. */
export function decodeClient(frame: Uint8Array): { channel: number; body: ClientFrame["body"] } {
  return { channel: channelOf(frame), body: decoded(() => fromBinary(ClientFrameSchema, frame.subarray(CHANNEL_BYTES)).body) };
}

export function decodeHost(frame: Uint8Array): { channel: number; body: HostFrame["body"] } {
  return { channel: channelOf(frame), body: decoded(() => fromBinary(HostFrameSchema, frame.subarray(CHANNEL_BYTES)).body) };
}

function decoded<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new HoldError("bad_request", "a frame is not a message of this protocol", {}, { cause });
  }
}

function withChannel(channel: number, message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(CHANNEL_BYTES + message.length);
  new DataView(frame.buffer).setUint32(0, channel);
  frame.set(message, CHANNEL_BYTES);
  return frame;
}
