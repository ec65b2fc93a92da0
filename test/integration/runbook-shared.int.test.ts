/**
 * Cells among others: people and AIs in the same session (R4), programs and commands that own the terminal (R5), background cells (R6), secrets (R7).
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { HostClient, Session } from "@holdfast/sdk";
import { junit, parse, savedOutputs } from "@holdfast/sdk/runbook/node";
import { files } from "@holdfast/sdk/node";
import { beforeAll, expect, test } from "vitest";
import { Command } from "./world/command.ts";
import { fact } from "./world/processes.ts";
import { cells, fence, put, ran, sharedWorld } from "./world/runbook.ts";
import { tracesOf } from "./world/traces.ts";
import { bytes, random, record, refusal, say, soak } from "./world/world.ts";

const shared = sharedWorld();
let ana: HostClient;
let bot: HostClient;
beforeAll(async () => {
  ana = await shared.w.operator("ana");
  bot = await shared.w.operator("bot", "ai");
}, 60_000);

async function output(client: HostClient, session: Session, text: string): Promise<string> {
  let said = "";
  const { code } = await client.run(
    session.id,
    { text },
    { take: true, output: (part) => void (said += Buffer.from(part).toString()) },
  );
  expect(code).toBe(0);
  return said.replaceAll("\r\n", "\n");
}

test("R4: directory, alias, function, unexported variable and associative array of cell 1 are seen by cell 2, by a person who is attached, and by an AI", async () => {
  const { w, me } = shared;
  const session = await w.open(me, { floor: "open" });
  const look = 'pwd; hi; fn; echo "$plain ${map[k]}"';
  const seen = "/tmp\nalias\nfunction\nunexported associative\n";
  const done = await ran(
    w,
    me,
    cells("cd /tmp; alias hi='echo alias'; fn() { echo function; }; plain=unexported; declare -A map=([k]=associative)", look),
    {
      session: session.id,
    },
  );
  expect(done.printed["two"]).toBe(seen);
  expect(await output(bot, session, look)).toBe(seen);
  let screen = "";
  const attached = await ana.attach({ session: session.id }, { output: (o) => void (screen += Buffer.from(o.bytes).toString()) });
  await attached.input(bytes(`clear; ${look.replaceAll("echo", "echo -n;echo")}\r`));
  await fact("she sees all five", () => screen.replaceAll("\r\n", "\n").includes(seen));
  // And who did what is told apart: the cell's whole text stands under who ran it.
  const typed = (await record(me, session.id)).events.flatMap((e) =>
    e.body?.kind.case === "input" ? [[e.actor, Buffer.from(e.data).toString()] as const] : [],
  );
  expect(
    typed.filter(([actor, text]) => actor === me.operator.operator?.id && text.includes("declare -A map=([k]=associative)")),
  ).toHaveLength(1);
  await attached.detach();
  await me.kill(session.id, 0);
});

test("a cell that an AI runs is put before a person with its whole text", async () => {
  const { w, me } = shared;
  const session = await w.open(me, { floor: "open" });
  writeFileSync(files.policy(w.home), 'version = 1\n[ai]\notherwise = "allow"\nrun = "ask"\n', { mode: 0o600 });
  await me.policyReload();
  const running = ran(w, bot, cells("echo one\necho two"), { session: session.id }).catch((fault: unknown) => fault);
  const asked = await fact("a request waits", async () => (await me.approvals.list()).find((a) => a.state === "pending") ?? null);
  expect([asked.deed, asked.what.includes("echo one\necho two")]).toEqual(["run", true]);
  writeFileSync(files.policy(w.home), 'version = 1\n[ai]\notherwise = "allow"\n', { mode: 0o600 });
  await me.policyReload();
  await running;
  await me.kill(session.id, 0);
});

test("R7: a cell that is interrupted in a loop of the shell's own leaves no secret in the shell either, nor a trap", async () => {
  const { w, me } = shared;
  const session = await w.open(me, {});
  const stop = new AbortController();
  const done = await ran(w, me, fence('sh {"name":"loop"}', "export API_TOKEN=Your token", "echo begun; while :; do :; done"), {
    session: session.id,
    ask: async () => "canary-in-a-loop",
    signal: stop.signal,
    told: (event) => void (event.type === "output" && stop.abort()),
  });
  expect(done.codes).toEqual([["loop", 130]]);
  expect(await output(me, session, 'false; echo "[${API_TOKEN-gone}]"')).toBe("[gone]\n");
  await me.kill(session.id, 0);
});

/** Takes the whole terminal, writes down every byte that it is given, and goes at a `q`. */
const fullScreen = (file: string): string =>
  `python3 -c 'import os,sys,termios,tty\nold=termios.tcgetattr(0);tty.setraw(0);os.write(1,b"\\x1b[?1049h")\nf=open("${file}","ab",0)\nwhile True:\n b=os.read(0,1);f.write(b)\n if b==b"q":break\nos.write(1,b"\\x1b[?1049l");termios.tcsetattr(0,termios.TCSADRAIN,old)'`;

