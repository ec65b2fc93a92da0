/** Every refusal is a clear error, and nothing is lost: disk, folders, versions, keys, roles, the floor, strangers. */
import { spawn, spawnSync } from "node:child_process";
import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { encodeClient, encodeHost, FloorVerb, type HoldError, InputStatus, SessionState } from "@holdfast/protocol";
import type { InputOutcome } from "@holdfast/sdk";
import { connect, files, folders, generateKey } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { fact, lives, parentOf, rssKib } from "./world/processes.ts";
import { Proxy } from "./world/proxy.ts";
import { RawLink } from "./world/raw-link.ts";
import { bytes, random, record, refusal, say, soak, world } from "./world/world.ts";

const codeOf = (o: InputOutcome): string => (o.status === InputStatus.APPLIED ? "applied" : (o.code ?? "no code"));

test("a session that is not there is named as such, with what was perhaps meant", async () => {
  const w = await world();
  const me = await w.connect();
  await w.open(me, { name: "build", script: "exec sleep 1000" });
  for (const call of [
    () => me.show("biuld"),
    () => me.kill("biuld"),
    () => me.send("biuld", bytes("x")),
    () => me.attach({ session: "biuld" }, {}),
    () => me.wait("biuld", { exit: true }),
  ]) {
    const fault = await (call() as Promise<unknown>).then(
      () => null,
      (e: HoldError) => e,
    );
    expect(fault?.code).toBe("no_such_session");
    expect(fault?.message).toContain("did you mean build?");
  }
});

test("a folder that can't be entered and a program that is not there are start_failed, with the reason, and stay as failed sessions", async () => {
  const w = await world();
  const me = await w.connect();
  expect(await refusal(w.open(me, { name: "nowhere", cwd: w.path("absent"), script: "true" }))).toBe("start_failed");
  expect(await refusal(w.open(me, { name: "nothing", command: ["no-such-program-at-all"] }))).toBe("start_failed");
  const failed = await me.list({ all: true });
  expect(failed.map((s) => [s.name, s.state])).toEqual([
    ["nowhere", SessionState.FAILED],
    ["nothing", SessionState.FAILED],
  ]);
  expect((await me.show("nothing")).exit?.reason).toContain("ENOENT");
});

test("an observer types, resizes, signals, ends, renames, removes and opens nothing; an operator adds and revokes nobody", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { name: "shared", script: "stty -echo; echo ready; exec cat", size: { cols: 80, rows: 24 } });
  await me.wait(session.id, { match: "ready", fromSeq: 0 });
  const eve = await w.operator("eve", "human", "observer");
  const olaf = await w.operator("olaf", "human", "operator");
  const key = randomBytes(32);
  const denied: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["send", () => eve.send("shared", bytes("x"))],
    ["interrupt", () => eve.send("shared", Uint8Array.of(3), { interrupt: true })],
    ["resize", () => eve.resize("shared", { cols: 10, rows: 10 })],
    ["signal", () => eve.signal("shared", "tree", 9)],
    ["kill", () => eve.kill("shared", 0)],
    ["rename", () => eve.rename("shared", "mine")],
    ["remove", () => eve.remove("shared", true)],
    ["open", () => w.open(eve, { script: "true" })],
    ["take", () => eve.floor("shared", "take")],
    ["pause", () => eve.floor("shared", "ai_pause")],
    ["run", () => eve.run("shared", { text: "true" })],
    ["exec", () => eve.exec("shared", ["true"])],
    ["redact", () => eve.redact("shared", { from: 1 })],
    ["audit", () => eve.auditHead(false)],
    ["down", () => eve.down()],
    ["add", () => eve.operatorAdd({ name: "more", kind: 1, role: "admin", publicKey: key })],
    ["revoke", () => eve.operatorRevoke("olaf")],
    ["operator adds", () => olaf.operatorAdd({ name: "more", kind: 1, role: "operator", publicKey: key })],
    ["operator revokes", () => olaf.operatorRevoke("eve")],
    ["operator redacts", () => olaf.redact("shared", { from: 1 })],
    ["operator ends the host", () => olaf.down()],
  ];
  for (const [what, call] of denied) expect([what, await refusal(call())]).toEqual([what, "not_permitted"]);
  // On an attachment, too: whatever it said of itself when it attached.
  const attachment = await eve.attach({ session: "shared", size: { cols: 20, rows: 5 } }, {});
  expect(codeOf(await attachment.input(bytes("typed by an observer\n")))).toBe("not_permitted");
  expect(await refusal(attachment.take())).toBe("not_permitted");
  attachment.resize({ cols: 33, rows: 11 });
  // The positive control, and proof that nothing of the above came through.
  expect(codeOf(await (await olaf.attach({ session: "shared" }, {})).input(bytes("typed by an operator\n")))).toBe("applied");
  await me.wait(session.id, { match: "^typed by an operator$", fromSeq: 0 });
  const journal = await record(me, session.id);
  expect(journal.output.toString()).toBe("ready\r\ntyped by an operator\r\n");
  expect(
    journal.events
      .filter((e) => ["input", "resizeAsked", "signalled", "renamed", "redacted"].includes(e.body?.kind.case ?? ""))
      .map((e) => e.actor),
  ).toEqual(["olaf"]);
  expect((await eve.screen("shared")).lines.join("\n")).toContain("typed by an operator");
  expect((await eve.list()).map((s) => s.name)).toEqual(["shared"]);
  // Whoever looks after the host can see that it was tried, and how often.
  const tried = w.log().match(/(?<= refused: ).*/g) ?? [];
  for (const right of ["session.input", "session.signal", "session.resize", "policy.write", "audit.read", "host.admin"])
    expect(tried.filter((line) => line === `not_permitted: eve asked for ${right}`)).toHaveLength(1);
  expect(tried).toContain("not_permitted: olaf asked for policy.write");
});

