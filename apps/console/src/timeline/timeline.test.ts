import { type Entry, type Event, InputStatus } from "@holdfast/sdk";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clipped } from "./command-output.ts";
import { filtered, everything } from "./filter.ts";
import { Timeline } from "./fold.ts";
import { seenRows } from "./rows.ts";

const encoder = new TextEncoder();

/** A journal of one session, as it is read. */
class Journal {
  readonly entries: Entry[] = [];
  atMs = 0;
  #seq = 0;

  add(kind: string, value: object, more: Partial<Event> = {}): number {
    const event = { actor: "ana", via: "cli", data: new Uint8Array(), payload: "", payloadBytes: 0, ...more };
    const seq = ++this.#seq;
    const whole = { ...event, seq: BigInt(seq), body: { kind: { case: kind, value } } } as unknown as Event;
    this.entries.push({ type: "event", seq, atMs: this.atMs, event: whole });
    return seq;
  }

  type(text: string, more: Partial<Event> = {}): number {
    return this.add("input", {}, { data: encoder.encode(text), ...more });
  }

  run(text: string, code: number, ms: number): void {
    this.add("commandStarted", { text, cwd: "/srv", outputOffset: 10n }, { actor: "system:host", via: "host" });
    this.atMs += ms;
    this.add("commandEnded", { code, outputOffset: 20n, startedOffset: 10n }, { actor: "system:host", via: "host" });
  }
}

const items = (journal: Journal) => {
  const timeline = new Timeline();
  timeline.append(journal.entries);
  return timeline.items;
};

