/** A record that outlives its machine: real hosts and shells, a real nats-server, the command line as a reader would use it. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { connect as connectNats } from "@nats-io/transport-node";
import { Objm, type ObjectStore } from "@nats-io/obj";
import { startHost } from "@holdfast/host/start";
import { OperatorKind, SessionState } from "@holdfast/protocol";
import type { HostClient } from "@holdfast/sdk";
import { connect, folders, homeFolder } from "@holdfast/sdk/node";
import { expect, onTestFinished, test } from "vitest";
import { held, hold, type Machine, machine } from "./world/hold.ts";
import { NatsProcess } from "./world/nats.ts";
import { fact, kill, shimsOf } from "./world/processes.ts";
import { bytes, refusal, soak, type World, world } from "./world/world.ts";

/** Mirrors, and has a machine elsewhere know where, with the key. */
async function mirrored(w: World, nats: NatsProcess, name = "laptop"): Promise<Machine> {
  await held(w, "host", "mirror", nats.url);
  return knows(w, nats, name);
}

async function knows(w: World, nats: NatsProcess, name: string): Promise<Machine> {
  const key = w.path(`${name}.key`);
  writeFileSync(key, await held(w, "host", "mirror", "key"));
  const laptop = machine(w, name);
  await held(laptop, "context", "set", "box", "--mirror", nats.url, "--mirror-key", key);
  return laptop;
}

