import { type AuditRecord, type Event, eventKind } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { saidBy } from "./words.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function record(kind: unknown, over: Partial<Event> = {}): AuditRecord {
  const event = { data: bytes(""), payload: "", payloadBytes: 0, body: kind ? { kind } : undefined, ...over } as unknown as Event;
  expect(eventKind(event)).toBeTruthy();
  return { lsn: 1, session: "s1", atUnixMs: 1, event, own: null };
}

test("what was typed and printed is shown exactly, on one line, and how much of it is not shown is said", () => {
  const typed = { case: "input", value: { eof: false, interrupt: false } };
  expect(saidBy(record(typed, { data: bytes("rm\u001b[2K -r\r\n"), payloadBytes: 9 })).text).toBe("Typed rm\\e[2K -r\\r\\n");
  expect(saidBy(record(null, { data: bytes("abc"), payloadBytes: 300 })).text).toBe("Printed abc … of 300 bytes");
  expect(saidBy(record(typed, { payload: "redacted", payloadBytes: 12 })).text).toBe("Typed 12 bytes, redacted");
});

test("a gap says its range and why, and what the journal says of itself is in words", () => {
  const gap = (reason: "pruned" | "damaged"): AuditRecord => ({
    ...{ lsn: 9, session: "", atUnixMs: 0, event: null, own: null },
    gap: { fromLsn: 4, toLsn: 9, reason },
  });
  expect(saidBy(gap("pruned"))).toEqual({ text: "Records 4 to 9 are no longer kept" });
  expect(saidBy(gap("damaged"))).toMatchObject({ tone: "bad" });
  const own = { lsn: 1, session: "host", atUnixMs: 1, event: null, own: { type: "quarantined", file: "a\nb", why: "x" } };
  expect(saidBy(own)).toEqual({ text: "a\\nb was put aside: x", tone: "warn" });
  expect(saidBy({ ...own, own: { type: "newer", n: 1 } }).text).toContain("newer");
});
