import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { FormatError } from "./fault.ts";
import {
  checkFrame,
  decodeHeader,
  decodeRecord,
  encodeHeader,
  encodeRecord,
  HAS_STREAM,
  HEADER_BYTES,
  INLINE,
  inlinePayload,
  isZero,
  MAX_FRAME,
  restamp,
  saltSeed,
  sha256,
  stampCrc,
  ZERO_CHAIN,
} from "./format.ts";
import { escapeSession, parsePayloadName, payloadName } from "./payload-format.ts";
import { scanSegment } from "./scan.ts";

const salt = Buffer.from("saltsalt");
const header = encodeHeader({
  flags: 0,
  life: 3,
  index: 7,
  firstLsn: 2 ** 40,
  previousHead: Buffer.alloc(32, 1),
  createdWallMs: 5,
  createdMonoNs: 6n,
  salt,
  bootId: "boot",
});

function record(lsn: number, more: { meta?: string; payload?: string; seed?: number } = {}): Buffer {
  const into = Buffer.alloc(MAX_FRAME);
  const payload = more.payload === undefined ? null : Buffer.from(more.payload);
  const recordSalt = Buffer.alloc(16, 9);
  const length = encodeRecord(
    into,
    {
      flags: HAS_STREAM | (payload === null ? 0 : INLINE),
      kind: 9,
      session: "sé1",
      actor: "ana",
      via: "cli",
      stream: 2,
      lsn,
      seq: 2 ** 33 + lsn,
      wallMs: -5,
      monoNs: 2n ** 63n,
      offset: 2 ** 45,
      meta: Buffer.from(more.meta ?? "meta"),
      payload,
      salt: recordSalt,
      commitment: payload === null ? ZERO_CHAIN : sha256(Buffer.concat([recordSalt, payload])),
      fileNo: 0,
      filePosition: 0,
    },
    ZERO_CHAIN,
    more.seed ?? saltSeed(salt),
  );
  return Buffer.from(into.subarray(0, length));
}

test("a header says what was put in, and a flip anywhere in it is no header", () => {
  expect(decodeHeader(header)).toMatchObject({ life: 3, index: 7, firstLsn: 2 ** 40, bootId: "boot", createdMonoNs: 6n });
  for (let i = 0; i < HEADER_BYTES; i++) {
    const bytes = Buffer.from(header);
    bytes[i]! ^= 1;
    expect(decodeHeader(bytes), `byte ${i}`).toBeNull();
  }
});

test("a newer version or an unknown segment flag stops the reader with advice", () => {
  for (const at of [8, 14]) {
    const bytes = Buffer.from(header);
    bytes[at] = 64;
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 188)), 188);
    expect(() => decodeHeader(bytes)).toThrow(FormatError);
  }
});

test("a record says what was put in", () => {
  const bytes = record(12, { payload: "hello" });
  expect(checkFrame(bytes, 0, bytes.length, saltSeed(salt))).toMatchObject({ ok: true, length: bytes.length });
  const r = decodeRecord(bytes, 0);
  expect(r).toMatchObject({
    kind: 9,
    session: "sé1",
    actor: "ana",
    via: "cli",
    stream: 2,
    lsn: 12,
    seq: 2 ** 33 + 12,
    wallMs: -5,
    monoNs: 2n ** 63n,
    offset: 2 ** 45,
    payloadBytes: 5,
  });
  expect(inlinePayload(bytes, 0, r, saltSeed(salt))).toMatchObject({ state: "present", payload: Buffer.from("hello") });
});

test("an erased inline payload leaves the record whole", () => {
  const bytes = record(1, { payload: "secret" });
  const r = decodeRecord(bytes, 0);
  bytes.fill(0, r.inlineAt);
  expect(checkFrame(bytes, 0, bytes.length, saltSeed(salt)).ok).toBe(true);
  expect(inlinePayload(bytes, 0, r, saltSeed(salt)).state).toBe("redacted");
  bytes[bytes.length - 1] = 1;
  expect(inlinePayload(bytes, 0, r, saltSeed(salt)).state).toBe("damaged");
});

test("a record moved to another segment keeps its chain", () => {
  const bytes = record(1, { payload: "hello" });
  const chain = Buffer.from(decodeRecord(bytes, 0).chain);
  restamp(bytes, 3, 4, 99);
  expect(checkFrame(bytes, 0, bytes.length, saltSeed(salt)).ok).toBe(false);
  expect(checkFrame(bytes, 0, bytes.length, 99).ok).toBe(true);
  expect(decodeRecord(bytes, 0)).toMatchObject({ chain, fileNo: 3, filePosition: 4 });
  expect(inlinePayload(bytes, 0, decodeRecord(bytes, 0), 99).state).toBe("present");
});

test("an unknown critical frame stops the reader, an unknown other one is stepped over", () => {
  const seed = saltSeed(salt);
  const strange = (type: number): Buffer => {
    const b = Buffer.alloc(64);
    b.writeUInt32LE(64, 0);
    b[48] = type;
    stampCrc(b, 64, seed);
    return b;
  };
  const walk = (...frames: Buffer[]): number[] => {
    const seen: number[] = [];
    const fail = (): never => {
      throw new Error("damage");
    };
    scanSegment(Buffer.concat([header, ...frames]), seed, {
      record: (_at, r) => {
        seen.push(r.lsn);
      },
      seal() {},
      damage: fail,
      torn: fail,
    });
    return seen;
  };
  expect(walk(record(1), strange(0x20), record(2))).toEqual([1, 2]);
  expect(() => walk(record(1), strange(0xa0), record(2))).toThrow(/newer Holdfast/);
});

test("bytes printed into a session are not taken for a record, even a whole one of another segment", () => {
  const forged = record(99, { seed: saltSeed(Buffer.from("another!")) });
  const carrier = record(1, { meta: forged.toString("latin1") });
  const bytes = Buffer.concat([header, carrier, record(2)]);
  bytes[HEADER_BYTES + 60]! ^= 1;
  const seen: unknown[] = [];
  scanSegment(bytes, saltSeed(salt), {
    record: (_at, r) => {
      seen.push(r.lsn);
    },
    seal() {},
    damage: (from, to) => {
      seen.push([from, to]);
    },
    torn: () => {
      seen.push("torn");
    },
  });
  expect(seen).toEqual([[HEADER_BYTES, HEADER_BYTES + carrier.length], 2]);
});

test("lengths beyond their bounds are refused before anything is read by them", () => {
  const seed = saltSeed(salt);
  for (const length of [0, 1, 55, MAX_FRAME + 1, 0x7fff_ffff, 0xffff_ffff]) {
    const bytes = record(1);
    bytes.writeUInt32LE(length, 0);
    expect(checkFrame(bytes, 0, bytes.length, seed).ok).toBe(false);
  }
  expect(isZero(Buffer.alloc(8), 0, 8)).toBe(true);
});

test("any session name makes a file name that leads back to it and nowhere else", () => {
  for (const session of ["s1", "../../etc/passwd", "a.b", "é", "x/y", "%41", "a b\n"]) {
    const name = payloadName(session, 3, 9);
    expect(name).toMatch(/^[A-Za-z0-9_%-]+\.3\.9\.pay$/);
    expect(parsePayloadName(name)).toEqual({ session, no: 3, firstSeq: 9 });
    expect(escapeSession(session)).not.toContain("/");
  }
});
