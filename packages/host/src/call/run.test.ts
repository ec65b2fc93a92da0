/** One `hold run` on a shell whose marks are printed by hand. What real shells do is played in test/integration. */
import { create, RunCallSchema, type Init, type RunAnswer, type RunCall } from "@holdfast/protocol";
import { simulate, type World } from "@holdfast/testkit";
import { expect, test } from "vitest";
import { runCall } from "./run.ts";

const NONCE = "0123456789abcdef";
let count = 0;
const mark = (kind: string, fields = ""): string => `\x1b]633;hold;${kind};${NONCE};${++count}${fields ? `;${fields}` : ""}\x07`;
const prints = async (world: World, text: string): Promise<void> => {
  world.shim.prints(Buffer.from(text));
  await world.advance(30);
};

async function atPrompt(seed: number): Promise<World> {
  const world = await simulate({ seed, mood: "sink", ringBytes: 8 * 1024 * 1024 });
  world.live.commands.opened(true, NONCE);
  await prints(world, `${mark("D", "0")}${mark("A", "0")}$ ${mark("B", "1;7")}`);
  return world;
}

function run(world: World, value: Init<RunCall>, hasRoom: () => boolean = () => true) {
  const box = {
    output: "",
    parts: 0,
    answer: null as RunAnswer | null,
    fault: null as { code?: string } | null,
    abort: new AbortController(),
  };
  const operator = world.life.host.registry.byName("ana")!;
  runCall(
    {
      host: world.life.host,
      hostId: "",
      hostKey: new Uint8Array(32),
      operator,
      via: "cli",
      client: "",
      link: "",
      isBearer: false,
      verb: { case: undefined },
      signal: box.abort.signal,
      hasRoom,
      more: (r) => {
        if (r.case !== "run") return;
        box.parts++;
        box.output += Buffer.from(r.value.output).toString();
      },
    },
    create(RunCallSchema, { session: world.session, ...value }),
  ).then(
    (r) => {
      if (r.case === "run") box.answer = r.value;
    },
    (fault: { code?: string }) => {
      box.fault = fault;
    },
  );
  return box;
}
const typed = (world: World): string => Buffer.concat(world.shim.program.read).toString();
const ends = (code: string): string => `${mark("D", code)}${mark("A", code)}$ ${mark("B", "1;8")}`;

test("the command is typed with one Enter, and its output and code are handed over without prompt or marks", async () => {
  const world = await atPrompt(51);
  const r = run(world, { words: ["ls", "a b"] });
  await world.advance(30);
  expect(typed(world)).toBe("ls 'a b'\r");
  await prints(world, `ls 'a b'\r\n${mark("C", "7;ls 'a b'")}one\r\ntwo\r\n`);
  expect(r.output).toBe("one\r\ntwo\r\n");
  await prints(world, ends("3"));
  expect(r.answer).toMatchObject({ state: "ended", code: 3, omittedBytes: 0n });
  expect(r.output).toBe("one\r\ntwo\r\n");
});

test("output waits in the journal while the caller has no room, and comes whole and in order when it has", async () => {
  const world = await atPrompt(52);
  let room = false;
  const r = run(world, { text: "many" }, () => room);
  await world.advance(30);
  const text = Array.from({ length: 40_000 }, (_, n) => `line ${n}\r\n`).join("");
  await prints(world, `${mark("C", "7;many")}${text}`);
  await prints(world, ends("0"));
  await world.advance(500);
  expect([r.parts, r.answer]).toEqual([0, null]);
  room = true;
  await world.advance(500);
  expect(r.answer).toMatchObject({ state: "ended", code: 0 });
  expect(r.output).toBe(text);
});

test("more than what was asked for is counted and not sent", async () => {
  const world = await atPrompt(53);
  const r = run(world, { text: "many", maxBytes: 10n });
  await world.advance(30);
  await prints(world, `${mark("C", "7;many")}${"x".repeat(25)}${ends("0")}`);
  expect(r.answer).toMatchObject({ state: "ended", omittedBytes: 15n });
  expect(r.output).toBe("x".repeat(10));
});

test("a caller that leaves stops waiting, and the command goes on", async () => {
  const world = await atPrompt(54);
  const r = run(world, { text: "sleep" });
  await world.advance(30);
  await prints(world, mark("C", "7;sleep"));
  r.abort.abort();
  await world.advance(10);
  expect(r.answer?.state).toBe("interrupted");
  expect(typed(world)).toBe("sleep\r");
});

