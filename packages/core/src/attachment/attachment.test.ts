import { expect, test } from "vitest";
import { MonotonicMs, Offset, Seq } from "../id.ts";
import { creditWindow, holdMs, maxUnanswered, Outbox, reader } from "./index.ts";

const at = MonotonicMs;
const attached = (mode: "snapshot" | "replay" = "snapshot") =>
  reader.openReader({ mode, cursor: Seq(0), position: Offset(0), window: 100, snapshot: mode === "snapshot" ? "attach" : null });

test("O3: what was typed while the link was down goes out by itself within five seconds, and after them only when told to", () => {
  const box = new Outbox<string>();
  box.linkLost(at(0));
  box.add("a", 1);
  expect(box.linkBack(at(holdMs))).toEqual({ send: [{ n: 1, bytes: 1, frame: "a" }], confirm: 0 });
  box.linkLost(at(10_000));
  box.add("b", 1);
  expect(box.linkBack(at(10_001 + holdMs)).confirm).toBe(1);
  expect(box.flushHeld()).toEqual([{ n: 2, bytes: 1, frame: "b" }]);
});

test("O3, found: a second, shorter cut does not flush what waits for the operator's word", () => {
  const box = new Outbox<string>();
  box.linkLost(at(0));
  box.add("rm", 2);
  expect(box.linkBack(at(60_000)).confirm).toBe(2);
  box.linkLost(at(60_010));
  expect(box.linkBack(at(60_020))).toEqual({ send: [], confirm: 2 });
  expect(box.dropHeld()).toEqual(["rm"]);
});

test("O3, found: nothing typed later overtakes what waits for the operator's word", () => {
  const box = new Outbox<string>();
  box.linkLost(at(0));
  box.add("first", 5);
  box.linkBack(at(60_000));
  expect(box.add("second", 6)).toBeNull();
  expect(box.flushHeld().map((f) => f.frame)).toEqual(["first", "second"]);
  expect(box.add("third", 5)?.n).toBe(3);
});

test("O3: what the operator confirms while the link is down goes with the next resume, however late", () => {
  const box = new Outbox<string>();
  box.linkLost(at(0));
  box.add("a", 1);
  box.flushHeld();
  expect(box.linkBack(at(60_000))).toEqual({ send: [{ n: 1, bytes: 1, frame: "a" }], confirm: 0 });
});

test("O3: a link is down since it was first known to be", () => {
  const box = new Outbox<string>();
  box.linkLost(at(0));
  box.add("a", 1);
  box.linkLost(at(holdMs));
  expect(box.linkBack(at(holdMs + 1)).confirm).toBe(1);
});

test("O5: where the place was kept, what another life had sent goes out again at once, and what it held waits for a word", () => {
  const box = new Outbox<string>();
  box.add("sent", 4);
  box.linkLost(at(0));
  box.add("held", 4);
  const next = new Outbox(box.left);
  next.found(0, true);
  expect(next.linkBack(at(1))).toEqual({ send: [{ n: 1, bytes: 4, frame: "sent" }], confirm: 4 });
  expect(next.add("new", 3)).toBeNull();
  expect(next.flushHeld().map(({ n, frame }) => [n, frame])).toEqual([
    [2, "held"],
    [3, "new"],
  ]);
});

test("O5: where it was not kept, what never reached the host waits for a word, in its order, and the rest is only asked after", () => {
  const box = new Outbox<string>();
  box.add("ran", 3);
  box.add("lost", 4);
  box.linkLost(at(0));
  box.add("held", 4);
  const next = new Outbox(box.left);
  next.found(1, false);
  expect(next.linkBack(at(1))).toEqual({ send: [{ n: 1, bytes: 3, frame: "ran" }], confirm: 8 });
  expect(next.flushHeld().map(({ frame }) => frame)).toEqual(["lost", "held"]);
});

test("O5: a number that the host has had is not used again, though nothing was left of its frame", () => {
  const next = new Outbox<string>({ nextN: 3, unanswered: [], held: [] });
  next.found(5, true);
  next.linkBack(at(0));
  expect(next.add("new", 3)?.n).toBe(6);
});

