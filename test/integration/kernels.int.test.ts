/** Kernels as sessions: real ipykernel under the real shim and host. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folders } from "@holdfast/sdk/node";
import { type Event, type HostClient, type KernelRunOptions, OperatorKind } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { fact, kill, lives } from "./world/processes.ts";
import { refusal, type World, world } from "./world/world.ts";

async function kernelWorld(): Promise<{ w: World; client: HostClient; session: string }> {
  const w = await world();
  const client = await w.connect();
  const { id } = await w.open(client, { kind: "kernel", kernel: "python3", name: "data" });
  return { w, client, session: id };
}

/** Runs code; its text, and how it ended. */
async function ran(client: HostClient, session: string, code: string, options: KernelRunOptions = {}) {
  let text = "";
  const result = await client.kernels.run(session, code, { text: (shown) => void (text += shown), ...options });
  return { ...result, text };
}

/** Code that waits until the file is there. */
const until = (path: string): string => `import os, time\nwhile not os.path.exists(${JSON.stringify(path)}): time.sleep(0.01)`;

const kernelPid = async (client: HostClient, session: string): Promise<number> =>
  (await client.kernels.show(session)).kernel!.pid;

test("a kernel keeps its variables, counts what ran, and tells an error apart from the rest", async () => {
  const { client, session } = await kernelWorld();
  expect(await ran(client, session, "x = 41; print(x + 1)")).toMatchObject({
    text: "42\n",
    state: "ended",
    outcome: "ok",
    executionCount: 1,
  });
  expect(await ran(client, session, "x * 2")).toMatchObject({ text: "82\n", outcome: "ok", executionCount: 2 });
  const failed = await ran(client, session, "1/0");
  expect(failed).toMatchObject({ outcome: "error", executionCount: 3 });
  expect(failed.text).toContain("ZeroDivisionError");
  const shown = await client.show(session);
  expect(shown).toMatchObject({ name: "data", kernel: { spec: "python3", language: "python", phase: "ready", incarnation: 1 } });
  expect(await client.run(session, { text: "x" })).toMatchObject({ state: "ended", code: 0 });
});

test("K2: an input() as the very first code after the start is asked, and answered", async () => {
  const { client, session } = await kernelWorld();
  const running = ran(client, session, "name = input('who? '); print('hello ' + name)");
  const { prompt } = await fact("it asks", async () => {
    const shown = await client.kernels.show(session);
    return shown.prompt ? { prompt: shown.prompt } : null;
  });
  expect(prompt).toMatchObject({ text: "who? ", password: false });
  await client.kernels.reply(session, prompt.prompt, "ana");
  expect(await running).toMatchObject({ outcome: "ok", text: "hello ana\n" });
  expect(await refusal(client.kernels.reply(session, prompt.prompt, "ben"))).toBe("no_such_prompt");
});

test("S3: who raised input() leaves; another sees the prompt and answers, and the code goes on", async () => {
  const { w, client, session } = await kernelWorld();
  const ana = await w.operator("ana");
  void ran(ana, session, "got = input('? ')").catch(() => {});
  const { prompt } = await fact("it asks", async () =>
    (await client.kernels.show(session)).prompt ? client.kernels.show(session) : null,
  );
  w.close(ana);
  const ben = await w.operator("ben");
  await ben.kernels.reply(session, prompt!.prompt, "yes");
  expect(await ran(ben, session, "print(got)")).toMatchObject({ text: "yes\n" });
});

test("an answer to getpass is nowhere in the record, and an attachment is never shown it", async () => {
  const { w, client, session } = await kernelWorld();
  const watched: Event[] = [];
  await client.attach({ session, observe: true }, { event: (e) => void watched.push(e) });
  const running = ran(client, session, "from getpass import getpass; print(len(getpass()))");
  const prompt = await fact("it asks", async () => (await client.kernels.show(session)).prompt);
  expect(prompt.password).toBe(true);
  await client.kernels.reply(session, prompt.prompt, "hunter2-canary");
  expect(await running).toMatchObject({ text: "14\n" });
  await client.auditHead(true);
  const journal = folders.journal(w.home);
  const holds = (): string[] =>
    (readdirSync(journal, { recursive: true, withFileTypes: true }) as import("node:fs").Dirent[])
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file).includes("hunter2-canary"));
  await fact("no file of the journal holds it", () => holds().length === 0 || Promise.reject(new Error(holds().join())));
  expect(
    JSON.stringify(watched, (_, v: unknown) =>
      typeof v === "bigint" ? String(v) : v instanceof Uint8Array ? Buffer.from(v).toString("latin1") : v,
    ),
  ).not.toContain("hunter2-canary");
});

