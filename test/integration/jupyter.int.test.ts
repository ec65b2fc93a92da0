/** The endpoint for clients of Jupyter: the real @jupyterlab/services, unmodified, and Debian's Jupyter server, against the real host and ipykernel. */
import { KernelManager, KernelSpecManager, ServerConnection, SessionManager, type Kernel } from "@jupyterlab/services";
import type { HostClient } from "@holdfast/sdk";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { lives } from "./world/processes.ts";
import { say, soak, type World, world } from "./world/world.ts";

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

function settingsFor(url: string, token: string) {
  return ServerConnection.makeSettings({
    baseUrl: `${url}/`,
    wsUrl: `${url.replace(/^http/, "ws")}/`,
    token,
    appendToken: true,
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
  });
}

function managers(url: string, token: string) {
  const serverSettings = settingsFor(url, token);
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
  const { specs, sessions } = managers(url, token);
  await specs.ready;
  expect(specs.specs?.kernelspecs["python3"]?.argv.length).toBeGreaterThan(0);
  const session = await sessions.startNew({
    path: `life-${i}.ipynb`,
    name: `life-${i}`,
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
  const gone = await fetch(`${url}/api/kernels/${id}`, { headers: { Authorization: `token ${token}` } });
  expect([gone.status, gone.headers.get("content-type")]).toEqual([404, "application/json"]);
}
void lives;
void say;
