import { resetSequence } from "./reset.ts";
import { describe, expect, test } from "vitest";
import { endsInGround } from "./ground.ts";
import { type Action, InputReader, keyAt } from "./input.ts";
import { follow, look } from "./lens.ts";
import { ScreenSwitches } from "./screen-switch.ts";

const told = (actions: readonly Action[]) =>
  actions.map((a) =>
    a.kind === "command"
      ? `command ${a.key}`
      : `${a.kind} ${JSON.stringify(Buffer.from(a.bytes).toString("latin1"))}${a.kind === "paste" && a.last ? " end" : ""}`,
  );
const read = (...reads: string[]) => {
  const reader = new InputReader("\x11");
  return told(reads.flatMap((r) => reader.feed(Buffer.from(r, "latin1"))));
};

describe("keys of an attachment", () => {
  test("what is typed goes out as it came", () => {
    expect(read("ls -l\r", "\x1b[A")).toEqual(['keys "ls -l\\r"', 'keys "\\u001b[A"']);
  });
  test("the prefix key and the key after it are a command, in one read or in two", () => {
    expect(read("\x11d")).toEqual(["command d"]);
    expect(read("ab\x11", "dcd")).toEqual(['keys "ab"', "command d", 'keys "cd"']);
  });
  test("the prefix key twice sends itself once", () => {
    expect(read("\x11\x11")).toEqual(['keys "\\u0011"']);
  });
  test("keyboards that write keys as numbers mean the same", () => {
    expect(read("\x1b[113;5u", "d")).toEqual(["command d"]);
    expect(read("\x1b[27;5;113~", "\x1b[100u")).toEqual(["command d"]);
    expect(read("\x1b[113;69u\x1b[112;2u")).toEqual(["command P"]);
  });
  test("a key's release and a modifier alone are no key", () => {
    expect(read("\x1b[113;5u", "\x1b[113;5:3u", "\x1b[57442;1:3u", "d")).toEqual(["command d"]);
    expect(keyAt("\x1b[97;1:3u", 0).silent).toBe(true);
  });
  test("Ctrl-C, Ctrl-\\ and Ctrl-Z alone in a read are interrupts, among other keys they are not", () => {
    expect(read("\x03", "\x1c", "\x1a", "x\x03")).toEqual([
      'interrupt "\\u0003"',
      'interrupt "\\u001c"',
      'interrupt "\\u001a"',
      'keys "x\\u0003"',
    ]);
  });
  test("mouse and focus are reports, which take no floor", () => {
    expect(read("\x1b[I", "\x1b[<35;10;5M\x1b[<35;11;5M", "\x1b[<0;1;1Mx")).toEqual([
      'report "\\u001b[I"',
      'report "\\u001b[<35;10;5M\\u001b[<35;11;5M"',
      'keys "\\u001b[<0;1;1Mx"',
    ]);
  });
});

describe("pastes", () => {
  test("what stands between the terminal's brackets is one paste, prefix keys and all", () => {
    expect(read("a\x1b[200~x\x11dy\x1b[201~b")).toEqual([
      'keys "a"',
      'paste "\\u001b[200~x\\u0011dy\\u001b[201~" end',
      'keys "b"',
    ]);
  });
  test("a paste whose end is cut between two reads still ends", () => {
    expect(read("\x1b[200~one", "two\x1b[2", "01~")).toEqual([
      'paste "\\u001b[200~one"',
      'paste "two"',
      'paste "\\u001b[201~" end',
    ]);
  });
  test("a read larger than a hand types is a paste", () => {
    const [paste] = new InputReader("\x11").feed(Buffer.alloc(1025, "\x11"));
    expect(paste).toMatchObject({ kind: "paste", last: true });
  });
});

