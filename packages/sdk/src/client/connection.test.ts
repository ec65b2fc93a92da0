import { DoneSchema, create, RunAnswerSchema } from "@holdfast/protocol";
import { memoryPair } from "@holdfast/carrier";
import { encodeHost } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { Connection } from "./connection.ts";
import { ScriptedHost, settled } from "./test/scripted-host.ts";

const whoami = { case: "whoami", value: {} } as const;

test("a call that was given up before it was asked is not sent", async () => {
  const host = new ScriptedHost();
  const connection = await host.dial();
  await expect(connection.call(whoami, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
  await settled();
  expect(host.heard).toEqual([]);
});

test("giving a call up is told to the host while it runs, and not after its answer", async () => {
  const host = new ScriptedHost();
  const connection = await host.dial();
  const giving = new AbortController();
  const first = connection.call(whoami, { signal: giving.signal });
  await settled();
  host.say({ case: "answer", value: { id: 1n, result: { case: "done", value: create(DoneSchema) } } }, 0);
  await first;
  giving.abort();
  await settled();
  expect(host.of("cancel")).toEqual([]);
});

test("who throws at a part of an answer has its call rejected with that, given up, and keeps the link", async () => {
  const host = new ScriptedHost();
  const connection = await host.dial();
  const call = connection.call(whoami, {
    more: () => {
      throw new Error("full");
    },
  });
  await settled();
  host.say({ case: "answer", value: { id: 1n, more: true, result: { case: "run", value: create(RunAnswerSchema) } } }, 0);
  await expect(call).rejects.toThrow("full");
  await settled();
  expect(host.of("cancel")).toHaveLength(1);
  expect(connection.isOver).toBe(false);
});

test("every call that is open when the link ends is rejected", async () => {
  const host = new ScriptedHost();
  const connection = await host.dial();
  const calls = [connection.call(whoami), connection.call(whoami)];
  await settled();
  host.links[0]!.destroy();
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: "unreachable" });
  await expect(connection.call(whoami)).rejects.toMatchObject({ code: "unreachable" });
});

test.each(["host_key_changed", "no crypto here"])(
  "a host that is not proven (%s) is signed nothing, and the link ends",
  async (why) => {
    const said: number[] = [];
    let isOpen = true;
    const opening = Connection.open({
      dial: async (accept) => {
        const { client } = memoryPair(
          (link) => ({
            frame: () => {
              said.push(1);
              if (said.length === 1)
                link.send(
                  0,
                  encodeHost({
                    case: "challenge",
                    value: { protocol: 1, hostKey: new Uint8Array(32), nonce: new Uint8Array(32) },
                  }),
                );
            },
            closed: () => {
              isOpen = false;
            },
          }),
          accept,
        );
        return client;
      },
      credential: { keyId: new Uint8Array(32), sign: (bytes) => bytes },
      verifier: {
        randomBytes: (n) => new Uint8Array(n),
        verify: () => (why === "host_key_changed" ? false : Promise.reject(new Error(why))),
      },
      via: "sdk",
      client: "t",
    });
    await expect(opening).rejects.toMatchObject(why === "host_key_changed" ? { code: why } : { message: why });
    await settled();
    expect(said).toHaveLength(1);
    expect(isOpen).toBe(false);
  },
);
