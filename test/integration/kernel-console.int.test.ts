/** A kernel's console in a real terminal: `hold attach` inside a session that has one, and its screen as a person sees it. */
import { existsSync } from "node:fs";
import type { HostClient, KernelTold } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { held, hold, holdPath } from "./world/hold.ts";
import { fact } from "./world/processes.ts";
import { bytes, type World, world } from "./world/world.ts";

/** A person at a terminal, in front of the console of session `data`. */
class Person {
  readonly #client: HostClient;
  readonly #session: string;
  readonly #input: (text: string) => Promise<unknown>;

  private constructor(client: HostClient, session: string, input: (text: string) => Promise<unknown>) {
    this.#client = client;
    this.#session = session;
    this.#input = input;
  }

  static async at(w: World, client: HostClient, name: string, ...args: readonly string[]): Promise<Person> {
    const env = Object.entries(w.env).map(([key, value]) => `${key}=${value}`);
    const { id } = await w.open(client, {
      name,
      command: ["env", "-u", "HOLDFAST_SESSION", ...env, "TERM=xterm-256color", holdPath, ...args],
      size: { cols: 100, rows: 30 },
    });
    const attachment = await client.attach({ session: id, take: true }, {});
    const person = new Person(client, id, (text) => attachment.input(bytes(text)));
    await person.sees(/In \[.\].*: $/m);
    return person;
  }

  type(text: string): Promise<unknown> {
    return this.#input(text);
  }

