import fc from "fast-check";
import { expect, test } from "vitest";
import { Deframer, framed } from "./framing.ts";

test("frames come out the same however the stream was cut", () => {
  const frame = fc.tuple(fc.nat(0xffff_ffff), fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
      (frames, cuts) => {
        const stream = Buffer.concat(frames.map(([channel, message]) => framed(channel, message)));
        const out: [number, number[]][] = [];
        const deframer = new Deframer();
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = cuts[i % cuts.length] as number;
          deframer.push(Buffer.from(stream.subarray(at, at + size)), (channel, message) => out.push([channel, [...message]]));
          at += size;
        }
        expect(out).toEqual(frames.map(([channel, message]) => [channel, [...message]]));
      },
    ),
  );
});

test("a frame that claims to be larger than allowed is refused before anything is kept for it", () => {
  const huge = Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1]);
  expect(() => new Deframer().push(huge, () => {})).toThrow(/bad_request|a frame of/);
});

test("a frame too short to have a channel is refused", () => {
  expect(() => new Deframer().push(Buffer.from([0, 0, 0, 3, 0, 0, 0, 0]), () => {})).toThrow(/a frame of 3 bytes/);
});

test("how long a frame may be is asked for each, so that one may raise it for the next", () => {
  let most = 20;
  const seen: number[] = [];
  const deframer = new Deframer(() => most);
  deframer.push(Buffer.concat([framed(1, new Uint8Array(10)), framed(2, new Uint8Array(100))]), (channel) => {
    seen.push(channel);
    most = 200;
  });
  expect(seen).toEqual([1, 2]);
  most = 20;
  expect(() => deframer.push(framed(3, new Uint8Array(100)).subarray(0, 8), () => {})).toThrow(/a frame of 104 bytes/);
});
