/** Output as the event that it is in the journal, so that one printer shows both. */
import type { Entry, Event } from "@holdfast/sdk";

export function outputEvent(o: Entry & { readonly type: "output" }): Event {
  // The generated type carries a brand that only the codec gives; nothing here reads it.
  return {
    seq: BigInt(o.seq),
    actor: "",
    via: "",
    atUnixMs: BigInt(Math.round(o.atMs)),
    stream: o.stream,
    offset: BigInt(o.offset),
    data: o.bytes,
    payload: "",
    payloadBytes: o.bytes.length,
    lsn: 0n,
  } as unknown as Event;
}