/** Fire: nothing of the host is left, nor of what it kept. */
async function burn(w: World): Promise<void> {
  const { keeperPid, hostPid } = await w.status();
  for (const pid of [keeperPid, hostPid, ...shimsOf(w.home)]) kill(pid);
  rmSync(w.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

async function bucketOf(nats: NatsProcess): Promise<ObjectStore> {
  const connection = await connectNats({ servers: nats.url });
  onTestFinished(() => connection.close());
  return new Objm(connection).open("holdfast");
}

const pieces = async (bucket: ObjectStore): Promise<string[]> =>
  (await bucket.list()).filter((o) => !o.deleted && !o.name.endsWith("/head")).map((o) => o.name);

function textBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");
}

const status = async (client: HostClient): Promise<string> => (await client.mirrorStatus()).state;
/** Lines of `--json` without what says where they are from. */
const lines = (text: string): unknown[] =>
  text.split("\n").map((line) => {
    const { from: _, asOf: __, ...rest } = JSON.parse(line) as Record<string, unknown>;
    return rest;
  });

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
  await me.wait(main.id, { for: "text", text: "password:" } as never).catch(() => undefined);
  await fact("it asks", async () => (await me.screen(main.id)).lines.join("").includes("password:"));
  await attached.input(bytes("sesame-secret\n"));
  await attached.input(bytes("typed line\n"));
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
  const kept = lines(await held(laptop, "audit", "show", "--context", "box", "--from-mirror", "--json"));
  expect(kept.slice(0, audit.length)).toEqual(audit);
  expect((await hold(laptop, "attach", "box/main")).err).toMatch(/^\[unreachable\].*its record is in the mirror/);
  expect(readdirSync("/tmp").filter((name) => name.startsWith("hold-mirror-"))).toEqual([]);
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

test("what is flipped, taken away, swapped, of another host or rolled back is an error that says so", async () => {
  const w = await world();
  const nats = await NatsProcess.start(w);
  const me = await w.connect();
  await w.open(me, { name: "main", script: "head -c 2M /dev/urandom | base64; echo done; cat" });
  const laptop = await mirrored(w, nats);
  await fact("it is printed", async () => (await me.screen("main")).lines.join("").includes("done"));
  await held(w, "host", "mirror", "now");
  await held(laptop, "log", "box/main", "--kind", "opened");
  const bucket = await bucketOf(nats);
  const { hostId } = await me.status();
  const head = `${hostId}/head`;
  const older = (await bucket.getBlob(head))!;
  await me.rename("main", "renamed");
  await held(w, "host", "mirror", "now");
  await held(laptop, "log", "box/renamed", "--kind", "opened");
  await held(w, "host", "mirror", "off");
  const all = await pieces(bucket);
  const sizes = new Map((await bucket.list()).map((o) => [o.name, o.size]));
  const [one, two] = all.sort((a, b) => sizes.get(b)! - sizes.get(a)!) as [string, string];
  const whole = new Map<string, Uint8Array>();
  for (const name of [one, two, head]) whole.set(name, (await bucket.getBlob(name))!);
  const found = async (name: string, put: Uint8Array | null): Promise<string> => {
    if (put) await bucket.putBlob({ name }, put);
    else await bucket.delete(name);
    const { code, err } = await hold(laptop, "log", "box/renamed", "--kind", "opened");
    await bucket.putBlob({ name }, whole.get(name)!);
    return `${code} ${err.split("\n").at(-1)}`;
  };
  const flipped = Buffer.from(whole.get(one)!);
  flipped[flipped.length - 100] = flipped[flipped.length - 100] === 65 ? 66 : 65;
  expect(await found(one, flipped)).toMatch(new RegExp(`^1 \\[mirror_tampered\\].*${one} can't be opened`));
  expect(await found(one, null)).toMatch(new RegExp(`^1 \\[mirror_tampered\\].*${one}, piece .* is not there`));
  expect(await found(one, whole.get(two)!)).toMatch(new RegExp(`^1 \\[mirror_tampered\\].*${one} holds what belongs to ${two}`));
  expect(await found(head, older)).toMatch(/^1 \[mirror_tampered\].*rolled back/);
  expect(await found(head, null)).toMatch(/^1 \[mirror_tampered\].*is gone/);
  expect((await hold(laptop, "log", "box/renamed", "--kind", "opened")).code).toBe(0);
});

test("a copy of the home is fenced until it takes over, and then the first one is", async () => {
  const w = await world();
  const nats = await NatsProcess.start(w);
  const me = await w.connect();
  // One that has ended: the copy would take a living one's shim from the first.
  const main = await w.open(me, { name: "main", script: "echo hello" });
  await fact("it ended", async () => (await me.show(main.id)).state === SessionState.ENDED);
  const laptop = await mirrored(w, nats);
  await held(w, "host", "mirror", "now");
  const place = w.path("restored");
  const env = { ...w.env, HOLDFAST_HOME: place };
  const home = homeFolder(env);
  mkdirSync(dirname(home), { recursive: true });
  cpSync(w.home, home, { recursive: true, filter: (from) => from !== folders.run(w.home) });
  await me.rename("main", "renamed");
  await held(w, "host", "mirror", "now");
  await startHost({ home, env, timeoutMs: 60_000 });
  const copy = await connect({ home });
  onTestFinished(() => copy.close());
  await fact("the copy is fenced", async () => (await status(copy)) === "fenced");
  expect((await copy.mirrorStatus()).why).toMatch(/another host with the id .* has written this mirror/);
  expect(await me.mirrorStatus()).toMatchObject({ state: "mirrored" });
  await held({ env }, "host", "mirror", nats.url, "--take-over");
  expect((await copy.mirrorStatus()).epoch).toBe(2);
  await me.rename("renamed", "again");
  await fact("the first is fenced", async () => {
    await hold(w, "host", "mirror", "now");
    return (await status(me)) === "fenced";
  });
  expect(await held(laptop, "ls", "-a", "--context", "box", "--from-mirror")).toMatch(/main/);
});

test("the mirror is an admin's to set; its key is an auditor's too, and no AI's, and whose it is told stands in the record", async () => {
  const w = await world();
  const nats = await NatsProcess.start(w);
  const me = await w.connect();
  await me.mirror({ url: nats.url });
  const ana = await w.operator("ana", "human", "operator");
  const aud = await w.operator("aud", "human", "auditor");
  const ai = await w.operator("robot", "ai", "auditor");
  expect(await refusal(ana.mirror({ url: nats.url }))).toBe("not_permitted");
  expect(await refusal(ana.mirrorStatus())).toBe("not_permitted");
  expect(await refusal(ana.mirrorKey())).toBe("not_permitted");
  expect(await refusal(aud.mirror("off"))).toBe("not_permitted");
  expect((await aud.mirrorKey()).key).toHaveLength(32);
  expect((await ai.operatorList()).find((o) => o.name === "robot")?.kind).toBe(OperatorKind.AI);
  expect(await refusal(ai.mirrorKey())).toBe("not_permitted");
  expect(await held(w, "audit", "show")).toMatch(/aud .*mirror_key/);
  expect(await refusal(me.mirror({ url: "http://nats.example" }))).toBe("bad_request");
  expect((await me.mirror("off")).state).toBe("off");
  expect(await refusal(me.mirrorKey())).toBe("bad_request");
});
