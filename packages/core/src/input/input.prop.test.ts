/**
 * Clients that resend until answered, a host that may die, and a shim that outlives it, against what the program read.
 * The host here is what this room expects of a host, in its fewest words.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { MonotonicMs, Seq } from "../id.ts";
import { HOST_RESTART, InputLedger, inputRules, type InputFrame, type InputRules, type Outcome } from "./index.ts";

const numRuns = process.env.HOLDFAST_SOAK ? 100_000 : 1_000;
const WRITERS = ["a", "b", "c"];
const MAX_UNANSWERED = 4;

type Entry = { input: InputFrame; seq: Seq } | { settled: Outcome } | { cut: true };
interface Answer {
  readonly n: number;
  readonly status: string;
}
interface Read {
  readonly seq: Seq;
  readonly writer: string;
  readonly n: number;
  readonly unit: string;
  readonly interrupt: boolean;
  readonly whole: boolean;
}

/** Holds what it received until it is told to write or drop it; survives the host. */
class Shim {
  queue: { frame: InputFrame; seq: Seq }[] = [];
  results: Outcome[] = [];
  received = Seq(0);
  read: Read[] = [];

  take(frame: InputFrame, seq: Seq): void {
    expect(seq).toBeGreaterThan(this.received); // I2
    this.received = seq;
    if (!frame.interrupt) return void this.queue.push({ frame, seq });
    this.drop(false);
    this.#write(frame, seq, true);
  }
  apply(): void {
    const head = this.queue.shift();
    if (head) this.#write(head.frame, head.seq, true);
  }
  drop(partly: boolean): void {
    const head = partly && this.queue.shift();
    if (head) this.#write(head.frame, head.seq, false);
    for (const { seq } of this.queue.splice(0)) this.results.push({ seq, status: "void", bytes: 0, refusal: "" });
  }
  #write(frame: InputFrame, seq: Seq, whole: boolean): void {
    this.read.push({ seq, writer: frame.writer, n: frame.n, unit: frame.unit, interrupt: frame.interrupt, whole });
    this.results.push({ seq, status: whole ? "applied" : "cut", bytes: whole ? frame.bytes : 1, refusal: "" });
  }
}

class Client {
  readonly writer: string;
  n = 0;
  units = 0;
  unit = "";
  unanswered: InputFrame[] = [];
  answers = new Map<number, string>();
  toHost: InputFrame[] = [];
  toClient: Answer[] = [];
  constructor(writer: string) {
    this.writer = writer;
  }

  send(kind: "plain" | "chunk" | "end" | "interrupt", bytes: number): void {
    if (this.unanswered.length > 0 && this.n - this.unanswered[0]!.n + 1 >= MAX_UNANSWERED) return;
    if (kind === "chunk" && this.unit === "") this.unit = `${this.writer}${++this.units}`;
    const unit = kind === "chunk" || kind === "end" ? this.unit : "";
    if (kind !== "chunk") this.unit = "";
    const frame = { writer: this.writer, n: ++this.n, bytes, unit, unitEnd: kind === "end", interrupt: kind === "interrupt" };
    this.unanswered.push(frame);
    this.toHost.push(frame);
  }
  /** A new link: what the old one still carried, either way, is lost. */
  resume(): void {
    this.toClient = [];
    this.toHost = [...this.unanswered];
  }
  hear(): void {
    const answer = this.toClient.shift();
    if (!answer || !this.unanswered.some((f) => f.n === answer.n)) return;
    this.unanswered = this.unanswered.filter((f) => f.n !== answer.n);
    this.answers.set(answer.n, answer.status);
  }
}

class World {
  now = MonotonicMs(0);
  seq = 0;
  readonly rules: InputRules;
  readonly shim = new Shim();
  readonly clients = WRITERS.map((w) => new Client(w));
  readonly journal: Entry[] = [];
  unsent: { frame: InputFrame; seq: Seq }[] = [];
  waiting: InputFrame[] = [];
  ledger: InputLedger;
  saved: { text: string; entries: number } | null = null;
  constructor(rules: InputRules) {
    this.rules = rules;
    this.ledger = new InputLedger(rules);
  }

