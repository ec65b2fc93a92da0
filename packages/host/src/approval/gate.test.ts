/** What the policy keeps AIs from and what a person is asked about, through the whole host on a simulated world. */
import { InputStatus, type Approval as Wire } from "@holdfast/protocol";
import type { Approval } from "@holdfast/sdk";
import { type SimClient, simulate, type World } from "@holdfast/testkit";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { approvalList, approvalWatch } from "../call/approvals.ts";
import type { CallContext, Result } from "../call/context.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { PolicyStore } from "../policy/store.ts";

const policy = (lines: string, more = ""): string => `version = 1\n[ai]\notherwise = "allow"\n${lines}\n${more}`;
const asksForKeys = policy('keys = "ask"\nsignals = "ask"');
const text = (s: string): Uint8Array => Buffer.from(s);
const read = (world: World): string => Buffer.concat(world.shim.program.read).toString();

async function scene(rules: string, more: object = {}): Promise<{ world: World; bot: SimClient; eva: SimClient }> {
  const world = await simulate({ seed: 61, mood: "sink", policy: rules, ...more });
  return { world, bot: await world.attached("bot"), eva: await world.newClient("eva") };
}

async function pending(world: World, eva: SimClient): Promise<Approval> {
  let found: readonly Approval[] = [];
  for (let i = 0; i < 100 && found.length === 0; i++) {
    await world.advance(20);
    found = await world.finish(eva.client!.approvals.list());
  }
  expect(found.length).toBeGreaterThan(0);
  return found[0]!;
}

const codeOf = (run: Promise<unknown>): Promise<string> =>
  run.then(
    () => "done",
    (fault: { code?: string }) => fault.code ?? String(fault),
  );
const refusal = (world: World, run: Promise<unknown>): Promise<string> => world.finish(codeOf(run));

/** What a frame's sender is told. */
async function told(world: World, sent: ReturnType<SimClient["type"]>): Promise<string> {
  await world.until("the sender is told", () => sent!.settled);
  return sent!.outcome!.status === InputStatus.APPLIED ? "applied" : (sent!.outcome!.code ?? "refused");
}

/** The records of approvals, in order. */
function recorded(world: World): string[] {
  return world.live.read(0, 10 * 1024 * 1024).flatMap((item) => {
    if (!("body" in item)) return [];
    const { body, entry } = item;
    if (body?.case === "approvalAsked") return [`${entry.actor} asks of ${body.value.deed}`];
    if (body?.case === "approvalDecided") return [`${entry.actor} ${body.value.allowed ? "allows" : "denies"}`];
    return body?.case === "approvalOver" ? [body.value.outcome] : [];
  });
}

describe("without a policy", () => {
  test("an AI may do what its role lets it", async () => {
    const world = await simulate({ seed: 60, mood: "sink" });
    const bot = await world.attached("bot");
    expect(await told(world, bot.type(text("x")))).toBe("applied");
    expect(recorded(world)).toEqual([]);
  });
});

