/** Sessions as handles (sdk/session.ts): what most programs write, against a real host. */
import { expect, test } from "vitest";
import { fact } from "./world/processes.ts";
import { world } from "./world/world.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test("a session is opened, steered, read and ended by its handle", async () => {
  const w = await world();
  const client = await w.connect();
  const session = await client.sessions.open({
    env: w.env,
    addEnv: { COUNT: "one" },
    cwd: w.files,
    shell: "/bin/bash",
    name: "mine",
  });
  const ran = await session.run('echo "$COUNT"; [ "$HOME" ] && (exit 3)');
  expect(ran).toMatchObject({ ok: true, code: 3, state: "ended" });
  expect(ran.ok && text(ran.output).trim()).toBe("one");
  const beside = await session.exec(["sh", "-c", "pwd; echo oops >&2; exit 5"]);
  expect(beside.ok && [text(beside.stdout).trim(), text(beside.stderr).trim(), beside.exit.code]).toEqual([w.files, "oops", 5]);
  expect((await client.sessions.list()).map((s) => s.name)).toEqual(["mine"]);
  expect((await client.sessions.get("mine")).id).toBe(session.id);
  const kinds: string[] = [];
  for await (const entry of session.log()) kinds.push(entry.type === "event" ? (entry.event.body?.kind.case ?? "") : entry.type);
  expect(kinds).toEqual(expect.arrayContaining(["opened", "input", "output", "commandEnded"]));
  await session.kill();
  expect((await session.look()).state).not.toBe(1);
});

test("what the host says no to is a value that names who and why, and what broke is thrown", async () => {
  const w = await world();
  const admin = await w.connect();
  const ben = await w.operator("ben");
  const session = await w.open(admin, { command: ["cat"] });
  const mine = await admin.sessions.get(session.id);
  expect(await mine.takeFloor()).toMatchObject({ ok: true });
  const his = await ben.sessions.get(session.id);
  expect(await his.send("x")).toMatchObject({ ok: false, code: "floor_held" });
  const attached = his.attach();
  expect(await attached.send("y")).toMatchObject({ ok: false, code: "floor_held" });
  await attached.detach();
  await expect(ben.sessions.get("no-such")).rejects.toMatchObject({ code: "no_such_session" });
});

test("a loop that waits holds nobody up: the program prints on, others see it, and the loop then gets every byte", async () => {
  const w = await world();
  const client = await w.connect();
  const session = await w.open(client, { script: "seq 1 400000; echo all; exec sleep 1000" });
  const attached = (await client.sessions.get(session.id)).attach({ from: 0 });
  await attached.ready;
  const quick = (await client.sessions.get(session.id)).attach({ from: 0 });
  let seen = "";
  for await (const item of quick) {
    if (item.type === "output") seen += text(item.bytes);
    if (seen.includes("all\r\n")) break;
  }
  // Only now does the other begin.
  let slow = "";
  for await (const item of attached) {
    if (item.type === "output") slow += text(item.bytes);
    if (slow.includes("all\r\n")) break;
  }
  expect(slow).toBe(seen);
  await fact("both have left", async () => (await client.show(session.id)).operators.length === 0);
});

test("a loop goes on over a host that is killed, and ends with the session's detachment", async () => {
  const w = await world();
  const client = await w.connect();
  const session = await w.open(client, { script: "read x; echo got $x; read y; echo end $y" });
  const attached = (await client.sessions.get(session.id)).attach({ from: 0 });
  await attached.ready;
  await w.killHost();
  expect(await attached.send("one\r")).toMatchObject({ ok: true });
  const states: string[] = [];
  let out = "";
  for await (const item of attached) {
    if (item.type === "link") states.push(item.state);
    if (item.type === "output") out += text(item.bytes);
    if (out.includes("got one") && !out.includes("end")) await attached.send("two\r");
    if (out.includes("end two")) break;
  }
  expect(states).toContain("offline");
  expect(out.match(/got one/g)).toHaveLength(1);
});

test("an attachment that can't be had is told to the loop, and an aborted one ends", async () => {
  const w = await world();
  const client = await w.connect();
  const session = await w.open(client, { command: ["cat"] });
  const handle = await client.sessions.get(session.id);
  await handle.kill();
  await client.remove(session.id);
  await expect(async () => {
    for await (const _ of handle.attach()) expect.unreachable();
  }).rejects.toMatchObject({ code: "no_such_session" });
  const other = await w.open(client, { command: ["cat"] });
  const leaving = new AbortController();
  const items: string[] = [];
  for await (const item of (await client.sessions.get(other.id)).attach({ signal: leaving.signal })) {
    items.push(item.type);
    if (item.type === "snapshot") leaving.abort();
  }
  expect(items).toContain("snapshot");
});

test("a client whose host was killed goes on: its handles ask the next host, and what ran is what it was", async () => {
  const w = await world();
  const client = await w.connect();
  const session = await client.sessions.open({ env: w.env, cwd: w.files, shell: "/bin/bash", name: "kept" });
  const before = await session.run("echo $$");
  await w.killHost();
  await fact("its link is gone", () => client.isOver);
  const after = await session.run("echo $$");
  expect(after.ok && text(after.output)).toBe(before.ok && text(before.output));
  const beside = await session.exec(["echo", "beside"]);
  expect(beside.ok && text(beside.stdout)).toBe("beside\n");
  expect((await client.sessions.list()).map((s) => s.name)).toEqual(["kept"]);
});

test("a file that is no longer what was read, an end that may not be, and one that was: each is told as a value", async () => {
  const w = await world();
  const client = await w.connect();
  const session = await client.sessions.open({ env: w.env, cwd: w.files, command: ["cat"] });
  const bytes = (said: string): Uint8Array => Buffer.from(said);
  const first = await session.files.write("notes", bytes("one"), { ifSha256: null });
  expect(first).toMatchObject({ ok: true, path: w.path("notes"), size: 3 });
  expect(await session.files.write("notes", bytes("two"), { ifSha256: null })).toMatchObject({ ok: false, code: "file_changed" });
  const { sha256 } = await session.files.hash("notes");
  expect(await session.files.write("notes", bytes("two"), { ifSha256: sha256 })).toMatchObject({ ok: true });
  await expect(session.files.hash("no-such")).rejects.toMatchObject({ code: "no_such_file" });

  const watcher = await (await w.operator("ben", "human", "observer")).sessions.get(session.id);
  expect(await watcher.kill()).toMatchObject({ ok: false, code: "not_permitted", details: { right: "session.terminate" } });
  expect(await watcher.files.write("notes", bytes("three"))).toMatchObject({ ok: false, code: "not_permitted" });
  expect(await session.kill()).toMatchObject({ ok: true, exit: { signal: expect.any(Number) } });
  expect(await session.kill()).toMatchObject({ ok: false, code: "session_ended" });
});
