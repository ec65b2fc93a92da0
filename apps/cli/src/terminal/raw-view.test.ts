import { createRequire } from "node:module";
import { terminal } from "@holdfast/sdk";
import { describe, expect, test } from "vitest";
import type { Outer } from "./outer.ts";
import { pieceBytes, RawView } from "./raw-view.ts";
import type { Picture } from "./view.ts";

const { Terminal } = createRequire(import.meta.url)("@xterm/headless") as typeof import("@xterm/headless");

/** An outer terminal that is a model, so that a test sees what a person would. */
function outerModel(cols = 20, rows = 4) {
  const model = new Terminal({ cols, rows, allowProposedApi: true, scrollback: 50, logLevel: "off" });
  let written = "";
  const outer: Outer = {
    size: () => ({ cols, rows }),
    enter: async () => undefined,
    write: (data) => {
      written += typeof data === "string" ? data : Buffer.from(data).toString("latin1");
      model.write(data as string);
    },
    isDrained: true,
    drained: async () => undefined,
    undoWith: () => undefined,
    holdKeys: () => undefined,
    restore: () => undefined,
    onGone: () => undefined,
  };
  const flushed = () => new Promise<void>((resolve) => model.write("", resolve));
  const lines = async () => {
    await flushed();
    const { active } = model.buffer;
    return Array.from({ length: rows }, (_, i) =>
      active
        .getLine(active.baseY + i)!
        .translateToString(true)
        .trimEnd(),
    );
  };
  return { outer, lines, flushed, model, written: () => written };
}

const picture = (text: string, offset: number): Picture => ({ cols: 20, rows: 4, offset, vt: Buffer.from(text) });

function viewOn(o: ReturnType<typeof outerModel>, pictures: (Picture | null)[], screen: "alternate" | "main" = "alternate") {
  let asked = 0;
  const view = new RawView({
    outer: o.outer,
    screen,
    pipes: false,
    newTracker: () => new terminal.ModeTracker(),
    fetchPicture: async () => {
      const next = pictures[Math.min(asked++, pictures.length - 1)];
      return next ?? null;
    },
  });
  return { view, asked: () => asked };
}
const bytes = (text: string, offset: number) => ({ offset, end: offset + text.length, bytes: Buffer.from(text) });

/** An outer terminal that takes what waits for it only when it is told to. */
function slowTerminal() {
  const o = outerModel();
  let waits = 0;
  let most = 0;
  let told = Promise.withResolvers<void>();
  const outer: Outer = {
    ...o.outer,
    write(data) {
      waits += data.length;
      most = Math.max(most, waits);
      o.outer.write(data);
    },
    get isDrained() {
      return waits === 0;
    },
    drained: () => (waits === 0 ? Promise.resolve() : told.promise),
  };
  const takes = async () => {
    waits = 0;
    told.resolve();
    told = Promise.withResolvers();
    await new Promise(setImmediate);
  };
  return { ...o, outer, takes, waits: () => waits, most: () => most };
}

