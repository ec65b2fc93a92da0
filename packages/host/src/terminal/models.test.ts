/** The worker as the host sees it. */
import { afterEach, expect, test } from "vitest";
import { startTerminalModels, type TerminalModelOptions } from "./index.ts";
import type { QueryReply, TerminalModels } from "./model.ts";
import { ScreenModel } from "./screen-model.ts";
import { terminalState } from "./terminal-state.ts";

const encode = (s: string): Uint8Array => new TextEncoder().encode(s);
const decode = (b: Uint8Array): string => new TextDecoder().decode(b);

interface World {
  readonly models: TerminalModels;
  readonly replies: QueryReply[];
  readonly notices: string[];
  readonly lost: string[];
  parsed(offset: number): Promise<void>;
}
const worlds: TerminalModels[] = [];
afterEach(async () => {
  for (const m of worlds.splice(0)) await m.stop();
});

function world(options: TerminalModelOptions = {}): World {
  const replies: QueryReply[] = [];
  const notices: string[] = [];
  const lost: string[] = [];
  const waiting: { offset: number; done: () => void }[] = [];
  let at = 0;
  const models = startTerminalModels(
    {
      reply: (r) => replies.push(r),
      parsed: (_s, offset) => {
        at = offset;
        for (const w of waiting) if (at >= w.offset) w.done();
      },
      notice: (s, kind, text) => notices.push(`${s} ${kind} ${text}`),
      lost: (detail) => lost.push(detail),
    },
    options,
  );
  worlds.push(models);
  return {
    models,
    replies,
    notices,
    lost,
    parsed: (offset) =>
      new Promise((done) => {
        if (at >= offset) done();
        else waiting.push({ offset, done });
      }),
  };
}

/** Feeds text in pieces of `size`, from offset 0. */
function feed(models: TerminalModels, session: string, bytes: Uint8Array, live: boolean, size = bytes.length): void {
  for (let i = 0; i < bytes.length; i += size) models.feed(session, i, bytes.subarray(i, i + size), live);
}

test("a snapshot is as of everything fed before it was asked for", async () => {
  const { models } = world();
  models.open("s", { offset: 0, cols: 40, rows: 5 });
  const bytes = encode(Array.from({ length: 5000 }, (_, i) => `\x1b[3${i % 8}mline ${i}\r\n`).join(""));
  feed(models, "s", bytes, true, 777);
  const before = models.snapshot("s");
  models.feed("s", bytes.length, encode("later"), true);
  const snapshot = await before;
  expect(snapshot).toMatchObject({ offset: bytes.length, cols: 40, rows: 5 });
  const here = new ScreenModel(40, 5);
  here.write(bytes);
  const there = new ScreenModel(40, 5);
  there.write(snapshot.vt);
  expect(terminalState(there.term)).toEqual(terminalState(here.term));
  expect((await models.text("s")).lines.at(-1)).toBe("later");
});

test("a model opened from a snapshot goes on where the first one was", async () => {
  const { models } = world();
  models.open("a", { offset: 0, cols: 30, rows: 4 });
  models.feed("a", 0, encode("\x1b]2;name\x07one\r\ntwo\x1b[?1049h\x1b[?2004halt \xf0"), true);
  const first = await models.snapshot("a");
  models.open("b", first);
  for (const [s, at] of [
    ["a", first.offset],
    ["b", first.offset],
  ] as const)
    models.feed(s, at, encode("x\x1b[31my"), true);
  const [a, b] = [await models.snapshot("a"), await models.snapshot("b")];
  expect(b).toEqual(a);
  expect(b.title).toBe("name");
});

