/**
 * `kill -9` of the host, and a cut of the link at any byte, under `hold run`, `hold exec` and `hold wait`: the command runs once, and
 * whoever waits for it has its whole output, each byte once, and its own exit code.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import type { HostClient, Session } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { fact, kill } from "./world/processes.ts";
import { Proxy } from "./world/proxy.ts";
import { random, say, soak, type World, world } from "./world/world.ts";

const program = new URL("../../bin/hold", import.meta.url).pathname;

/** One call of the command line, as its caller sees it. */
class Hold {
  readonly #out: Buffer[] = [];
  err = "";
  readonly code: Promise<number | null>;

  constructor(w: World, args: readonly string[], stdin = "") {
    const child = spawn(program, args, { env: w.env, cwd: w.files, stdio: ["pipe", "pipe", "pipe"] });
    w.atEnd(() => child.kill("SIGKILL"));
    child.stdout.on("data", (bytes: Buffer) => this.#out.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => (this.err += bytes.toString()));
    child.stdin.end(stdin);
    this.code = new Promise((resolve) => child.on("close", (code) => resolve(code)));
  }

  get out(): Buffer {
    return Buffer.concat(this.#out);
  }
}

const sha = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const typedInto = (w: World, name: string): string[] =>
  existsSync(w.path(name)) ? readFileSync(w.path(name), "utf8").split("\n").slice(0, -1) : [];

async function shell(w: World, name = "work"): Promise<{ readonly me: HostClient; readonly session: Session }> {
  const me = await w.connect();
  const session = await w.open(me, { name });
  expect((await me.run(session.id, { text: "stty -opost" })).code).toBe(0);
  return { me, session };
}

test("hold run goes on over kill -9 of the host: short, long and flooding commands, each with its own exit code", async () => {
  const w = await world();
  await shell(w);
  const hostDies = async (): Promise<void> => void (await w.killHost());

  // Long: it prints before, while nobody serves, and after.
  const long = new Hold(w, ["run", "work", "--", "echo begins; until [ -e go ]; do sleep 0.05; done; echo goes on; (exit 7)"]);
  await fact("it has begun for its caller", () => long.out.toString() === "begins\n");
  await hostDies();
  writeFileSync(w.path("go"), "");
  expect([await long.code, long.out.toString()]).toEqual([7, "begins\ngoes on\n"]);

  // Short: over before the next host is there.
  const short = new Hold(w, ["run", "work", "--", "echo x >>short; until [ -e dead ]; do sleep 0.01; done; echo short; false"]);
  await fact("it is typed", () => typedInto(w, "short").length === 1);
  const pid = await w.hostPid();
  kill(pid);
  writeFileSync(w.path("dead"), "");
  expect([await short.code, short.out.toString(), typedInto(w, "short")]).toEqual([1, "short\n", ["x"]]);
  await w.nextHost(pid);

  // A flood, and the host dies three times in it.
  const lines = soak ? 2_000_000 : 800_000;
  const flood = new Hold(w, ["run", "work", "--", `seq 1 ${lines}; (exit 3)`]);
  for (const least of [1, lines, 3 * lines]) {
    await fact(`${least} bytes have come`, () => flood.out.length >= least);
    await hostDies();
  }
  expect(await flood.code).toBe(3);
  const whole = Buffer.from(Array.from({ length: lines }, (_, n) => `${n + 1}\n`).join(""));
  expect([flood.out.length, sha(flood.out)]).toEqual([whole.length, sha(whole)]);

  // The shell ends with the command.
  const last = new Hold(w, ["run", "work", "--", "echo bye; until [ -e end ]; do sleep 0.05; done; exit 9"]);
  await fact("it has begun", () => last.out.toString() === "bye\n");
  await hostDies();
  writeFileSync(w.path("end"), "");
  // Bash says so itself.
  expect([await last.code, last.out.toString()]).toEqual([9, "bye\nexit\n"]);
}, 240_000);

test("of hundreds of commands with links cut at any byte and hosts killed at any moment, each is typed once and answered with its own output and code", async () => {
  const dice = random();
  say(`seed ${dice.seed}`);
  const w = await world();
  const { session } = await shell(w);
  const proxy = await Proxy.start(w, "cut", {
    // A login alone is some 600 bytes; who loses one link after the other waits up to 2 s for the next.
    cutAfter: () => 600 + dice.below(dice.below(3) === 0 ? 1_200 : 8_000),
  });
  const cut = await w.connect(undefined, proxy.home);
  const commands = soak ? 400 : 80;
  let isOver = false;
  const killing = (async () => {
    for (let kills = 0; kills < (soak ? 12 : 3); kills++) {
      const more = typedInto(w, "typed").length + Math.floor(commands / (soak ? 14 : 5));
      await fact(`${more} commands were typed`, () => isOver || typedInto(w, "typed").length >= more);
      if (!isOver) await w.killHost();
    }
  })();
  for (let n = 1; n <= commands; n++) {
    let output = "";
    const lines = dice.below(200);
    const { code, state, omittedBytes } = await cut.run(
      session.id,
      { text: `echo ${n} >>typed; seq ${n} ${n + lines}; (exit ${n % 100})` },
      { output: (bytes) => void (output += Buffer.from(bytes).toString()) },
    );
    expect({ n, code, state, omittedBytes }).toEqual({ n, code: n % 100, state: "ended", omittedBytes: 0 });
    expect(output).toBe(Array.from({ length: lines + 1 }, (_, i) => `${n + i}\n`).join(""));
  }
  isOver = true;
  await killing;
  expect(typedInto(w, "typed")).toEqual(Array.from({ length: commands }, (_, i) => `${i + 1}`));
  say(`${commands} commands, ${proxy.cuts} cuts`);
  expect(proxy.cuts).toBeGreaterThan(commands / 10);
}, 300_000);

test("hold exec goes on over kill -9 of the host: stdin, stdout and stderr each whole and once, and the program's own exit code", async () => {
  const w = await world();
  await shell(w);
  const script = `echo x >>started; echo out; echo err >&2; until [ -e go ]; do sleep 0.05; done; cat; seq 1 300000; seq 1 300000 >&2; exit 5`;
  const run = new Hold(w, ["exec", "work", "--stdin", "--", "bash", "-c", script], "what was given\n");
  await fact("it has begun", () => run.out.toString() === "out\n" && run.err === "err\n");
  await w.killHost();
  writeFileSync(w.path("go"), "");
  await fact("its flood has begun", () => run.out.length > 200_000);
  await w.killHost();
  const counted = Array.from({ length: 300_000 }, (_, n) => `${n + 1}\n`).join("");
  expect(await run.code).toBe(5);
  expect(sha(run.out)).toBe(sha(Buffer.from(`out\nwhat was given\n${counted}`)));
  expect(sha(Buffer.from(run.err))).toBe(sha(Buffer.from(`err\n${counted}`)));
  expect(typedInto(w, "started")).toEqual(["x"]);
}, 180_000);

test("of programs beside a session, with links cut at any byte, each is started once and answered with its own output and code", async () => {
  const dice = random();
  say(`seed ${dice.seed}`);
  const w = await world();
  const { session } = await shell(w);
  const proxy = await Proxy.start(w, "cut", { cutAfter: () => 600 + dice.below(2_000) });
  const cut = await w.connect(undefined, proxy.home);
  const programs = soak ? 300 : 40;
  for (let n = 1; n <= programs; n++) {
    const out: Record<1 | 2, string> = { 1: "", 2: "" };
    const { exit } = await cut.exec(
      session.id,
      ["bash", "-c", `echo ${n} >>started; seq 1 ${n}; echo ${n} >&2; exit ${n % 100}`],
      { output: (stream, bytes) => void (out[stream] += Buffer.from(bytes).toString()) },
    );
    expect({ n, code: exit.code }).toEqual({ n, code: n % 100 });
    expect(out).toEqual({ 1: Array.from({ length: n }, (_, i) => `${i + 1}\n`).join(""), 2: `${n}\n` });
  }
  expect(typedInto(w, "started")).toEqual(Array.from({ length: programs }, (_, i) => `${i + 1}`));
  say(`${programs} programs, ${proxy.cuts} cuts`);
  expect(proxy.cuts).toBeGreaterThan(programs / 4);
}, 180_000);

test("hold wait goes on over kill -9 of the host, and misses nothing that happened while there was none", async () => {
  const w = await world();
  const { me, session } = await shell(w);
  void me.run(session.id, { text: "until [ -e go ]; do sleep 0.01; done; echo it is ready; (exit 4)" }).catch(() => {});
  await fact("it runs", async () => (await me.show(session.id)).running !== "");
  const fromSeq = Number((await me.show(session.id)).seq);
  const ended = new Hold(w, ["wait", "work", "--command", "--json", "--from-seq", `${fromSeq}`]);
  const matched = me.wait(session.id, { match: "is ready" });
  // Answered in order: when the second of these is, the wait has been asked for.
  await me.show(session.id);
  await me.show(session.id);
  await fact("the other waits too", async () => (await me.status()).links >= 2);
  const pid = await w.hostPid();
  kill(pid);
  // Whatever comes now comes while nobody serves.
  appendFileSync(w.path("go"), "");
  await w.nextHost(pid);
  expect(await matched).toMatchObject({ fired: "match", text: "it is ready" });
  expect(await ended.code).toBe(0);
  expect(JSON.parse(ended.out.toString())).toMatchObject({ fired: "command", code: 4 });
});

test("a host that stays away is given up when the caller's time is over, with the way to go on", async () => {
  const w = await world();
  await shell(w);
  const run = new Hold(w, ["run", "work", "--timeout", "3s", "--", "echo begins; until [ -e go ]; do sleep 0.05; done"]);
  await fact("it has begun", () => run.out.toString() === "begins\n");
  const admin = await w.connect();
  await admin.down();
  expect(await run.code).toBe(5);
  expect(run.err).toContain("[unreachable]");
  expect(run.err).toContain("hold wait work --command");
  await w.start();
  writeFileSync(w.path("go"), "");
  expect((await (await w.connect()).wait("work", { command: true, fromSeq: 0 })).fired).toBe("command");
});