test("K6: code that fails throws nothing away that others have queued; a batch falls with its first failure", async () => {
  const { w, client, session } = await kernelWorld();
  const ana = await w.operator("ana");
  const gate = w.path("gate");
  const running = Promise.all([
    ran(client, session, `${until(gate)}\n1/0`, { batch: "b" }),
    ran(ana, session, "print('ana')"),
    ran(client, session, "print('never')", { batch: "b" }),
    ran(ana, session, "print('again')"),
  ]);
  await fact("one runs and three wait", async () => {
    const { current, waiting } = await client.kernels.show(session);
    return current !== undefined && waiting.length === 3;
  });
  writeFileSync(gate, "");
  const all = await running;
  expect(all.map(({ state, outcome, text }) => [state, outcome, text.includes("ZeroDivision") ? "fails" : text])).toEqual([
    ["ended", "error", "fails"],
    ["ended", "ok", "ana\n"],
    ["cancelled", null, ""],
    ["ended", "ok", "again\n"],
  ]);
});

test("what waits can be cancelled, what runs is interrupted and keeps its variables", async () => {
  const { client, session } = await kernelWorld();
  await ran(client, session, "kept = 7");
  let first = "";
  const isIn = Promise.withResolvers<void>();
  const sleeping = ran(client, session, "import time\nprint('in', flush=True)\ntime.sleep(600)", {
    queued: (run) => void (first = run),
    text: () => isIn.resolve(),
  });
  // A kernel that has begun a run and not its code drops what interrupts it.
  await isIn.promise;
  const ids: string[] = [];
  const waiting = ran(client, session, "print('never')", { queued: (run) => void ids.push(run) });
  await fact("one runs and one waits", async () => {
    const { current, waiting: queue } = await client.kernels.show(session);
    return current?.phase === "running" && queue.length === 1;
  });
  expect(await refusal(client.kernels.cancel(session, first))).toBe("run_not_waiting");
  await client.kernels.cancel(session, ids[0]!);
  expect(await waiting).toMatchObject({ state: "cancelled", text: "" });
  await client.kernels.interrupt(session);
  expect(await sleeping).toMatchObject({ state: "ended", outcome: "error" });
  expect(await ran(client, session, "print(kept)")).toMatchObject({ text: "7\n" });
});

test("code that is erased from the record while it waits is not run, also by the host that comes next", async () => {
  const { w, client, session } = await kernelWorld();
  const isIn = Promise.withResolvers<void>();
  const sleeping = ran(client, session, "import time; print('in', flush=True); time.sleep(600)", { text: () => isIn.resolve() });
  const waiting: ReturnType<typeof ran>[] = [];
  for (const code of ["canary_a = 1", "canary_b = 1"])
    await new Promise<string>((queued) => waiting.push(ran(client, session, code, { queued })));
  const seqs = (await recordOf(client, session)).filter((e) => e.body?.kind.case === "kernelAsked").map((e) => Number(e.seq));
  await client.redact(session, { seqs: seqs.slice(1) });
  await w.killHost();
  expect((await Promise.all(waiting)).map(({ state }) => state)).toEqual(["cancelled", "cancelled"]);
  const after = await w.connect();
  await isIn.promise;
  await after.kernels.interrupt(session);
  expect(await sleeping).toMatchObject({ outcome: "error" });
  expect((await ran(after, session, "print([n for n in dir() if 'canary' in n])")).text).toBe("[]\n");
});

test("a restart keeps the session, begins a new incarnation with an empty heap, and runs nothing that waited for the old one", async () => {
  const { client, session } = await kernelWorld();
  await ran(client, session, "x = 1");
  const sleeping = ran(client, session, "import time; time.sleep(600)");
  const waiting = ran(client, session, "print('never')");
  await fact("it runs", async () => (await client.kernels.show(session)).current?.phase === "running");
  const before = await kernelPid(client, session);
  await client.kernels.restart(session);
  expect([(await sleeping).state, (await waiting).state]).toEqual(["lost", "voided"]);
  expect(await kernelPid(client, session)).not.toBe(before);
  expect(lives(before)).toBe(false);
  expect((await ran(client, session, "x")).text).toContain("NameError");
  const { incarnation } = await fact("the session's incarnation is the kernel's", async () => {
    const shown = await client.show(session);
    return shown.incarnation === 2 ? shown : null;
  });
  expect(incarnation).toBe(2);
});

