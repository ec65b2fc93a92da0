/**
 * Messages of the Jupyter protocol as its WebSockets carry them: `v1.kernel.websocket.jupyter.org`, whose frames hold the texts as they are, and the
 * older form, one JSON object, in a binary frame before its buffers where it has any. Pure.
 *
 *   W1  What is no message is refused whole, with what is wrong; nothing of it is used.
 *   W2  A kernel's texts leave as it wrote them.
 */
import { type Channel, channels, headOf, json, type Message, parsed } from "@holdfast/kernel";
import { HoldError } from "@holdfast/protocol";

export const V1 = "v1.kernel.websocket.jupyter.org";

export interface Told {
  readonly channel: Channel;
  readonly message: Message;
}

/** Parts of a v1 frame before its buffers: channel, header, parent, metadata, content. */
const V1_PARTS = 5;
/** Buffers that one message may have. */
const MAX_BUFFERS = 4_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A frame: text, or bytes. */
export function frameOf(protocol: string, told: Told): string | Uint8Array {
  return protocol === V1 ? v1Frame(told) : legacyFrame(told);
}

/** W1: throws `bad_request`. `data`: a string of a text frame. */
export function toldIn(protocol: string, data: string | Uint8Array): Told {
  return checked(protocol === V1 ? fromV1(data) : fromLegacy(data));
}

function v1Frame({ channel, message: { header, parent, metadata, content, buffers } }: Told): Uint8Array {
  const parts = [encoder.encode(channel), header, parent, metadata, content, ...buffers];
  const front = 8 * (parts.length + 2);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, front));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(parts.length + 1), true);
  let at = front;
  for (const [i, part] of parts.entries()) {
    view.setBigUint64(8 * (i + 1), BigInt(at), true);
    bytes.set(part, at);
    at += part.length;
  }
  view.setBigUint64(8 * (parts.length + 1), BigInt(at), true);
  return bytes;
}

function fromV1(data: string | Uint8Array): Told {
  if (typeof data === "string") throw no("a frame of this sub-protocol is binary");
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const count = data.length < 8 ? 0 : Number(view.getBigUint64(0, true));
  if (count < V1_PARTS + 1 || count > V1_PARTS + 1 + MAX_BUFFERS || data.length < 8 * (count + 1))
    throw no(`it says that it has ${count} offsets`);
  const offsets = Array.from({ length: count }, (_, i) => Number(view.getBigUint64(8 * (i + 1), true)));
  const parts = slices(data, offsets, 8 * (count + 1));
  const [channel, header, parent, metadata, content, ...buffers] = parts as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  return { channel: decoder.decode(channel) as Channel, message: { header, parent, metadata, content, buffers } };
}

/** One part from each offset to the next. */
function slices(data: Uint8Array, offsets: readonly number[], from: number): Uint8Array[] {
  return offsets.slice(0, -1).map((at, i) => {
    const end = offsets[i + 1]!;
    if (at < from || end < at || end > data.length) throw no("its offsets lead out of it");
    return data.subarray(at, end);
  });
}

function legacyFrame({ channel, message }: Told): string | Uint8Array {
  const { header, parent, metadata, content, buffers } = message;
  const head = headOf(header);
  const text = [
    `{"header":${decoder.decode(header)}`,
    `"msg_id":${JSON.stringify(head?.msgId ?? "")}`,
    `"msg_type":${JSON.stringify(head?.msgType ?? "")}`,
    `"parent_header":${decoder.decode(parent)}`,
    `"metadata":${decoder.decode(metadata)}`,
    `"content":${decoder.decode(content)}`,
    `"buffers":[]`,
    `"channel":${JSON.stringify(channel)}}`,
  ].join(",");
  if (buffers.length === 0) return text;
  const parts = [encoder.encode(text), ...buffers];
  const front = 4 * (parts.length + 1);
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, front));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, parts.length);
  let at = front;
  for (const [i, part] of parts.entries()) {
    view.setUint32(4 * (i + 1), at);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function fromLegacy(data: string | Uint8Array): Told {
  let text = data;
  let buffers: Uint8Array[] = [];
  if (typeof text !== "string") {
    const bytes = text;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const count = bytes.length < 4 ? 0 : view.getUint32(0);
    if (count < 1 || count > MAX_BUFFERS + 1 || bytes.length < 4 * (count + 1)) throw no(`it says that it has ${count} parts`);
    const offsets = Array.from({ length: count }, (_, i) => view.getUint32(4 * (i + 1)));
    const [first, ...others] = slices(bytes, [...offsets, bytes.length], 4 * (count + 1));
    text = decoder.decode(first);
    buffers = others;
  }
  const fields = parsed(encoder.encode(text));
  if (!fields) throw no("it is no JSON object");
  const part = (name: string): Uint8Array => json(fields[name] ?? {});
  const channel = fields["channel"] as Channel;
  return {
    channel,
    message: {
      header: part("header"),
      parent: part("parent_header"),
      metadata: part("metadata"),
      content: part("content"),
      buffers,
    },
  };
}

function checked(told: Told): Told {
  const { channel, message } = told;
  if (!channels.includes(channel)) throw no(`there is no channel ${JSON.stringify(channel ?? null).slice(0, 32)}`);
  for (const part of ["header", "parent", "metadata", "content"] as const)
    if (!parsed(message[part])) throw no(`its ${part} is no JSON object`);
  if (!headOf(message.header)) throw no("its header names no msg_id or no msg_type");
  return told;
}

function no(why: string): HoldError {
  return new HoldError("bad_request", `that is no message of the Jupyter protocol: ${why}`);
}