describe("what is denied", () => {
  const closed = policy(
    'keys = "deny"\nsignals = "deny"\nend = "deny"\nresize = "deny"\nfloor = "deny"\nopen = "deny"\nexec = "deny"\nrun = "deny"\nfiles.read = "deny"\nfiles.write = "deny"',
  );

  test("is refused on every way in, and names where that is said", async () => {
    const { world, bot } = await scene(closed);
    const { client } = bot;
    const s = world.session;
    expect(await told(world, bot.type(text("x")))).toBe("policy_denied");
    expect(await told(world, bot.type(Uint8Array.of(3), { interrupt: true }))).toBe("policy_denied");
    for (const [what, call] of [
      ["send", () => client!.send(s, text("x"))],
      ["exec", () => client!.exec(s, ["true"])],
      ["signal", () => client!.signal(s, "tree", 15)],
      ["kill", () => client!.kill(s)],
      ["remove", () => client!.remove(s, true)],
      ["rename", () => client!.rename(s, "other")],
      ["resize", () => client!.resize(s, { cols: 10, rows: 10 })],
      ["take", () => client!.floor(s, "take")],
      ["pass", () => client!.floor(s, "pass", "ana")],
      ["open", () => client!.open({ command: ["sh"], cwd: "/" })],
      ["agent", () => client!.agent(s, "/tmp/x")],
      ["list files", () => client!.files(s).list("/")],
      ["read", () => client!.files(s).read("/etc/hosts", () => {})],
      ["hash", () => client!.files(s).hash("/etc/hosts")],
      ["write", () => client!.files(s).write("/nowhere/x", text("x"))],
    ] as const)
      expect([what, await refusal(world, call())]).toEqual([what, "policy_denied"]);
    // Letting go and asking take nothing from anybody.
    expect(await refusal(world, client!.floor(s, "ask"))).toBe("done");
    const denied = client!.send(s, text("x")).catch((fault: Error) => fault.message);
    expect(await world.finish(denied)).toContain('[ai] keys = "deny"');
    expect(read(world)).toBe("");
    expect(world.live.facts.size).toEqual({ cols: 80, rows: 24 });
  });

  test("binds no person and no service", async () => {
    const { world } = await scene(closed);
    for (const name of ["ci", "ana"] as const) {
      const other = await world.attached(name);
      expect(await told(world, other.type(text("x")))).toBe("applied");
      await world.finish(other.steer("release"));
    }
  });

  test("observing: neither the list, the screen nor an attachment shows a session that is not to be seen", async () => {
    const world = await simulate({ seed: 62, policy: policy("", '[[session]]\nname = "w*"\nobserve = "deny"') });
    const bot = await world.newClient("bot");
    expect(await world.finish(bot.client!.list())).toEqual([]);
    for (const call of [
      () => bot.client!.show(world.session),
      () => bot.client!.screen(world.session),
      () => bot.client!.wait(world.session, { exit: true }),
      () => bot.client!.search(world.session, "x"),
      () => bot.client!.attach({ session: world.session }, {}),
    ])
      expect(await refusal(world, call())).toBe("policy_denied");
    expect((await world.finish((await world.newClient("ana")).client!.list())).length).toBe(1);
  });

  test("observing: an attachment and what follows a session end when other rules hold, by a policy that is loaded or another name", async () => {
    const rules = policy("", '[[session]]\nname = "secret-*"\nobserve = "deny"\nfiles.read = "deny"');
    for (const how of ["loaded", "renamed"] as const) {
      const world = await simulate({ seed: 64, mood: "sink", ...(how === "renamed" ? { policy: rules } : {}) });
      const [bot, ana] = [await world.attached("bot"), await world.attached("ana")];
      await world.finish(bot.client!.floor(world.session, "take"));
      const calls = [
        codeOf(bot.client!.wait(world.session, { exit: true })),
        codeOf(bot.client!.files(world.session).watch("/", () => {}, new AbortController().signal)),
        codeOf(ana.client!.wait(world.session, { exit: true })),
      ];
      await world.advance(100);
      // A change of the rules that leaves this one alone ends nothing.
      world.life.host.policyLoaded();
      await world.advance(100);
      expect(bot.view!.detached).toBeNull();
      if (how === "loaded") {
        const closed = PolicyStore.of(policy('observe = "deny"\nfiles.read = "deny"')).policy;
        vi.spyOn(world.life.host.policy, "policy", "get").mockReturnValue(closed);
        onTestFinished(() => void vi.restoreAllMocks());
        world.life.host.policyLoaded();
      } else await world.finish(ana.client!.rename(world.session, "secret-1"));
      await world.advance(100);
      expect(bot.view!.detached).toBe("policy_denied");
      expect(ana.view!.detached).toBeNull();
      expect(world.live.floor.tenure).toBeNull();
      expect(await world.finish(Promise.all(calls.slice(0, 2)))).toEqual(["policy_denied", "policy_denied"]);
      world.shim.exits(0);
      expect(await world.finish(calls[2]!)).toBe("done");
    }
  });

  test("an AI's size is not taken, neither with its attachment nor later", async () => {
    const world = await simulate({ seed: 63, policy: policy('resize = "deny"') });
    const bot = await world.attached("bot", { size: { cols: 20, rows: 10 } });
    bot.attachment!.resize({ cols: 30, rows: 10 });
    bot.attachment!.resize({ cols: 40, rows: 10 }, { pin: true });
    await world.advance(100);
    expect(world.live.facts.size).toEqual({ cols: 80, rows: 24 });
  });
});