test("a person keeps the floor from a person and from an AI, takes it from an AI, and an AI stays off a half-typed line", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { name: "turns", command: ["bash", "--norc"] });
  await admin.wait(session.id, { inputNeeded: true, timeoutMs: 20_000 });
  const [ana, ben, bot] = await Promise.all(
    (
      [
        ["ana", "human"],
        ["ben", "human"],
        ["bot", "ai"],
      ] as const
    ).map(async ([name, kind]) => (await w.operator(name, kind)).attach({ session: session.id }, {})),
  );
  expect(codeOf(await bot!.input(bytes("true\r")))).toBe("applied");
  await admin.wait(session.id, { inputNeeded: true, timeoutMs: 20_000 });
  expect(codeOf(await ana!.input(bytes("echo hal")))).toBe("applied");
  expect(ana!.floor.holder).toBe("ana");
  const held = await ben!.input(bytes("x"));
  expect([held.status, held.seq, held.code]).toEqual([InputStatus.REFUSED, 0, "floor_held"]);
  expect(held.message).toContain("steered by ana until");
  expect(await refusal(ben!.take())).toBe("floor_held");
  expect(codeOf(await bot!.input(bytes("rm -rf\r")))).toMatch(/^(floor_held|line_not_empty)$/);
  await ana!.release();
  // The floor is free, and the line is still ana's.
  expect(codeOf(await bot!.input(bytes("f\r")))).toBe("line_not_empty");
  expect(codeOf(await ben!.input(bytes("f\r")))).toBe("applied");
  await admin.wait(session.id, { match: "^half$", fromSeq: 0, timeoutMs: 20_000 });
  expect((await admin.floor(session.id, "ai_pause")).aiPaused).toBe(true);
  expect(codeOf(await bot!.input(bytes("true\r")))).toBe("ai_paused");
  await admin.floor(session.id, "ai_resume");
  await ben!.release();
  await admin.wait(session.id, { inputNeeded: true, timeoutMs: 20_000 });
  expect(codeOf(await bot!.input(bytes("echo bot's line\r")))).toBe("applied");
  expect((await ben!.take()).holder).toBe("ben");
  expect(codeOf(await bot!.input(bytes("again\r")))).toBe("floor_held");
  expect((await ben!.pass("ana")).holder).toBe("ana");
  await fact("ana holds it", () => ana!.floor.holder === "ana");
  const journal = await record(admin, session.id);
  const grants = journal.events.flatMap((e) =>
    e.body?.kind.case === "floorChanged" && e.body.kind.value.holder ? [Number(e.body.kind.value.epoch)] : [],
  );
  expect(grants).toEqual(grants.map((_, i) => i + 1));
});

