/** A real ipykernel under a real bridge under a real shim in pipe mode: what passes, how it ends, what may be asked of it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { fact, isAlive, KernelWorld, type Listener } from "../../test/world.ts";
import { json, parsed } from "../message/index.ts";

/** Python for a kernelspec of a kernel that says another name of itself, so that nobody knows what SIGINT does to it. */
const strange = `
from ipykernel.kernelapp import IPKernelApp
from ipykernel.ipkernel import IPythonKernel
class Strange(IPythonKernel):
    implementation = "strange"
IPKernelApp.launch_instance(kernel_class=Strange)
`;

/** A world in which JUPYTER_PATH has this kernelspec, too. */
function withSpec(world: KernelWorld, name: string, fields: object): string {
  const folder = world.shims.path(`jupyter/kernels/${name}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "kernel.json"), JSON.stringify({ display_name: name, language: "python", ...fields }));
  return `JUPYTER_PATH=${world.shims.path("jupyter")}`;
}

const contentOf = async (session: Listener, msgType: string, parent: string) =>
  parsed((await session.hears(msgType, parent)).content);

test("a kernel runs what it is sent, and what it says of it names who sent it", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  const { info } = await session.ready();
  expect(info).toMatchObject({ implementation: "ipython" });
  const run = session.execute("import os\nprint(6 * 7, os.environ.get('JPY_PARENT_PID'))\n'x'");
  expect(await session.over(run)).toBe("ok");
  expect(session.text(run)).toBe("42 None\n");
  expect(await contentOf(session, "execute_result", run)).toMatchObject({ data: { "text/plain": "'x'" } });
  expect(parsed(session.messages("stream", run)[0]!.parent)).toMatchObject({
    operator: { id: "op-ana", kind: "human", via: "cli" },
    username: "ana",
  });
  const failed = session.execute("1 / 0");
  expect(await session.over(failed)).toBe("error");
  expect(await contentOf(session, "error", failed)).toMatchObject({ ename: "ZeroDivisionError" });
  expect(session.memoryMib().most).toBeLessThan(70);
  expect([session.skipped, Buffer.concat(session.stderr).toString()]).toEqual([[], ""]);
});

test("completion, inspection, history, comms with their buffers, and the debugger pass through, each on its channel", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  const asks = async (msgType: string, content: object, channel: "shell" | "control" = "shell") =>
    contentOf(session, msgType.replace("_request", "_reply"), session.message(msgType, content, { channel }));
  expect(await asks("complete_request", { code: "pri", cursor_pos: 3 })).toMatchObject({
    matches: expect.arrayContaining(["print"]),
  });
  expect(await asks("inspect_request", { code: "print", cursor_pos: 5, detail_level: 0 })).toMatchObject({ found: true });
  expect(await asks("is_complete_request", { code: "if 1:" })).toMatchObject({ status: "incomplete" });
  expect(await asks("history_request", { hist_access_type: "tail", n: 1, output: false, raw: true })).toMatchObject({
    status: "ok",
  });
  expect(await asks("kernel_info_request", {})).toMatchObject({ implementation: "ipython" });
  expect(await asks("kernel_info_request", {}, "control")).toMatchObject({ implementation: "ipython" });
  const dap = { type: "request", seq: 1, command: "debugInfo", arguments: {} };
  expect(await asks("debug_request", dap, "control")).toMatchObject({ type: "response", command: "debugInfo" });
  const echo =
    "get_ipython().kernel.comm_manager.register_target('echo', lambda comm, open: comm.send({'got': 1}, buffers=open['buffers']))";
  expect(await session.over(session.execute(echo))).toBe("ok");
  const buffer = Uint8Array.from({ length: 150_000 }, (_, i) => i % 251);
  const opened = session.message(
    "comm_open",
    { comm_id: "c1", target_name: "echo", data: {} },
    { buffers: [buffer, new Uint8Array()] },
  );
  const { buffers } = await session.hears("comm_msg", opened);
  expect(buffers.map((one) => one.length)).toEqual([150_000, 0]);
  expect(Buffer.compare(buffers[0]!, buffer)).toBe(0);
});

test("what can't be sent is refused by its id and never sent", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  const empty = json({});
  const header = json({ msg_id: "m1", msg_type: "execute_request" });
  const refusals = () => session.words.flatMap((word) => (word.word === "refused" ? [`${word.msgId} ${word.code}`] : []));
  const message = { header, parent: empty, metadata: empty, content: json({ code: "open('ran', 'w')" }), buffers: [] };
  session.send({ kind: "message", channel: "shell", incarnation: 0, message });
  session.send({ kind: "message", channel: "stdin", incarnation: 1, message });
  session.send({ kind: "message", channel: "shell", incarnation: 1, message: { ...message, header: json({ msg_id: 1 }) } });
  session.send({ kind: "message", channel: "shell", incarnation: 1, message: { ...message, content: json([]) } });
  await fact("four refusals", () => refusals().length === 4);
  expect(refusals()).toEqual(["m1 stale_incarnation", "m1 wrong_channel", " bad_message", "m1 bad_message"]);
});

test("an interrupt ends what runs and keeps the state", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  await session.over(session.execute("state = 42"));
  const run = session.execute("import time\nprint('begun')\nwhile True: time.sleep(0.01)");
  await fact("it has begun", () => session.text(run).includes("begun"));
  expect(await session.answerTo({ word: "interrupt", id: "i1" })).toMatchObject({ ok: true });
  expect(await session.over(run)).toBe("error");
  expect(await contentOf(session, "error", run)).toMatchObject({ ename: "KeyboardInterrupt" });
  const after = session.execute("print(state)");
  await session.over(after);
  expect(session.text(after)).toBe("42\n");
});

test("a kernel that nobody knows is not interrupted by a signal until that is confirmed", async () => {
  await using world = new KernelWorld();
  const JUPYTER_PATH = withSpec(world, "strange", { argv: ["/usr/bin/python3", "-c", strange, "-f", "{connection_file}"] });
  const session = await world.open({ kernel: "Strange", env: [JUPYTER_PATH] });
  const { info } = await session.ready();
  expect(info).toMatchObject({ implementation: "strange" });
  expect(await session.says("started")).toMatchObject({ transport: "tcp" });
  const run = session.execute("import time\nprint('begun')\nwhile True: time.sleep(0.01)");
  await fact("it has begun", () => session.text(run).includes("begun"));
  expect(await session.answerTo({ word: "interrupt", id: "i1" })).toMatchObject({ ok: false, code: "may_end_kernel" });
  expect(session.state.current?.id).toBe(run);
  expect(await session.answerTo({ word: "interrupt", id: "i2", confirmed: true })).toMatchObject({ ok: true });
  expect(await session.over(run)).toBe("error");
});

test("a restart is a new incarnation behind the same connection file, and nothing meant for the old heap runs in the new one", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  const { connectionFile } = await session.says("hello");
  await session.over(session.execute("state = 42"));
  const { pid } = session.state;
  const file = JSON.parse(readFileSync(connectionFile, "utf8"));
  const running = session.execute("import time\nprint('begun')\ntime.sleep(1000)");
  await fact("it has begun", () => session.text(running).includes("begun"));
  expect(await session.answerTo({ word: "restart", id: "r1" })).toMatchObject({ ok: true });
  expect(await session.says("died")).toMatchObject({ incarnation: 1, expected: true });
  expect([session.state.ended.get(running)?.outcome, session.state.incarnation]).toEqual(["lost", 2]);
  expect(isAlive(pid!)).toBe(false);
  expect([JSON.parse(readFileSync(connectionFile, "utf8")), statSync(connectionFile).mode & 0o777]).toEqual([file, 0o600]);
  const after = session.execute("state");
  expect(await session.over(after)).toBe("error");
  expect(await contentOf(session, "error", after)).toMatchObject({ ename: "NameError" });
});

test("a kernel's death is told with its exit status after its last words, ends nothing, and a restart brings another", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  const run = session.execute("import os\nos.write(1, b'last words')\nos._exit(7)");
  expect(await session.says("died")).toMatchObject({ code: 7, signal: null, expected: false });
  expect([session.state.phase, await session.over(run)]).toEqual(["dead", "lost"]);
  const kinds = session.records.map((record) =>
    record.kind === "native" ? "native" : record.kind === "word" ? record.word.word : "",
  );
  expect(kinds.indexOf("native")).toBeGreaterThan(0);
  expect(kinds.indexOf("native")).toBeLessThan(kinds.indexOf("died"));
  expect(await session.answerTo({ word: "interrupt", id: "i1" })).toMatchObject({ ok: false, code: "no_kernel" });
  expect(await session.answerTo({ word: "restart", id: "r1" })).toMatchObject({ ok: true });
  expect(await session.over(session.execute("1"))).toBe("ok");
});

test("a kernel whose heartbeat stops is told as silent, and as back when it beats again", async () => {
  await using world = new KernelWorld();
  const session = await world.open({ args: ["--heartbeat-ms", "200"] });
  await session.ready();
  process.kill(session.state.pid!, "SIGSTOP");
  await fact("it is silent", () => session.state.isSilent);
  process.kill(session.state.pid!, "SIGCONT");
  await fact("it is back", () => !session.state.isSilent);
});

test("what a kernel prints beside the protocol comes as two streams of its own", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  session.execute("import os\nos.write(1, b'to stdout')\nos.write(2, b'to stderr')");
  const native = (stream: string) =>
    session.records
      .flatMap((record) => (record.kind === "native" && record.stream === stream ? [new TextDecoder().decode(record.bytes)] : []))
      .join("");
  await fact("both have come", () => native("stdout").includes("to stdout") && native("stderr").includes("to stderr"));
});

test("a shutdown ends kernel and bridge, and leaves no socket, key or pipe behind", async () => {
  await using world = new KernelWorld();
  const session = await world.open();
  await session.ready();
  const { connectionFile } = await session.says("hello");
  const { pid } = session.state;
  expect(await session.answerTo({ word: "shutdown", id: "s1" })).toMatchObject({ ok: true });
  await session.says("bye").catch(() => {});
  await fact("the bridge has ended", () => session.exit);
  expect(session.exit).toMatchObject({ code: 0 });
  expect([isAlive(pid!), session.state.phase, existsSync(connectionFile)]).toEqual([false, "ended", false]);
  expect(readdirSync(dirname(connectionFile))).toEqual([]);
});

test("the end of its input, and a signal to end, end the kernel too", async () => {
  await using world = new KernelWorld();
  const [first, second] = [await world.open(), await world.open()];
  await first.ready();
  await second.ready();
  first.link.eof(1n);
  process.kill(second.bridgePid, "SIGTERM");
  for (const session of [first, second]) {
    const { pid } = session.state;
    await fact("the bridge has ended", () => session.exit);
    expect([session.exit?.code, isAlive(pid!)]).toEqual([0, false]);
  }
});

test("a kernelspec that isn't there, is broken or can't be started is told by its reason", async () => {
  await using world = new KernelWorld();
  const JUPYTER_PATH = withSpec(world, "broken", { argv: [] });
  withSpec(world, "absent", { argv: ["/no/such/program", "{connection_file}"] });
  const [none, broken, absent] = await Promise.all(
    ["none", "broken", "absent"].map((kernel) => world.open({ kernel, env: [JUPYTER_PATH] })),
  );
  for (const session of [none!, broken!]) await fact("it has ended", () => session.exit);
  expect(Buffer.concat(none!.stderr).toString()).toContain("[no_such_kernel] no kernel none; there is absent, python3 in ");
  expect(Buffer.concat(broken!.stderr).toString()).toMatch(
    /^\[bad_kernelspec\] kernel broken, .*kernel.json: argv must be a list/,
  );
  expect(await absent!.says("failed")).toMatchObject({ code: "ENOENT", incarnation: 1 });
  expect(await absent!.answerTo({ word: "status", id: "s" })).toMatchObject({ status: { phase: "dead", pid: null } });
});
