import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { event, floor, session } from "../app/fake.ts";
import { paintFor } from "./colour.ts";
import { escapeBytes, escapeLines, escapeText, eventJson } from "@holdfast/sdk";
import { eventKinds } from "./event-kinds.ts";
import { eventText, printedText } from "./event.ts";
import { commandText, sessionJson, stateText, steersText, whoText } from "./session.ts";
import { pairs, table } from "./table.ts";
import { ago, bytesText } from "./time.ts";
import { cutTo, textWidth } from "./width.ts";
import { shellCode } from "./words.ts";

describe("text of others", () => {
  test("an escape sequence, a carriage return and a bidi override are shown and not obeyed", () => {
    expect(escapeText("a\x1b[31mb")).toBe("a\\e[31mb");
    expect(escapeText("safe\rFAKE")).toBe("safe\\rFAKE");
    expect(escapeText("\u202egpj.exe")).toBe("\\u202egpj.exe");
    expect(escapeText("\u009b31m")).toBe("\\x9b31m");
  });
  test("lines keep their ends where several are wanted", () => {
    expect(escapeLines("a\nb\x07")).toBe("a\nb\\x07");
  });
  test("bytes that are no UTF-8 are shown one by one", () => {
    expect(escapeBytes(Uint8Array.of(0x41, 0xff, 0x0d))).toBe("A\\xff\\r");
  });
});

describe("tables", () => {
  const columns = [
    { title: "NAME", least: 4, give: 1 },
    { title: "DIRECTORY", least: 6, give: 2 },
    { title: "N", right: true },
  ];
  test("columns shrink in their order until the line fits", () => {
    const lines = table(columns, [["work", "/a/very/long/directory/name", "7"]], 24);
    for (const l of lines) expect(textWidth(l)).toBeLessThanOrEqual(24);
  });
  test("a column that is empty in every row is left out", () => {
    expect(table(columns, [["a", "", "1"]], 80)[0]).toBe("NAME  N");
  });
  test("a name with a line end stays in its row", () => {
    expect(table(columns, [["a\nFAKE", "d", "1"]], 80)).toHaveLength(2);
  });
  test("wide characters count twice", () => {
    expect(textWidth("漢字")).toBe(4);
    expect(cutTo("漢字漢字", 5)).toBe("漢字…");
  });
  test("pairs without a value are left out", () => {
    expect(
      pairs([
        ["a", "1"],
        ["long", ""],
        ["b", undefined],
      ]),
    ).toEqual(["a  1"]);
  });
});

describe("times and sizes", () => {
  test("recent times are relative, old ones dates", () => {
    const now = Date.UTC(2026, 5, 1);
    expect(ago(now - 400, now)).toBe("now");
    expect(ago(now - 65_000, now)).toBe("1m ago");
    expect(ago(now - 90 * 86_400_000, now)).toBe("2026-03-03");
  });
  test("bytes have a unit", () => {
    expect(bytesText(512)).toBe("512 B");
    expect(bytesText(4096)).toBe("4.0 KiB");
    expect(bytesText(64n * 1024n * 1024n)).toBe("64 MiB");
  });
});

test("colour is only for terminals, and never with NO_COLOR", () => {
  expect(paintFor(true, {}).red("x")).toBe("\x1b[31mx\x1b[39m");
  expect(paintFor(false, {}).red("x")).toBe("x");
  expect(paintFor(true, { NO_COLOR: "1" }).red("x")).toBe("x");
  expect(paintFor(false, {}, "always").red("x")).not.toBe("x");
});

describe("sessions", () => {
  test("the JSON has every key that scripts are promised, and null where there is nothing", () => {
    const json = sessionJson(session());
    expect(json).toMatchObject({
      id: "01jdwork0000",
      name: "work",
      kind: "pty",
      state: "running",
      pid: 4711,
      createdAt: "2026-01-02T11:00:00.000Z",
      operators: [],
      floor: { holder: null, epoch: 0 },
      size: { cols: 80, rows: 24 },
      cwd: "/home/ana/src",
      command: ["bash"],
      exit: null,
    });
    expect(() => JSON.stringify(json)).not.toThrow();
  });
  test("an end by a signal, an end by exit and a loss are told apart, and an unknown code is never 0", () => {
    const exit = { code: 3, core: false, userUs: 0n, systemUs: 0n, maxRssKib: 0n, atUnixMs: 1n, reason: "" };
    const at = (state: number, e: object) => session({ state, exit: { ...exit, ...e } } as never);
    expect(stateText(at(2, {}))).toBe("exit 3");
    expect(stateText(at(2, { code: undefined, signal: 9, core: true }))).toBe("SIGKILL (core dumped)");
    expect(stateText(at(3, { code: undefined, reason: "the machine was restarted" }))).toBe("lost: the machine was restarted");
    expect(shellCode(at(3, { code: undefined }).exit)).toBe(1);
    expect(shellCode(at(2, { code: undefined, signal: 15 }).exit)).toBe(143);
  });
  test("one operator with two terminals is one name; who only watches is in brackets", () => {
    const p = (operator: string, over = {}) =>
      ({ operator, name: operator, kind: 1, via: "cli", attachment: "x", observing: false, ...over }) as never;
    expect(whoText([p("ana", { observing: true }), p("ana"), p("bot", { kind: 3 }), p("eve", { observing: true })])).toBe(
      "ana, bot (ai), [eve]",
    );
  });
  test("the floor says who steers", () => {
    expect(steersText(floor({ holder: "op", holderName: "ana" }))).toBe("ana");
    expect(steersText(floor({ mode: 2, aiPaused: true }))).toBe("all (AI paused)");
  });
  test("a command is quoted where a shell would need it", () => {
    expect(commandText(["make", "-j4", "a b", "it's"])).toBe("make -j4 'a b' 'it'\\''s'");
  });
});

