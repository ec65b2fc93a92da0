/**
 * Two people and two AIs steer one real vim over mixed carriers, in turn by the floor's rules: what vim writes at the end is what the
 * journal says was typed, unit by unit, each whole and under its true name; and while AIs are paused nothing of theirs gets through.
 */
import { existsSync, readFileSync } from "node:fs";
import { InputStatus, type Floor, OperatorKind } from "@holdfast/protocol";
import { type Attachment, type Event, type HostClient, readJournal } from "@holdfast/sdk";
import { connect } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { fact } from "../../../test/integration/world/processes.ts";
import { bytes, random, say, soak, world } from "../../../test/integration/world/world.ts";
import { agent, type Agent } from "./agent.ts";

/** Of all four together. */
const UNITS = soak ? 10_000 : 600;
const EACH = UNITS / 4;
/** What each AI tries while it is paused. */
const TRIES = soak ? 1_000 : 50;

const unit = (name: string, n: number, filler: number): string => `[${name}:${n}:${"x".repeat(filler)}]`;

/** What all four share. */
interface Work {
  /** Units that are in. */
  done: number;
  /** Who still has something to type. */
  typing: number;
  readonly dice: { below(n: number): number };
}

/** A person: types while the floor is free or an AI has it, a few units at a time, then lets others. */
class Person {
  readonly name: string;
  #attachment!: Attachment;
  /** All of its units that wait for the floor: two at once, while AIs are paused. */
  #waiting: (() => void)[] = [];

  private constructor(name: string) {
    this.name = name;
  }

  static async attached(client: HostClient, name: string, session: string): Promise<Person> {
    const person = new Person(name);
    person.#attachment = await client.attach({ session, noOutput: true }, { floor: () => person.#wake() });
    return person;
  }

  get attachment(): Attachment {
    return this.#attachment;
  }

  async types(work: Work, units: number): Promise<void> {
    for (let n = 0; n < units; ) {
      for (let burst = 1 + work.dice.below(12); burst > 0 && n < units; burst--)
        await this.unit(work, unit(this.name, n++, work.dice.below(60)));
      // The next turn is somebody else's, if anybody else has something to type. They may be in before the answer to this is.
      const seen = work.done;
      await this.#attachment.release();
      await fact("another has typed", () => work.done > seen || work.typing === 1 || n === units, 600_000);
    }
    work.typing--;
  }

  /** One unit, however often another person is before it. */
  async unit(work: Work, text: string): Promise<void> {
    for (;;) {
      const told = await this.#attachment.input(bytes(`${text}\r`));
      if (told.status === InputStatus.APPLIED) break;
      if (told.code !== "floor_held" && told.status !== InputStatus.VOID)
        throw new Error(`${text}: ${told.code} ${told.message}`);
      await this.#mayType();
    }
    work.done++;
  }