test("a query is answered once, with the offset of its end, and only when fed live", async () => {
  const { models, replies, parsed } = world();
  models.open("s", { offset: 1000, cols: 80, rows: 24 });
  const past = encode("\x1b[c\x1b[6n\x1b]11;?\x07");
  models.feed("s", 1000, past, false);
  const live = encode("ab\x1b[6ncd\x1b[c\x1b]10;?\x1b\\\x1bP$qm\x1b\\\x1b[21t\x1b[1;1;1;1;1;1*y\x1b]52;c;?\x07\x05");
  models.feed("s", 1000 + past.length, live, true);
  await parsed(1000 + past.length + live.length);
  const at = (needle: string): number => 1000 + past.length + decode(live).indexOf(needle) + needle.length;
  expect(replies.map((r) => [r.session, decode(r.bytes), r.offset])).toEqual([
    ["s", "\x1b[1;3R", at("\x1b[6n")],
    ["s", "\x1b[?1;2c", at("\x1b[c")],
    ["s", "\x1b]10;rgb:e5e5/e5e5/e5e5\x1b\\", at("\x1b]10;?\x1b\\")],
    ["s", "\x1bP1$r0m\x1b\\", at("\x1bP$qm\x1b\\")],
  ]);
});

test("no reply holds text of a request", async () => {
  const { models, replies, parsed } = world();
  models.open("s", { offset: 0, cols: 80, rows: 24 });
  const evil = "; touch /tmp/pwned ;";
  const bytes = encode(
    [
      `\x1b]2;${evil}\x07\x1b[21t\x1b[20t`,
      `\x1bP$q${evil}\x1b\\`,
      `\x1bP+q${evil}\x1b\\`,
      `\x1b]4;1;${evil}\x07\x1b]4;1;?\x07`,
      `\x1b]10;${evil}\x07\x1b]10;?\x07`,
      `\x1b]50;?${evil}\x07`,
      `\x1b]52;c;?\x07`,
      `\x1b]1337;ReportVariable=${evil}\x07`,
      `\x1b[?${evil}$p`,
    ].join(""),
  );
  models.feed("s", 0, bytes, true);
  await parsed(bytes.length);
  expect(replies.length).toBeGreaterThan(2);
  for (const r of replies) expect(decode(r.bytes)).not.toMatch(/touch|pwned|tmp/);
});

test("a flood in one session does not hold up another", async () => {
  const { models } = world();
  models.open("flood", { offset: 0, cols: 80, rows: 24 });
  models.open("calm", { offset: 0, cols: 80, rows: 24 });
  // Each line moves the cursor, so each must be drawn.
  feed(models, "flood", encode("\x1b[Ga line of a flood\r\n".repeat(200_000)), true, 65_536);
  expect(models.backlog("flood")).toBe(4_400_000);
  models.feed("calm", 0, encode("hello"), true);
  expect((await models.text("calm")).lines[0]).toBe("hello");
  expect(models.backlog("calm")).toBe(0);
  expect(models.backlog("flood")).toBeGreaterThan(0);
  await models.text("flood");
  expect(models.backlog("flood")).toBe(0);
});

test("bells and titles are told at most once in 100 ms, and the last of a burst is told", async () => {
  const { models, notices } = world();
  models.open("s", { offset: 0, cols: 80, rows: 24 });
  const bytes = encode(Array.from({ length: 500 }, (_, i) => `\x07\x1b]2;t${i}\x07`).join(""));
  models.feed("s", 0, bytes, true);
  await models.text("s");
  await expect.poll(() => notices.at(-1)).toMatch(/t499/);
  expect(notices.length).toBeLessThanOrEqual(8);
});

test("the clipboard is told of only when that is allowed, and only when written live", async () => {
  const write = encode("\x1b]52;c;aGVsbG8=\x07");
  const off = world();
  off.models.open("s", { offset: 0, cols: 80, rows: 24 });
  off.models.feed("s", 0, write, true);
  await off.models.text("s");
  expect(off.notices).toEqual([]);
  const on = world({ allowClipboardWrite: true });
  on.models.open("s", { offset: 0, cols: 80, rows: 24 });
  on.models.feed("s", 0, write, false);
  on.models.feed("s", write.length, write, true);
  await on.models.text("s");
  expect(on.notices).toEqual(["s clipboard hello"]);
});