test("R5: a cell that comes while a full-screen program has the terminal waits, and says so; not a byte of it is typed into that", async () => {
  const { w, me } = shared;
  const session = await w.open(me, { floor: "open" });
  const program = ana.run(session.id, { text: fullScreen(w.path("screen-1")) });
  await ana.wait(session.id, { match: "", idleMs: 50 });
  await fact(
    "it has the terminal",
    async () => (await ana.wait(session.id, { inputNeeded: true, timeoutMs: 0 })).state === "interactive_app",
  );
  const why: string[] = [];
  const done = await ran(w, me, cells("echo cell"), {
    session: session.id,
    told: async (event) => {
      if (event.type !== "waiting") return;
      why.push(event.code);
      await ana.send(session.id, bytes("abq"));
    },
  });
  expect([why, done.codes, done.printed["one"]]).toEqual([["not_at_prompt"], [["one", 0]], "cell\n"]);
  expect([(await program).code, readFileSync(w.path("screen-1"), "latin1")]).toEqual([0, "abq"]);
  await me.kill(session.id, 0);
});

test("R5: a cell waits for half a line that somebody typed, and for who has the floor", async () => {
  const { w, me } = shared;
  const session = await w.open(me, { floor: "open" });
  await me.run(session.id, { text: ":" });
  await ana.send(session.id, bytes("echo half"));
  const codes: string[] = [];
  const done = await ran(w, me, cells("echo cell"), {
    session: session.id,
    told: async (event) => {
      if (event.type !== "waiting") return;
      codes.push(event.code);
      await ana.send(session.id, bytes(" line\r"));
    },
  });
  expect([codes, done.printed["one"]]).toEqual([["line_not_empty"], "cell\n"]);
  await me.kill(session.id, 0);

  const turns = await w.open(me, {});
  await me.run(turns.id, { text: ":" });
  await me.floor(turns.id, "release").catch(() => null);
  await ana.floor(turns.id, "take");
  const held: string[] = [];
  const after = await ran(w, me, cells("echo mine"), {
    session: turns.id,
    told: async (event) => {
      if (event.type !== "waiting") return;
      held.push(event.code);
      await ana.floor(turns.id, "release");
    },
  });
  expect([held, after.printed["one"]]).toEqual([["floor_held"], "mine\n"]);
  await me.kill(turns.id, 0);
});

test("R5: of cells, commands of others and full-screen programs in any order, each has its own output and code, and no program a byte that was not for it", async () => {
  const { w, me } = shared;
  const dice = random();
  say(`seed ${dice.seed}`);
  const session = await w.open(me, { floor: "open" });
  await me.run(session.id, { text: ":" });
  const rounds = soak ? 1_000 : 12;
  let programs = 0;
  let done = 0;
  let isOver = false;
  /** Whatever the other one does, she tries again when the prompt may be free. */
  const her = async (text: string): Promise<string> => {
    let said = "";
    while (
      (await refusal(ana.run(session.id, { text }, { output: (part) => void (said += Buffer.from(part).toString()) }))) !==
      "not refused"
    )
      await ana.wait(session.id, { command: true, timeoutMs: 20 });
    return said.replaceAll("\r\n", "\n");
  };
  const others = (async () => {
    for (let n = 0; !isOver; n++) {
      if (dice.below(2) === 0)
        expect(await her(`echo hers ${n}; sleep 0.0${dice.below(9)}; echo done ${n}`)).toBe(`hers ${n}\ndone ${n}\n`);
      else {
        const file = `screen-${++programs + 1}`;
        const started = her(fullScreen(w.path(file)));
        await fact(
          "the program has the terminal",
          async () => (await ana.wait(session.id, { inputNeeded: true, timeoutMs: 0 })).state === "interactive_app",
        );
        await ana.send(session.id, bytes("xyzq"));
        await started;
        expect(readFileSync(w.path(file), "latin1")).toBe("xyzq");
      }
      // Who asks without a pause would leave nobody else a turn.
      const before = done;
      if (dice.below(2) === 0) await fact("a cell had its turn", () => isOver || done > before, 60_000);
    }
  })();
  for (let n = 0; n < rounds; n++) {
    const code = dice.below(4);
    const cell = await ran(w, me, cells(`echo cell ${n}; sleep 0.0${dice.below(5)}; echo end ${n}; (exit ${code})`), {
      session: session.id,
    });
    done++;
    expect([cell.codes, cell.printed["one"]]).toEqual([[["one", code]], `cell ${n}\nend ${n}\n`]);
  }
  isOver = true;
  await others;
  say(`${rounds} cells, ${programs} programs`);
  await me.kill(session.id, 0);
}, 3_600_000);