describe("a session on the outer terminal", () => {
  test("a slow terminal has one piece waiting for it, and the output counts as used when it has taken the last", async () => {
    const o = slowTerminal();
    const { view } = viewOn(o, []);
    const text = "y\r\n".repeat(20_000);
    let used = false;
    const using = Promise.resolve(view.output(bytes(text, 0))).then(() => {
      used = true;
    });
    for (let at = pieceBytes; at < text.length + pieceBytes; at += pieceBytes) {
      expect(used).toBe(false);
      await o.takes();
    }
    await using;
    expect(o.most()).toBeLessThanOrEqual(pieceBytes);
    expect(o.written()).toBe(text);
  });

  test("after an interrupt a slow terminal is shown the picture of now and no more of what came before it", async () => {
    const o = slowTerminal();
    const text = "flood\r\n".repeat(10_000);
    const { view } = viewOn(o, [picture("^C\r\n$ ", text.length * 2)]);
    const settled = Promise.withResolvers<void>();
    const first = view.output(bytes(text, 0));
    const shown = o.written().length;
    view.interrupted(settled.promise);
    const second = view.output(bytes(text, text.length));
    await o.takes();
    expect(o.written().length).toBe(shown);
    settled.resolve();
    await new Promise(setImmediate);
    await o.takes();
    await Promise.all([first, second]);
    expect(o.written().slice(shown)).not.toContain("flood");
    expect(await o.lines()).toEqual(["^C", "$", "", ""]);
  });

  test("an interrupt changes nothing where the terminal has taken all, or where no picture can be had", async () => {
    const fast = viewOn(outerModel(), [picture("unasked", 9)]);
    await fast.view.output(bytes("one", 0));
    fast.view.interrupted(Promise.resolve());
    await new Promise(setImmediate);
    expect(fast.asked()).toBe(0);

    const o = slowTerminal();
    const { view } = viewOn(o, [null]);
    const text = "row\r\n".repeat(4_000);
    const using = view.output(bytes(text, 0));
    view.interrupted(Promise.resolve());
    for (let at = 0; at < text.length; at += pieceBytes) await o.takes();
    await using;
    expect(o.written()).toBe(text);
  });

  test("a picture that came by itself while an older one was fetched stays", async () => {
    const o = outerModel();
    const fetched = Promise.withResolvers<Picture>();
    const view = new RawView({
      outer: o.outer,
      screen: "alternate",
      pipes: false,
      newTracker: () => new terminal.ModeTracker(),
      fetchPicture: () => fetched.promise,
    });
    await view.output(bytes("one", 0));
    view.resized();
    view.snapshot(picture("newer", 20));
    fetched.resolve(picture("older", 10));
    await view.output(bytes("!", 20));
    expect(await o.lines()).toEqual(["newer!", "", "", ""]);
  });

  test("a picture is drawn, then output goes on from its offset and nothing twice", async () => {
    const o = outerModel();
    const { view } = viewOn(o, []);
    view.snapshot(picture("one\r\n", 5));
    await view.output(bytes("one\r\ntwo", 0));
    await view.output(bytes("!", 8));
    expect(await o.lines()).toEqual(["one", "two!", "", ""]);
  });

  test("a sequence that came whole with its end costs the next chunk nothing, and a query that was taken out neither", async () => {
    const o = outerModel();
    const { view } = viewOn(o, []);
    view.snapshot(picture("", 0));
    await view.output({ offset: 0, end: 5, bytes: Buffer.from("ab") });
    await view.output({ offset: 5, end: 9, bytes: Buffer.from("\x1b[1mXYZ") });
    await view.output({ offset: 9, end: 15, bytes: Buffer.from("!") });
    await view.output({ offset: 15, end: 16, bytes: Buffer.from("?") });
    expect((await o.lines())[0]).toBe("abXYZ!?");
  });

  test("a notice lies over the last row and leaves no trace", async () => {
    const o = outerModel();
    const { view } = viewOn(o, [picture("a\r\nb\r\nc\r\nd", 10)]);
    view.snapshot(picture("a\r\nb\r\nc\r\nd", 10));
    view.notice("ana steers");
    expect(await o.lines()).toEqual(["a", "b", "c", " ana steers"]);
    view.notice(null);
    await new Promise(setImmediate);
    await o.flushed();
    expect(await o.lines()).toEqual(["a", "b", "c", "d"]);
    await view.output(bytes("e", 10));
    expect((await o.lines())[3]).toBe("de");
  });

  test("no notice is laid into the middle of an escape sequence", async () => {
    const o = outerModel();
    const { view } = viewOn(o, []);
    view.snapshot(picture("", 0));
    await view.output(bytes("x\x1b]0;ti", 0));
    const before = o.written();
    view.notice("hello");
    expect(o.written()).toBe(before);
  });

  test("a program that leaves its own alternate screen shows the session's main screen, and never the person's", async () => {
    const o = outerModel();
    const { view } = viewOn(o, [picture("shell$ ", 100)]);
    view.snapshot(picture("shell$ ", 0));
    await view.output(bytes("\x1b[?1049h\x1b[Hvim", 0));
    expect((await o.lines())[0]).toBe("vim");
    await view.output(bytes("\x1b[?1049lafter", 14));
    expect((await o.lines())[0]).toBe("shell$");
    expect(o.written()).not.toContain("1049");
  });

  test("what follows the switch beyond the picture is drawn after it", async () => {
    const o = outerModel();
    const { view } = viewOn(o, [picture("shell$ ", 8)]);
    view.snapshot(picture("", 0));
    await view.output(bytes("\x1b[?1049lls", 0));
    expect((await o.lines())[0]).toBe("shell$ ls");
  });

  test("on the main screen bytes pass as they are", async () => {
    const o = outerModel();
    const { view } = viewOn(o, [], "main");
    view.snapshot(picture("", 0));
    await view.output(bytes("\x1b[?1049hx", 0));
    expect(o.written()).toContain("\x1b[?1049hx");
  });

  test("while a panel is shown the session waits, and goes on under a new picture", async () => {
    const o = outerModel();
    const { view } = viewOn(o, [picture("now", 3)]);
    view.snapshot(picture("", 0));
    view.panel(["help"]);
    const waiting = view.output(bytes("now", 0));
    expect((await o.lines())[0]).toBe("help");
    view.panel(null);
    await waiting;
    expect((await o.lines())[0]).toBe("now");
  });

  test("without a picture the line stays, and the next one that can be had mends it", async () => {
    const o = outerModel();
    const { view } = viewOn(o, [null, picture("mended", 5)]);
    view.snapshot(picture("x", 1));
    view.notice("link down");
    view.notice(null);
    await new Promise(setImmediate);
    expect((await o.lines())[3]).toBe(" link down");
    view.mendIfDirty();
    await new Promise(setImmediate);
    expect(await o.lines()).toEqual(["mended", "", "", ""]);
  });

  test("leaving undoes the modes that the session set, and no others", async () => {
    const o = outerModel();
    const { view } = viewOn(o, []);
    view.snapshot(picture("\x1b[?2004h\x1b[?1000h\x1b[?1h", 0));
    const undo = Buffer.from(view.undo()).toString("latin1");
    for (const mode of ["2004", "1000", "1"]) expect(undo).toMatch(new RegExp(`\\x1b\\[\\?(?:[\\d;]*;)?${mode}(?:;[\\d;]*)?l`));
    expect(undo).not.toContain("1006");
  });
});

test("a notice that passes while a panel is shown leaves the panel alone", async () => {
  const o = outerModel();
  const { view, asked } = viewOn(o, [picture("session", 7)]);
  view.snapshot(picture("session", 7));
  view.notice("ana came");
  view.panel(["history"]);
  view.notice(null);
  view.snapshot(picture("newer", 9));
  await new Promise(setImmediate);
  expect((await o.lines())[0]).toBe("history");
  expect(asked()).toBe(0);
});
