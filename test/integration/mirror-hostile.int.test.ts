/** Mirrors that somebody has changed, hosts that are one too many, and operators who may not: with a real nats-server. */
import { cpSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { startHost } from "@holdfast/host/start";
import { OperatorKind, SessionState } from "@holdfast/protocol";
import { connect, folders, homeFolder } from "@holdfast/sdk/node";
import { expect, onTestFinished, test } from "vitest";
import { held, hold } from "./world/hold.ts";
import { bucketOf, mirrored, pieces, status } from "./world/mirror.ts";
import { NatsProcess } from "./world/nats.ts";
import { fact } from "./world/processes.ts";
import { program } from "./world/program.ts";
import { refusal, world } from "./world/world.ts";

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
  await startHost({ home, env, timeoutMs: 60_000, program });
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