test("K5: an interrupt while the kernel starts ends nothing", async () => {
  const { client, session } = await kernelWorld();
  await client.kernels.interrupt(session);
  expect(await ran(client, session, "print('there')")).toMatchObject({ text: "there\n" });
  expect((await client.kernels.show(session)).kernel?.incarnation).toBe(1);
});

test("a kernel that ends by itself leaves its session, says so, and can be started anew", async () => {
  const { client, session } = await kernelWorld();
  expect((await ran(client, session, "import os; os._exit(3)")).state).toBe("lost");
  expect(await refusal(ran(client, session, "1"))).toBe("kernel_dead");
  expect((await client.show(session)).kernel?.phase).toBe("dead");
  await client.kernels.restart(session);
  expect(await ran(client, session, "print('anew')")).toMatchObject({ text: "anew\n" });
});

test("S1: the host is killed while code prints 300 lines: same kernel, variable intact, each line once to who waits and in the record", async () => {
  const { w, client, session } = await kernelWorld();
  await ran(client, session, "kept = 'intact'");
  const pid = await kernelPid(client, session);
  let seen = "";
  const isOn = Promise.withResolvers<void>();
  const running = ran(
    client,
    session,
    "import time\nfor i in range(300):\n    print('line', i, flush=True)\n    time.sleep(0.01)",
    {
      text: (text) => {
        seen += text;
        if (seen.includes("line 40\n")) isOn.resolve();
      },
      writer: "first-name-of-it",
    },
  );
  await isOn.promise;
  await w.killHost();
  expect(await running).toMatchObject({ state: "ended", outcome: "ok" });
  const lines = Array.from({ length: 300 }, (_, i) => `line ${i}\n`).join("");
  expect(seen).toBe(lines);
  const after = await w.connect();
  expect(await kernelPid(after, session)).toBe(pid);
  expect(await ran(after, session, "print(kept)")).toMatchObject({ text: "intact\n", executionCount: 3 });
  // Who comes later, and asks for that run by its name, has the same from the record.
  const late = await ran(after, session, "", { writer: "first-name-of-it" });
  expect([late.text, late.run]).toEqual([lines, (await running).run]);
});

/** The records of the session so far, without its output. */
async function recordOf(client: HostClient, session: string): Promise<Event[]> {
  const { seq } = await client.show(session);
  const all: Event[] = [];
  let last = 0;
  const attachment = await client.attach(
    { session, mode: "replay", after: 0, quiet: true, observe: true },
    {
      event: (e) => {
        last = Number(e.seq);
        all.push(e);
      },
      output: (o) => {
        last = Math.max(last, Number(o.seq));
      },
    },
  );
  await fact("all of it is here", () => last >= Number(seq));
  await attachment.detach();
  return all;
}

test("what waits when the host is killed runs once, in its order, under the names of who asked", async () => {
  const { w, client, session } = await kernelWorld();
  const ana = await w.operator("ana");
  await ran(client, session, "did = []");
  const running = [ran(client, session, `${until(w.path("gate"))}\ndid.append(0)`)];
  for (let i = 1; i <= 6; i++)
    await new Promise<string>((queued) => running.push(ran(i % 2 ? ana : client, session, `did.append(${i})`, { queued })));
  await fact("six wait", async () => (await client.kernels.show(session)).waiting.length === 6);
  await w.killHost();
  writeFileSync(w.path("gate"), "");
  expect((await Promise.all(running)).map(({ outcome }) => outcome)).toEqual(Array(7).fill("ok"));
  const after = await w.connect();
  expect(await ran(after, session, "print(did)")).toMatchObject({ text: "[0, 1, 2, 3, 4, 5, 6]\n" });
});