test("a resize is in order with the output around it", async () => {
  const { models } = world();
  models.open("s", { offset: 0, cols: 10, rows: 4 });
  models.feed("s", 0, encode("0123456789abcdef\r\n"), true);
  models.resize("s", 20, 4);
  const text = await models.text("s");
  expect(text).toMatchObject({ cols: 20, rows: 4 });
  expect(text.lines[0]).toBe("0123456789abcdef");
  expect(() => models.resize("s", 0, 4)).toThrow(/bad_size/);
  expect(() => models.feed("s", 5, encode("x"), true)).toThrow(/model_gap/);
});

test("closing fails what was asked of the model, and a new one begins empty", async () => {
  const { models } = world();
  models.open("s", { offset: 0, cols: 80, rows: 24 });
  models.feed("s", 0, encode("old"), true);
  const asked = models.snapshot("s");
  models.close("s");
  await expect(asked).rejects.toThrow(/closed/);
  await expect(models.text("s")).rejects.toThrow(/no_model/);
  models.open("s", { offset: 7, cols: 80, rows: 24 });
  expect(await models.text("s")).toMatchObject({ offset: 7, lines: expect.arrayContaining([""]) as unknown });
});

test("when the worker dies it is told once, requests fail, and an open starts another", async () => {
  const dies = new URL(
    `data:text/javascript,${encodeURIComponent('import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit(3));')}`,
  );
  const { models, lost } = world({ workerUrl: dies });
  for (const times of [1, 2]) {
    models.open("s", { offset: 0, cols: 80, rows: 24 });
    models.feed("s", 0, encode("x"), true);
    await expect(models.snapshot("s")).rejects.toThrow(/model_lost/);
    expect(lost).toHaveLength(times);
    expect(models.backlog("s")).toBe(0);
  }
});

test("the worker ends when no model is open any more, not before, and an open starts another", async () => {
  // Answers every text with which thread it is.
  const tells = new URL(
    `data:text/javascript,${encodeURIComponent(
      'import { parentPort, threadId } from "node:worker_threads"; parentPort.on("message", (orders) => { for (const o of orders) if (o.do === "text") parentPort.postMessage([{ is: "answer", request: o.request, value: threadId }]); });',
    )}`,
  );
  const { models, lost } = world({ workerUrl: tells, retireMs: 0 });
  const from = { offset: 0, cols: 80, rows: 24 };
  const thread = (session: string): Promise<unknown> => models.text(session);
  models.open("a", from);
  models.open("b", from);
  const first = await thread("a");
  // A timer of the same length as that of the models, begun after it: theirs was first.
  const later = (): Promise<void> => new Promise((done) => setTimeout(done, 0));
  models.close("a");
  await later();
  expect(await thread("b")).toBe(first);
  models.close("b");
  models.open("b", from);
  await later();
  expect(await thread("b")).toBe(first);
  models.close("b");
  await later();
  models.open("a", from);
  expect(await thread("a")).not.toBe(first);
  expect(lost).toEqual([]);
});

test("what was fed is the caller's still, and may be fed to another model", async () => {
  const { models } = world();
  const bytes = encode("twice");
  for (const s of ["a", "b"]) {
    models.open(s, { offset: 0, cols: 80, rows: 24 });
    models.feed(s, 0, bytes, true);
  }
  for (const s of ["a", "b"]) expect((await models.text(s)).lines[0]).toBe("twice");
  expect(bytes).toEqual(encode("twice"));
});

test("a worker whose code is missing is lost, not thrown", async () => {
  const { models, lost } = world({ workerUrl: new URL("file:///nowhere/terminal-worker.mjs") });
  models.open("s", { offset: 0, cols: 80, rows: 24 });
  await expect(models.text("s")).rejects.toThrow(/model_lost/);
  expect(lost[0]).toMatch(/nowhere/);
});