describe("rules of a session", () => {
  const loose = '[[session]]\nname = "scratch-*"\nkeys = "allow"';

  test("an AI neither opens a session under them nor brings one under them by a name, unless they say so", async () => {
    const { world, bot } = await scene(policy('keys = "deny"', loose));
    const { client } = bot;
    expect(await refusal(world, client!.open({ name: "scratch-1", command: ["program"], cwd: "/" }))).toBe("policy_denied");
    // Nor by the name that a program has.
    expect(await refusal(world, client!.open({ command: ["/tmp/scratch-x"], cwd: "/" }))).toBe("policy_denied");
    expect(await refusal(world, client!.rename(world.session, "scratch-2"))).toBe("policy_denied");
    expect(await refusal(world, client!.rename(world.session, "other"))).toBe("done");
    expect(await told(world, bot.type(text("x")))).toBe("policy_denied");
  });

  test("hold for the commands beside it, whatever these are called, and so does its pause", async () => {
    const { world, bot } = await scene(policy("", '[[session]]\nname = "work"\nkeys = "deny"'));
    const child = await besideIt(world, "bot", "free");
    expect(await refusal(world, bot.client!.send(child, text("x")))).toBe("policy_denied");
    // The end of what its own command reads is no input: the gate lets it through, and this terminal knows no such thing.
    expect(await refusal(world, bot.client!.send(child, text(""), { eof: true }))).toBe("internal");
    const open = await scene(policy(""));
    const other = await besideIt(open.world, "bot", "free");
    const ana = await open.world.attached("ana");
    await open.world.finish(ana.steer("aiPause"));
    expect(await refusal(open.world, open.bot.client!.send(other, text("x")))).toBe("ai_paused");
    expect(await refusal(open.world, open.bot.client!.kill(other, 0))).toBe("ai_paused");
  });
});

describe("a command beside a command", () => {
  test("is under the pause and the rules of the session of both, as if it were beside that", async () => {
    const { world, bot } = await scene(policy("", '[[session]]\nname = "work"\nsignals = "deny"'));
    // As hosts of before recorded it.
    const second = await besideIt(world, "bot", "free", await besideIt(world, "bot", "free"));
    expect(await refusal(world, bot.client!.signal(second, "tree", 15))).toBe("policy_denied");
    const ana = await world.attached("ana");
    await world.finish(ana.steer("aiPause"));
    expect(await refusal(world, bot.client!.send(second, text("x")))).toBe("ai_paused");
  });

  test("makes void what is asked there when AIs are paused in the session of both", async () => {
    const { world, bot, eva } = await scene(asksForKeys);
    const second = await besideIt(world, "bot", "free", await besideIt(world, "bot", "free"));
    const sent = codeOf(bot.client!.send(second, text("x")));
    await pending(world, eva);
    const ana = await world.attached("ana");
    await world.finish(ana.steer("aiPause"));
    expect(await world.finish(sent)).toBe("approval_void");
  });
});

/** A command beside the session, as `hold exec` opens it. */
async function besideIt(world: World, by: string, program: string, parent: string = world.session): Promise<string> {
  const opened = world.life.host.open(
    {
      name: "",
      kind: "pty",
      command: [program],
      shell: "",
      env: [],
      cwd: "/",
      size: { cols: 80, rows: 24 },
      pinned: false,
      umask: 0,
      nofile: null,
      floorMode: "open",
      syncInput: false,
      group: "",
      ttlMs: 0,
      idleTtlMs: 0,
      integrate: false,
      parent,
      agentForward: false,
    },
    { id: by, via: "sdk" },
  );
  return (await world.finish(opened)).id;
}