test("O4: the outbox is full at as many frames as the host is sure to remember", () => {
  const box = new Outbox<number>();
  for (let i = 1; i < maxUnanswered; i++) box.add(i, 1);
  expect(box.isFull).toBe(false);
  box.add(0, 1);
  expect(box.isFull).toBe(true);
  box.answered(2);
  expect(box.isFull).toBe(true); // counted from the oldest, which is what the host must still remember
  box.answered(1);
  expect(box.isFull).toBe(false);
});

test("O4: what is held while the link is down fills the outbox too", () => {
  const box = new Outbox<number>();
  box.linkLost(at(0));
  for (let i = 0; i < maxUnanswered; i++) box.add(i, 1);
  expect(box.isFull).toBe(true);
});

test("R1, found: events read before a jump are not sent after the snapshot", () => {
  const r = reader.snapshotSent(reader.snapshotAsked(attached()), Seq(9), Offset(90), 10);
  expect(() => reader.sent(r, Seq(5), Offset(50), 10)).toThrow(/R1/);
});

test("R1, found: a snapshot that is older than what was sent is a defect", () => {
  const r = reader.sent(attached("snapshot"), Seq(9), Offset(90), 10);
  expect(() => reader.snapshotSent(r, Seq(8), Offset(80), 10)).toThrow(/R1/);
});

test("R1, found: the first snapshot keeps its reason, and goes out, when a jump is asked for meanwhile", () => {
  const r = reader.jump(reader.credited(attached(), 0, 0), "size");
  expect(reader.next(r, { seq: Seq(0), position: Offset(0) }, 100)).toEqual({ do: "snapshot", why: "attach" });
});

test("R3: a replay is never jumped, however far behind", () => {
  const r = reader.jump(attached("replay"), "interrupt");
  expect(reader.next(r, { seq: Seq(5), position: Offset(1e9) }, 10)).toEqual({ do: "send", maxBytes: 100 });
});

test("R2: without credit neither events nor a jump's snapshot are sent", () => {
  const full = reader.sent({ ...attached("replay"), mode: "snapshot" }, Seq(1), Offset(100), 100);
  expect(reader.next(full, { seq: Seq(2), position: Offset(110) }, 50)).toEqual({ do: "nothing" });
  expect(reader.next(full, { seq: Seq(9), position: Offset(999) }, 50)).toEqual({ do: "nothing" });
  expect(reader.next(reader.jump(full, "size"), { seq: Seq(9), position: Offset(999) }, 50)).toEqual({ do: "nothing" });
  expect(reader.next(reader.credited(full, 1, null), { seq: Seq(9), position: Offset(999) }, 50)).toEqual({
    do: "snapshot",
    why: "behind",
  });
});

const { windowRules } = creditWindow;

test("W3, found: a pause of the program is not taken for a slow link, neither by an echo nor by the next flood", () => {
  let w = creditWindow.openWindow(at(0));
  w = creditWindow.applied(w, 20_000, 20_000, at(1)); // a screenful, more than half of the window
  w = creditWindow.applied(w, 10, 10, at(200));
  expect(w.bytes).toBe(windowRules.start);
  w = creditWindow.applied(w, 32_768, 65_536, at(3_600_000));
  expect(w.bytes).toBe(windowRules.start);
});

test("W2: keystrokes and their echoes leave the window as it is", () => {
  let w = creditWindow.openWindow(at(0));
  for (let i = 1; i < 100; i++) w = creditWindow.applied(w, 3, 3, at(i * 150));
  expect(w.bytes).toBe(windowRules.start);
});

test("W2: a link faster than can be told doubles the window up to its maximum", () => {
  let w = creditWindow.openWindow(at(0));
  const sizes = new Set<number>();
  for (let i = 0; i < 200; i++) {
    w = creditWindow.applied(w, 32_768, w.bytes, at(i / 10));
    sizes.add(w.bytes);
  }
  expect([...sizes]).toEqual([32, 64, 128, 256, 512, 1024].map((k) => k * 1024));
});