  arrive(client: Client): void {
    const frame = client.toHost.shift();
    if (!frame) return;
    if (!frame.interrupt && this.waiting.some((f) => f.writer === frame.writer)) this.waiting.push(frame);
    else this.offer(frame);
    this.retry();
  }
  offer(frame: InputFrame): void {
    const decision = this.ledger.decide(frame);
    const answer = (status: string) => this.client(frame.writer).toClient.push({ n: frame.n, status });
    if (decision.kind === "wait") this.waiting.push(frame);
    if (decision.kind === "settled") answer(decision.outcome.status);
    if (decision.kind === "refuse") {
      if (decision.code !== "superseded") this.ledger.refused(frame);
      answer(decision.code);
    }
    if (decision.kind !== "accept") return;
    const seq = Seq(++this.seq);
    this.ledger.accepted(frame, frame.writer, seq, this.now);
    this.journal.push({ input: frame, seq });
    this.unsent.push({ frame, seq });
    const times = frame.interrupt ? 2 : 1;
    expect(this.ledger.unsettledBytes).toBeLessThanOrEqual(this.rules.queueBytes * times + 1_000 * (times - 1)); // I3
    if (!frame.interrupt) expect(this.ledger.unsettledBytes).toBeLessThanOrEqual(this.rules.queueBytes); // I3
    expect(this.ledger.unsettledCount).toBeLessThanOrEqual(this.rules.queueFrames * times); // I3
  }
  /** A new attachment of a writer fences the old one: what that one left waiting is not offered beside its resend. */
  resume(client: Client): void {
    this.waiting = this.waiting.filter((f) => f.writer !== client.writer);
    client.resume();
  }
  retry(): void {
    const blocked = new Set<string>();
    for (const frame of this.waiting.splice(0)) {
      if (blocked.has(frame.writer)) this.waiting.push(frame);
      else this.offer(frame);
      if (this.waiting.some((f) => f.writer === frame.writer)) blocked.add(frame.writer);
    }
  }
  sendOn(): void {
    const next = this.unsent.shift();
    if (next) this.shim.take(next.frame, next.seq);
  }
  result(): void {
    const outcome = this.shim.results.shift();
    if (outcome) this.settle(outcome);
    this.retry();
  }
  settle(outcome: Outcome): void {
    this.journal.push({ settled: outcome });
    const whose = this.ledger.settle(outcome, this.now);
    expect(this.ledger.settle(outcome, this.now)).toBeNull();
    if (whose && outcome.refusal !== HOST_RESTART)
      this.client(whose.writer).toClient.push({ n: whose.n, status: outcome.status });
  }
  floorChanges(partly: boolean): void {
    while (this.unsent.length > 0) this.sendOn();
    this.shim.drop(partly);
    this.journal.push({ cut: true });
    this.ledger.cut();
    this.retry();
  }
  advance(ms: number): void {
    this.now = MonotonicMs(this.now + ms);
    const wake = this.ledger.nextWake();
    expect(this.ledger.tick(this.now)).toBe(wake !== null && this.now >= wake);
    this.retry();
  }
  save(): void {
    this.saved = { text: JSON.stringify(this.ledger.save()), entries: this.journal.length };
  }
  /** The host dies and another one adopts the shim. The journal's record of a frame does not say that it ended its unit. */
  restart(fromSaved: boolean): void {
    this.unsent = [];
    this.waiting = [];
    for (const client of this.clients) this.resume(client);
    const saved = fromSaved ? this.saved : null;
    this.ledger = saved ? InputLedger.load(JSON.parse(saved.text), this.rules, this.now) : new InputLedger(this.rules);
    for (const entry of this.journal.slice(saved?.entries ?? 0)) {
      if ("cut" in entry) this.ledger.cut();
      else if ("settled" in entry) this.ledger.settle(entry.settled, this.now);
      else this.ledger.accepted({ ...entry.input, unitEnd: false }, entry.input.writer, entry.seq, this.now);
    }
    for (const seq of this.ledger.neverSent(this.shim.received))
      this.settle({ seq, status: "void", bytes: 0, refusal: HOST_RESTART });
  }
  client(writer: string): Client {
    return this.clients.find((c) => c.writer === writer)!;
  }
  /** All links are up and all goes on until nothing more happens. */
  calm(): void {
    for (const client of this.clients) this.resume(client);
    for (let i = 0; i < 200 && (this.ledger.unsettledCount > 0 || this.clients.some((c) => c.unanswered.length > 0)); i++) {
      for (const client of this.clients) this.arrive(client);
      this.sendOn();
      this.shim.apply();
      this.result();
      for (const client of this.clients) client.hear();
      if (i % 20 === 19) this.advance(2_000);
    }
  }
}

