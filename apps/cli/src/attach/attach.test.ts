import { describe, expect, test } from "vitest";
import { floor, host, replaying, session } from "../app/fake.ts";
import { helpPanel, pages, verbOf, verbs } from "./help-panel.ts";
import { anyCase, History } from "./history.ts";
import { Notices } from "./notices.ts";
import { atEnd, scrolled, search, showLine } from "./pager.ts";
import { Paste } from "./paste.ts";
import { floorIsNews, presenceIsNews, statusText } from "./status.ts";

const person = (operator: string, over = {}) =>
  ({ operator, name: operator, kind: 1, via: "cli", attachment: operator, observing: false, ...over }) as never;
const held = (by: string, over = {}) => floor({ holder: by, holderName: by, ...over });

describe("the line of who is there and who steers", () => {
  test("it names the others, marks AIs and who only watches", () => {
    expect(
      statusText(
        "work",
        [person("me"), person("bot", { kind: 3 }), person("eve", { observing: true })],
        held("bot", { holderKind: 3 }),
        "me",
      ),
    ).toBe("work · you, bot (ai), eve (watching) · bot (ai) steers");
    expect(statusText("work", [person("me")], floor(), "me")).toBe("work · you alone · nobody steers");
  });
  test("a name with an escape in it is shown and not obeyed", () => {
    expect(statusText("w\x1b[2J", [person("me")], floor(), "me")).toContain("w\\e[2J");
  });
  test("my own taking and idling away of a free floor is no news, another's is", () => {
    expect(floorIsNews(floor(), held("me"), "me")).toBe(false);
    expect(floorIsNews(held("me"), floor(), "me")).toBe(false);
    expect(floorIsNews(floor(), held("ana"), "me")).toBe(true);
    expect(floorIsNews(held("ana"), held("me"), "me")).toBe(true);
    expect(floorIsNews(held("me"), held("me", { asking: ["ana"] }), "me")).toBe(true);
    expect(floorIsNews(floor(), floor({ aiPaused: true }), "me")).toBe(true);
  });
  test("my second terminal is no news, a second person is", () => {
    expect(presenceIsNews([person("me")], [person("me"), person("me")], "me")).toBe(false);
    expect(presenceIsNews([person("me")], [person("me"), person("ana")], "me")).toBe(true);
  });
});

describe("pastes", () => {
  const parts: string[] = [];
  let quiet: (() => void) | null = null;
  const paste = () => {
    parts.length = 0;
    return new Paste({
      send: (b, p) => parts.push(`${Buffer.from(b)}/${p.unit}${p.unitEnd ? " end" : ""}`),
      later: (run) => {
        quiet = run;
        return () => {
          quiet = null;
        };
      },
      newUnit: () => "u",
    });
  };
  const read = (letter: string, bytes = 4095): Buffer => Buffer.alloc(bytes, letter);
  test("parts between brackets are one unit that ends with the last", () => {
    const p = paste();
    p.part(Buffer.from("a"), false);
    expect(parts).toEqual([]);
    quiet?.();
    expect(parts).toEqual(["a/u"]);
    p.part(Buffer.from("b"), false);
    p.part(Buffer.from("c"), true);
    expect(parts).toEqual(["a/u", "bc/u end"]);
  });
  test("large reads are one unit until it is quiet", () => {
    const p = paste();
    p.bulk(Buffer.from("a"));
    p.bulk(Buffer.from("b"));
    expect(parts).toEqual([]);
    expect(p.isOpen).toBe(true);
    quiet?.();
    expect(parts).toEqual(["ab/u end"]);
    expect(p.isOpen).toBe(false);
  });
  test.each(["part", "bulk"] as const)(
    "reads are joined to what one frame takes, and none is lost or turned round: %s",
    (way) => {
      const p = paste();
      for (const letter of "abcdefghijklmnopqrst") {
        if (way === "part") p.part(read(letter), letter === "t");
        else p.bulk(read(letter));
      }
      quiet?.();
      expect(parts.map((x) => x.split("/")[1])).toEqual(["u", "u", "u end"]);
      for (const part of parts) expect(part.length).toBeLessThan(32 * 1024 + 10);
      expect(parts.map((x) => x.split("/")[0]).join("")).toBe([..."abcdefghijklmnopqrst"].map((l) => read(l)).join(""));
    },
  );
});

