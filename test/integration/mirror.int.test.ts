/** A record that outlives its machine: real hosts and shells, a real nats-server, the command line as a reader would use it. */
import { readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { connect as connectNats } from "@nats-io/transport-node";
import { Objm } from "@nats-io/obj";
import { expect, test } from "vitest";
import { held, hold, type Machine, machine } from "./world/hold.ts";
import { bucketOf, burn, lines, mirrored, pieces, status, textBelow } from "./world/mirror.ts";
import { NatsCluster, NatsProcess } from "./world/nats.ts";
import { fact } from "./world/processes.ts";
import { bytes, soak, world } from "./world/world.ts";

test("a machine burns, and its sessions' history, last screen, recording and audit are read elsewhere as they were", async () => {
  const w = await world();
  const nats = await NatsProcess.start(w);
  const url = await w.listen();
  const me = await w.connect();
  const canaries = Array.from({ length: 50 }, (_, n) => `canary-${n}-${(n * 7919 + 104_729).toString(36)}`);
  const main = await w.open(me, {
    name: "main",
    script: `for c in ${canaries.join(" ")}; do echo $c; done; seq 1 20000; printf '\\033[2J\\033[Hthe last screen'; read -sp password: p; cat`,
  });
  await w.open(me, { name: "other", script: "head -c 100000 /dev/zero | tr '\\0' x; exit 3" });
  const attached = await me.attach({ session: main.id }, {});

  await fact("it asks", async () => (await me.screen(main.id)).lines.join("").includes("password:"));
  await attached.input(bytes("sesame-secret\n"));
  await attached.input(bytes("typed line\n"));
  const heads = w.path("heads.txt");
  writeFileSync(heads, await held(w, "audit", "heads"));
  await me.resize(main.id, { cols: 100, rows: 30 });
  await fact("it echoes", async () => (await me.screen(main.id)).lines.join("").includes("typed line"));
  await attached.detach();
  await held(w, "host", "mirror", nats.url);
  // The laptop is let in, and fetches the key itself while the host is there.
  const laptop = machine(w, "laptop");
  const invite = (await held(w, "operator", "invite", "ana", "--role", "admin")).split("\n").at(-1)!;
  await held(laptop, "join", invite, "--name", "laptop");
  await held(laptop, "context", "set", "box", "--at", url, "--mirror", nats.url);
  expect(await held(laptop, "log", "box/main", "--raw")).toContain("canary-0");
  await held(w, "host", "mirror", "now");
  const ask = async (on: Pick<Machine, "env">, session: string) => ({
    log: lines(await held(on, "log", session, "--json")),
    raw: await held(on, "log", session, "--raw"),
    screen: await held(on, "screen", session, "-n", "100"),
    cast: await held(on, "export", session),
  });
  const before = { main: await ask(w, "main"), other: await ask(w, "other") };
  const audit = lines(await held(w, "audit", "show", "--json")) as { lsn: number }[];
  await held(w, "host", "mirror", "now");
  expect(textBelow(nats.store)).not.toMatch(/canary-|sesame|typed line|the last screen|bash/);
  await burn(w);

  const shown = await hold(laptop, "show", "box/main");
  expect(shown.err).toMatch(/^from the mirror nats:.*as of .*nothing of this is live \(.*\)$/);
  expect(shown.out).toContain("100x30");
  const away = { main: await ask(laptop, "box/main"), other: await ask(laptop, "box/other") };
  expect(away).toEqual(before);
  expect(before.main.raw).toContain(canaries.join("\r\n"));
  expect(before.main.screen).toContain("the last screen");
  expect(JSON.parse((await held(laptop, "log", "box/main", "--json")).split("\n")[0]!)).toMatchObject({ from: "mirror", seq: 1 });
  const listed = await held(laptop, "ls", "-a", "--context", "box", "--json");
  expect(lines(listed).map((s) => (s as { name: string }).name)).toEqual(expect.arrayContaining(["main", "other"]));
  const verified = await hold(laptop, "audit", "verify", "--context", "box", "--from-mirror");
  expect([verified.code, verified.out]).toEqual([0, expect.stringContaining("the record is whole")]);
  expect(verified.out).toMatch(/witnessed up to record \d+ at .* by the mirror's head/);
  expect(verified.out).not.toContain("can't be asked");
  const onPaper = await hold(laptop, "audit", "verify", "--context", "box", "--from-mirror", "--witness", heads);
  expect([onPaper.code, onPaper.out, onPaper.err]).toEqual([
    0,
    expect.stringMatching(/witnessed up to record \d+ at /),
    expect.anything(),
  ]);
  const kept = lines(await held(laptop, "audit", "show", "--context", "box", "--from-mirror", "--json"));
  expect(kept.slice(0, audit.length)).toEqual(audit);
  expect((await hold(laptop, "attach", "box/main")).err).toMatch(/^\[unreachable\].*its record is in the mirror/);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith("hold-mirror-"))).toEqual([]);
});