test("A1: three operators run fifty times each on one kernel: each run has its actor in the record and in the parent that the kernel returns, and no output of another's", async () => {
  const { w, client, session } = await kernelWorld();
  const who = await Promise.all(["ana", "ben"].map((name) => w.operator(name)));
  const ids = new Map<string, string>();
  const operators = [client, ...who].map((one) => ({ one, id: one.operator.operator!.id }));
  await Promise.all(
    operators.map(async ({ one, id }) => {
      await Promise.all(
        Array.from({ length: 50 }, async (_, i) => {
          const parents = new Set<string>();
          const { text, run } = await ran(one, session, `print('${id}', ${i})`, {
            message: ({ parent }) => void parents.add((parent["operator"] as { id: string }).id),
            writer: `${id.replaceAll(/[^a-z0-9]/g, "")}-writer-${i}`,
          });
          expect([text, [...parents]]).toEqual([`${id} ${i}\n`, [id]]);
          ids.set(run, id);
        }),
      );
    }),
  );
  const asked = (await recordOf(client, session)).filter((e) => e.body?.kind.case === "kernelAsked");
  expect(asked.length).toBe(150);
  for (const e of asked) if (e.body?.kind.case === "kernelAsked") expect(e.actor).toBe(ids.get(e.body.kind.value.run));
});

test("A2: a forged username and operator in a client's header are overwritten, and the rest of it is kept", async () => {
  const { w, session } = await kernelWorld();
  const ana = await w.operator("ana");
  const said = await ana.kernels.request(session, "kernel_info_request", {
    header: { msg_id: "mine-1", username: "root", operator: { id: "op-root", name: "root" }, extra: [1] },
  });
  expect(said?.parent).toMatchObject({
    msg_id: "mine-1",
    username: "ana",
    operator: { id: ana.operator.operator!.id, name: "ana", kind: "human" },
    extra: [1],
  });
});

test("completion, inspection, history and comms go through; code and answers have ways of their own", async () => {
  const { client, session } = await kernelWorld();
  await ran(client, session, "import os\nlonely_variable = 1");
  const completed = await client.kernels.request(session, "complete_request", { content: { code: "lonely_v", cursor_pos: 8 } });
  expect(completed?.content["matches"]).toEqual(["lonely_variable"]);
  const inspected = await client.kernels.request(session, "inspect_request", {
    content: { code: "os.getcwd", cursor_pos: 9, detail_level: 0 },
  });
  expect(inspected?.content).toMatchObject({ status: "ok", found: true });
  expect(
    await client.kernels.request(session, "comm_open", { content: { comm_id: "c", target_name: "none", data: {} } }),
  ).toBeNull();
  for (const type of ["execute_request", "input_reply", "shutdown_request", "interrupt_request"])
    expect(await refusal(client.kernels.request(session, type, { content: {} }))).toBe("bad_request");
  expect(await refusal(client.send(session, Buffer.from("junk")))).toBe("unsupported");
});

test("a message of 8 MB with buffers reaches the kernel whole, and the host is killed in the middle of another: the kernel goes on, and what comes next is whole", async () => {
  const { w, client, session } = await kernelWorld();
  await ran(
    client,
    session,
    `import hashlib, zlib
got = []
def target(comm, opened):
    @comm.on_msg
    def _(msg):
        got.append((len(msg['buffers'][0]), zlib.crc32(msg['buffers'][0])))
get_ipython().kernel.comm_manager.register_target('take', target)`,
  );
  await client.kernels.request(session, "comm_open", { content: { comm_id: "c", target_name: "take", data: {} } });
  const big = Buffer.alloc(8 * 1024 * 1024, "0123456789abcdef!");
  const sent = (on: HostClient) =>
    on.kernels.request(session, "comm_msg", { content: { comm_id: "c", data: {} }, buffers: [big] });
  await sent(client);
  expect(await ran(client, session, "print(got)")).toMatchObject({ text: `[(${big.length}, ${crc(big)})]\n` });
  const seq = Number((await client.show(session)).seq);
  const torn = sent(client).catch(() => null);
  await fact("some of it is under way", async () => Number((await client.show(session)).seq) > seq + 8);
  await w.killHost();
  await torn;
  const after = await w.connect();
  const { text } = await ran(after, session, "print(len(got))");
  expect(["1\n", "2\n"]).toContain(text);
  await sent(after);
  expect((await ran(after, session, "print(got[-1])")).text).toBe(`(${big.length}, ${crc(big)})\n`);
});

const crc = (bytes: Uint8Array): number => process.getBuiltinModule("node:zlib").crc32(bytes) >>> 0;