describe("what a person is asked about", () => {
  test("is typed once and exactly, when somebody else allows it; the record says who asked, who allowed, and that it was used", async () => {
    const { world, bot, eva } = await scene(asksForKeys);
    const sent = bot.type(text("make\r"));
    const request = await pending(world, eva);
    expect(request).toMatchObject({
      deed: "keys",
      actor: "bot",
      onBehalfOf: ["ana"],
      sessionName: "work",
      mayDecide: true,
      state: "pending",
    });
    expect(Buffer.from(request.data).toString()).toBe("make\r");
    expect(request.leftMs).toBeGreaterThan(50_000);
    expect(read(world)).toBe("");
    expect((await world.finish(eva.client!.approvals.allow(request))).state).toBe("allowed");
    expect(await told(world, sent)).toBe("applied");
    expect(read(world)).toBe("make\r");
    expect(recorded(world)).toEqual(["bot asks of keys", "eva allows", "used"]);
    expect(await world.finish(eva.client!.approvals.list())).toEqual([]);
    expect(await refusal(world, eva.client!.approvals.allow(request))).toBe("approval_void");
  });

  test("is not done when it is denied, nor when nobody decides in time: 60 s", async () => {
    const { world, bot, eva } = await scene(asksForKeys);
    const first = bot.type(text("a"));
    await world.finish(eva.client!.approvals.deny(await pending(world, eva), "no"));
    expect(await told(world, first)).toBe("approval_denied");
    const second = bot.type(text("b"));
    await pending(world, eva);
    await world.advance(61_000);
    expect(await told(world, second)).toBe("approval_expired");
    expect(read(world)).toBe("");
    expect(recorded(world)).toEqual(["bot asks of keys", "eva denies", "bot asks of keys", "expired"]);
  });

  test("holds up what its sender types behind it, in order, and nobody else", async () => {
    const { world, bot, eva } = await scene(asksForKeys, { open: { floor: "open" } });
    const [a, b] = [bot.type(text("1")), bot.type(text("2"))];
    const first = await pending(world, eva);
    const ana = await world.attached("ana");
    expect(await told(world, ana.type(text("x")))).toBe("applied");
    await world.finish(eva.client!.approvals.allow(first));
    expect(await told(world, a)).toBe("applied");
    await world.finish(eva.client!.approvals.allow(await pending(world, eva)));
    expect(await told(world, b)).toBe("applied");
    expect(read(world)).toBe("x12");
  });

  test("does not make void what else the AI has asked for while it holds the floor: its own next call moves nothing", async () => {
    const { world, eva } = await scene(asksForKeys);
    const { client } = await world.newClient("hal");
    await world.finish(client!.floor(world.session, "take"));
    const [a, b] = ["1", "2"].map((key) => codeOf(client!.send(world.session, text(key))));
    await pending(world, eva);
    const waiting = await world.finish(eva.client!.approvals.list());
    expect(waiting).toHaveLength(2);
    const epoch = world.live.floor.epoch;
    for (const request of waiting) await world.finish(eva.client!.approvals.allow(request));
    expect(await world.finish(Promise.all([a, b]))).toEqual(["done", "done"]);
    expect(read(world)).toBe("12");
    expect(world.live.floor.epoch).toBe(epoch);
  });

  test("comes whole or not at all: a paste of several frames is refused", async () => {
    const { world, bot } = await scene(asksForKeys);
    expect(await told(world, bot.type(bot.text(100_000, "")))).toBe("policy_denied");
    expect(read(world)).toBe("");
  });

  test("its sender who was cut off finds it again by asking for the very same", async () => {
    const { world, bot, eva } = await scene(asksForKeys);
    const first = codeOf(bot.client!.send(world.session, text("go\r")));
    const request = await pending(world, eva);
    await world.advance(46_000);
    expect(await first).toBe("needs_approval");
    await world.finish(eva.client!.approvals.allow(request));
    // Another text is another request.
    const other = bot.client!.send(world.session, text("gone\r")).catch(() => null);
    await world.advance(50);
    expect(read(world)).toBe("");
    expect(await refusal(world, bot.client!.send(world.session, text("go\r")))).toBe("done");
    expect(read(world)).toBe("go\r");
    void other;
  });

  test("its sender who takes the floor for it finds it again too, once the floor that they took is free", async () => {
    const { world, bot, eva } = await scene(asksForKeys);
    const sends = (): Promise<string> => codeOf(bot.client!.send(world.session, text("go\r"), { take: true }));
    const first = sends();
    const request = await pending(world, eva);
    await world.advance(46_000);
    expect(await first).toBe("needs_approval");
    expect(world.live.floor.tenure).toBeNull();
    const second = sends();
    await world.advance(500);
    await world.finish(eva.client!.approvals.allow(request));
    expect(await world.finish(second)).toBe("done");
    expect(read(world)).toBe("go\r");
    expect(recorded(world)).toEqual(["bot asks of keys", "eva allows", "used"]);
  });

  test("and so does a command that was asked with the floor", async () => {
    const { world, bot, eva } = await scene(policy('run = "ask"'));
    const NONCE = "0123456789abcdef";
    world.live.commands.opened(true, NONCE);
    world.shim.prints(text(`\x1b]633;hold;A;${NONCE};1;0\x07$ \x1b]633;hold;B;${NONCE};2;1;7\x07`));
    await world.advance(50);
    const runs = (): Promise<string> => codeOf(bot.client!.run(world.session, { text: "make" }, { take: true }));
    const first = runs();
    const request = await pending(world, eva);
    await world.advance(46_000);
    expect(await first).toBe("needs_approval");
    expect(world.live.floor.tenure).toBeNull();
    void runs();
    await world.advance(500);
    await world.finish(eva.client!.approvals.allow(request));
    await world.advance(500);
    expect(read(world)).toBe("make\r");
    expect(recorded(world)).toEqual(["bot asks of run", "eva allows", "used"]);
  });

  test.each([
    ["a person takes the floor", "void"],
    ["AIs are paused", "void"],
    ["another policy is loaded", "void"],
    ["the session ends", "void"],
    ["the session is renamed", "void"],
    ["the AI is revoked", "void"],
    ["the person for whom it acts is revoked", "void"],
  ])("is void when %s", async (what, outcome) => {
    const { world, bot, eva } = await scene(asksForKeys);
    const sent = bot.type(text("rm -rf /\r"));
    const request = await pending(world, eva);
    const { host } = world.life;
    const ana = await world.attached("ana");
    if (what === "a person takes the floor") await told(world, ana.type(text("x")));
    if (what === "AIs are paused") await world.finish(ana.steer("aiPause"));
    if (what === "another policy is loaded") host.gate.policyLoaded();
    if (what === "the session ends") world.shim.exits(0);
    if (what === "the session is renamed") await world.finish(ana.client!.rename(world.session, "other"));
    if (what === "the AI is revoked") host.gate.revoked("bot");
    if (what === "the person for whom it acts is revoked") host.gate.revoked("ana");
    await world.advance(100);
    expect(await told(world, sent)).toMatch(/approval_void|session_ended/);
    expect(await refusal(world, eva.client!.approvals.allow(request))).toBe("approval_void");
    expect(read(world)).not.toContain("rm");
    expect(recorded(world)).toEqual(["bot asks of keys", outcome]);
    expect(world.violations).toEqual([]);
  });

  test("a person who allows and then is revoked has allowed nothing that was not done", async () => {
    const { world, bot, eva } = await scene(asksForKeys);
    const call = codeOf(bot.client!.send(world.session, text("go")));
    const request = await pending(world, eva);
    await world.advance(46_000);
    expect(await call).toBe("needs_approval");
    await world.finish(eva.client!.approvals.allow(request));
    world.life.host.gate.revoked("eva");
    await world.advance(50);
    expect(recorded(world)).toEqual(["bot asks of keys", "eva allows", "void"]);
  });

  test("nobody but another person with a protected key decides, and an AI by no verb", async () => {
    const { world, bot, eva } = await scene(asksForKeys);
    const sent = bot.type(text("x"));
    const request = await pending(world, eva);
    for (const name of ["bot", "hal", "ci", "ana", "ben"] as const) {
      const { client } = await world.newClient(name);
      expect([name, await refusal(world, client!.approvals.allow(request))]).toEqual([name, "not_permitted"]);
      expect([name, await refusal(world, client!.approvals.deny(request))]).toEqual([name, "not_permitted"]);
    }
    expect(await refusal(world, eva.client!.approvals.allow({ ...request, binding: new Uint8Array(32) }))).toBe("approval_void");
    expect(sent!.settled).toBe(false);
    // Seen by whoever asked, and for whom; not by others.
    const seen = async (name: "bot" | "ana" | "ben" | "hal") =>
      (await world.finish((await world.newClient(name)).client!.approvals.list())).length;
    expect([await seen("bot"), await seen("ana"), await seen("ben"), await seen("hal")]).toEqual([1, 1, 0, 0]);
  });

  test("is seen by an auditor, but not by a grant that leaves auditing out; an auditing AI is shown no bytes, environment or secret", async () => {
    const { world, bot, eva } = await scene(policy('keys = "ask"\nopen = "ask"\nsignals = "ask"\nrun = "ask"'));
    const { host } = world.life;
    const secret = "Zq7.Xk-29vWb";
    world.live.secrets.learn(text(`A_TOKEN=${secret}`));
    void bot.type(text("x"));
    void codeOf(bot.client!.open({ command: ["sh"], cwd: "/", env: { K: "value" } }));
    void codeOf(bot.client!.agent(world.session, `/tmp/${secret}`));
    for (let i = 0; i < 20 && host.gate.approvals.size < 3; i++) await world.advance(20);
    expect((await world.finish(eva.client!.approvals.list())).length).toBe(3);
    const watcher = { ...host.registry.byName("hal")!, id: "watcher", role: "auditor" };
    let now = watcher;
    const byName = host.registry.byName.bind(host.registry);
    vi.spyOn(host.registry, "byName").mockImplementation((name) => (name === "watcher" ? now : byName(name)));
    onTestFinished(() => void vi.restoreAllMocks());
    const list = async (by: RegisteredOperator): Promise<readonly Wire[]> => {
      now = by;
      const result = await approvalList({ host, operator: by } as unknown as CallContext);
      return result.case === "approvalList" ? result.value.approvals : [];
    };
    for (const kind of ["human", "ai"] as const) {
      const narrowed = { session: null, capabilities: ["history.read"] as const };
      expect(await list({ ...watcher, kind, narrowed })).toEqual([]);
    }
    const shown = async (kind: "human" | "ai"): Promise<string[]> =>
      (await list({ ...watcher, kind })).map(({ what, data, env }) =>
        [what, ...[data, ...env].map((b) => Buffer.from(b).toString())].join("|"),
      );
    expect(await shown("human")).toEqual([
      "types|x",
      "opens a session, umask 077||K=value",
      `points the session's SSH agent to /tmp/${secret}|`,
    ]);
    expect(await shown("ai")).toEqual([
      "types|",
      "opens a session, umask 077|",
      "points the session's SSH agent to /tmp/************|",
    ]);
  });

  test("people hear of it: who may decide, and for whom it is asked", async () => {
    const { world, bot, eva } = await scene(asksForKeys);
    const heard = { eva: "", ana: "", ben: "" };
    for (const name of ["eva", "ana", "ben"] as const) {
      const client = name === "eva" ? eva.client! : (await world.newClient(name)).client!;
      client.onApprovals((waiting, own) => {
        heard[name] = `${waiting} ${own}`;
      });
    }
    bot.type(text("x"));
    const request = await pending(world, eva);
    await world.advance(50);
    expect(heard).toEqual({ eva: "1 0", ana: "0 1", ben: "" });
    await world.finish(eva.client!.approvals.deny(request));
    await world.advance(50);
    expect(heard).toEqual({ eva: "0 0", ana: "0 0", ben: "" });
  });

  test("a watch tells of each change", async () => {
    const { world, bot, eva } = await scene(asksForKeys);
    const stop = new AbortController();
    const states: string[] = [];
    const watch = eva.client!.approvals.watch((all) => states.push(all.map((a) => a.state).join()), stop.signal);
    bot.type(text("x"));
    await world.finish(eva.client!.approvals.allow(await pending(world, eva)));
    await world.advance(100);
    stop.abort();
    await world.finish(watch);
    expect(states).toContain("pending");
    expect(states.at(-1)).toBe("");
  });

  test("a watcher that has no room when it changes is told the newest once there is", async () => {
    const { world, bot, eva } = await scene(asksForKeys);
    const { host } = world.life;
    const stop = new AbortController();
    const states: string[] = [];
    let room = true;
    const ctx = {
      ...{ host, operator: host.registry.byName("eva")!, signal: stop.signal, hasRoom: () => room },
      more: (r: Result) => void (r.case === "approvalList" && states.push(r.value.approvals.map((a) => a.state).join())),
    };
    const watch = approvalWatch(ctx as unknown as CallContext);
    room = false;
    void bot.type(text("x"));
    await pending(world, eva);
    await world.advance(500);
    expect(states).toEqual([""]);
    room = true;
    await world.advance(200);
    expect(states).toEqual(["", "pending"]);
    stop.abort();
    await world.finish(watch);
  });

  test("no more than sixteen of one AI wait at once", async () => {
    const { world, bot } = await scene(asksForKeys);
    const calls = Array.from({ length: 17 }, (_, i) =>
      bot.client!.send(world.session, text(`${i}`)).catch((fault: { code: string }) => fault.code),
    );
    await world.advance(100);
    expect(await world.finish(calls[16]!)).toBe("too_many");
  });
});