test("a passing notice gives way to the one that stays", () => {
  const shown: (string | null)[] = [];
  const notices = new Notices((t) => shown.push(t), 60_000);
  notices.keep("link down");
  notices.flash("ana came");
  notices.dismiss();
  notices.keep(null);
  expect(shown).toEqual(["link down", "ana came", "link down", null]);
  notices.close();
});

describe("keys behind the prefix", () => {
  test("no key has two meanings", () => {
    const keys = verbs.flatMap((v) => v.keys);
    expect(new Set(keys).size).toBe(keys.length);
    expect(verbOf("d")).toBe("detach");
    expect(verbOf("x")).toBeNull();
  });
  test("on a small terminal the panel comes in pages, each whole, and together they are all of it", () => {
    const lines = helpPanel("\x11");
    for (const rows of [1, 2, 5, 10, 24]) {
      const shown = pages(lines, rows);
      for (const page of shown) expect(page.length).toBeLessThanOrEqual(Math.max(2, rows));
      expect(shown.flat().filter((l) => l !== "  Any key: more.")).toEqual(lines);
    }
    expect(pages(lines, 24)).toEqual([lines]);
  });
  test("the panel names every one of them", () => {
    const text = helpPanel("\x11").join("\n");
    for (const v of verbs) expect(text).toContain(v.says);
    expect(text).toContain("Ctrl-q");
  });
});

describe("copy mode", () => {
  const lines = Array.from({ length: 100 }, (_, i) => ({ text: `Line ${i}`, offset: i * 8 }));
  test("the window stays inside the lines", () => {
    expect(scrolled(atEnd(100, 10), 5, 100, 10).top).toBe(90);
    expect(scrolled(atEnd(100, 10), -500, 100, 10).top).toBe(0);
    expect(atEnd(3, 10).top).toBe(0);
  });
  test("small letters find both cases, capitals only themselves", () => {
    expect(search(lines, "line 42", 99, true)).toBe(42);
    expect(search(lines, "LINE 42", 99, true)).toBe(-1);
    expect(new RegExp(anyCase("err.")).test("ERR.")).toBe(true);
    expect(new RegExp(anyCase("Err")).test("err")).toBe(false);
  });
  test("a found line comes into sight and the window moves only if it must", () => {
    expect(showLine(atEnd(100, 10), 95, 100, 10).top).toBe(90);
    expect(showLine(atEnd(100, 10), 40, 100, 10)).toMatchObject({ top: 37, found: 40 });
  });
  test("the history is read from the journal's end backwards, a line cut between two pages joined again", async () => {
    const s = session({ seq: 900n });
    const steps = [
      { output: "first\r\nhalf of ", seq: 10, offset: 0 },
      { output: "a line\r\nlast\r\n", seq: 800, offset: 15 },
    ];
    const bounded = async (
      options: Parameters<ReturnType<typeof replaying>>[0],
      handlers: Parameters<ReturnType<typeof replaying>>[1],
    ) => replaying(s, steps)({ ...options, mode: "snapshot" }, handlers);
    const history = new History(host({ listed: [s], attach: bounded }), "work");
    await history.loadEnd(2);
    expect(history.lines.map((l) => l.text)).toEqual(["a line", "last"]);
    expect(history.hasOlder).toBe(true);
    await history.loadOlder(10);
    expect(history.lines.map((l) => l.text)).toEqual(["first", "half of a line", "last"]);
    expect(history.hasOlder).toBe(false);
  });
});