test("a deadline ends the waiting and not the command; a program's own end gives its code", async () => {
  const world = await atPrompt(55);
  const late = run(world, { text: "sleep", timeoutMs: 200n });
  await world.advance(30);
  await prints(world, mark("C", "7;sleep"));
  await world.advance(300);
  expect(late.answer?.state).toBe("timed_out");
  await prints(world, ends("0"));
  const last = run(world, { text: "exit 4" });
  await world.advance(30);
  await prints(world, mark("C", "8;exit 4"));
  world.shim.exits(4);
  await world.advance(100);
  expect(last.answer).toMatchObject({ code: 4 });
});

test("a line that stays open is taken back with Ctrl-C, again while the shell does not read, and said to be incomplete", async () => {
  const world = await atPrompt(56);
  const r = run(world, { text: "echo 'open" });
  await world.advance(30);
  await prints(world, mark("F"));
  await world.advance(100);
  expect(typed(world).split("\x03")).toHaveLength(2);
  expect(r.answer).toBeNull();
  await world.advance(4_000);
  expect(r.answer?.state).toBe("incomplete");
  expect(typed(world).split("\x03")).toHaveLength(11);
});

test("a line that fish refuses is taken back, again while fish does not read, and said not to have run", async () => {
  const world = await atPrompt(60);
  const r = run(world, { text: ")" });
  await world.advance(30);
  await prints(world, mark("V", "1"));
  expect(typed(world).split("\x03")).toHaveLength(2);
  await world.advance(400);
  expect([typed(world).split("\x03").length, r.answer]).toEqual([3, null]);
  await prints(world, mark("B", "1;"));
  expect(r.answer).toMatchObject({ state: "not_run" });
  expect(r.answer?.code).toBeUndefined();
  expect(world.live.lineDirty).toBeNull();
});

test("a prompt that takes long holds nobody up: the code was told", async () => {
  const world = await atPrompt(61);
  const r = run(world, { text: "make" });
  await world.advance(30);
  await prints(world, `${mark("C", "7;make")}made\r\n${mark("D", "2")}`);
  expect(r.answer).toBeNull();
  await world.advance(1_000);
  expect(r).toMatchObject({ output: "made\r\n", answer: { state: "ended", code: 2 } });
});

test("of several lines the first one's end is not the last's, however long its prompt takes", async () => {
  const world = await atPrompt(62);
  const r = run(world, { text: "false\ntrue" });
  await world.advance(30);
  await prints(world, `${mark("C", "7;false")}${mark("D", "1")}`);
  await world.advance(5_000);
  expect(r.answer).toBeNull();
  await prints(world, `${mark("C", "8;true")}${ends("0")}`);
  expect(r.answer).toMatchObject({ state: "ended", code: 0 });
});

test("a caller that leaves between a command's end and its prompt is told the code", async () => {
  const world = await atPrompt(63);
  const r = run(world, { text: "make" });
  await world.advance(30);
  await prints(world, `${mark("C", "7;make")}${mark("D", "2")}`);
  r.abort.abort();
  await world.advance(10);
  expect(r.answer).toMatchObject({ state: "ended", code: 2 });
});

test.each([
  ["while something runs", "not_at_prompt", async (world: World) => prints(world, mark("C", "7;vim"))],
  [
    "while half a line is typed",
    "line_not_empty",
    async (world: World) => {
      const ben = await world.attached("ben");
      ben.type(Buffer.from("half"));
      await world.advance(50);
    },
  ],
  [
    "in a session that has ended",
    "session_ended",
    async (world: World) => {
      world.shim.exits(0);
      await world.advance(100);
    },
  ],
] as const)("%s it is refused (%s) and nothing is typed", async (_when, code, act) => {
  const world = await atPrompt(57);
  await act(world);
  const before = typed(world);
  const r = run(world, { text: "ls" });
  await world.advance(100);
  expect(r.fault?.code).toBe(code);
  expect(typed(world)).toBe(before);
});

test("without integration it is refused, and an empty command is one of no use", async () => {
  const world = await simulate({ seed: 58, mood: "sink" });
  const r = run(world, { text: "ls" });
  await world.advance(100);
  expect(r.fault?.code).toBe("no_integration");
  const other = await atPrompt(59);
  const empty = run(other, { text: "  " });
  await other.advance(100);
  expect(empty.fault?.code).toBe("usage");
});

test("a caller who leaves while it is looked whether the shell reads has nothing typed", async () => {
  const world = await atPrompt(59);
  const r = run(world, { text: "make" });
  r.abort.abort();
  await world.advance(100);
  expect(r.fault).toMatchObject({ code: "cancelled" });
  expect(Buffer.concat(world.shim.program.read).toString()).toBe("");
});