describe("events", () => {
  test("what was typed can't forge a line of the log", () => {
    expect(
      eventText(
        event(1, "input", { interrupt: false, eof: false, unit: "" }, { data: Buffer.from("ls\r\n12:00 ana  typed rm") }),
      ),
    ).toBe("typed ls\\r\\n12:00 ana  typed rm");
  });
  test("JSON has names for statuses, ISO times and no big integers", () => {
    const json = eventJson(
      event(9, "inputSettled", { inputSeq: 8n, status: 4, bytes: 3, refusal: "", secret: false, outputOffset: 7n }),
    );
    expect(json).toMatchObject({ seq: 9, kind: "input_settled", status: "cut", inputSeq: 8, outputOffset: 7, actor: "op-ana" });
    expect(() => JSON.stringify(json)).not.toThrow();
  });
  test("JSON has words for kinds, null for what is not there, and an exit as `hold show` has it", () => {
    const opened = eventJson(
      event(1, "opened", { sessionKind: 2, floorMode: 1, command: ["sh", "-c", ""], group: "", nonce: "x", pinnedSize: [1] }),
    );
    expect(opened).toMatchObject({ sessionKind: "pipes", floorMode: "turn", command: ["sh", "-c", ""], group: null });
    expect(opened).toMatchObject({ pinnedSize: true });
    expect(opened).not.toHaveProperty("nonce");
    const exit = { signal: 9, core: false, userUs: 1n, systemUs: 0n, maxRssKib: 0n, atUnixMs: 1n, reason: "" };
    expect(eventJson(event(2, "exited", { exit }))["exit"]).toEqual({
      code: null,
      signal: 9,
      core: false,
      reason: null,
      at: "1970-01-01T00:00:00.001Z",
      userUs: 1,
      systemUs: 0,
      maxRssKib: 0,
    });
  });
  test("a redacted payload is named as such and not shown as empty", () => {
    expect(eventJson(event(2, "input", {}, { payload: "redacted", payloadBytes: 12 }))).toMatchObject({
      payload: "redacted",
      bytes: 12,
    });
  });
  test("a command whose code is not known does not read as 0", () => {
    expect(eventText(event(3, "commandEnded", { outputOffset: 0n, count: 1n, startedOffset: 0n }))).toBe(
      "command ended, code unknown",
    );
  });
  test("marks and colours alone leave nothing to read", () => {
    expect(printedText(Buffer.from("\x1b]633;hold;A;n;1\x07\x1b[?2004h"))).toBe("");
    expect(printedText(Buffer.from("\x1b[1mhi\x1b[0m\r\n"))).toBe("hi");
  });
});

test("every event of the schema has its word for --kind and its words in a log", () => {
  const schema = readFileSync(new URL("../../../../proto/holdfast/v1/event.proto", import.meta.url), "utf8");
  const block = /oneof kind \{([^}]*)\}/.exec(schema.slice(schema.indexOf("message EventBody {")))?.[1] ?? "";
  const kinds = [...block.matchAll(/\w+ (\w+) = \d+;/g)].map((m) => m[1]!);
  expect(kinds.length).toBeGreaterThan(20);
  expect([...eventKinds].sort()).toEqual([...kinds].sort());
  for (const kind of kinds.filter((k) => k !== "output")) {
    const name = kind.replace(/_(.)/g, (_, c: string) => c.toUpperCase()) as Parameters<typeof event>[1];
    const empty = new Proxy({ seqs: [], command: [] }, { get: (fields, field) => Reflect.get(fields, field) ?? "" });
    expect(eventText(event(1, name, empty as never)), kind).not.toContain("does not know");
  }
});