test("a take while another's paste waits: not one more byte of it is written, and its sender learns how much was", async () => {
  const w = await world();
  const admin = await w.connect();
  const path = w.path("read");
  const session = await w.open(admin, {
    script: `stty raw -echo; echo ready; until [ -e '${w.path("go")}' ]; do sleep 0.02; done; exec cat >'${path}'`,
  });
  await admin.wait(session.id, { match: "ready", fromSeq: 0 });
  const bot = await (await w.operator("bot", "ai")).attach({ session: session.id }, {});
  const ana = await (await w.operator("ana", "human")).attach({ session: session.id }, {});
  const paste = bot.input(new Uint8Array(200_000).fill(0x62));
  const steers = async (): Promise<boolean> => (await admin.show(session.id)).floor?.holder === "bot";
  await fact("the program's queue is full", async () => bot.unansweredBytes > 100_000 && (await steers()));
  expect((await ana.take()).holder).toBe("ana");
  const cut = await paste;
  expect([InputStatus.CUT, InputStatus.VOID]).toContain(cut.status);
  const mine = ana.input(bytes("ana"));
  writeFileSync(w.path("go"), "");
  expect(codeOf(await mine)).toBe("applied");
  await fact("the program has read ana's key", () => existsSync(path) && readFileSync(path, "latin1").endsWith("ana"));
  expect(readFileSync(path, "latin1")).toBe(`${"b".repeat(cut.bytes)}ana`);
});

test("the operator who opened a session is revoked: it runs on, another steers, the revoked one's links are cut and stay refused", async () => {
  const w = await world();
  const admin = await w.connect();
  const ana = await w.operator("ana");
  const ben = await w.operator("ben");
  const session = await w.open(ana, { name: "orphan", script: "stty -echo; echo ready; exec cat" });
  await ben.wait(session.id, { match: "ready", fromSeq: 0 });
  const told: string[] = [];
  const bound = await ana.attach(
    { session: session.id },
    { detached: (reason, error) => void told.push(`${reason} ${error?.code}`) },
  );
  expect(codeOf(await bound.input(bytes("by ana\n")))).toBe("applied");
  await admin.operatorRevoke("ana");
  await fact("the revoked one is told", () => told.length > 0);
  expect(told).toEqual(["revoked revoked"]);
  expect(codeOf(await bound.input(bytes("late\n")))).not.toBe("applied");
  expect(await refusal(ana.list())).toBe("revoked");
  expect(await refusal(w.connect("ana"))).toBe("revoked");
  const steered = await ben.attach({ session: session.id }, {});
  expect(codeOf(await steered.input(bytes("by ben\n")))).toBe("applied");
  await ben.wait(session.id, { match: "^by ben$", fromSeq: 0 });
  const { pid, openedBy, operators } = await ben.show(session.id);
  expect([pid, openedBy, lives(pid), operators.map((p) => p.name)]).toEqual([session.pid, "ana", true, ["ben"]]);
  await w.killHost();
  expect(await refusal(w.connect("ana"))).toBe("revoked");
  const again = await w.connect("ben");
  expect((await again.show("orphan")).pid).toBe(session.pid);
  expect((await record(again, session.id)).output.toString()).toBe("ready\r\nby ana\r\nby ben\r\n");
  expect(await refusal((await w.connect()).operatorRevoke((await w.connect()).operator.operator!.name))).toBe("not_permitted");
});

test("a client of another protocol version is told so, with what to do", async () => {
  const w = await world();
  for (const [min, max] of [
    [2, 9],
    [0, 0],
    [7, 3],
    [0xffff_ffff, 0xffff_ffff],
  ] as const) {
    const link = await RawLink.open(w.home);
    link.send({
      case: "hello",
      value: {
        minProtocol: min,
        maxProtocol: max,
        client: "from the future",
        via: "sdk",
        nonce: randomBytes(32),
        keyId: randomBytes(32),
      },
    });
    const { error } = await link.refused();
    expect([min, max, error?.code]).toEqual([min, max, "version_mismatch"]);
    expect(error?.message).toContain("hold host");
  }
  expect((await (await w.connect()).status()).running).toBe(0);
});

