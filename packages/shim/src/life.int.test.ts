/** A session's beginning and end: what the program is given, how its end is told, and who may reach it. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { encodeHello } from "./frame.ts";
import { ShimStartError } from "./keeper.ts";
import { cpuMs, fact, isAlive, isSoak, World } from "../test/world.ts";

const isRoot = userInfo().uid === 0;

test.each([
  ["exit 0", { code: 0, signal: null, core: false }],
  ["exit 1", { code: 1, signal: null, core: false }],
  ["exit 255", { code: 255, signal: null, core: false }],
  ["kill -KILL $$", { code: null, signal: 9, core: false }],
  ["kill -TERM $$", { code: null, signal: 15, core: false }],
  ["ulimit -c 0; kill -SEGV $$", { code: null, signal: 11, core: false }],
])("the end of `%s` is told as it was, with a host and without one", async (script, wanted) => {
  await using world = new World();
  const watched = (await world.shell(script)).tap();
  expect(await watched.exits()).toMatchObject(wanted);
  const alone = await world.shell(script);
  const look = alone.tap({ auto: false }); // it must not acknowledge an exit that comes at once
  const { pid } = await look.linked();
  look.link.close();
  await fact("the program has ended", () => !isAlive(pid));
  const later = alone.tap({ auto: false });
  expect(await later.exits()).toMatchObject(wanted);
  expect(later.exit!.wallMs).toBeGreaterThan(1_600_000_000_000n);
  later.link.close();
  const again = alone.tap({ auto: false }); // not acknowledged: told again
  expect(await again.exits()).toEqual(later.exit);
  expect((again.welcome ?? { phase: "" }).phase).toBe("exited");
});

test("a core dump is told", async () => {
  await using world = new World();
  const pattern = readFileSync("/proc/sys/kernel/core_pattern", "utf8").trim();
  const session = await world.shell("ulimit -c unlimited; kill -ABRT $$", { cwd: world.dir });
  const exit = await session.tap().exits();
  expect(exit).toMatchObject({ code: null, signal: 6 });
  if (!pattern.startsWith("|") && pattern !== "") expect(exit.core).toBe(true);
});

test("the exit carries what the program used", async () => {
  await using world = new World();
  const exit = await (await world.shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")).tap().exits();
  expect(exit.userUs + exit.systemUs).toBeGreaterThan(10_000n);
  expect(exit.maxRssKib).toBeGreaterThan(100n);
});

test("the program gets the spec's directory, environment, mask, limits and terminal, and nothing of the starter's", async () => {
  await using world = new World();
  const tap = (
    await world.shell(
      "pwd; env; umask; ulimit -Sn; ulimit -Hn; stty size; tty; trap; echo ids $(ps -o pgid=,sid=,tpgid= -p $$) $$; grep -E 'Sig(Blk|Ign)' /proc/self/status",
      {
        cwd: "/usr",
        env: ["PATH=/usr/bin:/bin", "ONLY=this"],
        umask: 0o027,
        nofile: { soft: 123, hard: 456 },
        cols: 91,
        rows: 17,
      },
    )
  ).tap();
  await tap.exits();
  const text = tap.text().replaceAll("\r\n", "\n");
  expect(text).toMatch(/^\/usr\n/);
  const env = text
    .split("\n")
    .filter((l) => /^[A-Z_]+=/.test(l))
    .sort();
  expect(env).toEqual(["ONLY=this", "PATH=/usr/bin:/bin", "PWD=/usr"]);
  expect(text).toContain("\n0027\n123\n456\n17 91\n/dev/pts/");
  const [pgid, sid, tpgid, pid] = /ids (\d+) (\d+) (\d+) (\d+)/.exec(text)!.slice(1);
  expect([pgid, sid, tpgid]).toEqual([pid, pid, pid]);
  expect(text).toMatch(/SigBlk:\t0+\nSigIgn:\t0+\n/);
});

test.each([
  [["no-such-program"], {}, { errno: "ENOENT", step: "exec" }],
  [["/etc/passwd"], {}, { errno: "EACCES", step: "exec" }],
  [["sh"], { cwd: "/no/such/folder" }, { errno: "ENOENT", step: "chdir" }],
] as const)("%j %j: what could not be started is told with its errno and step", async (argv, more, failure) => {
  await using world = new World();
  const tap = (await world.open(argv, more)).tap();
  expect(await tap.linked()).toMatchObject({ phase: "failed", pid: 0, failure });
  tap.link.input(1n, 0, Buffer.from("x"));
  expect(await tap.result(1n)).toMatchObject({ status: "refused", refusal: "exited" });
  tap.link.release();
  expect(await tap.over()).toMatchObject({ reason: "closed" });
});

test("a shim that cannot listen is told with its step, and a second one cannot take the first one's socket", async () => {
  await using world = new World();
  await expect(world.open(["true"], { socketPath: "/no/such/folder/s.sock" })).rejects.toMatchObject({
    errno: "ENOENT",
    step: "socket",
  });
  await expect(world.open(["true"], { socketPath: "/tmp/open-to-all.sock" })).rejects.toBeInstanceOf(ShimStartError);
  const first = world.spec(["cat"]);
  await world.open(["cat"], { socketPath: first.socketPath });
  await expect(world.open(["cat"], { socketPath: first.socketPath })).rejects.toMatchObject({
    errno: "EADDRINUSE",
    step: "socket",
  });
});

test("a large environment arrives whole, and the spec file is gone once read", async () => {
  await using world = new World();
  const big = Array.from({ length: 40 }, (_, i) => `BIG${i}=${"v".repeat(30_000)}`);
  const tap = (await world.shell("env | grep -c ^BIG; env | wc -c", { env: [`PATH=${process.env.PATH}`, ...big] })).tap();
  await tap.exits();
  expect(tap.text()).toMatch(/^40\r\n12\d{5}\r\n/);
  expect(readdirSync(world.dir).filter((f) => f.startsWith("spec-"))).toEqual([]);
});

test("a path longer than a socket address holds is served and reached all the same", async () => {
  await using world = new World();
  const folder = `${world.dir}/${"d".repeat(120)}`;
  spawnSync("mkdir", ["-m", "700", folder]);
  const session = await world.open(["echo", "far"], { socketPath: `${folder}/s.sock` });
  expect(existsSync(session.socketPath)).toBe(true);
  const tap = session.tap();
  await tap.exits();
  expect(tap.text()).toBe("far\r\n");
});

test("no session's child has a descriptor that is not its own: 20 sessions and what they start", async () => {
  await using world = new World();
  const sessions = [];
  for (let i = 0; i < 20; i++) {
    sessions.push(await world.shell("sleep 1000 & echo up; wait", i % 4 === 3 ? { mode: "pipes" } : {}));
  }
  const own = new Set<string>();
  for (const [i, s] of sessions.entries()) {
    const tap = s.tap();
    await tap.says("up", i % 4 === 3 ? 1 : 0);
    const { pid } = await tap.linked();
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
    expect(children.length).toBe(1);
    for (const p of [pid, ...children]) {
      const fds = readdirSync(`/proc/${p}/fd`)
        .map(Number)
        .sort((a, b) => a - b);
      const links = fds.map((fd) => readlinkSync(`/proc/${p}/fd/${fd}`));
      // dash keeps its script or terminal at 10; whatever the number, only what 0, 1 and 2 name may be open
      const allowed = new Set([...links.slice(0, 3), "/dev/null", "/dev/tty"]);
      expect(links.filter((l) => !allowed.has(l))).toEqual([]);
      expect(links.some((l) => l.includes("ptmx"))).toBe(false);
      expect(fds.filter((fd) => fd > 2 && fd !== 10)).toEqual([]);
      if (p === pid) for (const l of links.slice(0, 1)) own.add(l);
    }
  }
  expect(own.size).toBe(20); // and no two share a terminal or a pipe
});

test("daemonised grandchildren stay descendants and end with the session, gently first", async () => {
  await using world = new World();
  const script = `setsid -f sh -c 'trap "" HUP; trap "echo gently > ${world.path("said")}; exit" TERM; echo $$ > ${world.path("a")}; while :; do sleep 0.01; done'
    setsid -f sh -c 'trap "" TERM HUP; (setsid sh -c "trap \\"\\" TERM HUP; echo \\$\\$ > ${world.path("b")}; while :; do sleep 0.01; done" &) ; sleep 1000'
    while [ ! -s ${world.path("b")} ] || [ ! -s ${world.path("a")} ]; do sleep 0.01; done; exit 0`;
  const session = await world.shell(script);
  const tap = session.tap();
  await tap.exits();
  const pids = ["a", "b"].map((f) => Number(readFileSync(world.path(f), "utf8")));
  expect(pids.every(isAlive)).toBe(true);
  tap.link.release();
  expect(await fact("release is refused", () => tap.releaseRefused)).toBeGreaterThanOrEqual(2);
  tap.link.endTree(200);
  await fact("all of them have ended", () => !pids.some(isAlive));
  expect(readFileSync(world.path("said"), "utf8")).toBe("gently\n");
  await fact("the shim lets go", () => {
    tap.link.release();
    return tap.ended;
  });
  await fact("the shim has ended", () => !isAlive(session.shimPid));
  expect(existsSync(session.socketPath)).toBe(false);
});

test("the shim reaps what it adopts", async () => {
  await using world = new World();
  const session = await world.shell("for i in 1 2 3 4 5 6 7 8 9 10; do setsid -f true; done; echo done; exec cat");
  await session.tap().says("done");
  await fact(
    "only the leader is left",
    () => readFileSync(`/proc/${session.shimPid}/task/${session.shimPid}/children`, "utf8").trim().split(" ").length === 1,
  );
});

test("a session in pipe mode starts another program under the same shim, on the same streams", async () => {
  await using world = new World();
  const session = await world.shell("read a; echo first-$a; exit 3", { mode: "pipes", respawn: true });
  const tap = session.tap();
  tap.link.respawn(1n, await world.writeSpec(world.spec(["cat"], { mode: "pipes" })));
  expect(await tap.result(1n)).toMatchObject({ status: "refused", refusal: "bad_request" }); // the first still runs
  tap.link.input(2n, 0, Buffer.from("x\nfor the first, and unread by it\n"));
  expect(await tap.exits()).toMatchObject({ code: 3 });
  expect(tap.closedAt.size).toBe(0);
  tap.exit = undefined as never;
  tap.link.respawn(3n, await world.writeSpec(world.spec(["sh", "-c", "read b; echo second-$b; exit 4"], { mode: "pipes" })));
  expect(await tap.result(3n)).toMatchObject({ status: "applied" });
  expect((await fact("the second is told", () => tap.started[0])).pid).toBeGreaterThan(0);
  tap.link.input(4n, 0, Buffer.from("y\n"));
  expect(await tap.exits()).toMatchObject({ code: 4 });
  expect(tap.text(1)).toBe("first-x\nsecond-y\n");
});

test("an idle shim sleeps: no CPU while nothing happens", async () => {
  await using world = new World();
  const session = await world.shell("echo ready; exec cat");
  const tap = session.tap();
  await tap.says("ready");
  const before = cpuMs(session.shimPid);
  const other = (await world.shell("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done")).tap();
  await other.exits();
  expect(cpuMs(session.shimPid) - before).toBeLessThanOrEqual(10);
});

test("socket and folder are the owner's alone", async () => {
  await using world = new World();
  const session = await world.shell("exec cat");
  expect(statSync(session.socketPath).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(session.socketPath)).mode & 0o777).toBe(0o700);
});

test.runIf(isRoot)("another uid cannot connect, even where the file's rights would let it", async () => {
  await using world = new World();
  const session = await world.shell("echo ready; exec cat");
  await session.tap().says("ready");
  spawnSync("chmod", ["755", world.dir]);
  spawnSync("chmod", ["666", session.socketPath]);
  const intruder = `const s = require("net").connect(${JSON.stringify(session.socketPath)}); let got = 0;
    s.on("connect", () => s.write(Buffer.from("${encodeHello([]).toString("hex")}", "hex")));
    s.on("data", (d) => { got += d.length; s.destroy(); }); s.on("error", () => {}); s.on("close", () => console.log("closed", got));`;
  const run = (uid: number) =>
    spawnSync(process.execPath, ["-e", intruder], { uid, gid: uid, encoding: "utf8", timeout: 20_000 }).stdout.trim();
  expect(run(65_534)).toBe("closed 0");
  expect(run(0)).toMatch(/^closed [1-9]/); // the same knock by the owner is answered
  const tap = session.tap();
  await tap.linked();
  tap.link.input(1n, 0, Buffer.from("still mine\n"));
  await tap.says("still mine");
});

test("SIGTERM to a shim ends its session, and then the shim", async () => {
  await using world = new World();
  const session = await world.shell("echo ready; exec cat");
  const tap = session.tap();
  await tap.says("ready");
  const { pid } = await tap.linked();
  process.kill(session.shimPid, "SIGTERM");
  await fact("the program has ended", () => !isAlive(pid));
  await fact("the shim has ended", () => !isAlive(session.shimPid));
});

test.runIf(isSoak)("a thousand sessions begin and end without a process or a file left", { timeout: 0 }, async () => {
  await using world = new World();
  for (let i = 0; i < 1_000; i++) {
    const tap = (await world.shell("exit 7")).tap();
    expect(await tap.exits()).toMatchObject({ code: 7 });
    tap.link.release();
    await tap.over();
  }
  expect(readdirSync(world.dir)).toEqual([]);
});