describe("a journal as people read it", () => {
  test("F2: a command is one item with its end, and is caused by whoever typed its line end", () => {
    const journal = new Journal();
    journal.type("make\r", { actor: "bot", via: "mcp" });
    journal.run("make", 2, 1_500);
    const [command] = items(journal);
    expect(command).toMatchObject({ kind: "command", actor: "bot", via: "mcp", text: "make", tone: "bad" });
    expect(command?.command).toMatchObject({ code: 2, durationMs: 1_500, startedOffset: 10, endedOffset: 20, cwd: "/srv" });
  });
  test("F2: a command whose line was typed or pasted to the letter stands once, with the bytes as they came; one whose line was edited stands beside it", () => {
    const journal = new Journal();
    journal.add("input", { run: true }, { actor: "bot", via: "mcp", data: encoder.encode("\u001b[200~make all\u001b[201~\r") });
    journal.run("make all", 0, 5);
    for (const key of ["l", "x", "\u007f", "s", "\r"]) journal.type(key);
    journal.run("ls", 0, 5);
    const all = items(journal);
    expect(all.map(({ kind, actor, text, typed }) => [kind, actor, text, typed])).toEqual([
      ["command", "bot", "make all", "\\e[200~make all\\e[201~\\r"],
      ["input", "ana", "lx\\x7fs\\r", undefined],
      ["command", "ana", "ls", undefined],
    ]);
    expect(filtered(all, { ...everything, kind: "input" })).toHaveLength(2);
  });
  test("F2: a line of long before, or one that was a secret, is no command's", () => {
    const journal = new Journal();
    journal.type("ls\r");
    journal.atMs += 20_000;
    journal.run("ls", 0, 5);
    const seq = journal.type("hunter2\r");
    journal.add("inputSettled", { inputSeq: BigInt(seq), status: InputStatus.APPLIED, secret: true, refusal: "" });
    journal.run("hunter2", 0, 5);
    expect(items(journal).map(({ text, typed }) => [text, typed])).toEqual([
      ["ls\\r", undefined],
      ["ls", undefined],
      ["(secret: not kept)", undefined],
      ["hunter2", undefined],
    ]);
  });
  test("F3: what somebody types, of which this reader is shown a part, is one item that says how much is not shown", () => {
    const journal = new Journal();
    for (const key of ["e", "c"]) journal.type(key);
    for (const _ of [1, 2]) journal.type("", { payload: "untold", payloadBytes: 1 });
    expect(items(journal).map((item) => item.text)).toEqual(["ec (2 bytes, not shown to you)"]);
  });
  test("F3: keys become the line that they are, and another's key begins another", () => {
    const journal = new Journal();
    for (const key of ["l", "s", "\r"]) journal.type(key);
    journal.type("p");
    journal.type("q", { actor: "ben" });
    journal.atMs += 60_000;
    journal.type("r", { actor: "ben" });
    expect(items(journal).map((item) => [item.actor, item.text])).toEqual([
      ["ana", "ls\\r"],
      ["ana", "p"],
      ["ben", "q"],
      ["ben", "r"],
    ]);
  });
  test("F3: a secret is named and never shown, also when its bytes came first", () => {
    const journal = new Journal();
    const seq = journal.type("hunter2\r");
    journal.add("inputSettled", { inputSeq: BigInt(seq), status: InputStatus.APPLIED, secret: true, refusal: "" });
    journal.type("", { payload: "redacted", payloadBytes: 9 });
    journal.type("", { payload: "untold", payloadBytes: 4 });
    const told = items(journal).map((item) => item.text);
    expect(told).toEqual(["(secret: not kept)", "(9 bytes, redacted)", "(4 bytes, not shown to you)"]);
  });
  test("F3: what a program or an operator wrote can not pass for another line", () => {
    const journal = new Journal();
    journal.add("note", { text: "a\u202Eb\n\x1b[2J" });
    expect(items(journal)[0]?.text).toBe("a\\u{202e}b\\n\\e[2J");
  });
  test("who took the floor has it; a holder is named where another gave it", () => {
    const journal = new Journal();
    journal.add("floorChanged", { holder: "ana", reason: "typed" });
    journal.add("floorChanged", { holder: "ben", reason: "passed" });
    journal.add("floorChanged", { holder: "", reason: "ai_paused" });
    expect(items(journal).map(({ text, to }) => [text, to])).toEqual([
      ["Took the floor by typing", undefined],
      ["Passed the floor to", "ben"],
      ["The floor is free (AIs are paused)", undefined],
    ]);
  });
  test("an input that never arrived says so", () => {
    const journal = new Journal();
    const seq = journal.type("x\r");
    journal.add("inputSettled", { inputSeq: BigInt(seq), status: InputStatus.VOID, secret: false, refusal: "floor_held" });
    expect(items(journal)).toMatchObject([{ text: "x\\r (it never arrived: floor_held)", tone: "warn" }]);
  });
  test("F4: who came, a gap and how it ended are all there; an applied input and a query's answer are not", () => {
    const journal = new Journal();
    journal.add("attached", { resumed: false, observing: true, client: "console", plain: false });
    journal.add("replyWritten", {});
    journal.add("inputSettled", { inputSeq: 99n, status: InputStatus.APPLIED, secret: false, refusal: "" });
    journal.entries.push({ type: "gap", fromSeq: 5, toSeq: 9, reason: "retention" });
    journal.add("exited", { exit: { signal: 9 } });
    expect(items(journal).map((item) => item.text)).toEqual([
      "Attached, observing, with console",
      "Entries 5 to 9 are not kept any more (retention)",
      "The program was ended by signal 9",
    ]);
  });
  test("F1: the items do not depend on how the journal was cut into pages", () => {
    const deeds = fc.array(fc.constantFrom("a", "\r", "run", "ben", "wait", "floor", "settled"), { maxLength: 60 });
    fc.assert(
      fc.property(deeds, fc.nat(), fc.nat(), (list, one, two) => {
        const journal = new Journal();
        const typed: number[] = [];
        const settle = (): void => {
          const value = { status: InputStatus.CUT, bytes: 1, secret: false, refusal: "" };
          for (const seq of typed.splice(0)) journal.add("inputSettled", { ...value, inputSeq: BigInt(seq) });
        };
        for (const deed of list) {
          if (deed === "run") journal.run("a", 0, 5);
          else if (deed === "ben") journal.type("b", { actor: "ben" });
          else if (deed === "wait") journal.atMs += 20_000;
          else if (deed === "settled") settle();
          else if (deed === "floor") journal.add("floorChanged", { holder: "ben", reason: "taken" });
          else typed.push(journal.type(deed));
        }
        const { entries } = journal;
        const cuts = [one % (entries.length + 1), two % (entries.length + 1)].sort((a, b) => a - b);
        const timeline = new Timeline();
        timeline.append(entries.slice(cuts[0], cuts[1]));
        const before = timeline.items.length;
        expect(timeline.prepend(entries.slice(0, cuts[0]))).toBe(timeline.items.length - before);
        timeline.append(entries.slice(cuts[1]));
        expect(timeline.items).toEqual(items(journal));
      }),
    );
  });
  test("a filter finds by whom, by what and by text, and nothing else", () => {
    const journal = new Journal();
    journal.type("make test\r");
    journal.run("make test", 0, 5);
    journal.type("ls\r", { actor: "ben" });
    const all = items(journal);
    expect(filtered(all, { ...everything, actor: "ben" })).toHaveLength(1);
    expect(filtered(all, { ...everything, kind: "command" })).toHaveLength(1);
    expect(filtered(all, { ...everything, text: " MAKE " })).toHaveLength(1);
    expect(filtered(all, { ...everything, actor: "ben", text: "make" })).toHaveLength(0);
  });
});

