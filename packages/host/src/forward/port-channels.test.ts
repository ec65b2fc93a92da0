/** The law of one channel, with a real socket at its far end and a link that the test is. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { create, ConnectSchema, DetachSchema, HoldError, type HostBody, TcpSchema } from "@holdfast/protocol";
import { expect, onTestFinished, test } from "vitest";
import type { Forwarded, Forwards } from "./forwards.ts";
import { PortChannels } from "./port-channels.ts";

const KIB = 1024;

async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const seen = look();
    if (seen !== undefined && seen !== false) return seen;
    await new Promise((turn) => setImmediate(turn));
  }
}

async function scene(options: { window?: number; demand?: () => void } = {}) {
  const ends: Socket[] = [];
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => void ends.push(socket));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  socket.pause();
  await new Promise<void>((connected) => socket.once("connect", connected));
  const forwarded: Forwarded = { socket, demand: options.demand ?? (() => {}) };
  const forwards = { open: async () => forwarded, close: () => socket.destroy() } as unknown as Forwards;
  const said: HostBody[] = [];
  const link = {
    buffered: 0,
    send: (_: number, body: HostBody) => void said.push(body),
    told: (fault: unknown) => fault as HoldError,
    onWire: ({ code, message }: HoldError) => ({ code, message, details: {} }),
  };
  const channels = new PortChannels(forwards, link);
  await channels.connect(1, create(ConnectSchema, { session: "s", port: 1, window: options.window ?? 0 }));
  onTestFinished(() => {
    channels.close();
    for (const end of ends) end.destroy();
    server.close();
  });
  const program = await until(() => ends[0]);
  const bytes = (): number => said.reduce((sum, body) => sum + (body.case === "tcp" ? (body.value?.data?.length ?? 0) : 0), 0);
  const over = (): Promise<string> =>
    until(() => said.flatMap((b) => (b.case === "detached" ? [String(b.value?.reason)] : []))[0]);
  const tcp = (value: { data?: Uint8Array; end?: boolean; used?: bigint }): void =>
    channels.heard(1, { case: "tcp", value: create(TcpSchema, value) });
  return { channels, link, program, said, bytes, over, tcp };
}

test("T1: no more comes than the client's window, and more as it is used", async () => {
  const { program, bytes, tcp } = await scene({ window: 128 * KIB });
  let isTaken = false;
  program.write(Buffer.alloc(1024 * KIB), () => {
    isTaken = true;
  });
  await until(() => bytes() > 64 * KIB);
  for (let used = 0; used < 1024 * KIB; ) {
    expect(bytes() - used).toBeLessThanOrEqual(128 * KIB);
    used = await until(() => bytes() > used && bytes());
    tcp({ used: BigInt(used) });
  }
  expect(bytes()).toBe(1024 * KIB);
  await until(() => isTaken);
});

test("T1: while the hop is full nothing is read, and what drains it goes on", async () => {
  const { channels, link, program, bytes } = await scene();
  link.buffered = 10 * 1024 * KIB;
  program.write(Buffer.alloc(1024 * KIB));
  const first = await until(() => bytes() > 0 && bytes());
  expect(first).toBeLessThanOrEqual(64 * KIB);
  channels.drained();
  expect(bytes()).toBe(first);
  link.buffered = 0;
  channels.drained();
  await until(() => bytes() === 1024 * KIB);
});

test("T2: who sends more than the program's window is cut off", async () => {
  const { tcp, over } = await scene();
  for (let n = 0; n < 5; n++) tcp({ data: Buffer.alloc(64 * KIB) });
  expect(await over()).toBe("bad_request");
});

test("T3: one way ends before the other, and the last word is Detached", async () => {
  const { program, said, tcp, over } = await scene();
  const heard: Buffer[] = [];
  program.on("data", (part) => heard.push(part)).resume();
  tcp({ data: Buffer.from("question"), end: true });
  await new Promise((ended) => program.once("end", ended));
  expect(Buffer.concat(heard).toString()).toBe("question");
  program.end("answer");
  expect(await over()).toBe("left");
  expect(said.map((b) => b.case)).toEqual(["connected", "tcp", "tcp", "detached"]);
});

test("what may be sent no more is not handed on, and says why", async () => {
  let isAllowed = true;
  const { program, tcp, over } = await scene({
    demand: () => {
      if (!isAllowed) throw new HoldError("ai_paused", "AIs are paused");
    },
  });
  const heard: Buffer[] = [];
  program.on("data", (part) => heard.push(part)).resume();
  tcp({ data: Buffer.from("one") });
  await until(() => heard.length > 0);
  isAllowed = false;
  tcp({ data: Buffer.from("two") });
  expect(await over()).toBe("ai_paused");
  expect(Buffer.concat(heard).toString()).toBe("one");
});

test("what was taken of a channel that the client left is not told on the next one of that number", async () => {
  const taken: (() => void)[] = [];
  const socket = {
    ...{ on: () => {}, once: () => {}, isPaused: () => false, resume: () => {}, destroy: () => {}, end: () => {} },
    write: (_: Uint8Array, done: () => void) => void taken.push(done),
  };
  const said: HostBody[] = [];
  const forwards = { open: async () => ({ socket, demand: () => {} }), close: () => {} } as unknown as Forwards;
  const channels = new PortChannels(forwards, {
    buffered: 0,
    send: (_, body) => void said.push(body),
    told: (fault) => fault as HoldError,
    onWire: ({ code, message }) => ({ code, message, details: {} }),
  });
  const asked = create(ConnectSchema, { session: "s", port: 1, window: 0 });
  await channels.connect(1, asked);
  channels.heard(1, { case: "tcp", value: create(TcpSchema, { data: Buffer.alloc(64 * KIB) }) });
  channels.heard(1, { case: "detach", value: create(DetachSchema, {}) });
  await channels.connect(1, asked);
  taken[0]!();
  expect(said.map((body) => body.case)).toEqual(["connected", "connected"]);
});
