/** The endpoint for clients of Jupyter: the real @jupyterlab/services, unmodified, and Debian's Jupyter server, against the real host and ipykernel. */
import { spawn } from "node:child_process";
import { crc32 } from "node:zlib";
import { type Kernel, KernelManager, KernelSpecManager, ServerConnection, SessionManager } from "@jupyterlab/services";
import { headOf, parsed, RecordDecoder } from "@holdfast/kernel";
import type { HostClient } from "@holdfast/sdk";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { WebSocket } from "ws";
import { fact } from "./world/processes.ts";
import { freePort } from "./world/port.ts";
import { record, refusal, say, soak, type World, world } from "./world/world.ts";

const LINES = Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join("");
const PRINTS = "import time\nfor i in range(30):\n    print('line', i, flush=True)\n    time.sleep(0.05)";

// It tells of each change of a kernel's state.
beforeEach(() => {
  for (const how of ["log", "warn", "error", "debug"] as const) vi.spyOn(console, how).mockImplementation(() => {});
});

interface Served {
  readonly w: World;
  readonly client: HostClient;
  readonly url: string;
  readonly token: string;
}

async function served(): Promise<Served> {
  const w = await world();
  const client = await w.connect();
  const { url, token } = await client.kernels.serve({ listen: "127.0.0.1:0", env: w.env });
  return { w, client, url, token };
}

/** Sockets that were opened, and which can be cut. */
const opened: WebSocket[] = [];
class Cuttable extends WebSocket {
  constructor(url: string, protocols?: string | string[]) {
    super(url, protocols);
    opened.push(this);
  }
}
/** Offers no sub-protocol, as clients of before do. */
class Legacy extends WebSocket {
  constructor(url: string) {
    super(url);
  }
}

function settingsFor(url: string, token: string, Socket: typeof WebSocket | typeof Legacy = Cuttable) {
  return ServerConnection.makeSettings({
    baseUrl: `${url}/`,
    wsUrl: `${url.replace(/^http/, "ws")}/`,
    token,
    appendToken: true,
    WebSocket: Socket as unknown as typeof globalThis.WebSocket,
  });
}

function managers(url: string, token: string, Socket: typeof WebSocket | typeof Legacy = Cuttable) {
  const serverSettings = settingsFor(url, token, Socket);
  const kernels = new KernelManager({ serverSettings });
  const specs = new KernelSpecManager({ serverSettings });
  const sessions = new SessionManager({ serverSettings, kernelManager: kernels });
  onTestFinished(() => {
    sessions.dispose();
    specs.dispose();
    kernels.dispose();
  });
  return { kernels, specs, sessions };
}

/** Executes; its text and the status of its reply. */
async function ran(kernel: Kernel.IKernelConnection, code: string, onText: (text: string) => void = () => {}) {
  const future = kernel.requestExecute({ code, stop_on_error: false });
  let text = "";
  future.onIOPub = ({ header, content }) => {
    const said = header.msg_type === "stream" ? (content as { text: string }).text : "";
    text += said;
    if (said) onText(said);
  };
  const reply = await future.done;
  return { text, status: reply.content.status, ename: (reply.content as { ename?: string }).ename };
}

test("J1: @jupyterlab/services, unmodified, does all of a kernel's life", { timeout: 600_000 }, async () => {
  const { url, token } = await served();
  for (let i = 0; i < (soak ? 20 : 2); i++) await wholeLife(url, token, i);
});

async function wholeLife(url: string, token: string, i: number): Promise<void> {
  const id = await kernelPart(url, token, `life-${i}`);
  const gone = await fetch(`${url}/api/kernels/${id}`, { headers: { Authorization: `token ${token}` } });
  expect([gone.status, gone.headers.get("content-type")]).toEqual([404, "application/json"]);
}

