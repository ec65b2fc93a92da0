import type { Event } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { fitsWanted, Timeline, type TimelineEntry } from "./timeline.ts";

let seq = 0;
/** As the wire has it: 64-bit numbers as bigint. */
function event(actor: string, kind: string, value: object, data = ""): Event {
  const bytes = new TextEncoder().encode(data);
  return {
    seq: BigInt(++seq),
    actor,
    via: "cli",
    atUnixMs: BigInt(seq * 1_000),
    body: { kind: { case: kind, value } },
    data: bytes,
    payload: "",
    payloadBytes: bytes.length,
  } as unknown as Event;
}

function of(...events: Event[]): readonly TimelineEntry[] {
  const timeline = new Timeline();
  for (const one of events) timeline.add(one);
  return timeline.entries;
}
const started = (text: string, at = 10n): Event =>
  event("system:shell", "commandStarted", { text, cwd: "/srv", outputOffset: at });
const ended = (code: number, at = 90n): Event => event("system:shell", "commandEnded", { code, outputOffset: at });

test("a command is one entry of whoever typed it, with how it ended and where its output stands", () => {
  const [command, ...others] = of(event("ana", "input", {}, "mak"), event("ana", "input", {}, "e\r"), started("make"), ended(2));
  expect(others).toEqual([]);
  expect(command).toMatchObject({ kind: "command", actor: "ana", text: "make", fromOffset: 10, end: { code: 2, toOffset: 90 } });
  expect(command!.kind === "command" && command!.end!.atMs - command!.atMs).toBe(1_000);
});

test("a command that a program types as a paste is that program's, and no line of its own", () => {
  const entries = of(event("robo", "input", {}, "\x1b[200~make all\x1b[201~\r"), started("make all"), ended(0));
  expect(entries).toMatchObject([{ kind: "command", actor: "robo", text: "make all" }]);
});

test("a command that runs is told as such, and the next one does not end it", () => {
  const entries = of(event("ana", "input", {}, "sleep 9\r"), started("sleep 9"), event("ben", "input", {}, "x"));
  expect(entries.map((e) => e.kind)).toEqual(["command", "typed"]);
  expect(entries[0]).toMatchObject({ end: null });
  expect(entries[1]).toMatchObject({ actor: "ben" });
});

test("what two type in turn is two entries of each, and a line's end ends one", () => {
  const entries = of(
    event("ana", "input", {}, "a"),
    event("ben", "input", {}, "b"),
    event("ben", "input", {}, "c\r"),
    event("ben", "input", {}, "d"),
  );
  const shown = entries.map((e) => (e.kind === "typed" ? `${e.actor} ${new TextDecoder().decode(e.bytes)}` : e.kind));
  expect(shown).toEqual(["ana a", "ben bc\r", "ben d"]);
});

test("a secret is one without its bytes, and nothing is joined to it", () => {
  const secret = event("ana", "input", {}, "hunter2\r");
  const entries = of(
    secret,
    event("host", "inputSettled", { inputSeq: secret.seq, secret: true }),
    event("ana", "input", {}, "ls"),
  );
  expect(entries).toMatchObject([{ secret: true }, { secret: false }]);
  expect(entries[0]!.kind === "typed" && entries[0]!.bytes.length).toBe(0);
});

test("a gap is an entry with its range", () => {
  const timeline = new Timeline();
  timeline.gap(3, 9, "retention", 5);
  expect(timeline.entries).toMatchObject([{ kind: "gap", seq: 3, text: "3 to 9 is not kept any more (retention)" }]);
});

test("what is looked for is found by text, by whom, and by kind", () => {
  const [command, floor] = of(started("npm test"), event("ana", "floorChanged", { holder: "ana", reason: "typed" })) as [
    TimelineEntry,
    TimelineEntry,
  ];
  const names = (id: string): string => (id === "ana" ? "Ana Lima" : id);
  const fits = (entry: TimelineEntry, text: string, ...kinds: TimelineEntry["kind"][]): boolean =>
    fitsWanted(entry, { text, kinds: new Set(kinds) }, names);
  expect([fits(command, "npm"), fits(command, "npm floor"), fits(floor, "lima"), fits(floor, "", "command")]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});
