/** One `hold run` on a shell whose marks are printed by hand. What real shells do is played in test/integration. */
import { create, InputSchema, RunCallSchema, type Init, type RunAnswer, type RunCall } from "@holdfast/protocol";
import { simulate, type World } from "@holdfast/testkit";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Host } from "../host.ts";
import { PolicyStore } from "../policy/store.ts";
import { redact } from "./reading.ts";
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

function run(world: World, value: Init<RunCall>, hasRoom: () => boolean = () => true, by = "ana") {
  const box = {
    output: "",
    parts: 0,
    toOffset: 0,
    masked: 0,
    /** What each part says of what was left out before its end. */
    omitted: [] as number[],
    answer: null as RunAnswer | null,
    fault: null as { code?: string } | null,
    abort: new AbortController(),
  };
  const operator = world.life.host.registry.byName(by)!;
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
        box.toOffset = Number(r.value.toOffset);
        box.masked += Number(r.value.maskedBytes);
        box.omitted.push(Number(r.value.omittedBytes));
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

test("a title that comes in two pieces holds up nothing, and a mark that comes in three is not handed over", async () => {
  const world = await atPrompt(50);
  const r = run(world, { text: "titled" });
  await world.advance(30);
  await prints(world, `titled\r\n${mark("C", "7;titled")}a \x1b]0;t`);
  await prints(world, "itle\x07b\r\n");
  expect(r.output).toBe("a \x1b]0;title\x07b\r\n");
  const end = ends("0");
  await prints(world, `c\x1b${end.slice(1, 6)}`);
  await prints(world, end.slice(6, 20));
  expect(r.output).toBe("a \x1b]0;title\x07b\r\nc");
  await prints(world, end.slice(20));
  expect(r.answer).toMatchObject({ state: "ended", code: 0 });
  expect(r.output).toBe("a \x1b]0;title\x07b\r\nc");
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

test("found: of several lines that the shell tells the beginnings of alone, no mark is among their output", async () => {
  const world = await atPrompt(64);
  const r = run(world, { text: "one\ntwo" });
  await world.advance(30);
  await prints(world, `${mark("C", "7;one")}first\r\n`);
  await prints(world, `${mark("C", "8;two")}second\r\n`);
  await prints(world, "and more\r\n");
  expect(r.output).toBe("first\r\nsecond\r\nand more\r\n");
  await prints(world, ends("0"));
  expect(r).toMatchObject({ output: "first\r\nsecond\r\nand more\r\n", answer: { state: "ended", code: 0 } });
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

test.each([
  ["of one operator", "ana"],
  ["of two", "ben"],
])("of two that come in one turn, %s, one is typed, and the other is told that the line is not empty", async (_of, other) => {
  const world = await simulate({ seed: 65, mood: "sink", open: { floor: "open" } });
  world.live.commands.opened(true, NONCE);
  await prints(world, `${mark("D", "0")}${mark("A", "0")}$ ${mark("B", "1;7")}`);
  const [first, second] = [run(world, { text: "one" }), run(world, { text: "two" }, undefined, other)];
  await world.advance(30);
  expect(typed(world)).toBe("one\r");
  expect(second.fault?.code).toBe("line_not_empty");
  await prints(world, `${mark("C", "7;one")}1\r\n${ends("3")}`);
  expect(first).toMatchObject({ output: "1\r\n", answer: { state: "ended", code: 3 } });
});

test("it is not typed onto keys that are recorded and not at the terminal yet", async () => {
  const world = await atPrompt(66);
  const ana = world.life.host.registry.byName("ana")!;
  world.live.offer(ana, "cli", null, "ana/keys", create(InputSchema, { n: 1n, data: Buffer.from("rm -rf ") }), () => {});
  const r = run(world, { text: "ls" });
  await world.advance(30);
  expect([r.fault?.code, typed(world)]).toEqual(["line_not_empty", "rm -rf "]);
});

describe("what waits behind another's paste", () => {
  /** A paste of `by` has begun, and left the line empty; a run of `bot` waits behind it. */
  async function waiting(seed: number, value: Init<RunCall> = {}, policy = "") {
    const world = await simulate({ seed, mood: "sink", open: { floor: "open" }, ...(policy ? { policy } : {}) });
    world.live.commands.opened(true, NONCE);
    await prints(world, `${mark("D", "0")}${mark("A", "0")}$ ${mark("B", "1;7")}`);
    const hal = await world.attached("hal");
    const pastes = async (text: string, more: object): Promise<void> => {
      void hal.attachment!.input(Buffer.from(text), { unit: "u1", ...more });
      await world.advance(50);
    };
    await pastes("\x15", {});
    const r = run(world, { text: "ls", ...value }, undefined, "bot");
    await world.advance(50);
    expect([typed(world), r.answer, r.fault]).toEqual(["\x15", null, null]);
    return { world, r, pastes };
  }

  test("is typed once that has ended and left the line empty", async () => {
    const { world, pastes } = await waiting(81);
    await pastes("\x15", { unitEnd: true });
    await world.advance(100);
    expect(typed(world)).toBe("\x15\x15ls\r");
  });

  test("is refused where the policy denies it by then", async () => {
    const { world, r, pastes } = await waiting(82);
    vi.spyOn(world.life.host.policy, "policy", "get").mockReturnValue(
      PolicyStore.of('version = 1\n[ai]\notherwise = "allow"\nrun = "deny"').policy,
    );
    onTestFinished(() => void vi.restoreAllMocks());
    world.life.host.policyLoaded();
    await pastes("\x15", { unitEnd: true });
    await world.advance(100);
    expect([r.fault?.code, typed(world)]).toEqual(["policy_denied", "\x15\x15"]);
  });

  test("is refused where that has left half a line", async () => {
    const { world, r, pastes } = await waiting(83);
    await pastes("rm -rf ", { unitEnd: true });
    await world.advance(100);
    expect([r.fault?.code, typed(world)]).toEqual(["line_not_empty", "\x15rm -rf "]);
  });

  test("is not typed any more when its caller's time is over, which is told", async () => {
    const { world, r, pastes } = await waiting(84, { timeoutMs: 200n });
    await world.advance(250);
    expect([r.fault?.code, r.answer]).toEqual(["timed_out", null]);
    await pastes("\x15", { unitEnd: true });
    await world.advance(100);
    expect(typed(world)).toBe("\x15\x15");
  });
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

describe("one who asks again", () => {
  const again = (offset: number, bytes: number) => ({ askedMsAgo: 10n, offset: BigInt(offset), bytes: BigInt(bytes) });
  const asked = { text: "make", writer: "writer-of-one", n: 1n };

  test("while the first still waits is told the same, and nothing is typed twice", async () => {
    const world = await atPrompt(70);
    const both = [run(world, asked), run(world, { ...asked, again: again(0, 0) })];
    await world.advance(30);
    await prints(world, `make\r\n${mark("C", "7;make")}made\r\n${ends("4")}`);
    for (const r of both) expect(r).toMatchObject({ output: "made\r\n", answer: { state: "ended", code: 4 } });
    expect(typed(world)).toBe("make\r");
  });

  test("when it is over is told from where they are, and the rest alone", async () => {
    const world = await atPrompt(71);
    const first = run(world, asked);
    await world.advance(30);
    await prints(world, `${mark("C", "7;make")}one\r\n`);
    first.abort.abort();
    await prints(world, `two\r\n${ends("2")}`);
    const had = Number(first.answer!.toOffset);
    const rest = run(world, { ...asked, again: again(had, 5) });
    const whole = run(world, { ...asked, again: again(0, 0) });
    await world.advance(30);
    expect([first.output, rest.output, whole.output]).toEqual(["one\r\n", "two\r\n", "one\r\ntwo\r\n"]);
    expect([rest.answer?.code, whole.answer?.code]).toEqual([2, 2]);
  });

  test("for output that was erased meanwhile is told how much of it is left out", async () => {
    const world = await atPrompt(72);
    const first = run(world, asked);
    await world.advance(30);
    await prints(world, mark("C", "7;make"));
    await prints(world, "secret\r\n");
    const erased = world.live.facts.seq;
    await prints(world, `public\r\n${ends("0")}`);
    expect(first.output).toBe("secret\r\npublic\r\n");
    world.live.redact([erased]);
    const late = run(world, { ...asked, again: again(0, 0) });
    await world.advance(30);
    expect(late).toMatchObject({ output: "public\r\n", answer: { state: "ended", code: 0, omittedBytes: 8n } });
  });

  test("each part says what was left out before its end, so that who asks again from there counts each byte once", async () => {
    const world = await atPrompt(78);
    const first = run(world, asked);
    await world.advance(30);
    await prints(world, mark("C", "7;make"));
    await prints(world, "secret\r\n");
    world.live.redact([world.live.facts.seq]);
    await prints(world, "public\r\n");
    const next = run(world, { ...asked, maxBytes: 11n, again: again(0, 0) });
    await world.advance(30);
    await prints(world, `and more\r\n${ends("0")}`);
    expect([first.output, first.omitted]).toEqual(["secret\r\npublic\r\nand more\r\n", [0, 0, 0]]);
    // The second one's end was cut off: what is behind it is not before it.
    expect([next.output, next.omitted]).toEqual(["public\r\nand", [8, 8]]);
    expect(next.answer).toMatchObject({ omittedBytes: 15n });
  });

  test("is told to an AI by the secrets of now: one that is learnt meanwhile is masked from then on, and where it waits", async () => {
    const world = await atPrompt(79);
    const [early, late] = ["Zq7.Xk-29vWb", "Late-Secret-4711"];
    const r = run(world, asked, undefined, "bot");
    await world.advance(30);
    await prints(world, `${mark("C", "7;make")}1 ${late} ${early.slice(0, 6)}`);
    expect(r.output).toBe(`1 ${late} ${early.slice(0, 6)}`);
    world.live.secrets.learn(Buffer.from(`A_TOKEN=${early}`));
    await prints(world, `${early.slice(6)} 2 ${late.slice(0, 5)}`);
    expect(r.output).toBe(`1 ${late} ${early.slice(0, 6)}****** 2 ${late.slice(0, 5)}`);
    await prints(world, ` 3 ${early.slice(0, 3)}`);
    world.live.secrets.learn(Buffer.from(`B_TOKEN=${late}`));
    await prints(world, `${early.slice(3)} 4 ${late}${ends("0")}`);
    expect(r.output).toMatch(/\*{6} 2 Late- 3 \*{12} 4 \*{16}$/);
    expect(r).toMatchObject({ masked: 34, answer: { code: 0, maskedBytes: 34n } });
  });

  test("what waits for an AI is left out when it is redacted meanwhile", async () => {
    const world = await atPrompt(80);
    const secret = "Zq7.Xk-29vWb";
    world.live.secrets.learn(Buffer.from(`A_TOKEN=${secret}`));
    const r = run(world, asked, undefined, "bot");
    await world.advance(30);
    await prints(world, `${mark("C", "7;make")}so `);
    await prints(world, secret.slice(0, 3));
    expect(r.output).toBe("so ");
    const by = { operator: world.life.host.registry.byName("ana")!, via: "cli" };
    const value = { session: world.session, seqs: [BigInt(world.live.facts.seq)], fromSeq: 0n, toSeq: 0n, reason: "" };
    await world.finish(redact({ host: world.life.host as Host, ...by } as never, value as never));
    await prints(world, `, that is all\r\n${ends("0")}`);
    expect(r.output).toBe("so , that is all\r\n");
    expect(r.answer).toMatchObject({ omittedBytes: 3n, maskedBytes: 0n });
  });

  test("by an AI is told no secret, and none of what is left of one where its link ended in the midst of it", async () => {
    const world = await atPrompt(77);
    const secret = "Zq7.Xk-29vWb/4711_aBcDeFgHiJkLmNoPqRsTuV";
    world.live.secrets.learn(Buffer.from(`A_TOKEN=${secret}`));
    const first = run(world, asked, undefined, "bot");
    await world.advance(30);
    await prints(world, `${mark("C", "7;make")}is ${secret.slice(0, 34)}`);
    // What may be more of it waits until that is decided: the place of a part is where what was told ends.
    expect(first.output).toBe(`is ${"*".repeat(32)}`);
    const place = first.toOffset;
    expect(place).toBe(world.live.facts.ends[0] - 2);
    await prints(world, `${secret.slice(34)}, and ${secret.slice(0, 6)}`);
    const next = run(world, { ...asked, again: again(place, first.output.length) }, undefined, "bot");
    await world.advance(30);
    expect(next.output).toBe("********, and ");
    expect(next.toOffset).toBe(world.live.facts.ends[0] - 6);
    await prints(world, `!\r\n${ends("0")}`);
    expect(next.output).toBe(`********, and ${secret.slice(0, 6)}!\r\n`);
    expect(next).toMatchObject({ masked: 8, answer: { state: "ended", code: 0, maskedBytes: 8n } });
    const person = run(world, { ...asked, writer: "a person's own" });
    await world.advance(30);
    await prints(world, `${mark("C", "7;make")}${secret}\r\n${ends("0")}`);
    expect(person).toMatchObject({ output: `${secret}\r\n`, answer: { maskedBytes: 0n } });
  });

  test("has a line taken back that the editor kept when the link was lost", async () => {
    const world = await atPrompt(73);
    const first = run(world, { ...asked, text: "echo 'open" });
    await world.advance(30);
    first.abort.abort();
    await prints(world, mark("F"));
    await world.advance(2_000);
    expect(typed(world)).not.toContain("\x03");
    const next = run(world, { ...asked, text: "echo 'open", again: again(0, 0) });
    await world.advance(10);
    expect(typed(world).split("\x03")).toHaveLength(2);
    await prints(world, mark("B", "1;7"));
    expect(next.answer?.state).toBe("incomplete");
  });

  test("interrupts nothing that somebody else has made of such a line", async () => {
    const world = await atPrompt(74);
    const first = run(world, { ...asked, text: "echo 'open" });
    await world.advance(30);
    first.abort.abort();
    await prints(world, mark("F"));
    await prints(world, mark("C", "7;echo"));
    run(world, { ...asked, text: "echo 'open", again: again(0, 0) });
    await world.advance(5_000);
    expect(typed(world)).not.toContain("\x03");
  });

  test("for a command of which only the number is known any more is not typed for", async () => {
    const world = await atPrompt(75);
    const writer = "ana/writer-of-one";
    const ana = world.life.host.registry.byName("ana")!;
    world.live.offer(ana, "cli", null, writer, create(InputSchema, { n: 1n, data: Buffer.from("make\r") }), () => {});
    await prints(world, `${mark("C", "7;make")}${ends("0")}`);
    const before = typed(world);
    const r = run(world, { ...asked, again: again(0, 0) });
    await world.advance(30);
    expect([r.fault?.code, typed(world)]).toEqual(["code_unknown", before]);
  });

  test("is not typed for where so many have typed since that the books may have forgotten them, and is where that was before", async () => {
    const world = await atPrompt(76);
    const ana = world.life.host.registry.byName("ana")!;
    const since = world.scheduler.nowMs;
    for (let n = 1; world.live.forgottenUpTo === 0 && n <= 10_000; n++) {
      world.live.offer(ana, "cli", null, `ana/other-${n}`, create(InputSchema, { n: 1n, data: Buffer.from("\x15") }), () => {});
      if (n % 100 === 0) await world.advance(30);
    }
    await world.advance(100);
    const before = typed(world);
    const ago = (ms: number) => ({ ...asked, again: { askedMsAgo: BigInt(Math.ceil(ms)), offset: 0n, bytes: 0n } });
    const r = run(world, ago(world.scheduler.nowMs - since));
    await world.advance(30);
    expect([r.fault?.code, typed(world)]).toEqual(["code_unknown", before]);
    const later = run(world, ago(50));
    await world.advance(30);
    await prints(world, `${mark("C", "7;make")}${ends("0")}`);
    expect([later.answer?.code, typed(world)]).toEqual([0, `${before}make\r`]);
  });
});