/** All of J1 that is about kernels; the id of the one that is gone. */
async function kernelPart(url: string, token: string, name: string): Promise<string> {
  const { specs, sessions } = managers(url, token);
  await specs.ready;
  expect(specs.specs?.kernelspecs["python3"]?.argv.length).toBeGreaterThan(0);
  const session = await sessions.startNew({
    path: `${name}.ipynb`,
    name,
    type: "notebook",
    kernel: { name: "python3" },
  });
  const kernel = session.kernel!;
  expect((await kernel.info).implementation).toBe("ipython");
  expect(await ran(kernel, "x = 6\nprint(x * 7)")).toMatchObject({ text: "42\n", status: "ok" });
  expect(await ran(kernel, "1/0")).toMatchObject({ status: "error", ename: "ZeroDivisionError" });

  const asking = kernel.requestExecute({ code: "print('hello', input('who? '))", allow_stdin: true });
  let heard = "";
  asking.onStdin = (message) => {
    expect((message.content as { prompt: string }).prompt).toBe("who? ");
    kernel.sendInputReply({ value: "ana", status: "ok" }, message.header as never);
  };
  asking.onIOPub = ({ header, content }) => {
    if (header.msg_type === "stream") heard += (content as { text: string }).text;
  };
  expect((await asking.done).content.status).toBe("ok");
  expect(heard).toContain("hello ana");

  expect((await kernel.requestComplete({ code: "prin", cursor_pos: 4 })).content).toMatchObject({ status: "ok" });
  expect((await kernel.requestInspect({ code: "len", cursor_pos: 3, detail_level: 0 })).content).toMatchObject({ found: true });

  const isIn = Promise.withResolvers<void>();
  const sleeping = ran(kernel, "import time\nprint('in', flush=True)\ntime.sleep(600)", () => isIn.resolve());
  await isIn.promise;
  await kernel.interrupt();
  expect(await sleeping).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });

  await kernel.restart();
  expect(await ran(kernel, "print('x' in globals())")).toMatchObject({ text: "False\n", status: "ok" });

  const { id } = kernel;
  await session.shutdown();
  return id;
}

/** A kernel of a session that was opened by the SDK, as services see it. */
async function connected({ w, client, url, token }: Served, Socket: typeof WebSocket | typeof Legacy = Cuttable) {
  const { id: session } = await w.open(client, { kind: "kernel", kernel: "python3", name: "data" });
  const { kernels } = managers(url, token, Socket);
  await kernels.ready;
  const model = await fact("it is in the list", async () => {
    await kernels.refreshRunning();
    return [...kernels.running()].find(({ name }) => name === "python3") ?? null;
  });
  const kernel = kernels.connectTo({ model });
  await kernel.info;
  return { session, kernels, kernel, model };
}

test("J2: a round trip through @jupyterlab/services, 200 after 20", async () => {
  const all = await served();
  const { client } = all;
  const { kernel, session } = await connected(all);
  const times: number[] = [];
  for (let i = 0; i < 220; i++) {
    const from = performance.now();
    expect((await ran(kernel, "1+1")).status).toBe("ok");
    times.push(performance.now() - from);
  }
  const sorted = times.slice(20).sort((a, b) => a - b);
  const told = (of: readonly number[]): string => `p50 ${of[100]!.toFixed(1)} ms, p99 ${of[197]!.toFixed(1)} ms`;
  const own: number[] = [];
  for (let i = 0; i < 220; i++) {
    const from = performance.now();
    await client.kernels.run(session, "1+1");
    own.push(performance.now() - from);
  }
  say(`round trip through services: ${told(sorted)}; through our SDK: ${told(own.slice(20).sort((a, b) => a - b))}`);
});

test.each([
  ["v1", Cuttable],
  ["legacy", Legacy],
] as const)("J7: buffers go both ways over %s with equal checksums", { timeout: 300_000 }, async (_, Socket) => {
  const { kernel } = await connected(await served(), Socket);
  const target = `
import zlib
def target(comm, opened):
    @comm.on_msg
    def _(msg):
        data = msg['buffers'][0]
        comm.send({'crc': zlib.crc32(data), 'bytes': len(data)}, buffers=[bytes(data)[::-1]])
get_ipython().kernel.comm_manager.register_target('mirror', target)`;
  expect((await ran(kernel, target)).status).toBe("ok");
  const comm = kernel.createComm("mirror");
  await comm.open({}).done;
  const size = (soak ? 64 : 4) * 1024 * 1024;
  const bytes = Buffer.alloc(size, "0123456789abcdef!");
  const back = Promise.withResolvers<{ data: unknown; buffer: Buffer }>();
  comm.onMsg = ({ content, buffers }) => {
    const [view] = buffers as unknown as [ArrayBuffer | DataView];
    const buffer = view instanceof ArrayBuffer ? Buffer.from(view) : Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    back.resolve({ data: content.data, buffer });
  };
  comm.send({}, {}, [bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + size) as ArrayBuffer]);
  const { data, buffer } = await back.promise;
  expect(data).toEqual({ crc: crc32(bytes), bytes: size });
  expect([buffer.length, crc32(buffer)]).toEqual([size, crc32(Buffer.from(bytes).reverse())]);
});