describe("what may not reach the person's own screen", () => {
  const pass = (...chunks: string[]) => {
    const filter = new ScreenSwitches();
    return chunks
      .flatMap((c) => filter.feed(Buffer.from(c, "latin1")))
      .map((p) => (p.kind === "bytes" ? Buffer.from(p.bytes).toString("latin1") : `<${p.kind}>`))
      .join("");
  };
  test("entering and leaving the alternate screen are taken out and told", () => {
    expect(pass("a\x1b[?1049hb\x1b[?1049lc")).toBe("a<enter>b<leave>c");
    expect(pass("\x1b[?47h\x1b[?1047l")).toBe("<enter><leave>");
  });
  test("other modes in the same sequence are kept", () => {
    expect(pass("\x1b[?1;1049;2004hx")).toBe("\x1b[?1;2004h<enter>x");
  });
  test("a sequence cut anywhere is still found", () => {
    for (let cut = 1; cut < 8; cut++) expect(pass("a\x1b[?1049h".slice(0, cut), "a\x1b[?1049h".slice(cut))).toBe("a<enter>");
  });
  test("a full reset is told, and erasing the scrollback is dropped: both are the person's", () => {
    expect(pass("a\x1bcb")).toBe("a<reset>b");
    expect(pass("\x1b[H\x1b[2J\x1b[3J")).toBe("\x1b[H\x1b[2J");
  });
  test("where a switch stands in the chunk is told, also when it began in the one before", () => {
    const filter = new ScreenSwitches();
    filter.feed(Buffer.from("a\x1b[?10"));
    expect(filter.feed(Buffer.from("49lb"))[0]).toEqual({ kind: "leave", at: 3 });
  });
});

test.each([
  ["hello", true],
  ["a\x1b", false],
  ["\x1b[31", false],
  ["\x1b[31m", true],
  ["\x1b]0;title", false],
  ["\x1b]0;title\x07", true],
  ["\x1bP1$r", false],
  ["\x1bPq\x1b\\", true],
  ["\x1b(", false],
  ["\x1b(B", true],
])("%j leaves the terminal between sequences: %s", (text, ground) => {
  expect(endsInGround(Buffer.from(text))).toBe(ground);
});

test("half a character is no place to write something else", () => {
  const euro = Buffer.from("€");
  expect(endsInGround(euro.subarray(0, 2))).toBe(false);
  expect(endsInGround(euro)).toBe(true);
});

describe("a window onto a session of another size", () => {
  test("a larger session is followed by its cursor, and no more than that needs", () => {
    const session = { cols: 200, rows: 50 };
    const window = { cols: 80, rows: 24 };
    expect(follow({ row: 0, col: 0 }, session, window, { row: 10, col: 40 })).toEqual({ row: 0, col: 0 });
    const right = follow({ row: 0, col: 0 }, session, window, { row: 49, col: 150 });
    expect(right.row).toBe(26);
    expect(150 - right.col).toBeLessThan(80);
    expect(follow(right, session, window, { row: 49, col: 149 })).toEqual(right);
  });
  test("a smaller session stands in the corner, with its edge drawn", () => {
    const frame = look(
      () => ({ text: "x", pen: "" }),
      { cols: 2, rows: 1 },
      { cols: 4, rows: 3 },
      { row: 0, col: 0 },
      { row: 0, col: 1 },
    );
    expect(frame.cells.map((r) => r.map((c) => c.text).join(""))).toEqual(["xx│ ", "──┘ ", "    "]);
    expect(frame.cursor).toEqual({ row: 0, col: 1 });
  });
});

test("the reset of a terminal turns off one by one what a soft reset does where there is one", () => {
  for (const off of [
    "[4l",
    "[20l",
    "[2l",
    "[12h",
    "[?1l",
    "[?5l",
    "[?6l",
    "[?7h",
    "[?69l",
    "[?1000l",
    "[?2004l",
    "[?25h",
    "[r",
    "[0m",
    ">",
  ])
    expect(resetSequence).toContain(`\x1b${off}`);
});