test("a key that the host does not know and a wrong signature get one and the same answer", async () => {
  const w = await world();
  generateKey(w.home, "stranger");
  expect(await refusal(w.connect("stranger"))).toBe("unknown_credential");
  expect(await refusal(w.connect("nobody"))).toBe("unknown_credential");
  const { publicKey } = generateKey(w.home, "ana");
  await (await w.connect()).operatorAdd({ name: "ana", kind: 1, role: "admin", publicKey });
  const answers: string[] = [];
  for (const keyId of [createHash("sha256").update(publicKey).digest(), randomBytes(32)]) {
    const link = await RawLink.open(w.home);
    await link.hello(keyId);
    link.send({ case: "proof", value: { signature: randomBytes(64) } });
    const { error } = await link.refused();
    answers.push(`${error?.code}: ${error?.message}`);
  }
  expect(answers[0]).toBe(answers[1]);
  expect(answers[0]).toContain("unknown_credential");
  expect((await (await w.connect("ana")).whoami()).operator?.name).toBe("ana");
  expect(w.log().match(/(?<= refused: ).*/g)).toEqual(["unknown_credential over unix"]);
});

test("a proof that was recorded on one link opens no other", async () => {
  const w = await world();
  const seen: Buffer[] = [];
  const proxy = await Proxy.start(w, "tap", { tap: (sent) => void seen.push(sent) });
  const me = await w.connect(undefined, proxy.home);
  expect((await me.whoami()).operator?.role).toBe("admin");
  const [hello, proof] = RawLink.frames(Buffer.concat(seen));
  const link = await RawLink.open(w.home);
  link.raw(hello!);
  await link.next("challenge");
  link.raw(proof!);
  expect((await link.refused()).error?.code).toBe("unknown_credential");
});

test("a host with another key is refused before anything is signed for it", async () => {
  const w = await world();
  const me = await w.connect();
  const honest = readFileSync(files.hostPublicKey(w.home));
  const other = generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const seen: Buffer[] = [];
  const proxy = await Proxy.start(w, "tap", { tap: (sent) => void seen.push(sent) });
  writeFileSync(files.hostPublicKey(proxy.home), other);
  expect(await refusal(w.connect(undefined, proxy.home))).toBe("host_key_changed");
  // Of the client the wire saw one frame, its hello: no proof.
  expect(RawLink.frames(Buffer.concat(seen)).length).toBe(1);
  writeFileSync(files.hostPublicKey(proxy.home), honest);
  expect((await (await w.connect(undefined, proxy.home)).whoami()).operator?.name).toBe(me.operator.operator?.name);
});

test("another user can neither reach the socket nor read the home, and a folder that others may enter is not trusted", async () => {
  const w = await world();
  await w.connect();
  // Even with the way to it open, the folder and the socket are ours alone; the shim's and the keeper's sockets too.
  chmodSync(w.place, 0o755);
  const script = `
    const { connect } = require("node:net"); const { readdirSync } = require("node:fs");
    const sockets = ${JSON.stringify([files.socket(w.home), files.keeperSocket(w.home)])};
    const look = (f) => { try { return f(); } catch (e) { return e.code; } };
    Promise.all(sockets.map((path) => new Promise((done) => connect(path).on("connect", () => done("connected")).on("error", (e) => done(e.code)))))
      .then((tried) => console.log(JSON.stringify([process.getuid(), ...tried, look(() => readdirSync(${JSON.stringify(w.home)}).length)])));`;
  const child = spawn(process.execPath, ["-e", script], { uid: 65534, gid: 65534, cwd: "/", env: {} });
  let out = "";
  child.stdout.on("data", (text) => (out += text));
  await new Promise((done) => child.once("close", done));
  expect(JSON.parse(out)).toEqual([65534, "EACCES", "EACCES", "EACCES"]);
  expect((await (await w.connect()).status()).running).toBe(0);
  chmodSync(folders.run(w.home), 0o755);
  expect(await refusal(connect({ home: w.home }))).toBe("not_permitted");
  chmodSync(folders.run(w.home), 0o700);
  expect((await (await w.connect()).status()).running).toBe(0);
});