test("S2: of 30 lines nothing is missing to a client whose socket breaks and comes back, nor to a second one that watches", async () => {
  const { kernel, kernels, model } = await connected(await served());
  const watcher = kernels.connectTo({ model });
  await watcher.info;
  let watched = "";
  watcher.iopubMessage.connect((_, { header, content }) => {
    if (header.msg_type === "stream") watched += (content as { text: string }).text;
  });
  const [mine] = opened.slice(-2);
  let seen = "";
  const done = await ran(kernel, PRINTS, (text) => {
    seen += text;
    if (seen.endsWith("line 9\n")) mine!.terminate();
  });
  // What was sent and not confirmed when the socket broke may come twice (docs/jupyter.md); nothing may be missing.
  const distinct = [...new Set(seen.split("\n"))].join("\n");
  expect([done.status, distinct]).toEqual(["ok", LINES]);
  await fact("the watcher has the last line", () => watched.endsWith("line 29\n"));
  expect(watched).toBe(LINES);
});

test("S2: who comes back as another client finds all 30 lines in the record of the kernel's session", async () => {
  const all = await served();
  const { kernel, kernels, model, session } = await connected(all);
  const isOn = Promise.withResolvers<void>();
  void ran(kernel, PRINTS, (text) => text.includes("line 9") && isOn.resolve()).catch(() => {});
  await isOn.promise;
  kernel.dispose();
  const again = kernels.connectTo({ model });
  expect((await ran(again, "print('after')")).text).toBe("after\n");
  const { stdout } = await record(all.client, session);
  const texts = new RecordDecoder((bytes, before) => crc32(bytes, before)).push(stdout).flatMap((found) => {
    if (!("record" in found) || found.record.kind !== "message") return [];
    const { message } = found.record;
    return headOf(message.header)?.msgType === "stream" ? [String(parsed(message.content)!["text"])] : [];
  });
  expect(texts.join("")).toBe(`${LINES}after\n`);
});

test("the host is killed while code prints: the client comes back, the kernel is the same, and the run ends as it should", {
  timeout: 120_000,
}, async () => {
  const all = await served();
  const { kernel, model } = await connected(all);
  const pid = (await ran(kernel, "import os\nkept = 'intact'\nprint(os.getpid())")).text;
  let seen = "";
  const isOn = Promise.withResolvers<void>();
  const running = ran(
    kernel,
    "import time\nfor i in range(300):\n    print('line', i, flush=True)\n    time.sleep(0.01)",
    (text) => {
      seen += text;
      if (seen.includes("line 40\n")) isOn.resolve();
    },
  );
  await isOn.promise;
  await all.w.killHost();
  expect((await running).status).toBe("ok");
  expect(seen).toBe(Array.from({ length: 300 }, (_, i) => `line ${i}\n`).join(""));
  expect((await ran(kernel, "print(os.getpid(), kept)")).text).toBe(`${pid.trim()} intact\n`);
  const models = (await (await asked(all, "/api/kernels", all.token)).json()) as { id: string }[];
  expect(models.map(({ id }) => id)).toEqual([model.id]);
});

function asked({ url }: Pick<Served, "url">, path: string, token?: string, method = "GET"): Promise<Response> {
  return fetch(`${url}${path}`, { method, headers: token === undefined ? {} : { Authorization: `token ${token}` } });
}

/** A second operator with a token of its own. */
async function another({ w }: Served, name: string, kind: "human" | "ai" = "human", role = "operator") {
  const client = await w.operator(name, kind, role);
  const { token } = await client.kernels.serve();
  return { client, token, id: client.operator.operator!.id };
}

