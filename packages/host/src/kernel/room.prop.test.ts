/** The room against a bridge and a host that fail: whatever is refused, cut or voided on the way, and however often a host dies. */
import { crc32 } from "node:zlib";
import { type BridgeRecord, encoded, headOf, json, RecordDecoder } from "@holdfast/kernel";
import { session as sessionRoom, type SessionFacts } from "@holdfast/core";
import {
  create,
  EventBody_InputSchema,
  EventBody_InputSettledSchema,
  HoldError,
  InputStatus,
  KernelRunOptionsSchema,
} from "@holdfast/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Entry } from "../journal/journal.ts";
import type { Actor, ReadItem } from "../session/book.ts";
import type { Saying } from "../session/inputs.ts";
import { type Body, OUTPUT_BODY } from "../session/record.ts";
import { KernelRoom, type RoomSession, type SavedRoom } from "./room.ts";

const numRuns = Number(process.env["HOLDFAST_PROP_RUNS"] ?? 200);
const crc = (bytes: Uint8Array, before: number): number => crc32(bytes, before);
const by = { id: "op-ana", via: "cli", name: "ana", kind: "human", onBehalfOf: "" } as const;

/** A journal, a shim's queue, a bridge and a kernel that runs what it is given. */
class Machine implements RoomSession {
  readonly id = "s1";
  readonly items: { entry: Entry; body: Body }[] = [];
  /** Said and not settled, in order. */
  pending: { seq: number; bytes: Uint8Array }[] = [];
  /** What the kernel ran, in order. */
  readonly ran: string[] = [];
  readonly skipped: number[] = [];
  room: KernelRoom;
  #offset = 0;
  #deferred: (() => void)[] = [];
  #ids = 0;
  #decoder = new RecordDecoder(crc);
  isLinked = true;

  constructor() {
    this.room = new KernelRoom(this, this.#ports, null);
    this.room.goOn();
    this.prints({ kind: "word", word: { word: "started", incarnation: 1, pid: 7, transport: "ipc", atUnixMs: 0 } });
    this.prints({ kind: "word", word: { word: "ready", incarnation: 1, tookMs: 1, info: {}, atUnixMs: 0 } });
  }

  get facts(): SessionFacts {
    return { ...sessionRoom.unopened(this.id), name: "k", kernel: "python3", incarnation: 1, seq: this.items.length as never };
  }

  get #ports() {
    return {
      clock: { wallMs: () => 1_000, monoMs: () => 0 as never, monoNs: () => 0n },
      defer: (run: () => void) => void this.#deferred.push(run),
      log: () => {},
      wakeAt: () => () => {},
      newId: () => `id${++this.#ids}`,
    };
  }

  record(actor: Actor, body: Body, payload: Uint8Array = new Uint8Array(0), at = { stream: 0, offset: 0 }): Entry {
    const seq = this.items.length + 1;
    const entry = { seq, actor: actor.id, via: actor.via, payload, payloadBytes: payload.length, ...at } as unknown as Entry;
    this.items.push({ entry, body });
    this.room.heard(entry, body, payload);
    return entry;
  }

  read(afterSeq: number): ReadItem[] {
    return this.items.slice(afterSeq);
  }

  /** How often something was said, or tried to be. */
  tries = 0;

  say(actor: Actor, { message, unit, bytes, secret }: Saying): number {
    this.tries++;
    if (!this.isLinked) throw new HoldError("draining", "being taken up");
    const { seq } = this.record(actor, { case: "input", value: create(EventBody_InputSchema, { message, unit, secret }) }, bytes);
    this.pending.push({ seq, bytes });
    return seq;
  }

