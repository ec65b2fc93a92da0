/**
 * A host, a relay and an operator on machines of their own, and what must hold whatever the network between them does:
 *   F1  the session runs on, in the same process; F2  the operator stays one attachment; F3  each byte of output comes once, in order;
 *   F4  each line that was typed is applied once, in order, and answered.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { hostDown } from "@holdfast/host/start";
import { InputStatus, type Session } from "@holdfast/protocol";
import type { HostClient } from "@holdfast/sdk";
import { expect } from "vitest";
import { holdPath } from "./hold.ts";
import type { Machine, Network } from "./network.ts";
import type { Sight } from "./operator-process.ts";
import { fact, kill, killed, lives } from "./processes.ts";
import { record, type World } from "./world.ts";

const script = new URL("operator-process.ts", import.meta.url).pathname;
const starter = new URL("start-process.ts", import.meta.url).pathname;
const PORT = 7444;

/** A relay on a machine; killed and started again, it has its key and its book. */
export class FarRelay {
  readonly #w: World;
  readonly #machine: Machine;
  readonly #folder: string;
  #child: ChildProcess | null = null;
  /** With its key. */
  url = "";
  token = "";

  constructor(w: World, machine: Machine) {
    this.#w = w;
    this.#machine = machine;
    this.#folder = w.path(`relay-${machine.name}`);
    w.atEnd(() => void this.kill());
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  async start(): Promise<this> {
    const [first, ...rest] = this.#machine.enter;
    const options = ["--listen", `0.0.0.0:${PORT}`, "--public", this.#machine.address, "--folder", this.#folder, "--json"];
    const child = spawn(first, [...rest, holdPath, "relay", ...options], {
      env: this.#w.env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#child = child;
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    const { url, join } = JSON.parse(line) as { url: string; join: string | null };
    this.url = url;
    this.token ||= /--token (\S+)/.exec(join ?? "")?.[1] ?? "";
    return this;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child) await killed(child);
  }

  /** Where operators find the host of `client`, once it has joined. */
  async joinedBy(client: HostClient, name = "box"): Promise<string> {
    await client.joinRelay({ url: this.url, token: Buffer.from(this.token, "base64url"), name });
    return `${this.url.replace(/^https:/, "relay:").replace(/#/, `/${name}#`)}`;
  }
}

/** The world's host, ended here and started again on a machine of the network. */
export async function hostOn(w: World, machine: Machine): Promise<HostClient> {
  const admin = await w.connect();
  await admin.down();
  w.close(admin);
  await hostDown({ home: w.home, end: false });
  const [first, ...rest] = machine.enter;
  const starting = spawn(first, [...rest, process.execPath, starter, w.home], { env: w.env, stdio: "inherit" });
  const [code] = (await once(starting, "exit")) as [number];
  if (code !== 0) throw new Error(`no host on ${machine.name}: ${code}`);
  return w.connect();
}

/** One that says a number twenty times a second and answers each line; it ends when the file `stop` is there. */
export async function ticking(w: World, by: HostClient, name = "ticks"): Promise<Session> {
  const loop = `i=0; while [ ! -e ${w.path("stop")} ]; do echo "tick $i"; i=$((i+1)); sleep 0.05; done; echo over`;
  const session = await w.open(by, { name, script: `stty -echo; (${loop}) & while read -r l; do echo "<$l>"; done` });
  await fact("it echoes nothing", async () => !(await by.probe(session.id)).echo);
  return session;
}

export class FarOperator {
  readonly #child: ChildProcess;
  readonly sights: Sight[] = [];
  readonly #typed: string[] = [];
  #text = "";
  #faults = "";

  constructor(w: World, machine: Pick<Machine, "enter">, session: string, ...urls: readonly string[]) {
    const [first, ...rest] = machine.enter;
    this.#child = spawn(first, [...rest, process.execPath, script, w.home, session, ...urls], {
      env: w.env,
      cwd: w.files,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child.stderr!.on("data", (text) => void (this.#faults += text));
    this.#child.stdin!.on("error", () => {});
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      const sight = JSON.parse(line) as Sight;
      this.sights.push(sight);
      if (sight.is === "out") this.#text += sight.text;
    });
    w.atEnd(() => kill(this.#child.pid!));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get text(): string {
    return this.#text;
  }

  until<T>(text: string, look: () => T, withinMs?: number): Promise<NonNullable<T>> {
    return fact(
      `the operator: ${text}`,
      () => {
        if (this.#child.exitCode !== null) throw new Error(`it exited with ${this.#child.exitCode}: ${this.#faults}`);
        return look();
      },
      withinMs,
    ).catch((fault: Error) => {
      const links = this.sights.filter((s) => s.is !== "out");
      throw new Error(`${fault.message}\n${JSON.stringify(links.slice(-10))}\n${this.#text.slice(-200)}\n${this.#faults}`);
    });
  }

  /** It is there, sees what is printed now, and has the token by which it stays the same: that comes a moment after the attachment, from the host's disk. */
  async isThere(): Promise<void> {
    await this.until("sees the session", () => this.#text.includes("tick"));
    await this.until("has its place", () => this.sights.some((s) => s.is === "placed"));
    this.type(`here ${this.pid}`);
    await this.answered(`here ${this.pid}`);
  }

  type(line: string): void {
    this.#typed.push(line);
    this.#child.stdin!.write(`${line}\n`);
  }

  /** When it first saw output after `from`; waits for it. */
  async seenAfter(from: number, withinMs = 60_000): Promise<number> {
    const sight = await this.until(
      "sees output again",
      () => this.sights.find((s) => s.is === "out" && s.at > from && s.text.includes("tick")),
      withinMs,
    );
    return sight.at;
  }

  async answered(line: string, withinMs = 60_000): Promise<void> {
    await this.until(`has the answer to ${line}`, () => this.#text.includes(`<${line}>`), withinMs);
  }

  /** F2. */
  get attachments(): ReadonlySet<string> {
    return new Set(this.sights.flatMap((s) => (s.is === "attached" && s.id !== "" ? [s.id] : [])));
  }

  /** F1 to F4, once the session has said its last. `all`: who else typed into it. */
  async holds(local: HostClient, session: Session, all: readonly FarOperator[] = [this]): Promise<void> {
    await this.until("sees the end", () => this.#text.includes("over\r\n"), 60_000);
    for (const line of this.#typed) await this.answered(line);
    const { pid } = await local.show(session.id);
    expect([pid, lives(Number(pid))]).toEqual([session.pid, true]);
    expect([...this.attachments]).toHaveLength(1);
    const last = this.sights.filter((s) => s.is === "out").at(-1)!;
    const { output } = await record(local, session.id);
    expect(last).toMatchObject({ breaks: 0, end: output.length, hash: createHash("sha256").update(output).digest("hex") });
    const lines = output.toString().replaceAll("\r", "").trim().split("\n");
    const ticks = lines.filter((l) => l.startsWith("tick"));
    expect(ticks).toEqual(ticks.map((_, i) => `tick ${i}`));
    const answers = lines.filter((l) => l.startsWith("<"));
    expect(answers).toHaveLength(all.reduce((sum, operator) => sum + operator.#typed.length, 0));
    const own = new Set(this.#typed.map((l) => `<${l}>`));
    expect(answers.filter((l) => own.has(l))).toEqual([...own]);
    await this.until("was told of each", () => this.sights.filter((s) => s.is === "told").length === this.#typed.length);
    const statuses = this.sights.flatMap((s) => (s.is === "told" ? [s.status] : []));
    expect(new Set(statuses)).toEqual(new Set([InputStatus.APPLIED]));
  }
}

export type Far = Awaited<ReturnType<typeof far>>;

/** All three, and a session that the operator is attached to. */
export async function far(
  w: World,
  net: Network,
): Promise<{
  readonly relay: FarRelay;
  readonly local: HostClient;
  readonly url: string;
  readonly session: Session;
  readonly operator: FarOperator;
}> {
  const relay = await new FarRelay(w, net.machine("relay")).start();
  const local = await hostOn(w, net.machine("host"));
  const url = await relay.joinedBy(local);
  const session = await ticking(w, local);
  const operator = new FarOperator(w, net.machine("op"), session.id, url);
  await operator.isThere();
  return { relay, local, url, session, operator };
}
