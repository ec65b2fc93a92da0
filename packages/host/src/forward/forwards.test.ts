import { createServer, type AddressInfo } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { Forwards } from "./forwards.ts";
import type { Listening } from "./listening.ts";

const there = vi.hoisted(() => ({ places: [] as Listening[] }));
vi.mock("./listening.ts", () => ({ listeningBelow: async () => there.places }));

/** A program that listens. `went`: somebody goes to its port, and is not connected yet. */
async function scene(went: () => void) {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  there.places = [{ port, address: "127.0.0.1", pid: 7, program: "node" }];
  const session = { id: "s1", facts: { name: "main" }, refuseBeside: () => {}, record: went };
  const host = {
    forwarding: "on",
    findFor: () => session,
    demand: () => {},
    gate: { demand: () => {} },
    sessions: new Map([["s1", session]]),
    parentOf: () => "",
  } as unknown as Host;
  const operator = { id: "op-ana", kind: "human", name: "ana" } as unknown as RegisteredOperator;
  return { forwards: new Forwards(host, operator, "cli"), port };
}

test("who is still being connected when the link ends is told so", async () => {
  const scened = await scene(() => queueMicrotask(() => scened.forwards.close()));
  await expect(scened.forwards.open("main", scened.port, "link")).rejects.toMatchObject({
    code: "cancelled",
    message: expect.stringContaining("the link is over"),
  });
});