test("R6: a background cell outlives its runner and the host, is listed and attached to, and is in nobody's output; it ends when somebody ends it", async () => {
  const { w, me } = shared;
  const document = [
    fence('sh {"name":"before"}', "export MARK=seen; cd /tmp"),
    fence('sh {"name":"serve","background":true}', 'echo "serving $MARK in $PWD"; while :; do echo tick; sleep 0.05; done'),
    fence('sh {"name":"after"}', "sleep 0.3; echo after"),
  ].join("\n");
  put(w, "app.run", document);
  const runner = Command.run(w, ["runbook", "run", "app.run", "--all", "--background", "--yes", "--json"]);
  const lines = [await runner.line(), await runner.line(), await runner.line()].map((line) => JSON.parse(line));
  expect(await runner.code).toBe(0);
  expect(lines.map(({ name, code, output: said, background }) => [name, code, said, background])).toEqual([
    ["before", 0, "", false],
    ["serve", null, "", true],
    ["after", 0, "after\n", false],
  ]);
  await w.killHost();
  const [live] = (await me.list()).filter(({ name }) => name === "serve");
  expect(live).toMatchObject({ id: lines[1].session, group: "app" });
  await me.wait(live!.id, { match: "tick" });
  expect(existsSync(live!.command[1]!)).toBe(false);
  expect((await record(me, live!.id)).output.toString()).toMatch(/^serving seen in \/tmp\r\ntick\r\n/);
  await me.kill(live!.id, 0);
  expect((await me.list()).some(({ id }) => id === live!.id)).toBe(false);
}, 60_000);

test("R7: a value that was asked for as a secret is in no byte of journal, files, arguments and environments, in every way that a cell runs", async () => {
  const { w, me } = shared;
  const secret = "canary-7f3a9c-in-the-mine";
  const session = await w.open(me, { name: "vault" });
  const uses = (name: string, run: string, ...script: string[]): string =>
    fence(`sh {"name":"${name}","run":"${run}"}`, ...script);
  const document = [
    uses("live", "live", "export API_TOKEN=Your token", 'test ${#API_TOKEN} = 25; echo "live ${#API_TOKEN}"'),
    uses("contained", "contained", 'test ${#API_TOKEN} = 25; kept=1; echo "contained ${#API_TOKEN}"'),
    fence('python {"name":"program"}', "import os", 'print("program", len(os.environ["API_TOKEN"]))'),
    uses("gone", "live", 'false || echo "after ${#OTHER}"'),
  ].join("\n");
  const asked: string[] = [];
  const folders = (): string[] => readdirSync("/tmp").filter((name) => name.startsWith("holdfast-runbook-"));
  const before = folders();
  const done = await ran(w, me, document, {
    session: session.id,
    ask: async (ask) => {
      asked.push(`${ask.name} ${ask.isSecret} ${ask.said}`);
      return secret;
    },
  });
  expect(asked).toEqual(["API_TOKEN true Your token"]);
  expect(done.printed).toEqual({ live: "live 25\n", contained: "contained 25\n", program: "program 25\n", gone: "after 0\n" });
  expect(await output(me, session, 'echo "[${API_TOKEN-gone}] $kept"')).toBe("[gone] 1\n");
  expect(tracesOf(w, { secret })).toEqual([]);
  expect(folders().filter((name) => !before.includes(name))).toEqual([]);
  // What a cell prints itself is printed; in what the run writes it is hidden.
  const printing = await ran(w, me, fence('sh {"name":"print"}', "export API_TOKEN=Your token", 'echo "it is $API_TOKEN"'), {
    ask: async () => secret,
  });
  expect(printing.printed["print"]).toBe("it is ***\n");
  const saved = (["md", "ipynb", "html"] as const).map(
    (format) =>
      savedOutputs(parse(document), "doc.run", printing.results, { format, session: { id: "01S", updatedAtUnixMs: 0 } })?.text ??
      "",
  );
  expect([junit(printing.results), JSON.stringify(printing.results), ...saved].filter((text) => text.includes(secret))).toEqual(
    [],
  );
  // And it would have been seen.
  writeFileSync(w.path("left"), secret);
  expect(tracesOf(w, { secret })).toContain("secret in files/left");
  await me.kill(session.id, 0);
});
