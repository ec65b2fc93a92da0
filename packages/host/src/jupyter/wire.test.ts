import { json } from "@holdfast/kernel";
import { HoldError } from "@holdfast/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { frameOf, type Told, toldIn, V1 } from "./wire.ts";

const header = { msg_id: "m1", msg_type: "comm_msg", session: "s", username: "ana", version: "5.3" };
const told = (buffers: readonly Uint8Array[] = [], content: object = { text: "é" }): Told => ({
  channel: "shell",
  message: { header: json(header), parent: json({}), metadata: json({ a: 1 }), content: json(content), buffers },
});

const bytesIn = ({ channel, message }: Told) => ({
  channel,
  parts: [message.header, message.parent, message.metadata, message.content, ...message.buffers].map((part) =>
    Buffer.from(part).toString("base64"),
  ),
});

test.each([V1, ""])("a message goes over %j and back, with all its buffers", (protocol) => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 5 }),
      fc.dictionary(fc.string(), fc.string()),
      (buffers, content) => {
        const sent = told(buffers, content);
        expect(bytesIn(toldIn(protocol, frameOf(protocol, sent)))).toEqual(bytesIn(sent));
      },
    ),
  );
});

test("a v1 frame is laid out as the sub-protocol says: little-endian offsets from its start, the last one its end", () => {
  const frame = frameOf(V1, told([Uint8Array.of(1, 2, 3)])) as Uint8Array;
  const view = new DataView(frame.buffer);
  const count = Number(view.getBigUint64(0, true));
  expect(count).toBe(1 + 4 + 1 + 1);
  expect(Number(view.getBigUint64(8, true))).toBe(8 * (1 + count));
  expect(Number(view.getBigUint64(8 * count, true))).toBe(frame.length);
});

test("the older form is a text without buffers, and with them a binary frame with big-endian offsets", () => {
  const text = frameOf("", told());
  expect(JSON.parse(text as string)).toMatchObject({ channel: "shell", msg_id: "m1", msg_type: "comm_msg", buffers: [], header });
  const frame = frameOf("", told([Uint8Array.of(7)])) as Uint8Array;
  expect(new DataView(frame.buffer).getUint32(0)).toBe(2);
});

test.each<[string, string | Uint8Array]>([
  [V1, "text"],
  [V1, new Uint8Array(3)],
  [V1, new Uint8Array(64).fill(255)],
  ["", "no json"],
  ["", "[]"],
  ["", "{}"],
  ["", JSON.stringify({ channel: "other", header })],
  ["", JSON.stringify({ channel: "shell", header: { msg_id: 1 } })],
  ["", new Uint8Array(2)],
  ["", new Uint8Array(32).fill(1)],
])("over %j, %j is no message", (protocol, data) => expect(() => toldIn(protocol, data)).toThrow(HoldError));

test("no bytes at all, and no bytes cut short, do more than be refused", () => {
  const whole = frameOf(V1, told([new Uint8Array(9)])) as Uint8Array;
  for (let length = 0; length < whole.length; length++) {
    const cut = whole.slice(0, length);
    expect(() => toldIn(V1, cut), `${length} bytes`).toThrow();
  }
});