  prints(record: BridgeRecord): void {
    const bytes = Buffer.concat(encoded(record, crc));
    // In two pieces, as a pipe may cut it.
    const middle = Math.floor(bytes.length / 2);
    for (const piece of [bytes.subarray(0, middle), bytes.subarray(middle)]) {
      this.record({ id: "program", via: "shim" }, OUTPUT_BODY, piece, { stream: 1, offset: this.#offset });
      this.#offset += piece.length;
    }
  }

  turns(): void {
    for (let n = 0; this.#deferred.length > 0; n++) {
      if (n > 100_000) throw new Error("it is due without end");
      this.#deferred.shift()!();
    }
  }

  /** The oldest that is under way gets there, whole or in part, or not at all. */
  settles(share: number): void {
    const next = this.pending.shift();
    if (!next) return;
    const bytes = Math.floor(next.bytes.length * share);
    const status = share === 1 ? InputStatus.APPLIED : bytes === 0 ? InputStatus.VOID : InputStatus.CUT;
    this.#reaches(next.bytes.subarray(0, bytes));
    const value = create(EventBody_InputSettledSchema, { inputSeq: BigInt(next.seq), status, bytes });
    this.record({ id: "system:host", via: "shim" }, { case: "inputSettled", value });
  }

  #reaches(bytes: Uint8Array): void {
    for (const found of this.#decoder.push(Uint8Array.from(bytes))) {
      if (!("record" in found)) this.skipped.push(found.skippedBytes);
      else if (found.record.kind === "message") {
        const { msgId, msgType } = headOf(found.record.message.header)!;
        if (msgType === "execute_request") this.#runs(msgId);
      }
    }
  }

  #runs(id: string): void {
    this.ran.push(id);
    const says = (channel: "iopub" | "shell", msg_type: string, content: object): void =>
      this.prints({
        kind: "message",
        channel,
        incarnation: 1,
        message: {
          header: json({ msg_id: `${id}-${msg_type}`, msg_type }),
          parent: json({ msg_id: id }),
          metadata: json({}),
          content: json(content),
          buffers: [],
        },
      });
    says("iopub", "status", { execution_state: "busy" });
    says("shell", "execute_reply", { status: "ok" });
    says("iopub", "status", { execution_state: "idle" });
  }

  /** `sent`: how many of those under way had reached the shim. `saves`: the next host begins with a saved fold. */
  dies(sent: number, saves: boolean): void {
    const saved = saves ? (JSON.parse(JSON.stringify(this.room.saved())) as SavedRoom) : null;
    const savedSeq = this.items.length;
    this.#deferred = [];
    this.isLinked = false;
    this.room = new KernelRoom(this, this.#ports, { saved, savedSeq });
    const lost = this.pending.slice(sent);
    this.pending = this.pending.slice(0, sent);
    this.isLinked = true;
    for (const { seq } of lost) {
      const value = create(EventBody_InputSettledSchema, { inputSeq: BigInt(seq), status: InputStatus.VOID, bytes: 0 });
      this.record({ id: "system:host", via: "shim" }, { case: "inputSettled", value });
    }
    this.room.goOn();
  }
}

const comm = (kib: number) => ({
  header: json({ msg_id: "c", msg_type: "comm_msg" }),
  parent: json({}),
  metadata: json({}),
  content: json({}),
  buffers: [new Uint8Array(kib * 1024)],
});

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("asks" as const), kib: fc.constantFrom(0, 0, 1, 70, 200) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("tells" as const), kib: fc.constantFrom(1, 70, 200) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("settles" as const), share: fc.constantFrom(1, 1, 1, 1, 0.5, 0) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("dies" as const), sent: fc.nat(3), saves: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("turns" as const) }) },
);

test("K1, K2: whatever is torn on the way, and whenever a host dies, each run is run once, in the order in which it was asked", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const machine = new Machine();
      const asked: string[] = [];
      for (const one of steps) {
        // What was asked for is said a turn later.
        await Promise.resolve();
        if (one.do === "settles") machine.settles(one.share);
        else if (one.do === "dies") machine.dies(one.sent, one.saves);
        else if (one.do === "turns") machine.turns();
        // Of what nobody says again, what was torn must not swallow what follows.
        else if (one.do === "tells") void machine.room.ask(by, "shell", comm(one.kib)).catch(() => {});
        else {
          const id = `run${asked.length}`;
          asked.push(id);
          const code = "x".repeat(one.kib * 1024);
          machine.room.execute(by, { id, code, options: create(KernelRunOptionsSchema), writer: "w", n: asked.length });
        }
      }
      for (let i = 0; i < 10_000 && (machine.ran.length < asked.length || machine.pending.length > 0); i++) {
        machine.turns();
        machine.settles(1);
      }
      machine.turns();
      expect(machine.ran).toEqual(asked);
      expect(asked.map((id) => machine.room.state.ended.get(id)?.outcome)).toEqual(asked.map(() => "ok"));
      expect(machine.room.state.queue).toEqual([]);
    }),
    { numRuns },
  );
});

test("while nothing can be said a run waits, without being tried again and again, and is run when the shim is there", () => {
  const machine = new Machine();
  machine.turns();
  machine.isLinked = false;
  const before = machine.tries;
  machine.room.execute(by, { id: "run0", code: "1", options: create(KernelRunOptionsSchema), writer: "w", n: 1 });
  machine.turns();
  expect([machine.tries - before, machine.ran]).toEqual([1, []]);
  machine.isLinked = true;
  machine.room.goOn();
  machine.turns();
  machine.settles(1);
  expect(machine.ran).toEqual(["run0"]);
});