test("a redaction is in the mirror before it is told as done; with NATS away it is told as pending, and made when that is back", async () => {
  const w = await world();
  const nats = await NatsProcess.start(w);
  const me = await w.connect();
  const leaky = await w.open(me, { name: "leaky", script: "echo one leaked-token; read; echo two leaked-token; cat" });
  const laptop = await mirrored(w, nats);
  await held(w, "host", "mirror", "now");
  expect(await held(laptop, "log", "box/leaky", "--raw")).toContain("one leaked-token");
  const erased = await hold(w, "redact", "leaky", "--match", "leaked", "--yes");
  expect(erased.err).toBe("erased 1 payload; who, when and how many bytes stay");
  expect((await hold(laptop, "log", "box/leaky", "--raw")).out).not.toContain("leaked");
  expect(await held(laptop, "screen", "box/leaky")).not.toContain("leaked");

  const attached = await me.attach({ session: leaky.id }, {});
  await attached.input(bytes("\n"));
  await fact("it goes on", async () => (await me.screen(leaky.id)).lines.join("").includes("two leaked"));
  await held(w, "host", "mirror", "now");
  await nats.kill();
  await fact("NATS is missed", async () => {
    await hold(w, "host", "mirror", "now");
    return (await status(me)) === "unreachable";
  });
  expect((await me.mirrorStatus()).lagKnown).toBe(true);
  expect((await hold(laptop, "log", "box/leaky")).err).toMatch(/^\[unreachable\] the mirror can't be reached: [^;]*$/);
  const pending = await hold(w, "redact", "leaky", "--match", "leaked", "--yes");
  expect(pending.err).toMatch(/^the mirror has them still/);
  expect((await me.mirrorStatus()).pendingErasures).toBeGreaterThan(0);
  await w.killHost();
  const again = await w.connect();
  expect((await again.mirrorStatus()).pendingErasures).toBeGreaterThan(0);
  await nats.start();
  await fact("nothing is pending", async () => (await again.mirrorStatus()).pendingErasures === 0);
  expect((await hold(laptop, "log", "box/leaky", "--raw")).out).not.toContain("leaked");
  const verified = await hold(laptop, "audit", "verify", "--context", "box", "--from-mirror");
  expect([verified.code, verified.out, verified.err]).toEqual([
    0,
    expect.stringContaining("the record is whole"),
    expect.anything(),
  ]);
});

test("the host and NATS are killed again and again while it copies, and the record arrives whole", async () => {
  const w = await world();
  const nats = await NatsProcess.start(w);
  const me = await w.connect();
  const mib = soak ? 60 : 9;
  const job = await w.open(me, { name: "bulk", script: `head -c ${mib}M /dev/urandom | base64 -w 76; echo whole; cat` });
  const laptop = await mirrored(w, nats);
  const bucket = await bucketOf(nats);
  const count = async (): Promise<number> => (await pieces(bucket)).length;
  for (const at of soak ? [1, 3, 5, 8, 12, 20] : [1, 4]) {
    await fact(`${at} pieces are there`, async () => (await count()) >= at);
    await w.killHost();
  }
  await nats.kill();
  await nats.start();
  const admin = await w.connect();
  await fact("all was printed", async () => (await admin.screen(job.id)).lines.join("").includes("whole"));
  await fact("all is copied", async () => (await hold(w, "host", "mirror", "now")).code === 0);
  const verified = await hold(laptop, "audit", "verify", "--context", "box", "--from-mirror");
  expect([verified.code, verified.out]).toEqual([0, expect.stringContaining("the record is whole")]);
  const here = await held(w, "screen", "bulk", "-n", "200");
  expect(await held(laptop, "screen", "box/bulk", "-n", "200")).toBe(here);
});

test("NATS that is full is told, and the host does not notice", async () => {
  const w = await world();
  const nats = await NatsProcess.start(w);
  const connection = await connectNats({ servers: nats.url });
  await new Objm(connection).create("holdfast", { max_bytes: 3 * 1024 * 1024 });
  await connection.close();
  const me = await w.connect();
  const job = await w.open(me, { name: "bulk", script: "head -c 8M /dev/urandom | base64; echo printed; cat" });
  await fact("it is printed", async () => (await me.screen(job.id)).lines.join("").includes("printed"));
  await hold(w, "host", "mirror", nats.url);
  const full = await fact("it is full", async () => {
    const told = await me.mirrorStatus();
    return told.state === "full" ? told : null;
  });
  expect(full.why).toMatch(/maximum bytes/);
  expect((await hold(w, "host", "mirror", "status")).code).toBe(1);
  expect((await me.status()).notices).toContainEqual(expect.stringMatching(/^the mirror is full: /));
  const attached = await me.attach({ session: job.id }, {});
  await attached.input(bytes("still here\n"));
  await fact("it answers", async () =>
    (await me.screen(job.id)).lines.join("").includes("still here\nstill here".split("\n")[1]!),
  );
});

test("a replicated bucket is not written on a server that may forget what is in one, and that is said", async () => {
  const w = await world();
  const cluster = await NatsCluster.start(w);
  const connection = await connectNats({ servers: [...cluster.urls] });
  await new Objm(connection).create("holdfast", { replicas: 3 });
  const { version } = connection.info!;
  await connection.close();
  const me = await w.connect();
  await hold(w, "host", "mirror", cluster.urls.join(","));
  const told = await fact("it has looked", async () => {
    const status = await me.mirrorStatus();
    return status.why !== "" || status.state === "current" ? status : null;
  });
  const isSound = version.localeCompare("2.9.21", "en", { numeric: true }) >= 0;
  if (isSound) expect(told.why).toBe("");
  else expect(told.why).toContain(`nats-server ${version} may forget a replicated bucket's objects`);
});
