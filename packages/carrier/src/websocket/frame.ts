/** One binary WebSocket message is one frame: channel (u32, big-endian), then the message. Pure; no Buffer, so that a page has it too. */
import { HoldError } from "@holdfast/protocol";

const CHANNEL_BYTES = 4;

export function packed(channel: number, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(CHANNEL_BYTES + message.length);
  new DataView(out.buffer).setUint32(0, channel);
  out.set(message, CHANNEL_BYTES);
  return out;
}

/** Throws `bad_request` for one that is too short to have a channel, or longer than `maxBytes`. The message is a view. */
export function unpacked(data: Uint8Array, maxBytes: number): { readonly channel: number; readonly message: Uint8Array } {
  if (data.length < CHANNEL_BYTES || data.length > maxBytes)
    throw new HoldError("bad_request", `a frame of ${data.length} bytes; ${CHANNEL_BYTES} to ${maxBytes} are allowed`);
  return {
    channel: new DataView(data.buffer, data.byteOffset, CHANNEL_BYTES).getUint32(0),
    message: data.subarray(CHANNEL_BYTES),
  };
}
