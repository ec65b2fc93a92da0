/** What an HTTP link's requests carry upstream: frames, one behind the other, as they are on byte streams (docs/protocol.md §2). Pure; no Buffer. */

const HEADER_BYTES = 8;

/** One frame: length of what follows it, channel, message. */
export function packedFrame(channel: number, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(HEADER_BYTES + message.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, message.length + 4);
  view.setUint32(4, channel);
  out.set(message, HEADER_BYTES);
  return out;
}

/** Takes frames off the queue's head: at least one, and then as many as stay below `maxBytes`. */
export function takeBatch(queue: Uint8Array[], maxBytes: number): Uint8Array<ArrayBuffer> {
  let count = 0;
  let bytes = 0;
  while (count < queue.length && (count === 0 || bytes + queue[count]!.length <= maxBytes)) bytes += queue[count++]!.length;
  const out = new Uint8Array(bytes);
  let at = 0;
  for (const frame of queue.splice(0, count)) {
    out.set(frame, at);
    at += frame.length;
  }
  return out;
}
