/** Which session a name, an id or a prefix means, and what is said when it means none or several. */
import { Offset, session } from "@holdfast/core";
import { create, FloorSchema, HoldError } from "@holdfast/protocol";
import { simulate, type World } from "@holdfast/testkit";
import { describe, expect, test } from "vitest";
import { rename } from "./call/sessions.ts";
import { sessionOnWire } from "./session/on-wire.ts";
import type { LiveSession } from "./session/session.ts";

async function opened(world: World, name: string): Promise<LiveSession> {
  await world.openSession({ name });
  return world.live;
}
const refusal = (run: () => unknown): { code: string; message: string; details: Record<string, string> } => {
  try {
    run();
  } catch (fault) {
    if (fault instanceof HoldError) return { code: fault.code, message: fault.message, details: { ...fault.details } };
    throw fault;
  }
  return { code: "", message: "", details: {} };
};
const ends = async (world: World, session: LiveSession): Promise<void> => {
  world.shims.get(session.facts.socketPath)!.exits(0);
  await world.until("it has ended", () => session.isOver);
};
const code = (p: Promise<unknown>): Promise<string> =>
  p.then(
    () => "",
    (fault: unknown) => (fault instanceof HoldError ? fault.code : String(fault)),
  );

describe("find", () => {
  test("takes a name, an id, and a prefix that only one id has", async () => {
    const world = await simulate({ seed: 81, empty: true });
    const work = await opened(world, "work");
    await opened(world, "other");
    const { host } = world.life;
    expect(host.find("work")).toBe(work);
    expect(host.find(work.id)).toBe(work);
    expect(host.find(work.id.slice(0, 6))).toBe(work);
  });

  test("one character is a prefix too, and what is near to everything is not asked back", async () => {
    const world = await simulate({ seed: 90, empty: true });
    const { host } = world.life;
    const ids = ["2bcdefghij", "abcdefghij"];
    const { newId } = host.ports;
    Object.assign(host.ports, { newId: (chars: number) => (chars === 10 ? ids.shift()! : newId(chars)) });
    const two = await opened(world, "work");
    await opened(world, "it");
    expect(host.find("2")).toBe(two);
    expect(refusal(() => host.find("3"))).toMatchObject({ code: "no_such_session", details: {} });
  });

  test("a whole id means its session, whatever others came to be called", async () => {
    const world = await simulate({ seed: 91, empty: true });
    const { host } = world.life;
    const work = await opened(world, "work");
    const other = await opened(world, "other");
    other.record({ id: "ana", via: "cli" }, { case: "renamed", value: { name: work.id } as never });
    expect(host.find(work.id)).toBe(work);
  });

  test("a live name wins over an ended one; of ended ones the latest; an id of its own over an ended name", async () => {
    const world = await simulate({ seed: 82, empty: true });
    const { host } = world.life;
    const first = await opened(world, "work");
    await ends(world, first);
    expect(host.find("work")).toBe(first);
    await world.advance(1_000);
    const second = await opened(world, "work");
    expect(host.find("work")).toBe(second);
    await ends(world, second);
    expect(host.find("work")).toBe(second);
    expect(host.find(first.id)).toBe(first);
  });

  test("a prefix of several is refused with ten candidates at most, each with its name", async () => {
    const world = await simulate({ seed: 83, empty: true });
    const { host } = world.life;
    let n = 0;
    Object.assign(host.ports, { newId: () => `ab${String(n++).padStart(8, "0")}` });
    for (let i = 0; i < 12; i++) await opened(world, `s${i}`);
    const said = refusal(() => host.find("ab0"));
    expect(said.code).toBe("ambiguous_session");
    expect(said.details["candidates"]?.split(",")).toHaveLength(10);
    expect(said.message).toMatch(/\(s\d+\).* or one of 2 more; give more of the id/);
  });

  test("a name that is nearly one is asked back; none at all says where to look", async () => {
    const world = await simulate({ seed: 84, empty: true });
    await opened(world, "builds");
    const { host } = world.life;
    expect(refusal(() => host.find("bilds"))).toMatchObject({ code: "no_such_session", details: { candidates: "builds" } });
    expect(refusal(() => host.find("bilds")).message).toContain("did you mean builds?");
    expect(refusal(() => host.find("zzz")).message).toContain("hold ls");
    expect(refusal(() => host.find("")).code).toBe("bad_request");
    expect(refusal(() => host.find("x".repeat(100_000))).message.length).toBeLessThan(300);
  });
});