test("A1, A2: two tokens on one kernel: each run has its operator, whatever the client says of itself, and replies are for who asked", async () => {
  const all = await served();
  const { kernel, session, model } = await connected(all);
  const ana = await another(all, "ana");
  const { kernels } = managers(all.url, ana.token);
  const other = kernels.connectTo({ model, username: "root" });
  await other.info;
  const replies: string[] = [];
  other.anyMessage.connect((_, { msg, direction }) => {
    if (direction === "recv" && msg.channel === "shell") replies.push((msg.parent_header as { username: string }).username);
  });
  const parents = new Map<string, Set<string>>();
  kernel.iopubMessage.connect((_, { header, content, parent_header }) => {
    if (header.msg_type !== "stream") return;
    const { operator, username } = parent_header as unknown as { operator: { id: string; via: string }; username: string };
    for (const text of (content as { text: string }).text.split("\n").filter(Boolean))
      parents.set(text, (parents.get(text) ?? new Set()).add(`${operator.id} ${username} ${operator.via}`));
  });
  const own = all.client.operator.operator!;
  const runs = Array.from({ length: 20 }, (_, i) => [ran(kernel, `print('own ${i}')`), ran(other, `print('ana ${i}')`)]);
  expect((await Promise.all(runs.flat())).map(({ status }) => status)).toEqual(Array(40).fill("ok"));
  await fact("all of it was told to both", () => parents.size === 40);
  for (const [text, by] of parents)
    expect([text, ...by]).toEqual([text, text.startsWith("ana") ? `${ana.id} ana jupyter` : `${own.id} ${own.name} jupyter`]);
  expect(new Set(replies)).toEqual(new Set(["ana"]));
  const { events } = await record(all.client, session);
  const actors = events.flatMap((e) => (e.body?.kind.case === "kernelAsked" ? [`${e.actor} ${e.via}`] : []));
  expect(actors.filter((by) => by === `${ana.id} jupyter`).length).toBe(20);
});

test("code that fails throws away what its own client has queued, and nothing of another's; what waits is cancelled for its client too", async () => {
  const all = await served();
  const { kernel, kernels, model } = await connected(all);
  const other = kernels.connectTo({ model });
  await other.info;
  const run = (on: Kernel.IKernelConnection, code: string) => on.requestExecute({ code, stop_on_error: true }).done;
  const [failed, others, thrown] = await Promise.all([
    run(kernel, "import time; time.sleep(0.5); 1/0"),
    run(other, "print('other')"),
    run(kernel, "print('never')"),
  ]);
  expect([failed, others, thrown].map(({ content }) => content.status)).toEqual(["error", "ok", "aborted"]);
});

test("a kernel that another client restarts: who watches is told, forgets what was under way, and goes on with the new one", async () => {
  const all = await served();
  const { client } = all;
  const { kernel, session } = await connected(all);
  const states: string[] = [];
  kernel.statusChanged.connect((_, status) => void states.push(status));
  const isOn = Promise.withResolvers<void>();
  const sleeping = ran(kernel, "import time\nprint('in', flush=True)\ntime.sleep(600)", () => isOn.resolve());
  const canceled = expect(sleeping).rejects.toThrow(/Canceled/);
  await isOn.promise;
  await client.kernels.restart(session);
  await canceled;
  expect(states).toContain("autorestarting");
  expect(await ran(kernel, "print('time' in globals())")).toMatchObject({ text: "False\n" });
  const dead = new Promise<void>((resolve) => kernel.disposed.connect(() => resolve()));
  kernel.requestExecute({ code: "import os; os._exit(1)" }).done.catch(() => {});
  await dead;
});

test("S3: a prompt is told to who asked alone, also when its socket was away as it came, and another may answer it", async () => {
  const all = await served();
  const { kernel, kernels, model, session } = await connected(all);
  const [mine] = opened.slice(-1);
  const watcher = kernels.connectTo({ model });
  await watcher.info;
  const strange: string[] = [];
  watcher.anyMessage.connect((_, { msg }) => {
    if (msg.channel === "stdin") strange.push(msg.header.msg_type);
  });
  const prompts: string[] = [];
  const isIn = Promise.withResolvers<void>();
  const future = kernel.requestExecute({
    code: "import time\nprint('in', flush=True)\ntime.sleep(0.5)\nprint(input('? '))",
    allow_stdin: true,
  });
  future.onStdin = ({ content }) => void prompts.push((content as { prompt: string }).prompt);
  future.onIOPub = ({ header }) => {
    if (header.msg_type === "stream") isIn.resolve();
  };
  await isIn.promise;
  mine!.terminate();
  await fact("it is told of the prompt", () => prompts.length > 0);
  const { prompt } = await all.client.kernels.show(session);
  await all.client.kernels.reply(session, prompt!.prompt, "yes");
  expect((await future.done).content.status).toBe("ok");
  expect([prompts, strange]).toEqual([["? "], []]);
});

