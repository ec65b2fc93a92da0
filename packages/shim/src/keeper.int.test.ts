/** The keeper: a killed host is started again, and what it forks is in nobody's tree. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fact, isAlive, World } from "../test/world.ts";
import { KeeperUnreachable, keeperStatus, ShimStartError, spawnShim, startKeeper } from "./keeper.ts";

const host = ["/bin/sleep", "1000"];

test("a killed host is started again within a second, unasked, however often it is killed", async () => {
  await using world = new World();
  expect(await world.keeper(host)).toBe("started");
  for (let start = 1; start <= 16; start++) {
    const { hostPid } = await fact("a host lives", () => keeperStatus(world.dir).then((s) => s.hostPid > 0 && s));
    process.kill(hostPid, "SIGKILL");
    await fact(
      "another host lives",
      () => keeperStatus(world.dir).then((s) => s.hostStarts === start + 1 && s.hostPid !== hostPid),
      1_000,
    );
  }
});

test("a host that keeps dying young is started again ever more slowly, and the keeper still answers", async () => {
  await using world = new World();
  await world.keeper(["/bin/false"]);
  const waiting = await fact("the keeper waits before the next start", () =>
    keeperStatus(world.dir).then((s) => s.restartInMs > 300 && s),
  );
  expect(waiting.hostPid).toBe(0);
  expect(waiting.hostStarts).toBeLessThan(10);
  expect(readFileSync(world.path("keeper.log"), "utf8")).toContain("host keeps dying");
});

test("a host that is killed while it keeps dying of itself is started again within a second all the same", async () => {
  await using world = new World();
  // Dies of itself until the file is there.
  await world.keeper(["/bin/sh", "-c", `[ -e ${world.path("mended")} ] || exit 1; exec sleep 1000`]);
  await fact("the keeper waits long", () => keeperStatus(world.dir).then((s) => s.restartInMs > 700));
  writeFileSync(world.path("mended"), "");
  const { hostPid, hostStarts } = await fact("a host lives", () => keeperStatus(world.dir).then((s) => s.hostPid > 0 && s));
  process.kill(hostPid, "SIGKILL");
  await fact("another host lives", () => keeperStatus(world.dir).then((s) => s.hostStarts > hostStarts && s.hostPid > 0), 1_000);
});

test("a host that cannot be started is told in the log", async () => {
  await using world = new World();
  await world.keeper(["/no/such/host"]);
  await fact("the log says why", () =>
    readFileSync(world.path("keeper.log"), "utf8").includes("cannot start the host /no/such/host: No such file"),
  );
});

test("when the host ends with 0 the keeper ends too, and the sessions it started live on", async () => {
  await using world = new World();
  await world.keeper(["/bin/sh", "-c", `while [ ! -e ${world.path("down")} ]; do sleep 0.01; done`]);
  const { keeperPid } = await keeperStatus(world.dir);
  const spec = world.spec(["sh", "-c", "echo ready; exec cat"]);
  const session = world.adopt((await spawnShim(world.dir, await world.writeSpec(spec))).pid, spec.socketPath);
  await session.tap().says("ready");
  writeFileSync(world.path("down"), "");
  await fact("the keeper has ended", () => !isAlive(keeperPid));
  const tap = session.tap();
  await tap.linked();
  tap.link.input(1n, 0, Buffer.from("alive\n"));
  await tap.says("alive");
  await expect(keeperStatus(world.dir)).rejects.toBeInstanceOf(KeeperUnreachable);
});

test("one keeper a home: a second one finds the first, and a killed one leaves the lock free and no host behind", async () => {
  await using world = new World();
  expect(await world.keeper(host)).toBe("started");
  expect(await startKeeper({ binary: world.binary, runDir: world.dir, logFile: world.path("keeper.log"), hostArgv: host })).toBe(
    "running",
  );
  const first = await keeperStatus(world.dir);
  process.kill(first.keeperPid, "SIGKILL");
  await fact("its host has ended with it", () => !isAlive(first.hostPid));
  expect(await world.keeper(host)).toBe("started");
  expect((await keeperStatus(world.dir)).keeperPid).not.toBe(first.keeperPid);
});

test("the keeper's children have only their own descriptors", async () => {
  await using world = new World();
  await world.keeper(host);
  const { hostPid } = await keeperStatus(world.dir);
  await fact("the host runs its program", () => readFileSync(`/proc/${hostPid}/comm`, "utf8") === "sleep\n");
  // The program's own loader opens libraries for a moment.
  await fact("it has 0, 1 and 2, and no other", () => readdirSync(`/proc/${hostPid}/fd`).join() === "0,1,2");
});

test("many sessions at once are started through the keeper, and one that cannot be is told why", async () => {
  await using world = new World();
  await world.keeper(host);
  const { keeperPid } = await keeperStatus(world.dir);
  const started = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const spec = world.spec(["cat"]);
      const { pid } = await spawnShim(world.dir, await world.writeSpec(spec));
      return world.adopt(pid, spec.socketPath);
    }),
  );
  for (const s of started) {
    expect(await s.tap().linked()).toMatchObject({ shimPid: s.shimPid, phase: "running" });
    expect(readFileSync(`/proc/${s.shimPid}/status`, "utf8")).toContain(`PPid:\t${keeperPid}\n`);
  }
  await expect(spawnShim(world.dir, world.path("no-such-spec"))).rejects.toMatchObject({ errno: "ENOENT", step: "spec" });
  await expect(spawnShim(world.dir, world.path("no-such-spec"))).rejects.toBeInstanceOf(ShimStartError);
});

test("a keeper and host that were first started inside a session survive that session's end, and so do their sessions", async () => {
  await using world = new World();
  const home = world.dir;
  // A launcher that sets up the keeper from inside the session, as `hold` would; then a session of that home.
  const session = await world.shell(
    `${world.binary} keeper ${home} ${world.path("keeper.log")} -- /bin/sleep 1000; echo kept $?; (setsid sleep 1000 &); exec cat`,
  );
  const outer = session.tap();
  await outer.says("kept 0");
  await world.keeper(host); // finds it running; noted so that it is ended with this world
  const status = await keeperStatus(home);
  const spec = world.spec(["sh", "-c", "echo ready; exec cat"]);
  const inner = world.adopt((await spawnShim(home, await world.writeSpec(spec))).pid, spec.socketPath);
  await inner.tap().says("ready");
  const { pid } = await outer.linked();
  outer.link.endTree(50);
  await outer.exits();
  await fact("the outer session lets go", () => {
    outer.link.release();
    return outer.ended;
  });
  await fact("its shim has ended", () => !isAlive(session.shimPid));
  expect(isAlive(pid)).toBe(false);
  expect(await keeperStatus(home)).toMatchObject({ keeperPid: status.keeperPid, hostPid: status.hostPid, hostStarts: 1 });
  const tap = inner.tap();
  await tap.linked();
  tap.link.input(1n, 0, Buffer.from("alive\n"));
  await tap.says("alive");
});