  async #mayType(): Promise<void> {
    const isFree = (f: Floor): boolean => f.holder === "" || f.holderKind === OperatorKind.AI;
    while (!isFree(this.#attachment.floor))
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** An AI: types when it may, and tries again when it may not. Counts what it was refused, by code. */
class Ai {
  readonly name: string;
  readonly agent: Agent;
  readonly #session: string;
  readonly refused = new Map<string, number>();

  constructor(name: string, ai: Agent, session: string) {
    this.name = name;
    this.agent = ai;
    this.#session = session;
  }

  async types(work: Work, units: number): Promise<void> {
    for (let n = 0; n < units; ) {
      for (let burst = 1 + work.dice.below(12); burst > 0 && n < units; burst--) {
        const text = unit(this.name, n++, work.dice.below(60));
        await fact(`${text} is typed`, () => this.#tries(text), 600_000);
        work.done++;
      }
      await this.agent.call("floor", { session: this.#session, verb: "release" });
    }
    work.typing--;
  }

  async #tries(text: string): Promise<boolean> {
    const { isError, told } = await this.agent.call("send_text", { session: this.#session, text, submit: true });
    if (!isError) return true;
    const code = String(told["code"]);
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
    if (!["floor_held", "line_not_empty", "ai_paused", "input_void"].includes(code)) throw new Error(`${text}: ${code}`);
    return false;
  }

  /** By every tool that could change something: how often it was told `ai_paused`. */
  async fights(tries: number): Promise<number> {
    const session = this.#session;
    let paused = 0;
    for (let i = 0; i < tries; i++) {
      const ways = [
        ["send_text", { text: `[${this.name}:paused:]`, submit: true }],
        ["send_text", { text: `[${this.name}:paused:]`, paste: true, take: true }],
        ["send_keys", { keys: ["x"], take: true }],
        ["send_keys", { keys: ["C-c"] }],
        ["signal", { signal: "TERM" }],
        ["session_kill", { grace_ms: 0 }],
        ["exec", { argv: ["touch", "paused"] }],
        ["file_write", { path: "paused", text: "x" }],
      ] as const;
      const [name, args] = ways[i % ways.length]!;
      const { isError, told } = await this.agent.call(name, { session, ...args });
      if (isError && told["code"] === "ai_paused") paused++;
    }
    return paused;
  }
}

test(
  `${UNITS} units of two people and two AIs into one vim: none cut, mixed or misattributed; paused AIs get nothing through`,
  async () => {
    const w = await world();
    const dice = random();
    say(`seed ${dice.seed}`);
    const url = await w.listen();
    const admin = await w.connect();
    const path = w.path("shared.txt");
    const vim = ["vim", "-u", "NONE", "-i", "NONE", "-n", "-N", "--cmd", "set paste", "+startinsert", path];
    const session = await w.open(admin, { name: "editor", command: vim, size: { cols: 100, rows: 30 } });
    await admin.wait(session.id, { match: "INSERT", fromSeq: 0 });

    const ana = await Person.attached(await w.operator("ana"), "ana", session.id);
    w.close(await w.operator("ben"));
    const far = await connect({ url, home: w.home, as: "ben", via: "web", timeoutMs: 60_000 });
    w.atEnd(() => far.close());
    const ben = await Person.attached(far, "ben", session.id);
    for (const name of ["bot", "hal"]) w.close(await w.operator(name, "ai"));
    const bot = new Ai("bot", await agent(w, "v1", ["--as", "bot"]), session.id);
    const hal = new Ai("hal", await agent(w, "v2", ["--as", "hal"]), session.id);

    const work: Work = { done: 0, typing: 4, dice };
    const all = Promise.all([ana.types(work, EACH), ben.types(work, EACH), bot.types(work, EACH), hal.types(work, EACH)]);
    const pausing = (async () => {
      await fact("half of it is typed", () => work.done >= UNITS / 2, 3_600_000);
      await ana.attachment.aiPause();
      const [told] = await Promise.all([
        Promise.all([bot.fights(TRIES), hal.fights(TRIES)]),
        // People go on, also one who has typed all of theirs.
        ana.unit(work, unit("ana", EACH, 0)),
      ]);
      await ana.attachment.aiResume();
      return told;
    })();
    await Promise.all([all, pausing]);
    expect(await pausing).toEqual([TRIES, TRIES]);

    // The last turn is over: what closes the file is nobody's unit.
    for (const keys of ["\x1b", ":wq\r"]) await ana.attachment.input(bytes(keys));
    expect((await admin.wait(session.id, { exit: true })).exit?.code).toBe(0);

    const events: Event[] = [];
    for await (const entry of readJournal(admin, session.id)) if (entry.type === "event") events.push(entry.event);
    const settled = new Map<number, InputStatus>();
    for (const e of events)
      if (e.body?.kind.case === "inputSettled") settled.set(Number(e.body.kind.value.inputSeq), e.body.kind.value.status);
    expect([...settled.values()].filter((s) => s === InputStatus.CUT)).toEqual([]);
    // The terminal's own answers to vim's questions are input too, and are no operator's.
    const inputs = events.filter(
      (e) =>
        e.body?.kind.case === "input" && settled.get(Number(e.seq)) === InputStatus.APPLIED && !e.actor.startsWith("system:"),
    );
    const typed = inputs.map((e) => ({ seq: Number(e.seq), actor: e.actor, via: e.via, text: Buffer.from(e.data).toString() }));
    const units = typed.slice(0, -2);
    const seen = new Set<string>();
    for (const { actor, via, text } of units) {
      const [, name, n] = /^\[([a-z]+):(\d+):x*\]\r$/.exec(text) ?? [];
      expect([name, via]).toEqual([actor, { ana: "sdk", ben: "web", bot: "mcp", hal: "mcp" }[actor]]);
      seen.add(`${name}:${n}`);
    }
    expect([units.length, seen.size]).toEqual([UNITS + 1, UNITS + 1]);
    expect(readFileSync(path, "utf8").trimEnd().split("\n")).toEqual(units.map(({ text }) => text.trimEnd()));

    const pauses = events.filter((e) => e.body?.kind.case === "aiPaused").map((e) => Number(e.seq));
    expect(pauses).toHaveLength(2);
    const between = inputs.filter((e) => Number(e.seq) > pauses[0]! && Number(e.seq) < pauses[1]!);
    expect(between.filter((e) => ["bot", "hal"].includes(e.actor))).toEqual([]);
    expect(between.length).toBeGreaterThan(0);
    expect(existsSync(w.path("paused"))).toBe(false);
    const turns = units.filter((u, i) => i > 0 && u.actor !== units[i - 1]!.actor).length;
    const refused = [bot, hal].map((a) => [...a.refused].map(([code, n]) => `${code} ${n}`).join(", ")).join("; ");
    say(`${units.length} units, ${turns} turns; refused: ${refused}; ${between.length} units of people while AIs were paused`);
    expect(turns).toBeGreaterThan(UNITS / 40);
  },
  soak ? 3_600_000 : 120_000,
);
