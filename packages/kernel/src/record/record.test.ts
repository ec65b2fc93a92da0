import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { encoded, MAX_RECORD_BYTES, RecordDecoder } from "./index.ts";

test("a record is these bytes: golden", () => {
  const bytes = Buffer.concat(encoded({ kind: "word", word: { word: "status", id: "1" } }, crc32));
  expect(bytes.toString("latin1", 20)).toBe('{"word":"status","id":"1"}');
  expect(bytes.subarray(0, 20).toString("hex")).toBe("48464b312e000000712bc66c020001001a000000");
});

test("a message's parts are handed on as they are, not copied", () => {
  const content = new Uint8Array(1000);
  const empty = new TextEncoder().encode("{}");
  const message = { header: empty, parent: empty, metadata: empty, content, buffers: [] };
  const pieces = encoded({ kind: "message", channel: "iopub", incarnation: 1, message }, crc32);
  expect(pieces[5]).toBe(content);
});

test("a length beyond the bound is no record, so that nobody waits for it", () => {
  const bytes = Buffer.concat(encoded({ kind: "word", word: { word: "status", id: "1" } }, crc32));
  bytes.writeUInt32LE(MAX_RECORD_BYTES + 1, 4);
  const good = Buffer.concat(encoded({ kind: "word", word: { word: "status", id: "2" } }, crc32));
  const found = new RecordDecoder(crc32).push(Buffer.concat([bytes, good]));
  expect(found).toEqual([
    { skippedBytes: bytes.length },
    { record: { kind: "word", word: { word: "status", id: "2" } }, bytes: good.length },
  ]);
});

test("64 MiB in pieces of 64 KiB are read in time that grows with their number alone", () => {
  const bytes = new Uint8Array(64 * 1024 * 1024).fill(7);
  const whole = Buffer.concat(encoded({ kind: "native", stream: "stdout", incarnation: 1, bytes }, crc32));
  const decoder = new RecordDecoder(crc32);
  let records = 0;
  for (let at = 0; at < whole.length; at += 65_536) records += decoder.push(whole.subarray(at, at + 65_536)).length;
  expect([records, decoder.heldBytes]).toEqual([1, 0]);
});

test("what was read does not change with the memory that it was read from", () => {
  const memory = Buffer.concat(
    encoded({ kind: "native", stream: "stdout", incarnation: 1, bytes: new Uint8Array([1, 2, 3]) }, crc32),
  );
  const [found] = new RecordDecoder(crc32).push(memory);
  memory.fill(0);
  expect(found).toMatchObject({ record: { bytes: new Uint8Array([1, 2, 3]) } });
});
