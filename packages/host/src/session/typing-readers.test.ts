/** V5: what people who are attached are told of another's typing, and when. */
import { type SimClient, simulate, type World } from "@holdfast/testkit";
import { expect, test } from "vitest";

interface Told {
  readonly by: string;
  readonly payload: string;
  readonly text: string;
}

async function reads(world: World, name: string, how: object = {}): Promise<{ told: Told[]; client: SimClient }> {
  const told: Told[] = [];
  const client = await world.newClient(name as never);
  const event = (e: { actor: string; data: Uint8Array; payload: string; body?: { kind: { case?: string } } }): void => {
    if (e.body?.kind.case === "input") told.push({ by: e.actor, payload: e.payload, text: Buffer.from(e.data).toString() });
  };
  await world.finish(client.client!.attach({ session: world.session, observe: true, ...how }, { event: event as never }));
  return { told, client };
}

async function types(world: World, name: string, text: string): Promise<void> {
  const { client } = await world.newClient(name as never);
  await world.finish(client!.send(world.session, Buffer.from(text)));
}

const REPLAY = { mode: "replay", after: 0 };

test("a password that a person types is told to no other person, as it comes, from the journal and later", async () => {
  const world = await simulate({ seed: 471, mood: "sink" });
  world.shim.program.isHiding = true;
  const watching = await reads(world, "ben");
  const following = await reads(world, "ben", REPLAY);
  await types(world, "ana", "hunter2\r");
  await world.until("both are told of it", () => watching.told.length === 1 && following.told.length === 1);
  const later = await reads(world, "ben", REPLAY);
  await world.until("it has been read again", () => later.told.length === 1);
  for (const { told } of [watching, following, later])
    expect(told).toMatchObject([{ by: "ana", text: "", payload: expect.stringMatching(/^(untold|redacted)$/) }]);
});

test("what is typed to be seen is told with its bytes", async () => {
  const world = await simulate({ seed: 472, mood: "echo" });
  const { told } = await reads(world, "ben");
  await types(world, "ana", "make\r");
  await world.until("it is told", () => told.length === 1);
  expect(told).toEqual([{ by: "ana", payload: "", text: "make\r" }]);
});

test("output does not wait for what is typed ahead: that comes without its bytes, and the record has them", async () => {
  const world = await simulate({ seed: 473, mood: "deaf" });
  const { told } = await reads(world, "ben");
  const ahead = "x".repeat(6_000);
  const ana = await world.newClient("ana");
  const sending = ana.client!.send(world.session, Buffer.from(ahead));
  await world.until("it is recorded", () => world.shim.queuedBytes > 0);
  world.shim.prints(Buffer.from("more\n"));
  await world.until("it is told of", () => told.length > 0);
  expect(told).toEqual([{ by: "ana", payload: "untold", text: "" }]);
  world.shim.setMood("sink");
  await world.finish(sending);
  const again = await reads(world, "ben", REPLAY);
  await world.until("it has been read again", () => again.told.length > 0);
  expect(again.told.map((t) => t.text).join("")).toBe(ahead);
});
