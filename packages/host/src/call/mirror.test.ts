/** That the record does not go elsewhere unrecorded, and nobody is told its password. */
import { JournalError } from "../journal/index.ts";
import { describe, expect, test } from "vitest";
import { mirror, mirrorKey } from "./mirror.ts";

function scene(fails = false) {
  const recorded: string[] = [];
  const done: string[] = [];
  const state = { isFrozen: false };
  const does = (what: string) => async () => {
    if (fails) throw new Error("no space");
    done.push(what);
  };
  const host = {
    mirror: {
      ...{ set: does("set"), off: does("off"), status: async () => ({}) },
      key: () => ({ key: Buffer.alloc(32), setting: { url: "nats://ana:a/b@c@host:4222", bucket: "holdfast" } }),
    },
    recordOperator(_by: unknown, _operator: string, change: string, detail: string) {
      if (state.isFrozen) throw new JournalError("journal_frozen", "frozen");
      recorded.push(`${change} ${detail}`);
    },
  };
  const ctx = { host, operator: { id: "ana", kind: "human" }, via: "cli", isBearer: false };
  const asks = (call: object) =>
    mirror(ctx as never, { url: "", bucket: "", creds: "", off: false, now: false, takeOver: false, ...call } as never);
  return { state, recorded, done, asks, ctx };
}

describe("mirror", () => {
  test("with a frozen journal nothing is set up, nor off", async () => {
    const { state, done, asks } = scene();
    state.isFrozen = true;
    await expect(asks({ url: "nats://host:4222" })).rejects.toThrow("journal_frozen");
    await expect(asks({ off: true })).rejects.toThrow("journal_frozen");
    expect(done).toEqual([]);
  });

  test("what fails is recorded as failed, after it was recorded", async () => {
    const { recorded, asks } = scene(true);
    await expect(asks({ url: "nats://ana:word@host:4222", takeOver: true })).rejects.toThrow("no space");
    await expect(asks({ off: true })).rejects.toThrow("no space");
    expect(recorded).toEqual([
      "mirror_set nats://host:4222 holdfast, taken over",
      "mirror_set failed: nats://host:4222 holdfast, taken over",
      "mirror_off the record is mirrored no more",
      "mirror_off failed: the record is mirrored no more",
    ]);
  });

  test("what is no address is neither recorded nor set", async () => {
    const { recorded, done, asks } = scene();
    await expect(asks({ url: "http://ana:a/b@host" })).rejects.toThrow("http://host is no address");
    expect([...recorded, ...done]).toEqual([]);
  });

  test("its key comes with an address that has no password", async () => {
    const { ctx } = scene();
    const answer = await mirrorKey(ctx as never);
    expect(answer.case === "mirrorKey" && answer.value.url).toBe("nats://host:4222");
  });
});
