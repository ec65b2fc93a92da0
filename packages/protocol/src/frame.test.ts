import { expect, test } from "vitest";
import { create, decodeHost, encodeEvent, encodeHost, EventSchema } from "./index.ts";

test.each([0, 1, 1023, 1024, 1025, 70_000])("an event with %d bytes of data reads as what was written", (bytes) => {
  const data = Uint8Array.from({ length: bytes }, (_, i) => i & 255);
  const event = create(EventSchema, { seq: 7n, actor: "program", via: "shim", offset: 3n, lsn: 9n, payloadBytes: bytes, data });
  const read = decodeHost(encodeEvent(event));
  expect(read).toEqual(decodeHost(encodeHost({ case: "event", value: event })));
  expect(read).toEqual({ case: "event", value: event });
});
