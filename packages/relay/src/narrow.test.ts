import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { gzipSync } from "node:zlib";
import { audienceOf } from "@holdfast/carrier/grpc";
import { fromBinary, limits, PieceSchema } from "@holdfast/protocol";
import { expect, onTestFinished, test, vi } from "vitest";
import { Key, piece, Scene } from "./test/scene.ts";

const soon = { timeout: 8_000, interval: 5 };

/** HTTP/2 by hand: what no client of gRPC would send. */
async function session(scene: Scene): Promise<ClientHttp2Session> {
  const client = connect(`http://${scene.address.authority}`);
  client.on("error", () => {});
  onTestFinished(() => client.destroy());
  await vi.waitFor(() => expect(client.remoteSettings?.maxConcurrentStreams).toBeGreaterThan(0), soon);
  return client;
}

function call(
  client: ClientHttp2Session,
  method: string,
  more: object = {},
): { readonly stream: ClientHttp2Stream; ended(): number | null } {
  const stream = client.request(
    {
      ":method": "POST",
      ":path": `/holdfast.v1.RelayService/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
      ...more,
    },
    { endStream: false },
  );
  let code: number | null = null;
  stream.on("error", () => {});
  stream.on("close", () => (code = stream.rstCode));
  return { stream, ended: () => code };
}

/** A message as gRPC frames it, `bytes` long as it says, of which this much follows. */
function begun(bytes: number, sent: number): Buffer {
  const head = Buffer.alloc(5 + sent);
  head.writeUInt32BE(bytes, 1);
  return head;
}

function framed(message: Buffer, isCompressed = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(isCompressed);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const MIB = 1024 * 1024;

test.each(["Serve", "Accept", "Reach", "Find"])(
  "a stranger's %s is reset at 64 KiB, and what else its connection asks goes on",
  async (method) => {
    const scene = await Scene.start();
    const ana = new Key();
    await scene.host("box", [ana]);
    const client = await session(scene);
    const greedy = call(client, method);
    greedy.stream.write(begun(MIB, limits.preAuthBytes));
    await vi.waitFor(() => expect(greedy.ended()).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM), soon);
    const honest = call(client, "Reach");
    const heard: Buffer[] = [];
    honest.stream.on("data", (bytes: Buffer) => heard.push(bytes));
    honest.stream.write(
      framed(piece({ case: "knock", value: { host: "box", pass: await ana.pass(audienceOf(scene.address)) } })),
    );
    await vi.waitFor(() => expect(fromBinary(PieceSchema, Buffer.concat(heard).subarray(5)).body.case).toBe("joined"), soon);
  },
);

test("strangers on one connection have 64 KiB together; a call that ends gives back what it had", async () => {
  const scene = await Scene.start();
  const client = await session(scene);
  const calls = Array.from({ length: 6 }, () => call(client, "Reach"));
  for (const { stream } of calls) stream.write(begun(MIB, 10 * 1024));
  const more = call(client, "Reach");
  more.stream.write(begun(MIB, 10 * 1024));
  await vi.waitFor(() => expect(more.ended()).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM), soon);
  expect(calls.map((c) => c.ended())).toEqual(calls.map(() => null));
  calls[0]!.stream.close(constants.NGHTTP2_CANCEL);
  await vi.waitFor(() => expect(calls[0]!.ended()).not.toBeNull(), soon);
  const next = call(client, "Reach");
  next.stream.write(begun(MIB, 10 * 1024));
  // The second one's end proves that the first was heard and is not over.
  const beyond = call(client, "Reach");
  beyond.stream.write(begun(MIB, 10 * 1024));
  await vi.waitFor(() => expect(beyond.ended()).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM), soon);
  expect(next.ended()).toBeNull();
});

test("a connection is narrow until a call of it is let in, and a key that nobody here knows does not widen it", async () => {
  const scene = await Scene.start();
  const [ana, stranger] = [new Key(), new Key()];
  await scene.host("box", [ana]);
  const client = await session(scene);
  const window = (): readonly unknown[] => [
    client.remoteSettings.initialWindowSize,
    client.remoteSettings.maxConcurrentStreams,
    (client.state.remoteWindowSize ?? 0) > MIB,
  ];
  const knock = async (key: Key): Promise<void> => {
    const { stream } = call(client, "Reach");
    let bytes = 0;
    stream.on("data", (heard: Buffer) => (bytes += heard.length));
    stream.write(framed(piece({ case: "knock", value: { host: "box", pass: await key.pass(audienceOf(scene.address)) } })));
    await vi.waitFor(() => expect(bytes).toBeGreaterThan(0), soon);
  };
  await knock(stranger);
  expect(window()).toEqual([65_535, 64, false]);
  await knock(ana);
  await vi.waitFor(() => expect(window()).toEqual([512 * 1024, 8_192, true]), soon);
});

test("nothing is unpacked for a stranger", async () => {
  const scene = await Scene.start();
  const client = await session(scene);
  const { stream } = call(client, "Reach", { "grpc-encoding": "gzip" });
  const heard: Buffer[] = [];
  stream.on("data", (bytes: Buffer) => heard.push(bytes));
  stream.write(framed(gzipSync(Buffer.alloc(MIB - 1_000)), 1));
  await vi.waitFor(() => {
    const { body } = fromBinary(PieceSchema, Buffer.concat(heard).subarray(5));
    expect(body.case).toBe("refused");
  }, soon);
});

test("a host says whom it lets in at length once it is let in itself", async () => {
  const scene = await Scene.start();
  const ana = new Key();
  const host = await scene.host("box", [ana]);
  const unlike = Array.from({ length: 4_000 }, (_, i) => ({ keyId: i.toString(16).padStart(64, "0") }) as Key);
  host.admit(ana, ...unlike);
  await vi.waitFor(() => expect(scene.relay.lines.entry(host.id)?.keyIds.size).toBe(4_001), soon);
  await scene.tunnel(ana, host);
});