  async screen(): Promise<string> {
    return (await this.#client.screen(this.#session)).lines.map((line) => line.trimEnd()).join("\n");
  }

  sees(what: RegExp): Promise<string> {
    return fact(`the screen shows ${what}`, async () => {
      const screen = await this.screen();
      return what.test(`${screen.trimEnd()} `) ? screen : Promise.reject(new Error(screen));
    });
  }

  async isGone(): Promise<void> {
    await fact("the console has been left", async () => (await this.#client.show(this.#session)).exit ?? null);
  }
}

test("a person writes, completes, is asked and interrupts at a kernel's console, sees what others run, and leaves; the record reads like it", async () => {
  const w = await world();
  const client = await w.connect();
  const { id } = await w.open(client, { kind: "kernel", kernel: "python3", name: "data" });
  await client.kernels.run(id, "earlier = 40");
  const ana = await w.operator("ana");
  const me = client.operator.operator!.name;
  const person = await Person.at(w, client, "desk", "attach", "data");

  // Enter sends what is whole, and goes on with what is not.
  await person.type("for i in range(2):\rprint('row', i)\r\r");
  await person.sees(/In \[2\] \S+: for i in range\(2\):\n +print\('row', i\)\n[\s\S]*row 0\nrow 1\n/);
  await person.type("earlier + 2\r");
  await person.sees(new RegExp(`In \\[3\\] ${me}: earlier \\+ 2\\n42\\n`));

  // Up: what ran before, also before this console.
  await person.type("\x1b[A\x1b[A");
  await person.sees(/In \[4\]: for i in range/);
  await person.type("\x03");
  await person.sees(/In \[4\]: $/);

  await person.type("earl\t");
  await person.sees(/In \[4\]: earlier $/);
  await person.type(".bit_l\t()\r");
  await person.sees(/: earlier\.bit_length\(\)\n6\n/);
  await person.type("len?\r");
  await person.sees(/Return the number of items in a container/);

  // Others' code, with their names, as it runs; Ctrl-C ends it and nothing else.
  void ana.kernels.run(id, "import time\nprint('hers', flush=True)\ntime.sleep(600)").catch(() => {});
  await person.sees(/In \[5\] ana: import time\n[\s\S]*hers\n[\s\S]*\(ana runs\)/);
  await person.type("\x03");
  await person.sees(/KeyboardInterrupt[\s\S]*In \[6\]: $/);

  // Questions: one's own answer, another's, and one that is not seen.
  await person.type("name = input('who? ')\r");
  await person.sees(/who\? $/);
  await person.type("ben\r");
  await person.sees(/who\? \[answered\]/);
  await person.type("name\r");
  await person.sees(/'ben'/);
  await person.type("other = input('which? ')\r");
  await person.sees(/which\? $/);
  await ana.kernels.reply(id, (await client.kernels.show(id)).prompt!.prompt, "mine");
  await person.sees(/which\? \[answered by ana\]/);
  await person.type("from getpass import getpass; got = getpass('key: ')\r");
  await person.sees(/what you type is not shown/);
  await person.type("hunter2-canary\r");
  await person.type("len(got)\r");
  expect(await person.sees(/\n14\n/)).not.toContain("hunter2-canary");

  // A picture is kept in a file where the terminal draws none.
  await person.type(
    "from IPython.display import Image, display; import base64; display(Image(base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')))\r",
  );
  const file = /picture:\s+(\S+)\]/.exec((await person.sees(/picture:\s+\S+\]/)).replaceAll("\n", ""))![1]!;
  expect(existsSync(file)).toBe(true);

  await person.type("\x04");
  await person.isGone();
  expect(await person.screen()).toContain("come back with: hold attach data");
  expect((await client.kernels.show(id)).kernel?.phase).toBe("ready");

  // The record, as people read it.
  const log = await held(w, "log", "data");
  expect(log).toContain(`In [3] ${me}: earlier + 2\n42\n`);
  expect(log).toContain("In [5] ana: import time\n");
  expect(log).not.toContain("HFK1");
  expect(log).not.toContain("hunter2-canary");
  expect(await held(w, "export", "data", "--format", "text")).toBe(log);
  expect(await held(w, "screen", "data")).toContain("In [10]");
  expect(await held(w, "log", "data", "--events")).toMatch(/ana\/sdk +asked as ana to run import time/);
  expect(await held(w, "log", "data", "--raw")).toContain("HFK1");
  const [first] = (await held(w, "log", "data", "--json", "--kind", "kernel_asked"))
    .split("\n")
    .map((l) => JSON.parse(l) as object);
  expect(first).toMatchObject({ kind: "kernel_asked", text: "earlier = 40", operatorKind: "human" });
  expect(await held(w, "audit", "show", "--kind", "kernel_asked")).toContain("asked as ana to run import time");
});

test("who follows late has all that runs and waits from its asking on, over a killed host too; a wait is told of a question", async () => {
  const w = await world();
  const client = await w.connect();
  const { id } = await w.open(client, { kind: "kernel", kernel: "python3", name: "data" });
  const code =
    "import time\nfor i in range(200):\n    print('line', i, flush=True)\n    time.sleep(0.01)\nanswer = input('go on? ')";
  const lines = Array.from({ length: 200 }, (_, i) => `line ${i}\n`).join("");
  void client.kernels.run(id, code).catch(() => {});
  const ana = await w.operator("ana");
  const waits = new Promise<string>(
    (queued) => void ana.kernels.run(id, `x = ${"1 + ".repeat(400)}1`, { queued }).catch(() => {}),
  );
  const waiting = await waits;
  expect((await client.wait(id, { match: "line 30$" })).fired).toBe("match");
  const told: KernelTold[] = [];
  let live = 0;
  const late = await w.connect();
  const following = await late.kernels.follow(id, {
    told: (what) => void told.push(what),
    live: ({ current, waiting: queue }) => {
      live = told.length;
      expect([current?.code, queue.map(({ run, by }) => [run, by.name])]).toEqual([code, [[waiting, "ana"]]]);
    },
  });
  await fact("it is live", () => live > 0);
  expect(told.slice(0, live).flatMap((what) => (what.type === "asked" ? [what.run.code.length] : []))).toEqual([
    code.length,
    1605,
  ]);
  await w.killHost();
  const { fired, state, text } = await (await w.connect()).wait(id, { inputNeeded: true });
  expect([fired, state, text]).toEqual(["input_needed", "waiting_input", "go on? "]);
  const prompt = await fact("it is told of the question", () => following.view.prompt);
  await (await w.connect()).kernels.reply(id, prompt.prompt, "yes");
  await fact("both are over", () => told.filter(({ type }) => type === "over").length === 2);
  const printed = told.flatMap((what) =>
    what.type === "message" && what.said.type === "stream" ? [String(what.said.content["text"])] : [],
  );
  expect(printed.join("")).toBe(lines);
  expect(told.flatMap((what) => (what.type === "over" ? [[what.run.by.name, what.outcome]] : []))).toEqual([
    [client.operator.operator!.name, "ok"],
    ["ana", "ok"],
  ]);
  await following.stop();
  expect((await hold(w, "wait", "data", "--input-needed", "--timeout", "0s")).code).toBe(124);
});
