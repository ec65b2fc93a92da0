/** The host's reader: whatever pieces the socket hands over, the handlers hear the same. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectShim } from "./connect.ts";
import { Type } from "./frame.ts";
import type { ShimHandlers } from "./link.ts";

function made(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(body.length, 0);
  head[4] = type;
  head[5] = flags;
  return Buffer.concat([head, body]);
}

function output(stream: number, offset: bigint, text: string): Buffer {
  const b = Buffer.alloc(16 + text.length);
  b.writeBigUInt64LE(offset, 0);
  b.writeBigUInt64LE(offset * 2n, 8);
  b.write(text, 16);
  return made(Type.output, stream, b);
}

const result = (seq: bigint) => {
  const b = Buffer.alloc(32);
  b.writeBigUInt64LE(seq, 0);
  b[28] = 1;
  return made(Type.result, 0, b);
};
const closed = (stream: number, end: bigint) => {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(end);
  return made(Type.closed, stream, b);
};

/** Serves `pieces` one by one, each after the one before was sent, to one link; returns what its handlers heard. */
async function hear(pieces: readonly Buffer[], outputs: string[] = []): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "hc-"));
  const heard: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer(async (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.setNoDelay?.(true);
    for (const p of pieces) {
      await new Promise<void>((done) => socket.write(p, () => done()));
      await new Promise<void>((done) => setImmediate(done));
    }
    socket.end();
  });
  await new Promise<void>((done) => server.listen(join(folder, "s"), done));
  const streams = new Map<number, { from: bigint; text: string }>();
  await new Promise<void>((done) => {
    const handlers: ShimHandlers = {
      welcome: () => heard.push("welcome"),
      output: (stream, offset, timeNs, bytes) => {
        const s = streams.get(stream) ?? { from: offset, text: "" };
        expect(offset).toBe(s.from + BigInt(s.text.length));
        s.text += Buffer.from(bytes).toString();
        outputs.push(`${stream}@${offset} ${Buffer.from(bytes).toString()}`);
        streams.set(stream, s);
        void timeNs;
      },
      result: (r) => heard.push(`result ${r.seq}`),
      exited: () => heard.push("exited"),
      closed: (stream, end) => heard.push(`closed ${stream} at ${end}: ${streams.get(stream)?.text}`),
      probe: () => {},
      end: (reason, detail) => {
        heard.push(`end ${reason}${reason === "protocol" ? ` ${detail}` : ""}`);
        done();
      },
    };
    connectShim(join(folder, "s"), {}, handlers);
  });
  for (const s of sockets) s.destroy();
  await new Promise<void>((done) => server.close(() => done()));
  rmSync(folder, { recursive: true });
  return heard;
}

const all = Buffer.concat([
  result(1n),
  output(1, 0n, "abc"),
  result(2n),
  output(2, 0n, "xyz"),
  output(1, 3n, "def"),
  closed(1, 6n),
  result(3n),
  closed(2, 3n),
  made(Type.fenced, 0, Buffer.alloc(0)),
  result(99n),
]);
const wanted = ["result 1", "result 2", "closed 1 at 6: abcdef", "result 3", "closed 2 at 3: xyz", "end fenced"];

test.each([1, 2, 3, 7, 8, 9, 23, 24, 25, 1_000])(
  "frames in pieces of %i bytes are heard whole, in order, and nothing after the end",
  async (size) => {
    const pieces = [];
    for (let at = 0; at < all.length; at += size) pieces.push(all.subarray(at, at + size));
    expect(await hear(pieces)).toEqual(wanted);
  },
);

test("cut in two at any byte, it is all the same", async () => {
  for (let at = 1; at < all.length; at++) expect(await hear([all.subarray(0, at), all.subarray(at)])).toEqual(wanted);
});

test("a frame of no known type, or of an absurd length, ends the link as a fault of protocol", async () => {
  expect(await hear([result(1n), made(0x7f, 0, Buffer.alloc(4)), result(2n)])).toEqual([
    "result 1",
    "end protocol unknown frame type 127",
  ]);
  const absurd = made(Type.result, 0, Buffer.alloc(0));
  absurd.writeUInt32LE(0xffff_ffff, 0);
  expect(await hear([absurd])).toEqual(["end protocol a frame of type 131 claims 4294967295 bytes"]);
  expect(await hear([made(Type.result, 0, Buffer.alloc(5))])).toMatchObject([expect.stringContaining("end protocol")]);
});

test("a link that the other side drops is gone, and one to nobody too", async () => {
  expect(await hear([result(1n), Buffer.from([1, 2])])).toEqual(["result 1", "end gone"]);
});

test("output that came in one read and follows each other is handed on as one, and never past an answer", async () => {
  const outputs: string[] = [];
  const piece = Buffer.concat([
    output(1, 0n, "abc"),
    output(1, 3n, "def"),
    output(2, 0n, "xyz"),
    output(1, 6n, "ghi"),
    result(1n),
    output(1, 9n, "jkl"),
    output(1, 12n, "mno"),
  ]);
  await hear([piece], outputs);
  expect(outputs).toEqual(["1@0 abcdef", "2@0 xyz", "1@6 ghi", "1@9 jklmno"]);
});

test("what is handed on as one is at most what one record holds", async () => {
  const outputs: string[] = [];
  const lots = Array.from({ length: 100 }, (_, i) => output(1, BigInt(i * 1_000), "x".repeat(1_000)));
  await hear([Buffer.concat(lots)], outputs);
  for (const o of outputs) expect(o.length).toBeLessThan(65_536 + 20);
  expect(outputs.length).toBeLessThan(20);
});