test("O1: of output, exactly the range of a command is shown", () => {
  const piece = { offset: 100, end: 110, bytes: encoder.encode("0123456789") };
  const text = (from: number, to: number) => new TextDecoder().decode(clipped(piece, from, to));
  expect([text(0, 1_000), text(103, 1_000), text(0, 104), text(103, 105), text(110, 120), text(0, 100)]).toEqual([
    ...["0123456789", "3456789", "0123", "34"],
    ...["", ""],
  ]);
});

test("of a hundred thousand rows, those that are seen and a few beside are drawn", () => {
  expect(seenRows(0, 480, 48, 100_000)).toEqual({ first: 0, end: 18 });
  expect(seenRows(4_799_520, 480, 48, 100_000)).toEqual({ first: 99_982, end: 100_000 });
  expect(seenRows(480, 480, 48, 3)).toEqual({ first: 2, end: 3 });
});

test("a hundred thousand events, read in pages, newest first, are each folded about once", () => {
  const journal = new Journal();
  let looks = 0;
  for (let i = 0; i < 25_000; i++) {
    const seq = journal.type("ls\r");
    journal.add("inputSettled", { inputSeq: BigInt(seq), status: InputStatus.APPLIED, secret: false, refusal: "" });
    journal.run("ls", 0, 5);
  }
  const counted = journal.entries.map((entry) =>
    Object.defineProperty({ type: entry.type, seq: "seq" in entry ? entry.seq : 0, atMs: 0 }, "event", {
      get: () => {
        looks++;
        return (entry as { readonly event: Event }).event;
      },
    }),
  ) as unknown as Entry[];
  const timeline = new Timeline();
  for (let end = counted.length; end > 0; end -= 999) timeline.prepend(counted.slice(Math.max(0, end - 999), end));
  expect(timeline.items).toHaveLength(25_000);
  // Once to fold it and once for its size, and a little at each seam.
  expect(looks).toBeLessThan(3 * counted.length);
});

test("the terminal's size at a place is the last that was told before it", () => {
  const journal = new Journal();
  journal.add("opened", { name: "a", cwd: "/", size: { cols: 100, rows: 30 } });
  journal.run("ls", 0, 5);
  journal.add("resized", { size: { cols: 60, rows: 20 } });
  const timeline = new Timeline();
  timeline.append(journal.entries.slice(3));
  expect(timeline.sizeAt(3)).toBeNull();
  timeline.prepend(journal.entries.slice(0, 3));
  expect([timeline.sizeAt(3)?.cols, timeline.sizeAt(4)?.cols]).toEqual([100, 60]);
});
