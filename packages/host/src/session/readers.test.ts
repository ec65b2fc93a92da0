import { creditWindow, MonotonicMs, Offset, reader, Seq } from "@holdfast/core";
import { expect, test } from "vitest";
import { HOP_BYTES, type HostAttachment } from "./attachment.ts";
import type { Book } from "./book.ts";
import type { SessionPorts } from "./ports.ts";
import { Readers } from "./readers.ts";
import { Secrets } from "./secrets.ts";

test("who reads and can't follow is slow; who has stopped reading, or never began, is made nothing ready for", () => {
  let now = 0;
  const book = { position: 5_000_000 } as Book;
  const ports = { clock: { monoMs: () => MonotonicMs(now) } } as SessionPorts;
  const nothing = (): Promise<never> => Promise.reject(new Error("nobody is shown anything"));
  const readers = new Readers(book, ports, new Secrets(), () => false, nothing);
  const window = creditWindow.openWindow(MonotonicMs(0));
  const stands = reader.openReader({
    ...{ mode: "snapshot" as const, cursor: Seq(1), position: Offset(0), snapshot: null },
    window: window.bytes,
  });
  const ben = {
    ...{
      id: "b1",
      writer: "ben/1",
      window,
      maxWindow: window.bytes,
      usedAt: MonotonicMs(-Infinity),
      ready: false,
      late: new Map(),
    },
    reader: reader.sent(stands, Seq(2), Offset(1_000), 1_000),
  } as unknown as HostAttachment;
  readers.add(ben);
  expect(readers.hasSlow, "has not begun to read").toBe(false);
  readers.credited(ben, 500, 0);
  expect(readers.hasSlow, "reads").toBe(true);
  // Told again, and nothing more is used.
  now = 900;
  readers.credited(ben, 500, 0);
  now = 1_001;
  expect(readers.hasSlow, "has stopped").toBe(false);
  readers.credited(ben, 1_000, 0);
  expect(readers.hasSlow, "reads again").toBe(true);
});

test("one whose link takes nothing is told who steers and who is there once it has room, as it is then", () => {
  const nothing = (): Promise<never> => Promise.reject(new Error("nobody is shown anything"));
  const readers = new Readers({} as Book, {} as SessionPorts, new Secrets(), () => false, nothing);
  const told: string[] = [];
  const channel = { buffered: 0, sendMessage: (message: Uint8Array) => void told.push(Buffer.from(message).toString()) };
  const ben = { id: "b1", writer: "ben/1", quiet: false, over: false, ready: false, late: new Map(), channel };
  readers.add(ben as unknown as HostAttachment);
  const changes = (n: number): void => {
    readers.tellAll("floor", Buffer.from(`floor ${n}`));
    readers.tellAll("presence", Buffer.from(`presence ${n}`));
  };
  changes(0);
  channel.buffered = HOP_BYTES;
  for (let n = 1; n <= 1_000; n++) changes(n);
  expect(told).toEqual(["floor 0", "presence 0"]);
  channel.buffered = 0;
  readers.pump(ben as unknown as HostAttachment);
  readers.pump(ben as unknown as HostAttachment);
  expect(told.slice(2)).toEqual(["floor 1000", "presence 1000"]);
});