const writer = fc.nat(WRITERS.length - 1);
const some = fc.integer({ min: 1, max: 4 });
const op = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(
      fc.constant("send" as const),
      writer,
      fc.constantFrom(
        "plain" as const,
        "plain" as const,
        "chunk" as const,
        "chunk" as const,
        "end" as const,
        "interrupt" as const,
      ),
      fc.integer({ min: 0, max: 5 }),
    ),
  },
  { weight: 8, arbitrary: fc.tuple(fc.constant("arrive" as const), writer, some) },
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom("sendOn" as const, "apply" as const, "result" as const), some) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("hear" as const), writer, some) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("resume" as const), writer) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom("floor" as const, "restart" as const), fc.boolean()) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("advance" as const), fc.constantFrom(1_999, 2_000)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("save" as const)) },
);
type Op = typeof op extends fc.Arbitrary<infer T> ? T : never;

function play(world: World, ops: readonly Op[]): void {
  const times = (k: number, act: () => void): void => {
    for (let i = 0; i < k; i++) act();
  };
  for (const o of ops) {
    switch (o[0]) {
      case "send":
        world.clients[o[1]]!.send(o[2], o[2] === "interrupt" ? 1 : o[3]);
        break;
      case "arrive":
        times(o[2], () => world.arrive(world.clients[o[1]]!));
        break;
      case "sendOn":
        times(o[1], () => world.sendOn());
        break;
      case "apply":
        times(o[1], () => world.shim.apply());
        break;
      case "result":
        times(o[1], () => world.result());
        break;
      case "hear":
        times(o[2], () => world.clients[o[1]]!.hear());
        break;
      case "resume":
        world.resume(world.clients[o[1]]!);
        break;
      case "floor":
        world.floorChanges(o[1]);
        break;
      case "restart":
        world.restart(o[1]);
        break;
      case "advance":
        world.advance(o[1]);
        break;
      case "save":
        world.save();
        break;
    }
  }
}

function run(world: World, ops: readonly Op[]): void {
  play(world, ops);
  world.calm();
}

const key = (f: { writer: string; n: number }): string => `${f.writer}${f.n}`;

function whatTheProgramReadIsRight(world: World): void {
  const { read } = world.shim;
  const notVoid = new Map<Seq, boolean>();
  for (const entry of world.journal) if ("settled" in entry) notVoid.set(entry.settled.seq, entry.settled.status !== "void");
  const expected = world.journal.filter((e) => "input" in e).filter((e) => notVoid.get(e.seq) !== false);
  expect(read.map((r) => r.seq)).toEqual(expected.map((e) => e.seq)); // I2: the journal's order without the voids
  expect(new Set(read.map(key)).size).toBe(read.length); // I1: at most once
  for (const client of world.clients) {
    const ns = read.filter((r) => r.writer === client.writer).map((r) => r.n);
    expect(ns).toEqual(ns.toSorted((x, y) => x - y));
  }
  const data = read.filter((r) => !r.interrupt);
  for (const unit of new Set(data.map((r) => r.unit).filter((u) => u !== ""))) {
    const at = data.flatMap((r, i) => (r.unit === unit ? [i] : []));
    expect(at).toEqual(at.map((_, i) => at[0]! + i)); // I4: nobody's frame between its chunks
    const chunks = at.map((i) => data[i]!);
    expect(chunks.map((c) => c.n)).toEqual(chunks.map((_, i) => chunks[0]!.n + i)); // I4: no chunk is missing between two
    expect(chunks.slice(0, -1).every((c) => c.whole)).toBe(true); // I4: nothing after a cut
  }
}

