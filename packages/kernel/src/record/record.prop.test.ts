/** Records survive any cutting of the pipe, and what is none is skipped and counted. */
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { json } from "../message/index.ts";
import { type BridgeRecord, type Decoded, encoded, RecordDecoder } from "./index.ts";

const numRuns = process.env.HOLDFAST_SOAK ? 20_000 : 300;

const bytes = fc.uint8Array({ maxLength: 300 });
const record: fc.Arbitrary<BridgeRecord> = fc.oneof(
  fc
    .record({
      channel: fc.constantFrom("shell" as const, "iopub" as const, "stdin" as const),
      content: fc.dictionary(fc.string(), fc.jsonValue()),
      buffers: fc.array(bytes, { maxLength: 4 }),
      incarnation: fc.integer({ min: 0, max: 9 }),
    })
    .map(({ channel, content, buffers, incarnation }): BridgeRecord => {
      const message = { header: json({ msg_id: "1" }), parent: json({}), metadata: json({}), content: json(content), buffers };
      return { kind: "message", channel, incarnation, message };
    }),
  bytes.map((said): BridgeRecord => ({ kind: "native", stream: "stderr", incarnation: 1, bytes: said })),
  fc.string().map((id): BridgeRecord => ({ kind: "word", word: { word: "status", id } })),
);

const written = (records: readonly BridgeRecord[]) => Buffer.concat(records.flatMap((one) => encoded(one, crc32)));
const plain = (found: readonly Decoded[]) =>
  found.flatMap((one) => ("record" in one ? [Buffer.concat(encoded(one.record, crc32)).toString("base64")] : []));
const skippedIn = (found: readonly Decoded[]) => found.reduce((sum, one) => sum + ("record" in one ? 0 : one.skippedBytes), 0);

/** `whole` in pieces of the given sizes, over and over. */
function pushed(decoder: RecordDecoder, whole: Uint8Array, sizes: readonly number[]): Decoded[] {
  const found: Decoded[] = [];
  for (let at = 0, i = 0; at < whole.length; i++) {
    const size = sizes[i % sizes.length]!;
    found.push(...decoder.push(whole.subarray(at, at + size)));
    at += size;
  }
  return found;
}

test("records come out as they went in, in whatever pieces the pipe gives them", () => {
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }),
      (records, sizes) => {
        const decoder = new RecordDecoder(crc32);
        const found = pushed(decoder, written(records), sizes);
        expect(plain(found)).toEqual(records.map((one) => written([one]).toString("base64")));
        expect([skippedIn(found), decoder.heldBytes]).toEqual([0, 0]);
      },
    ),
    { numRuns },
  );
});

test("after a record that a crash cut off, and a restart, every later one is read and the torn bytes are counted", () => {
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 3 }),
      record,
      fc.array(record, { minLength: 1, maxLength: 3 }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (before, torn, after, part) => {
        const whole = written([torn]);
        const rest = whole.subarray(0, Math.floor(whole.length * part));
        const decoder = new RecordDecoder(crc32);
        const found = [
          ...pushed(decoder, Buffer.concat([written(before), rest]), [97]),
          ...decoder.restart(),
          ...pushed(decoder, written(after), [31]),
        ];
        expect(plain(found)).toEqual([...before, ...after].map((one) => written([one]).toString("base64")));
        expect(skippedIn(found)).toBe(rest.length);
      },
    ),
    { numRuns },
  );
});

test("a reader that begins in the middle, or hears noise, finds the next whole record", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(record, { minLength: 2, maxLength: 5 }),
      fc.nat(),
      (noise, records, cut) => {
        const first = written([records[0]!]);
        const head = first.subarray(1 + (cut % (first.length - 1)));
        const decoder = new RecordDecoder(crc32, 100_000);
        const found = [...pushed(decoder, Buffer.concat([head, noise, written(records.slice(1))]), [64]), ...decoder.restart()];
        expect(plain(found).slice(-(records.length - 1))).toEqual(
          records.slice(1).map((one) => written([one]).toString("base64")),
        );
      },
    ),
    { numRuns },
  );
});
