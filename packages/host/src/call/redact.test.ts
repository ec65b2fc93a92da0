/** What `hold redact` counts and records. */
import { simulate, type World } from "@holdfast/testkit";
import { describe, expect, test } from "vitest";
import type { Host } from "../host.ts";
import { redact } from "./reading.ts";

describe("redact", () => {
  const redacts = async (world: World, seqs: readonly number[]): Promise<number> => {
    const by = { operator: world.life.host.registry.byName("ana")!, via: "cli" };
    const value = { session: world.session, seqs: seqs.map(BigInt), fromSeq: 0n, toSeq: 0n, reason: "" };
    const r = await world.finish(redact({ host: world.life.host as Host, ...by } as never, value as never));
    return r.case === "redact" ? r.value.redacted : -1;
  };
  const told = (world: World): string[] =>
    world.live
      .read(0, 1024 * 1024)
      .flatMap((item) => ("body" in item && item.body?.case === "redacted" ? [item.body.value.seqs.join(",")] : []));

  test("counts and records what it erased: nothing without a payload, and nothing twice", async () => {
    const world = await simulate({ seed: 44 });
    expect(await redacts(world, [1])).toBe(0);
    world.shim.prints(Buffer.from("secret\r\n"));
    await world.advance(50);
    const { seq } = world.live.facts;
    expect(await redacts(world, [1, seq])).toBe(1);
    expect(await redacts(world, [1, seq])).toBe(0);
    expect(told(world)).toEqual([String(seq)]);
  });

  test("names all that it erased, in several events where one would be too long", async () => {
    const recorded: bigint[][] = [];
    const session = {
      facts: { seq: 9_001 },
      redact: (seqs: readonly number[]) => seqs,
      record: (_by: unknown, body: { value: { seqs: bigint[] } }) => void recorded.push(body.value.seqs),
    };
    const ctx = { host: { find: () => session, mirror: null }, operator: { id: "ana" }, via: "cli" };
    await redact(ctx as never, { session: "s", seqs: [], fromSeq: 1n, toSeq: 9_001n, reason: "" } as never);
    expect(recorded.map((seqs) => seqs.length)).toEqual([4_000, 4_000, 1_001]);
    expect(recorded.flat()).toEqual(Array.from({ length: 9_001 }, (_, i) => BigInt(i + 1)));
  });

  test("takes more at once than a call has arguments", async () => {
    const world = await simulate({ seed: 45 });
    const seqs = Array.from({ length: 200_000 }, (_, i) => 1_000 + i);
    expect(world.live.redact(seqs)).toEqual([]);
  });
});
