/** What AIs ask people, and what people answer, through the whole host on a simulated world: also where two things happen at once. */
import type { Answered, Approval, AskOptions } from "@holdfast/sdk";
import { type SimClient, simulate, type World } from "@holdfast/testkit";
import { describe, expect, test } from "vitest";

const text = (s: string): Uint8Array => Buffer.from(s);
const read = (world: World): string => Buffer.concat(world.shim.program.read).toString();

interface Asking {
  /** Null while it waits. */
  said: Answered | string | null;
}

async function scene(seed: number) {
  const world = await simulate({ seed, mood: "sink" });
  const bot = await world.attached("bot");
  const ana = await world.newClient("ana");
  const ben = await world.newClient("ben");
  const ask = (question: string, options: AskOptions = {}): Asking => {
    const asking: Asking = { said: null };
    bot.client!.approvals.ask(world.session, question, options).then(
      (said) => {
        asking.said = said;
      },
      (fault: { code?: string; message?: string }) => {
        asking.said = `${fault.code}${fault.code === "internal" || !fault.code ? fault.message : ""}`;
      },
    );
    return asking;
  };
  const open = async (by: SimClient = ana): Promise<Approval> => {
    for (let i = 0; i < 100; i++) {
      const found = (await world.finish(by.client!.approvals.list())).find((a) => a.state === "pending");
      if (found) return found;
      await world.advance(20);
    }
    throw new Error("nothing was asked");
  };
  const codeOf = (run: Promise<unknown>): Promise<string> =>
    world.finish(
      run.then(
        () => "done",
        (fault: { code?: string }) => fault.code ?? String(fault),
      ),
    );
  const said = async (asking: Asking): Promise<Answered | string> => {
    await world.until("the AI is told", () => asking.said !== null);
    return asking.said!;
  };
  return { world, bot, ana, ben, ask, open, codeOf, said };
}

function recorded(world: World): string[] {
  return world.live.read(0, 10 * 1024 * 1024).flatMap((item) => {
    if (!("body" in item)) return [];
    const { body, entry } = item;
    if (body?.case === "approvalAsked") return [`${entry.actor} asks: ${body.value.what}`];
    return body?.case === "approvalOver" ? [`${entry.actor}: ${body.value.outcome} ${body.value.reason}`.trim()] : [];
  });
}

/** Of inputs, what the journal still has of them. */
function typed(world: World): string[] {
  return world.live
    .read(0, 10 * 1024 * 1024)
    .flatMap((item) =>
      "body" in item && item.body?.case === "input" ? [`${item.entry.actor}: ${Buffer.from(item.entry.payload).toString()}`] : [],
    );
}