test("while people come and go the terminal and the sockets are open to nobody else at any moment, and no environment is read", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { script: "exec cat" });
  const pts = readlinkSync(`/proc/${session.pid}/fd/0`);
  expect(pts).toMatch(/^\/dev\/pts\/\d+$/);
  const sockets = readdirSync(folders.run(w.home), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isSocket())
    .map((entry) => join(entry.parentPath, entry.name));
  expect(sockets.length).toBeGreaterThanOrEqual(3);
  const wider: string[] = [];
  let looks = 0;
  const look = (): void => {
    looks++;
    for (const [path, most] of [[pts, 0o620], ...sockets.map((socket) => [socket, 0o600] as const)] as const) {
      const mode = statSync(path).mode & 0o777;
      if ((mode & ~most) !== 0) wider.push(`${path} was ${mode.toString(8)}`);
    }
  };
  const looking = setInterval(look, 1);
  for (let n = 0; n < 50; n++) await (await me.attach({ session: session.id, size: { cols: 80 + n, rows: 24 } }, {})).detach();
  clearInterval(looking);
  expect(looks).toBeGreaterThan(10);
  expect(wider).toEqual([]);
  const { hostPid, keeperPid } = await w.status();
  const pids = [hostPid, keeperPid, session.pid, parentOf(session.pid)];
  const read = `
    const { readFileSync, openSync } = require("node:fs");
    const look = (path, by) => { try { by(path); return "read"; } catch (e) { return e.code; } };
    console.log(JSON.stringify([...${JSON.stringify(pids)}.map((pid) => look("/proc/" + pid + "/environ", readFileSync)), look("${pts}", (p) => openSync(p, "r+"))]));`;
  const { stdout } = spawnSync(process.execPath, ["-e", read], { uid: 65534, gid: 65534, cwd: "/", env: {}, encoding: "utf8" });
  expect(JSON.parse(stdout)).toEqual([...pids.map(() => "EACCES"), "EACCES"]);
});

test("a name that could be a path, an option or more than one line is none, whatever it is to name", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { name: "work", script: "exec cat" });
  const outside = (): string[] => readdirSync(w.place).sort();
  const before = outside();
  const texts = [
    "../work",
    "..",
    "/root-evil",
    "a/b",
    "a\0b",
    "a\nb",
    "-oProxyCommand=id",
    "--help",
    "x".repeat(4_096),
    "\u202ework",
  ];
  for (const text of texts) {
    const tries: Readonly<Record<string, Promise<unknown>>> = {
      opens: w.open(me, { name: text, script: "true" }),
      renames: me.rename("work", text),
      shows: me.show(text),
      adds: me.operatorAdd({ name: text, kind: 1, role: "operator", publicKey: randomBytes(32) }),
      invites: me.invite({ name: text }),
      takes: me.operatorRevoke(text),
    };
    for (const [what, tried] of Object.entries(tries))
      expect([text.slice(0, 20), what, await refusal(tried)]).toEqual([
        text.slice(0, 20),
        what,
        expect.stringMatching(/^(bad_request|no_such_session|no_such_operator)$/),
      ]);
  }
  expect((await me.list({ all: true })).map((s) => [s.id, s.name])).toEqual([[session.id, "work"]]);
  expect(outside()).toEqual(before);
});

test.each([
  ["says what is no message", randomBytes(40)],
  [
    "bids welcome without proving itself",
    encodeHost({ case: "welcome", value: { operator: "root", name: "root", role: "admin" } }),
  ],
  ["says nothing", null],
])("a squatter at the host's path that %s is given up, and has heard nothing but a hello", async (_, answer) => {
  const w = await world();
  const proxy = await Proxy.start(w, "squat", {});
  await proxy.stop();
  const heard: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (sent) => {
      heard.push(sent);
      if (answer) socket.write(RawLink.frame(0, answer));
    });
    w.atEnd(() => socket.destroy());
  });
  await new Promise<void>((done) => server.listen(files.socket(proxy.home), done));
  w.atEnd(() => server.close());
  expect(["unreachable", "host_key_changed", "timed_out"]).toContain(
    await refusal(connect({ home: proxy.home, timeoutMs: 1_000 })),
  );
  expect(RawLink.frames(Buffer.concat(heard)).length).toBe(1);
});

