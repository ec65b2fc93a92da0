import type { HostBody } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { Client } from "./client.ts";
import { HandClock, ScriptedHost, settled } from "./test/scripted-host.ts";

/** A client, and a host whose command runs until it is killed. */
async function scene() {
  const host = new ScriptedHost();
  const clock = new HandClock(host);
  const session = { id: "e1", name: "sleep", floor: {}, exit: { signal: 15 } };
  host.on = (body, say) => {
    const answer = (id: bigint, result: object): void => say({ case: "answer", value: { id, result } } as unknown as HostBody);
    if (body.case === "attach") say({ case: "attached", value: { attachment: "a1", session, cursor: body.value.cursor ?? 0n } });
    if (body.case === "detach") say({ case: "detached", value: { reason: "left" } });
    if (body.case !== "call") return;
    const { id, verb } = body.value;
    if (verb.case === "exec") answer(id, { case: "exec", value: { session, cwd: "/", environment: "prompt" } });
    else answer(id, { case: "session", value: session });
  };
  const client = new Client(await host.dial(), clock, { env: {}, cwd: "/", shell: "sh", umask: 0, nofile: null });
  const killed = (): string[] => host.of("call").flatMap((c) => (c.verb.case === "kill" ? [c.verb.value.session] : []));
  return { clock, client, killed };
}

test("a command that outlasts its time is ended, and the caller is told so", async () => {
  const { clock, client, killed } = await scene();
  const running = client.exec("work", ["sleep", "5"], { timeoutMs: 1_000 });
  running.catch(() => {});
  await settled();
  await settled();
  expect(killed()).toEqual([]);
  await clock.next();
  expect(killed()).toEqual(["e1"]);
  await clock.next();
  await expect(running).rejects.toMatchObject({ code: "timed_out", message: expect.stringContaining("was ended") });
});

test("a command that its caller wants ended is ended, whether its output is read or not, and tells its exit", async () => {
  const { clock, client, killed } = await scene();
  const end = new AbortController();
  const running = client.exec("work", ["yes"], { end: end.signal, output: () => new Promise(() => {}) });
  await settled();
  await settled();
  end.abort();
  await settled();
  expect(killed()).toEqual(["e1"]);
  await clock.next();
  expect((await running).exit).toMatchObject({ signal: 15 });
});