describe("a question", () => {
  test("is seen by whoever may type there and answered by one of them, also by the AI's own person, in the record under their name", async () => {
    const { world, ben, ana, ask, open, said } = await scene(301);
    const noticed: number[] = [];
    ana.client!.onApprovals((waiting) => noticed.push(waiting));
    const asking = ask("Which branch?", { options: ["main", "next"] });
    const shown = await open();
    expect(shown).toMatchObject({
      ...{ deed: "question", what: "Which branch?", options: ["main", "next"], handoff: false },
      ...{ actor: "bot", mayDecide: true, session: world.session },
    });
    expect(await open(ben)).toMatchObject({ id: shown.id, mayDecide: true });
    await world.until("ana is told that one waits", () => noticed.at(-1) === 1);
    expect(await world.finish(ana.client!.approvals.answer(shown, "main"))).toMatchObject({ state: "answered", by: "ana" });
    expect(await said(asking)).toMatchObject({ outcome: "answered", text: "main", by: "ana", byName: "ana" });
    await world.until("ana is told that none waits", () => noticed.at(-1) === 0);
    expect(recorded(world)).toEqual(["bot asks: Which branch?", "ana: answered main"]);
  });

  test("is answered by no AI, no service and nobody without the right to type; approving is not answering it", async () => {
    const { world, bot, ana, ask, open, codeOf, said } = await scene(302);
    const asking = ask("Go on?");
    const shown = await open();
    for (const name of ["hal", "ci", "eva"] as const)
      expect([name, await codeOf((await world.newClient(name)).client!.approvals.answer(shown, "yes"))]).toEqual([
        name,
        "not_permitted",
      ]);
    expect(await codeOf(bot.client!.approvals.answer(shown, "yes"))).toBe("not_permitted");
    expect(await codeOf((await world.newClient("eva")).client!.approvals.allow(shown))).toBe("bad_request");
    expect(await codeOf(ana.client!.approvals.answer({ ...shown, binding: new Uint8Array(32) }, "yes"))).toBe("approval_void");
    expect(await codeOf(ana.client!.approvals.ask(world.session, "May I?"))).toBe("bad_request");
    expect(asking.said).toBeNull();
    await world.finish(ana.client!.approvals.deny(shown, "not today"));
    expect(await said(asking)).toBe("approval_denied");
    expect(await codeOf(ana.client!.approvals.answer(shown, "yes"))).toBe("approval_void");
  });

  test("stands through turns of the floor, a pause of AIs and another name of its session, and ends with the session", async () => {
    const { world, ana, ask, open, said } = await scene(303);
    const asking = ask("Still there?");
    await open();
    const seat = await world.attached("ana");
    await world.finish(seat.steer("take"));
    await world.finish(seat.steer("aiPause"));
    await world.finish(ana.client!.rename(world.session, "other"));
    expect(await open()).toMatchObject({ state: "pending" });
    world.shim.exits(0);
    expect(await said(asking)).toBe("approval_void");
  });

  test("goes on to be waited for when it is asked again in the same words, and tells what became of it until its time is over", async () => {
    const { world, ana, ask, open, said } = await scene(304);
    expect(await said(ask("Which?", { waitMs: 1_000 }))).toBe("needs_approval");
    const shown = await open();
    await world.finish(ana.client!.approvals.answer(shown, "this one"));
    expect(await said(ask("Which?"))).toMatchObject({ approval: shown.id, text: "this one" });
    // Under another name it is another question.
    expect(await said(ask("Which?", { id: "2", waitMs: 100 }))).toBe("needs_approval");
    await world.advance(60_000);
    expect(await said(ask("Which?", { waitMs: 100 }))).toBe("needs_approval");
    expect(recorded(world).filter((r) => r.includes("asks"))).toHaveLength(3);
  });

  test("that offers the floor is answered by a person's key, or by taking it in so many words; one that does not is not", async () => {
    const { world, ana, ben, ask, open, codeOf, said } = await scene(305);
    const plain = ask("Just words");
    expect(await codeOf(ana.client!.approvals.takeOver(await open()))).toBe("bad_request");
    await world.finish(ana.client!.approvals.answer(await open(), "fine"));
    await said(plain);
    const first = ask("Will you take over?", { handoff: true });
    await open();
    const seat = await world.attached("ana");
    seat.type(text("x"));
    expect(await said(first)).toMatchObject({ outcome: "handed", by: "ana", text: "" });
    await world.finish(seat.steer("release"));
    const second = ask("And now?", { handoff: true });
    expect(await world.finish(ben.client!.approvals.takeOver(await open(ben)))).toMatchObject({ state: "handed", by: "ben" });
    expect(await said(second)).toMatchObject({ outcome: "handed", by: "ben" });
    expect(world.live.floor.tenure?.operator.id).toBe("ben");
  });

  test.each([0, 1, 2, 5, 20, 59])(
    "has one outcome, told alike to all, where an answer meets the end of its time (%i ms before it)",
    async (beforeMs) => {
      const { world, ana, ask, open, codeOf, said } = await scene(310 + beforeMs);
      const asking = ask("Now?", { ttlMs: 5_000 });
      const shown = await open();
      await world.advance(shown.leftMs - beforeMs);
      const answered = await codeOf(ana.client!.approvals.answer(shown, "yes"));
      const told = await said(asking);
      expect(typeof told === "string" ? [told, answered] : [told.outcome, answered]).toBeOneOf([
        ["answered", "done"],
        ["approval_expired", "approval_void"],
      ]);
      expect(recorded(world).slice(1)).toEqual([
        typeof told === "string" ? "system:policy: expired nobody decided in time" : "ana: answered yes",
      ]);
    },
  );

  test.each([0, 1, 3, 10])("has one outcome where an answer meets a take-over (%i ms apart)", async (apartMs) => {
    const { world, ben, ask, open, codeOf, said } = await scene(340 + apartMs);
    const seat = await world.attached("ana");
    const asking = ask("Answer or take?", { handoff: true });
    const shown = await open();
    const answering = ben.client!.approvals.answer(shown, "words");
    answering.catch(() => {});
    await world.advance(apartMs);
    seat.type(text("x"));
    const answered = await codeOf(answering);
    const told = (await said(asking)) as Answered;
    expect([told.outcome, told.by, answered]).toBeOneOf([
      ["answered", "ben", "done"],
      ["handed", "ana", "approval_void"],
    ]);
    expect(recorded(world)).toHaveLength(2);
  });
});