test("an AI's code waits for a person where the policy says so, and what it has waiting is not run when AIs are paused", async () => {
  const { w, client, session } = await kernelWorld();
  const ai = await w.operator("claude", "ai");
  const sleeping = ran(client, session, until(w.path("gate")));
  const queued = Promise.withResolvers<string>();
  const waiting = ran(ai, session, "print('never')", { queued: queued.resolve });
  await queued.promise;
  await client.floor(session, "ai_pause");
  expect(await waiting).toMatchObject({ state: "cancelled" });
  expect(await refusal(ran(ai, session, "1"))).toBe("ai_paused");
  await client.floor(session, "ai_resume");
  writeFileSync(w.path("gate"), "");
  expect(await ran(ai, session, "print('now')")).toMatchObject({ text: "now\n" });
  expect(await sleeping).toMatchObject({ outcome: "ok" });
  const asked = (await recordOf(client, session)).flatMap((e) =>
    e.body?.kind.case === "kernelAsked" ? [e.body.kind.value] : [],
  );
  expect(asked.map(({ name, kind }) => [name, kind]).slice(1)).toEqual([
    ["claude", OperatorKind.AI],
    ["claude", OperatorKind.AI],
  ]);
});

test("an observer sees the queue and runs nothing; a kernel that nobody has is refused with those that there are", async () => {
  const { w, client, session } = await kernelWorld();
  const eve = await w.operator("eve", "human", "observer");
  expect((await eve.kernels.show(session)).kernel?.spec).toBe("python3");
  for (const tried of [ran(eve, session, "1"), eve.kernels.interrupt(session), eve.kernels.restart(session)])
    expect(await refusal(tried)).toBe("not_permitted");
  const no = await w.open(client, { kind: "kernel", kernel: "cobol" }).catch((fault: unknown) => fault as Error);
  expect(String(no)).toMatch(/\[no_such_kernel\] no kernel cobol; there is .*python3/);
});

test("D9: a bridge that crashes is started again and takes the kernel up: variable intact, and a run that was under way is told as not known", async () => {
  const { w, client, session } = await kernelWorld();
  await ran(client, session, "kept = 'intact'");
  const [bridge, kernel] = [(await client.show(session)).pid, await kernelPid(client, session)];
  const running = ran(client, session, "import time; time.sleep(1); print('unheard')");
  await fact("it runs", async () => (await client.kernels.show(session)).current?.phase === "running");
  kill(bridge);
  const { state } = await running;
  expect(["unknown", "ended"]).toContain(state);
  expect(await kernelPid(client, session)).toBe(kernel);
  expect(await ran(client, session, "print(kept)")).toMatchObject({ text: "intact\n" });
  expect((await client.show(session)).pid).not.toBe(bridge);
  // The same while no host is there.
  const [second, before] = [(await client.show(session)).pid, await w.hostPid()];
  await w.noHost();
  kill(second);
  await w.start();
  const after = await w.connect();
  expect(await w.hostPid()).not.toBe(before);
  expect(await ran(after, session, "print(kept, 2)")).toMatchObject({ text: "intact 2\n" });
  expect(await kernelPid(after, session)).toBe(kernel);
  expect(lives(kernel)).toBe(true);
});

test("a kernel whose program is not there is told so, and leaves no session that lives", async () => {
  const w = await world();
  const client = await w.connect();
  const folder = w.path("jupyter/kernels/broken");
  mkdirSync(folder, { recursive: true });
  const spec = { argv: ["/nowhere/at-all", "{connection_file}"], display_name: "Broken", language: "none" };
  writeFileSync(join(folder, "kernel.json"), JSON.stringify(spec));
  const env = { ...w.env, JUPYTER_PATH: w.path("jupyter") };
  const failed = await client.open({ kind: "kernel", kernel: "broken", env, cwd: w.files }).catch((fault: unknown) => fault);
  expect(String(failed)).toMatch(/\[start_failed\] .*the kernel broken could not be started: .*(ENOENT|nowhere)/);
  await fact("no session lives", async () => (await client.list()).length === 0);
});

test("a kernel session that is killed takes its kernel with it, and leaves no connection file", async () => {
  const { w, client, session } = await kernelWorld();
  const pid = await kernelPid(client, session);
  const folder = join(folders.run(w.home), "kernel");
  expect(readdirSync(folder)).toEqual([session]);
  await client.kill(session);
  expect(lives(pid)).toBe(false);
  expect(readdirSync(folder)).toEqual([]);
});