const tight: InputRules = {
  ...inputRules,
  queueBytes: 12,
  queueFrames: 6,
  rememberedPerWriter: MAX_UNANSWERED,
  writers: WRITERS.length,
};

test("the program reads the journal's order without the voids, and every writer learns the truth about every frame", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 80, size: "max" }), (ops) => {
      const world = new World(tight);
      run(world, ops);
      whatTheProgramReadIsRight(world);
      const whole = new Map(world.shim.read.map((r) => [key(r), r.whole]));
      for (const client of world.clients) {
        expect(client.unanswered).toEqual([]);
        for (let n = 1; n <= client.n; n++) {
          const was = whole.get(`${client.writer}${n}`);
          const answer = client.answers.get(n);
          if (answer === "applied" || was === true) expect([n, answer, was]).toEqual([n, "applied", true]);
          else if (answer === "cut" || was === false) expect([n, answer, was]).toEqual([n, "cut", false]);
        }
      }
    }),
    { numRuns },
  );
});

test("no frame is read twice by the program, although the host forgets the outcomes of silent writers", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 80, size: "max" }), (ops) => {
      const world = new World({ ...tight, writers: 1, rememberedPerWriter: 1 });
      run(world, ops);
      whatTheProgramReadIsRight(world);
    }),
    { numRuns },
  );
});

test("where there is room, no units and no floor changes, every frame sent is read exactly once, whatever is cut and restarted", () => {
  const calm = op.filter((o) => (o[0] === "send" ? o[2] === "plain" : o[0] !== "floor"));
  fc.assert(
    fc.property(fc.array(calm, { maxLength: 80, size: "max" }), (ops) => {
      const world = new World({ ...tight, queueBytes: 1_000, queueFrames: 1_000 });
      run(world, ops);
      for (const client of world.clients) {
        const ns = world.shim.read.filter((r) => r.writer === client.writer).map((r) => r.n);
        expect(ns).toEqual(Array.from({ length: client.n }, (_, i) => i + 1));
      }
    }),
    { numRuns },
  );
});

test("a ledger that was saved and loaded answers as the one that it was saved from", () => {
  const frame = fc.record({
    writer: fc.constantFrom(...WRITERS),
    n: fc.integer({ min: 1, max: 30 }),
    bytes: fc.nat(6),
    unit: fc.constantFrom("", "a1", "b1", "a2"),
    unitEnd: fc.boolean(),
    interrupt: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60, size: "max" }), fc.array(frame, { maxLength: 20, size: "max" }), (ops, frames) => {
      const world = new World(tight);
      play(world, ops);
      const { ledger } = world;
      const loaded = InputLedger.load(JSON.parse(JSON.stringify(ledger.save())), tight, world.now);
      expect(loaded.save()).toEqual(ledger.save());
      expect([loaded.unsettledBytes, loaded.unsettledCount, loaded.unitOpen()]).toEqual([
        ledger.unsettledBytes,
        ledger.unsettledCount,
        ledger.unitOpen(),
      ]);
      expect([...loaded.unsettled()].map((e) => e.seq)).toEqual([...ledger.unsettled()].map((e) => e.seq));
      for (const f of frames) expect(loaded.decide(f)).toEqual(ledger.decide(f));
    }),
    { numRuns: numRuns / 2 },
  );
});
