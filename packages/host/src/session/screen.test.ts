/** The screen of a session while models come and go under it. */
import { simulate, type World } from "@holdfast/testkit";
import { expect, test } from "vitest";
import type { Checkpoint } from "./ports.ts";
import { OUTPUT_KIND } from "./record.ts";

const shown = async (world: World): Promise<string> => Buffer.from((await asked(world)).vt).toString();

async function asked(world: World): Promise<Checkpoint["snapshot"]> {
  let given: Checkpoint["snapshot"] | null = null;
  const taking = world.live.screen.snapshot(0).then(({ snapshot }) => (given = snapshot));
  await world.until("the screen is given", () => given !== null);
  return taking;
}

async function checkpointOf(world: World): Promise<string> {
  await world.until("the model is let go of", () => world.checkpoints.size > 0 && !world.live.screen.isOpen);
  return [...world.checkpoints.values()].map(({ snapshot }) => Buffer.from(snapshot.vt).toString()).join("");
}

/** Those that hold any of it, however the shim cut it. */
function seqsOf(world: World, text: string): number[] {
  const outputs = world.live
    .read(0, 1_000_000)
    .flatMap((item) => ("gap" in item || item.entry.kind !== OUTPUT_KIND ? [] : [item.entry]));
  const from = Buffer.concat(outputs.map((o) => o.payload)).indexOf(text);
  return outputs.filter((o) => o.offset < from + text.length && o.offset + o.payloadBytes > from).map((o) => o.seq);
}

async function prints(world: World, text: string): Promise<void> {
  const end = world.live.facts.ends[0] + text.length;
  world.shim.prints(Buffer.from(text));
  await world.until("it is recorded", () => world.live.facts.ends[0] >= end);
}

test("a screen asked for in the moment in which its model is let go of is given", async () => {
  const world = await simulate({ seed: 21 });
  await prints(world, "hello\r\n");
  expect(await shown(world)).toContain("hello");
  // As the checkpoint is written, and nothing else is to be done before the model goes.
  let late: Promise<string> | null = null;
  const set = world.checkpoints.set.bind(world.checkpoints);
  world.checkpoints.set = (id, checkpoint) => {
    late ??= world.live.screen.snapshot(0).then(({ snapshot }) => Buffer.from(snapshot.vt).toString());
    return set(id, checkpoint);
  };
  await world.until("a checkpoint is written", () => late !== null);
  let given = "";
  void late!.then(
    (text) => (given = text),
    (fault) => (given = String(fault)),
  );
  await world.until("the screen is given", () => given !== "");
  expect(given).toContain("hello");
});

test("what was redacted is in no screen that is given from then on, even if it was being taken, and in no checkpoint", async () => {
  const world = await simulate({ seed: 22 });
  await prints(world, "before\r\n");
  await prints(world, "TOKEN\r\n");
  await prints(world, "after\r\n");
  expect(await shown(world)).toContain("TOKEN");
  expect(await checkpointOf(world)).toContain("TOKEN");
  expect(await shown(world)).toContain("TOKEN");

  let given = "";
  void world.live.screen.snapshot(0).then(({ snapshot }) => (given = Buffer.from(snapshot.vt).toString()));
  expect(world.live.redact(seqsOf(world, "TOKEN")).length).toBeGreaterThan(0);
  expect(world.checkpoints.size).toBe(0);
  await world.until("the screen is given", () => given !== "");
  for (const text of [given, await shown(world), await checkpointOf(world), await shown(world)]) {
    expect(text).not.toContain("TOKEN");
    expect(text).toContain("before");
    expect(text).toContain("after");
  }
  expect(world.violations).toEqual([]);
});

test("a checkpoint that is being made while something is redacted is not kept", async () => {
  const world = await simulate({ seed: 23 });
  await prints(world, "TOKEN\r\n");
  expect(await shown(world)).toContain("TOKEN");
  const seqs = seqsOf(world, "TOKEN");
  const written: string[] = [];
  const set = world.checkpoints.set.bind(world.checkpoints);
  world.checkpoints.set = (id, checkpoint) => {
    written.push(Buffer.from(checkpoint.snapshot.vt).toString());
    return set(id, checkpoint);
  };
  // The models answer after 20 ms at the least, and the store writes for 1 ms at the least: every millisecond of both.
  await world.advance(9_900);
  let isSaving = false;
  const { models } = world.life;
  const take = models.snapshot.bind(models);
  models.snapshot = (id, options) => {
    isSaving ||= options === undefined;
    return take(id, options);
  };
  await world.until("a checkpoint is begun", () => isSaving);
  world.live.redact(seqs);
  await world.advance(30_000);
  expect(written.length).toBeGreaterThan(0);
  expect(written.join("")).not.toContain("TOKEN");
});

test("redacting what no screen was made from leaves checkpoint and model alone", async () => {
  const world = await simulate({ seed: 24 });
  await prints(world, "shown\r\n");
  expect(await shown(world)).toContain("shown");
  await checkpointOf(world);
  const kept = [...world.checkpoints.values()];
  await prints(world, "TOKEN\r\n");
  expect(world.live.redact(seqsOf(world, "TOKEN")).length).toBeGreaterThan(0);
  expect([...world.checkpoints.values()]).toEqual(kept);
  expect(await shown(world)).not.toContain("TOKEN");
});
