/** A client whose link has ended: what becomes of calls. */
import { create, DoneSchema, type HostBody } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { Client } from "./client.ts";
import { HandClock, ScriptedHost, settled } from "./test/scripted-host.ts";

async function scene() {
  const host = new ScriptedHost();
  host.on = (body, say) => {
    if (body.case !== "call") return;
    say({ case: "answer", value: { id: body.value.id, result: { case: "done", value: create(DoneSchema) } } } as HostBody);
  };
  const clock = new HandClock(host);
  const client = new Client(await host.dial(), clock, { env: {}, cwd: "/", shell: "sh", umask: 0, nofile: null });
  const cut = async (): Promise<void> => {
    host.links.at(-1)!.destroy();
    await settled();
  };
  return { host, clock, client, cut };
}

test("a call after the link has ended goes over a new one, and calls of one moment share it", async () => {
  const { host, client, cut } = await scene();
  await client.rename("s", "a");
  await cut();
  expect(client.isOver).toBe(true);
  await Promise.all([client.rename("s", "b"), client.rename("s", "c")]);
  expect(host.links).toHaveLength(2);
  expect(client.isOver).toBe(false);
});

test("a call that was open when the link ended is rejected and not asked again: the host may have done it", async () => {
  const { host, client, cut } = await scene();
  host.on = () => {};
  const asked = client.rename("s", "a");
  asked.catch(() => {});
  await settled();
  await cut();
  await expect(asked).rejects.toMatchObject({ code: "unreachable" });
  await settled();
  expect(host.links).toHaveLength(1);
  expect(host.of("call")).toHaveLength(1);
});

test("a host that starts again is waited for, and one that does not come is told as unreachable", async () => {
  const { host, clock, client, cut } = await scene();
  await cut();
  host.refusesLinks = true;
  const asked = client.rename("s", "a");
  await settled();
  host.refusesLinks = false;
  await clock.next();
  await asked;

  await cut();
  host.refusesLinks = true;
  let why: unknown = null;
  client.rename("s", "b").catch((fault: unknown) => {
    why = fault;
  });
  await settled();
  while (clock.pending > 0) await clock.next();
  expect(why).toMatchObject({ code: "unreachable" });
  expect(clock.nowMs).toBeGreaterThan(9_000);
});

test("who was told to go, or has left, does not come back", async () => {
  const told = await scene();
  told.host.say({ case: "refused", value: { error: { code: "revoked", message: "out", details: {} } } }, 0);
  await settled();
  await expect(told.client.rename("s", "a")).rejects.toMatchObject({ code: "revoked" });
  expect(told.host.links).toHaveLength(1);

  const left = await scene();
  await left.cut();
  left.host.refusesLinks = true;
  const asked = left.client.rename("s", "a");
  await settled();
  left.client.close();
  await expect(asked).rejects.toMatchObject({ code: "cancelled" });
  await expect(left.client.rename("s", "b")).rejects.toMatchObject({ code: "cancelled" });
  expect(left.clock.pending).toBe(0);
});

test("requests that wait for an approval are told over the new link too", async () => {
  const { host, client, cut } = await scene();
  const seen: number[] = [];
  const stop = client.onApprovals((waiting) => void seen.push(waiting));
  host.say({ case: "approvals", value: { waiting: 1, own: 0 } }, 0);
  await settled();
  await cut();
  await client.rename("s", "a");
  host.say({ case: "approvals", value: { waiting: 2, own: 0 } }, 0);
  await settled();
  stop();
  host.say({ case: "approvals", value: { waiting: 3, own: 0 } }, 0);
  await settled();
  expect(seen).toEqual([1, 2]);
});
