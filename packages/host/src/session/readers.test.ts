import { creditWindow, MonotonicMs, Offset, reader, Seq } from "@holdfast/core";
import { expect, test } from "vitest";
import type { HostAttachment } from "./attachment.ts";
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
    ...{ id: "b1", writer: "ben/1", window, maxWindow: window.bytes, usedAt: MonotonicMs(-Infinity), ready: false },
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
