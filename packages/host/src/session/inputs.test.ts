import { create, InputSchema, InputStatus } from "@holdfast/protocol";
import { simulate } from "@holdfast/testkit";
import { expect, test } from "vitest";

test("whoever goes on the moment they are answered finds the room that the answer tells of, in a queue that was full", async () => {
  const world = await simulate({ seed: 75, mood: "sink" });
  const ana = world.life.host.registry.byName("ana")!;
  const CHUNK = 32 * 1024;
  const outcomes: (InputStatus | string)[] = [];
  let n = 0;
  const offer = (): void => {
    const frame = create(InputSchema, { n: BigInt(++n), data: new Uint8Array(CHUNK).fill(120), unit: "paste" });
    world.live.offer(ana, "sdk", null, "writer-of-a-paste", frame, (told) => {
      outcomes.push(told.error?.code ?? told.status);
      if (n < 40) offer();
    });
  };
  // As much as the queue takes: the next chunk has room with the first answer, and not before.
  for (let i = 0; i < 8; i++) offer();
  await world.until("all are answered", () => outcomes.length === 40);
  expect(new Set(outcomes)).toEqual(new Set([InputStatus.APPLIED]));
  expect(world.violations).toEqual([]);
});

test("a frame that is sent again between its answer and the record of it is answered again", async () => {
  const world = await simulate({ seed: 77, mood: "sink" });
  const ana = world.life.host.registry.byName("ana")!;
  const frame = create(InputSchema, { n: 1n, data: Buffer.from("once\r"), durable: true });
  const told: string[] = [];
  const offer = (label: string, then: () => void): void =>
    world.live.offer(ana, "sdk", null, "writer-of-one-frame", frame, ({ status, durable }) => {
      told.push(`${label} ${status}${durable ? " durable" : ""}`);
      if (!durable) then();
    });
  // As on a new link, when the old one broke under the answer.
  offer("first", () => offer("again", () => {}));
  await world.until("both are told", () => told.length === 4);
  expect(told.slice(0, 2)).toEqual([`first ${InputStatus.APPLIED}`, `again ${InputStatus.APPLIED}`]);
  expect(told.slice(2).sort()).toEqual([`again ${InputStatus.APPLIED} durable`, `first ${InputStatus.APPLIED} durable`]);
  expect(Buffer.concat(world.shim.program.read).toString()).toBe("once\r");
  expect(world.violations).toEqual([]);
});