test(
  "garbage, huge, endless and fuzzed frames, before and after the handshake, never take the host down",
  async () => {
    const w = await world();
    const dice = random();
    say(`seed ${dice.seed}`);
    const me = await w.connect();
    const session = await w.open(me, { script: "stty -echo; echo ready; exec cat" });
    await me.wait(session.id, { match: "ready", fromSeq: 0 });
    const host = await w.hostPid();
    const before = rssKib(host);
    const u32 = (n: number): Buffer => {
      const b = Buffer.alloc(4);
      b.writeUInt32BE(n >>> 0);
      return b;
    };
    const hostile: readonly Buffer[] = [
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      u32(0),
      u32(3),
      u32(0xffff_ffff),
      u32(0x7fff_ffff),
      Buffer.concat([u32(1024 * 1024 + 4097), randomBytes(2_000)]),
      Buffer.concat([u32(4), u32(0)]),
      Buffer.concat([u32(4), u32(7)]),
      RawLink.frame(0, Buffer.alloc(70_000)),
      RawLink.frame(0, randomBytes(60_000)),
      RawLink.frame(0, Buffer.concat(Array.from({ length: 10_000 }, () => Buffer.from([0x1a, 0x7f])))),
      ...Array.from({ length: 40 }, () => randomBytes(1 + dice.below(3_000))),
    ];
    for (const bytes_ of hostile) {
      const link = await RawLink.open(w.home);
      link.raw(bytes_);
      link.end();
      await link.over;
    }
    // Half a frame and silence: the link is not kept longer than the handshake may take.
    const silent = await Promise.all(Array.from({ length: 50 }, () => RawLink.open(w.home)));
    for (const link of silent) link.raw(u32(500).subarray(0, 1 + dice.below(4)));
    // Valid frames with bits flipped, cut and doubled, after a good handshake: of an admin at a session that a flipped bit may well
    // mean to end, and of an observer, who ends none.
    const victim = await w.open(me, { script: "exec cat" });
    w.close(await w.operator("eve", "human", "observer"));
    const rounds = soak ? 3_000 : 300;
    for (let i = 0; i < rounds; i++) {
      const [as, at] = i % 2 === 0 ? [me.operator.operator!.name, victim.id] : ["eve", session.id];
      const link = await RawLink.login(w.home, w.keyOf(as));
      const valid = Buffer.from(
        encodeClient(
          [
            {
              case: "call" as const,
              value: { id: BigInt(i), verb: { case: "list" as const, value: { all: true, group: "g" } } },
            },
            {
              case: "call" as const,
              value: {
                id: BigInt(i),
                verb: { case: "screen" as const, value: { session: at, scrollback: 10, vt: true } },
              },
            },
            {
              case: "call" as const,
              value: {
                id: BigInt(i),
                verb: { case: "resize" as const, value: { session: at, size: { cols: 80, rows: 24 }, unpin: false } },
              },
            },
            { case: "attach" as const, value: { session: at, writer: "a-writer-of-fuzz", cursor: 3n, window: 9_000 } },
            { case: "input" as const, value: { n: 1n, data: new Uint8Array(0), unit: "u" } },
            { case: "credit" as const, value: { bytes: 9_999_999_999n, appliedSeq: 1n, window: 1 } },
            { case: "floor" as const, value: { verb: FloorVerb.ASK, to: "nobody", id: 1n } },
          ][i % 7]!,
        ),
      );
      for (let flips = dice.below(4); flips > 0; flips--) valid[dice.below(valid.length)]! ^= 1 << dice.below(8);
      const mutated = dice.below(4) === 0 ? valid.subarray(0, dice.below(valid.length)) : valid;
      for (const channel of [0, 1, 1, 0xffff_ffff]) link.raw(RawLink.frame(channel, mutated));
      link.end();
      await link.over;
    }
    for (const link of silent) await link.over;
    expect([await w.hostPid(), lives(session.pid)]).toEqual([host, true]);
    const heard = me.wait(session.id, { match: "^still here$" });
    await me.send(session.id, bytes("still here\n"), { take: true });
    await heard;
    const links = await fact("only living links are counted", async () => ((await me.status()).links <= 2 ? "few" : null));
    expect(links).toBe("few");
    say(
      `${hostile.length} hostile links, 50 silent ones, ${rounds} fuzzed; host RSS ${(before / 1024).toFixed(0)} to ${(rssKib(host) / 1024).toFixed(0)} MiB`,
    );
    expect(rssKib(host) - before).toBeLessThan(96 * 1024);
    expect(w.log()).not.toMatch(/defect|unhandled/);
  },
  soak ? 600_000 : 120_000,
);
