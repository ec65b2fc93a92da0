/** Operators criterion 10: while AIs are paused, nothing of an AI is accepted on any way in. Ten thousand attempts. */
import { InputStatus } from "@holdfast/protocol";
import { afterEach, expect, test } from "vitest";
import type { SimClient } from "./sim-client.ts";
import { simulate, type World } from "./world.ts";

const ATTEMPTS = 10_000;
const NONCE = "0123456789abcdef";
let world: World;

afterEach(() => {
  expect(world.violations.length === 0 ? "" : world.report()).toBe("");
});

/** A shell at its prompt, so that `run` comes as far as it can. */
async function atPrompt(): Promise<void> {
  let count = 0;
  const mark = (kind: string, fields = ""): string =>
    `\x1b]633;hold;${kind};${NONCE};${++count}${fields ? `;${fields}` : ""}\x07`;
  world.live.commands.opened(true, NONCE);
  world.shim.prints(Buffer.from(`${mark("D", "0")}${mark("A", "0")}$ ${mark("B", "1;7")}`));
  await world.advance(50);
}

/** A command beside it, or beside such a command, which is under the same pause. */
async function beside(by: string, parent: string): Promise<string> {
  const request = {
    ...{
      name: "",
      kind: "pty" as const,
      command: ["child"],
      shell: "",
      env: [],
      cwd: "/",
      size: { cols: 80, rows: 24 },
      pinned: false,
    },
    ...{
      umask: 0,
      nofile: null,
      floorMode: "open" as const,
      syncInput: false,
      group: "",
      ttlMs: 0,
      idleTtlMs: 0,
      integrate: false,
    },
    ...{ parent, agentForward: false },
  };
  return (await world.finish(world.life.host.open(request, { id: by, via: "sdk" }))).id;
}

type Attempt = (bot: SimClient, session: string) => Promise<unknown>;

const ways: Readonly<Record<string, Attempt>> = {
  send: (bot, s) => bot.client!.send(s, bot.text(8, "\r")),
  "send and take": (bot, s) => bot.client!.send(s, bot.text(8, "\r"), { take: true }),
  paste: (bot, s) => bot.client!.send(s, bot.text(8, ""), { paste: true }),
  "send an interrupt": (bot, s) => bot.client!.send(s, Uint8Array.of(3), { interrupt: true }),
  "close the input": (bot, s) => bot.client!.send(s, bot.text(8, ""), { eof: true }),
  run: (bot, s) => bot.client!.run(s, { text: "echo hello" }, { timeoutMs: 50 }),
  "run and take": (bot, s) => bot.client!.run(s, { words: ["rm", "x y"] }, { timeoutMs: 50, take: true }),
  exec: (bot, s) => bot.client!.exec(s, ["true"]),
  signal: (bot, s) => bot.client!.signal(s, "tree", 15),
  kill: (bot, s) => bot.client!.kill(s, 0),
  remove: (bot, s) => bot.client!.remove(s, true),
  rename: (bot, s) => bot.client!.rename(s, "mine"),
  resize: (bot, s) => bot.client!.resize(s, { cols: 33, rows: 11 }),
  unpin: (bot, s) => bot.client!.resize(s, null),
  take: (bot, s) => bot.client!.floor(s, "take"),
  pass: (bot, s) => bot.client!.floor(s, "pass", "hal"),
  resume: (bot, s) => bot.client!.floor(s, "ai_resume"),
  agent: (bot, s) => bot.client!.agent(s, "/tmp/agent"),
  write: (bot, s) => bot.client!.files(s).write("/tmp/holdfast-never", bot.text(8, "")),
  read: (bot, s) => bot.client!.files(s).read("/etc/hostname", () => {}),
  list: (bot, s) => bot.client!.files(s).list("/"),
  "attach and take": (bot, s) => bot.client!.attach({ session: s, take: true, size: { cols: 44, rows: 12 } }, {}),
  "attach and type": async (bot, s) => {
    const attachment = await bot.client!.attach({ session: s, size: { cols: 44, rows: 12 } }, {});
    const outcome = await attachment.input(bot.text(8, "\r"));
    attachment.resize({ cols: 45, rows: 12 });
    attachment.resize({ cols: 46, rows: 12 }, { pin: true });
    await attachment.detach();
    if (outcome.status !== InputStatus.APPLIED) throw Object.assign(new Error(), { code: outcome.code });
  },
  "attach and interrupt": async (bot, s) => {
    const attachment = await bot.client!.attach({ session: s }, {});
    const outcome = await attachment.input(Uint8Array.of(3), { interrupt: true });
    await attachment.detach();
    if (outcome.status !== InputStatus.APPLIED) throw Object.assign(new Error(), { code: outcome.code });
  },
};

test.each([
  ["without a policy", undefined],
  [
    "under one that asks about all of it",
    'version = 1\n[ai]\notherwise = "allow"\nrun = "ask"\nexec = "ask"\nkeys = "ask"\nsignals = "ask"\nfiles.write = "ask"\nfiles.read = "ask"\nopen = "ask"\nend = "ask"',
  ],
])("while AIs are paused, nothing of an AI is accepted in ten thousand attempts on every way in: %s", async (_, policy) => {
  world = await simulate({ seed: 10, mood: "sink", traceLines: 100, ...(policy ? { policy } : {}) });
  const parent = world.session;
  const child = await beside("bot", parent);
  const grandchild = await beside("bot", child);
  await atPrompt();
  const ana = await world.attached("ana");
  await world.finish(ana.steer("aiPause"));
  const before = { facts: world.live.facts.size, name: world.live.facts.name };
  const all = [parent, child, grandchild];
  const seqs = all.map((id) => world.life.host.sessions.get(id)!.facts.seq);
  const names = Object.keys(ways);
  const codes = new Map<string, number>();
  for (let done = 0; done < ATTEMPTS; ) {
    const bot = await world.newClient(done % 2 === 0 ? "bot" : "hal");
    const batch = Array.from({ length: 50 }, () => {
      const name = names[world.random.int(0, names.length - 1)]!;
      return ways[name]!(bot, world.random.chance(0.7) ? parent : world.random.chance(0.5) ? child : grandchild).then(
        () => name,
        (fault: { code?: string }) => {
          const code = fault.code ?? String(fault);
          codes.set(code, (codes.get(code) ?? 0) + 1);
          return null;
        },
      );
    });
    const accepted = await world.finish(Promise.all(batch));
    expect(accepted.filter((name) => name !== null)).toEqual([]);
    done += batch.length;
    bot.client!.close();
    world.clients.splice(world.clients.indexOf(bot), 1);
  }
  // Refused for the pause, but where something else was in the way first.
  expect(codes.get("ai_paused")).toBeGreaterThan(ATTEMPTS * 0.7);
  for (const [i, id] of all.entries()) {
    const session = world.life.host.sessions.get(id)!;
    const theirs = session
      .read(seqs[i]!, 64 * 1024 * 1024)
      .flatMap((item) => ("body" in item && ["bot", "hal"].includes(item.entry.actor) ? [item.body?.case] : []));
    expect([...new Set(theirs)].filter((kind) => kind !== "attached" && kind !== "detached")).toEqual([]);
    expect(session.isOver).toBe(false);
  }
  expect(Buffer.concat(world.shim.program.read).toString()).toBe("");
  expect({ facts: world.live.facts.size, name: world.live.facts.name }).toEqual(before);
  expect(world.life.host.gate.approvals.size).toBe(0);
});