describe("names", () => {
  test("the id of a session is nobody's name, also when that session has ended, and no id is drawn that is a name", async () => {
    const world = await simulate({ seed: 92, empty: true });
    const { host } = world.life;
    const first = await opened(world, "first");
    const ana = await world.newClient("ana");
    const spec = (name: string) => ({ name, command: ["program"], noIntegration: true });
    for (const over of [false, true]) {
      if (over) await ends(world, first);
      expect(await world.finish(code(ana.client!.open(spec(first.id))))).toBe("name_taken");
      expect(refusal(() => host.checkName(first.id, null))).toMatchObject({ code: "name_taken", details: { session: first.id } });
    }
    const named = await opened(world, "production");
    const ids = ["production", "2bcdefghij"];
    const { newId } = host.ports;
    Object.assign(host.ports, { newId: (chars: number) => (chars === 10 ? ids.shift()! : newId(chars)) });
    expect((await opened(world, "other")).id).toBe("2bcdefghij");
    expect(host.find("production")).toBe(named);
  });

  test("two opens of one name at once give one session", async () => {
    const world = await simulate({ seed: 85, empty: true });
    const ana = await world.newClient("ana");
    const ben = await world.newClient("ben");
    const spec = { name: "work", command: ["program"], noIntegration: true };
    const both = [code(ana.client!.open(spec)), code(ben.client!.open(spec))];
    const codes = [await world.finish(both[0]!), await world.finish(both[1]!)];
    expect(codes.sort()).toEqual(["", "name_taken"]);
    expect(world.life.host.sessions.size).toBe(1);
  });

  test("a command that is too long for its record is refused with what to do, and is no session", async () => {
    const world = await simulate({ seed: 89, empty: true });
    const ana = await world.newClient("ana");
    await expect(world.finish(ana.client!.open({ name: "work", command: ["echo", "x".repeat(70_000)] }))).rejects.toMatchObject({
      code: "bad_request",
      message: expect.stringContaining("on stdin") as string,
    });
    expect(world.life.host.sessions.size).toBe(0);
  });

  test("with -A the second gets the first's", async () => {
    const world = await simulate({ seed: 86, empty: true });
    const ana = await world.newClient("ana");
    const spec = { name: "work", command: ["program"], noIntegration: true, attachIfLives: true };
    const both = [ana.client!.open(spec), ana.client!.open(spec)];
    const [one, two] = [await world.finish(both[0]!), await world.finish(both[1]!)];
    expect([one.existed, two.existed].sort()).toEqual([false, true]);
    expect(one.session.id).toBe(two.session.id);
  });

  test("a session that is not named is named after its program, with a number when that is taken", async () => {
    const world = await simulate({ seed: 87, empty: true });
    for (const command of [["/usr/bin/make"], ["make"], ["-zsh"], ["./büld.sh"]]) await world.openSession({ name: "", command });
    expect([...world.life.host.sessions.values()].map((s) => s.facts.name)).toEqual(["make", "make-2", "zsh", "b-ld.sh"]);
  });

  test("a rename to a live session's name is refused, to an ended one's is not", async () => {
    const world = await simulate({ seed: 88, empty: true });
    const old = await opened(world, "old");
    const work = await opened(world, "work");
    const other = await opened(world, "other");
    await ends(world, old);
    const { host } = world.life;
    const call = (session: string, name: string): Promise<string> =>
      code(rename({ host, operator: host.registry.byName("ana")!, via: "cli" } as never, { session, name } as never));
    expect(await call("other", "work")).toBe("name_taken");
    expect(await call("other", "../etc")).toBe("bad_request");
    expect(await call("other", "old")).toBe("");
    expect(host.find("old")).toBe(other);
    expect(host.find("work")).toBe(work);
  });
});

describe("shown", () => {
  test("a session stands where its shell says, at once, and its size says whether it is pinned", async () => {
    const world = await simulate({ seed: 93 });
    const { host } = world.life;
    const nonce = "0123456789abcdef";
    world.live.commands.opened(true, nonce);
    expect(host.shown(world.live)).toMatchObject({ cwd: world.live.facts.cwd, sizePinned: false });
    world.shim.prints(Buffer.from(`\x1b]633;hold;P;${nonce};1;Cwd=/somewhere/else\x07`));
    await world.advance(50);
    expect(host.shown(world.live).cwd).toBe("/somewhere/else");
    world.live.resize({ cols: 100, rows: 30 }, true, { id: "ana", via: "cli" });
    await world.advance(500);
    expect(host.shown(world.live)).toMatchObject({ sizePinned: true, size: { cols: 100, rows: 30 } });
  });

  test("what is run beside a session is told which session that is", async () => {
    const world = await simulate({ seed: 94 });
    const { host } = world.life;
    const request = { name: "", kind: "pty", command: ["make"], shell: "", env: [], cwd: "/", size: world.live.facts.size };
    const modes = { pinned: false, umask: 0o22, nofile: null, floorMode: "open", syncInput: false, group: "", ttlMs: 0 };
    const more = { idleTtlMs: 0, integrate: false, parent: world.session, agentForward: false };
    const child = await world.finish(
      host.open({ ...request, ...modes, ...more } as never, { id: host.registry.byName("ana")!.id, via: "cli" }),
    );
    const { env } = world.shims.get(child.facts.socketPath)!.spec;
    expect(env.filter((kv) => kv.startsWith("HOLDFAST_SESSION="))).toEqual([`HOLDFAST_SESSION=${world.session}`]);
    expect(host.shown(child).parent).toBe(world.session);
  });

  test.each([
    [5_000, 15],
    [0, 9],
  ])("a kill with %i ms of grace is recorded with the signal that it begins with", async (graceMs, signal) => {
    const world = await simulate({ seed: 96 });
    world.live.kill(graceMs, { id: "ana", via: "cli" });
    const sent = world.live
      .read(0, 64 * 1024)
      .flatMap((i) => ("body" in i && i.body?.case === "signalled" ? [i.body.value] : []));
    expect(sent).toMatchObject([{ target: "tree", signal }]);
  });

  test("a job's output is counted on both of its outputs", () => {
    const facts = { ...session.unopened("x"), kind: "pipes" as const, ends: [Offset(0), Offset(10), Offset(7)] as const };
    expect(sessionOnWire(facts, create(FloorSchema), [], "", "").outputBytes).toBe(17n);
  });
});

test("a name that reads as a flag, a path, an address or an escape belongs to no session", async () => {
  const { host } = (await simulate({ seed: 1 })).life;
  for (const name of ["", "-x", "../x", "a/b", "a b", ".hidden", "\u001b[2J", "ana@box", "a:b", "ä", "x".repeat(65)])
    expect(refusal(() => host.checkName(name, null))).toMatchObject({ code: "bad_request" });
  for (const name of ["a", "7", "build-2", "a.b_c", "x".repeat(64)]) host.checkName(name, null);
});