test("without a token, with a wrong one, and with a revoked operator's, nothing is told but that; a token is in no log", async () => {
  const all = await served();
  const { model } = await connected(all);
  const ana = await another(all, "ana");
  for (const token of [undefined, "wrong"])
    for (const path of ["/api", "/api/kernels", "/api/kernelspecs", "/api/nothing"]) {
      const answered = await asked(all, path, token);
      expect([answered.status, typeof ((await answered.json()) as { message: unknown }).message]).toEqual([403, "string"]);
    }
  expect((await asked(all, `/api/kernels?token=${ana.token}&17740000`)).status).toBe(200);
  const { kernels } = managers(all.url, ana.token);
  const kernel = kernels.connectTo({ model });
  await kernel.info;
  const socket = opened.at(-1)!;
  const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await all.client.operatorRevoke("ana");
  await gone;
  expect((await asked(all, "/api/kernels", ana.token)).status).toBe(403);
  expect(all.w.log()).not.toContain(ana.token);
  await all.client.kernels.endServe();
  await expect(asked(all, "/api", all.token)).rejects.toThrow();
});

test("an observer looks and runs nothing; what is asked of no such kernel, or in no such way, is told in JSON", async () => {
  const all = await served();
  const { model } = await connected(all);
  expect(await refusal(another(all, "eve", "human", "observer"))).toBe("not_permitted");
  for (const [path, method, status] of [
    ["/api/kernels/00000000-0000-8000-8000-000000000000", "GET", 404],
    [`/api/kernels/${model.id}`, "PUT", 405],
    ["/api/me/other", "GET", 404],
    ["/api/sessions/nothing", "DELETE", 404],
  ] as const) {
    const answered = await asked(all, path, all.token, method);
    expect([path, answered.status, answered.headers.get("content-type")]).toEqual([path, status, "application/json"]);
  }
  const me = (await (await asked(all, "/api/me", all.token)).json()) as { identity: { name: string } };
  expect(me.identity.name).toBe(all.client.operator.operator!.name);
});

test("a session that people opened elsewhere is in both lists, and a document keeps its kernel over a host's restart", {
  timeout: 120_000,
}, async () => {
  const all = await served();
  const { w, client, url, token } = all;
  await w.open(client, { kind: "kernel", kernel: "python3", name: "by-hand" });
  const { sessions } = managers(url, token);
  const made = await sessions.startNew({ path: "work/a.ipynb", name: "a.ipynb", type: "notebook", kernel: { name: "python3" } });
  const list = async () =>
    ((await (await asked(all, "/api/sessions", token)).json()) as { path: string; kernel: { id: string } }[])
      .map(({ path, kernel }) => `${path} ${kernel.id}`)
      .sort();
  const before = await list();
  expect(before.map((one) => one.split(" ")[0])).toEqual(["by-hand", "work/a.ipynb"]);
  expect((await client.list()).map(({ name }) => name).sort()).toEqual(["a", "by-hand"]);
  const again = await fetch(`${url}/api/sessions`, {
    method: "POST",
    headers: { Authorization: `token ${token}` },
    body: JSON.stringify({ path: "work/a.ipynb", type: "notebook", kernel: { name: "python3" } }),
  });
  expect([again.status, ((await again.json()) as { id: string }).id]).toEqual([201, made.id]);
  await w.killHost();
  expect(await fact("it is there again", () => list().catch(() => null))).toEqual(before);
});

test("J4: behind Debian's Jupyter server in gateway mode, services do the same", { timeout: 300_000 }, async () => {
  const { w, url, token } = await served();
  const port = await freePort();
  const gateway = spawn(
    "/usr/bin/jupyter-server",
    [
      `--gateway-url=${url}`,
      `--GatewayClient.auth_token=${token}`,
      `--port=${port}`,
      "--ServerApp.token=of-the-peer",
      "--no-browser",
      "--allow-root",
    ],
    { cwd: w.files, env: w.env, stdio: "ignore" },
  );
  w.atEnd(() => gateway.kill("SIGKILL"));
  const peer = `http://127.0.0.1:${port}`;
  await fact(
    "the gateway's front serves",
    () =>
      asked({ url: peer }, "/api", "of-the-peer").then(
        ({ ok }) => ok,
        () => false,
      ),
    60_000,
  );
  await kernelPart(peer, "of-the-peer", "through-the-gateway");
});