describe("a secret", () => {
  async function atPrompt(seed: number) {
    const s = await scene(seed);
    s.world.shim.program.isHiding = true;
    s.world.shim.prints(text("password: "));
    await s.world.advance(100);
    return { ...s, asked: () => s.ask("the password of deploy@db", { secret: true }) };
  }

  test("is asked for only where a program waits for one", async () => {
    const { world, ask, codeOf, bot, said } = await scene(401);
    expect(await said(ask("the password", { secret: true }))).toBe("other_state");
    expect(await codeOf(bot.client!.approvals.ask(world.session, "x", { secret: true, handoff: true }))).toBe("bad_request");
    expect(recorded(world)).toEqual([]);
  });

  test("goes from a person to the program as their own line, is in no record, and the AI is told who gave it and nothing else", async () => {
    const { world, ana, asked, open, said } = await atPrompt(402);
    const asking = asked();
    const shown = await open();
    expect(shown).toMatchObject({ deed: "secret", what: "the password of deploy@db", mayDecide: true });
    expect(shown.reads).toMatch(/^program \(\d+\) at "/);
    await world.finish(ana.client!.approvals.give(shown, text("hunter2")));
    expect(await said(asking)).toMatchObject({ outcome: "answered", by: "ana", text: "" });
    await world.until("the program has read it", () => read(world) === "hunter2\r");
    expect(typed(world)).toEqual(["ana: "]);
    expect(recorded(world)).toEqual(["bot asks: the password of deploy@db", "ana: answered"]);
    // The floor is free again for who works there.
    expect(world.live.floor.tenure).toBeNull();
  });

  test("that a person types at the prompt by themselves is given as well, key by key", async () => {
    const { world, asked, open, said } = await atPrompt(403);
    const asking = asked();
    const shown = await open();
    const seat = await world.attached("ben");
    for (const key of ["h", "u", "\r"]) {
      expect(asking.said).toBeNull();
      seat.type(text(key));
      await world.advance(300);
    }
    expect(await said(asking)).toMatchObject({ outcome: "answered", by: "ben", text: "", approval: shown.id });
    expect(typed(world).every((t) => t === "ben: ")).toBe(true);
  });

  test.each([
    [
      "is gone",
      (world: World) => {
        world.shim.program.isHiding = false;
      },
    ],
    ["says something else", (world: World) => world.shim.prints(text("Sorry.\r\npassword: "))],
  ])("is void when its prompt %s: what is given then is not typed", async (_, changes) => {
    const { world, ana, asked, open, codeOf, said } = await atPrompt(404);
    const asking = asked();
    const shown = await open();
    changes(world);
    expect(await codeOf(ana.client!.approvals.give(shown, text("hunter2")))).toBe("approval_void");
    expect(await said(asking)).toBe("approval_void");
    expect([read(world), typed(world)]).toEqual(["", []]);
    // And without anybody's answer.
    world.shim.program.isHiding = true;
    await world.advance(1_000);
    const second = asked();
    await open();
    changes(world);
    expect(await said(second)).toBe("approval_void");
  });

  test("is void when an AI types at its prompt: no person's line goes behind that", async () => {
    const { world, bot, ana, asked, open, codeOf, said } = await atPrompt(408);
    const asking = asked();
    const shown = await open();
    bot.type(text("x"));
    expect(await said(asking)).toBe("approval_void");
    expect(await codeOf(ana.client!.approvals.give(shown, text("hunter2")))).toBe("approval_void");
    expect(typed(world)).toEqual(["bot: "]);
  });

  test.each([0, 1, 2, 4, 8, 16, 30])(
    "is typed and given, or neither typed nor given, or told to be seen and erased, where the prompt ends as it comes (%i ms)",
    async (afterMs) => {
      const { world, ana, asked, open, codeOf, said } = await atPrompt(410 + afterMs);
      const asking = asked();
      const shown = await open();
      const giving = ana.client!.approvals.give(shown, text("hunter2"));
      giving.catch(() => {});
      await world.advance(afterMs);
      world.shim.program.isHiding = false;
      const given = await codeOf(giving);
      const told = await said(asking);
      expect([typeof told === "string" ? told : told.outcome, given]).toBeOneOf([
        ["answered", "done"],
        ["approval_void", "approval_void"],
      ]);
      if (given === "done") expect(read(world)).toBe("hunter2\r");
      expect(typed(world).join()).not.toContain("hunter2");
    },
  );

  test.each([0, 2, 5, 10, 20, 40])(
    "is given if it was typed and expired if not, where it comes at the end of its time (%i ms before)",
    async (beforeMs) => {
      const { world, ana, bot, open, codeOf } = await atPrompt(430 + beforeMs);
      const asking = codeOf(bot.client!.approvals.ask(world.session, "the password", { secret: true, ttlMs: 5_000 }));
      const shown = await open();
      await world.advance(shown.leftMs - beforeMs);
      const given = await codeOf(ana.client!.approvals.give(shown, text("hunter2")));
      await world.advance(500);
      const isTyped = read(world) !== "";
      expect([await asking, given, isTyped]).toBeOneOf([
        ["done", "done", true],
        ["approval_expired", "approval_void", false],
      ]);
    },
  );

  test("is given by one: of two who answer at once the other is told, and their line is typed nowhere", async () => {
    const { world, ana, ben, asked, open, codeOf, said } = await atPrompt(450);
    const asking = asked();
    const shown = await open();
    const giving = [
      codeOf(ana.client!.approvals.give(shown, text("one"))),
      codeOf(ben.client!.approvals.give(shown, text("two"))),
    ];
    const codes = await Promise.all(giving);
    expect(codes.toSorted()).toEqual(["approval_void", "done"]);
    expect(read(world)).toBe(codes[0] === "done" ? "one\r" : "two\r");
    expect(await said(asking)).toMatchObject({ by: codes[0] === "done" ? "ana" : "ben" });
  });

  test("is not typed over another person who steers, and can be given once they are done", async () => {
    const { world, ana, asked, open, codeOf, said } = await atPrompt(451);
    const asking = asked();
    const shown = await open();
    const seat = await world.attached("ben");
    await world.finish(seat.steer("take"));
    expect(await codeOf(ana.client!.approvals.give(shown, text("hunter2")))).toBe("floor_held");
    expect(read(world)).toBe("");
    await world.finish(seat.steer("release"));
    expect(await codeOf(ana.client!.approvals.give(shown, text("hunter2")))).toBe("done");
    expect(await said(asking)).toMatchObject({ by: "ana" });
  });

  test("what others type is shown to no AI, as it comes and later; what it typed itself is", async () => {
    const world = await simulate({ seed: 460, mood: "sink" });
    const seen: string[] = [];
    const bot = await world.newClient("bot");
    const event = (e: {
      actor: string;
      data: Uint8Array;
      payloadBytes: number;
      body?: { kind: { case?: string | undefined } };
    }): void => {
      if (e.body?.kind.case === "input") seen.push(`${e.actor} ${e.payloadBytes} ${Buffer.from(e.data).toString()}`);
    };
    await world.finish(bot.client!.attach({ session: world.session, observe: true }, { event: event as never }));
    await world.finish(bot.client!.send(world.session, text("mine\r")));
    await world.finish(bot.client!.floor(world.session, "release"));
    await world.finish((await world.newClient("ana")).client!.send(world.session, text("theirs\r")));
    await world.until("both are told of", () => seen.length === 2);
    expect(seen).toEqual(["bot 5 mine\r", "ana 7 "]);
    await world.finish(
      bot.client!.attach({ session: world.session, observe: true, mode: "replay", after: 0 }, { event: event as never }),
    );
    await world.until("both are told of again", () => seen.length === 4);
    expect(seen.slice(2)).toEqual(["bot 5 mine\r", "ana 7 "]);
  });
});
