import { EventBodySchema, toBinary, type EventBody } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { decodeBody, kinds } from "./record.ts";

test.each(Object.entries(kinds))("a record's kind for %s is its field number on the wire", (name, number) => {
  const body = {
    kind: { case: name, value: EventBodySchema.fromPartial({ kind: { case: name, value: {} } } as never).kind.value },
  } as EventBody;
  // A field's tag is its number and, in the low three bits, its wire type (2: length-delimited), as a varint.
  const bytes = toBinary(EventBodySchema, body);
  const tag = (bytes[0] as number) & 0x80 ? ((bytes[0] as number) & 0x7f) | ((bytes[1] as number) << 7) : (bytes[0] as number);
  expect(tag).toBe((number << 3) | 2);
  if (name !== "output") expect(decodeBody(number, bytes)?.case).toBe(name);
});

test("what a newer host recorded reads as an event without a meaning, not as an error", () => {
  expect(decodeBody(200, Uint8Array.of(0xc2, 0x0c, 0x00))).toBeNull();
});
