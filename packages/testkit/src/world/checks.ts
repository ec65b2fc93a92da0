/**
 * What must be true of a world that has come to rest, against three witnesses: the journal, the program's terminal, and each
 * client's own memory of what it sent, was told and was shown.
 *
 *   V1  What the terminal took is the journal's order of inputs without the voids; cut ones by their written bytes.
 *   V2  A frame ran at most once, whole and in its writer's order; what its sender was told last is what became of it.
 *   V3  Every input carries the operator who sent it.
 *   V4  The journal's output is what the program wrote, without a gap; each attachment saw every seq once in order, or a gap,
 *       or a snapshot; a snapshot is the whole as of its seq.
 *   V5  Nothing of what a take, a pause or an interrupt cut is written after it.
 *   V6  No input of an AI while AIs are paused, nor on a line that somebody else has half typed, whether the journal says so or the
 *       shell's editor saw it.
 *   V10 No program's interrupt, take or pass drops what a person has sent.
 *   V7  The journal verifies.
 *   V8  Queues stay within their bounds, and nothing is left over.
 *   V9  Every promise of the SDK is settled.
 */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { terminal, TERMINAL_ACTOR } from "@holdfast/core";
import { verifyJournal, type Entry } from "@holdfast/host/journal";
import { fromBinary, nameOf, EventBodySchema, InputStatus, limits, type EventBody } from "@holdfast/protocol";
import type { SimFS } from "../disk/index.ts";
import { AUDIT_KEY, JOURNAL_FOLDER } from "./life.ts";
import { kinds, type Name } from "./operators.ts";
import type { Sent, View } from "./sim-client.ts";
import type { World } from "./world.ts";

const auditPublicKey = createPublicKey(createPrivateKey({ key: AUDIT_KEY, format: "der", type: "pkcs8" })).export({
  type: "spki",
  format: "der",
});
export const OUTPUT_KIND = 2;
const CHUNK_BYTES = 32 * 1024;
/** How long a cut may be on its way to a shim, over one link; and an interrupt that must be on the disk before. */
const CUT_US = 20_000;
const SYNC_US = 500_000;

type Body = EventBody["kind"];

interface InputRecord {
  readonly seq: number;
  readonly actor: string;
  readonly writer: string;
  readonly n: number;
  readonly unit: string;
  readonly unitEnd: boolean;
  readonly interrupt: boolean;
  readonly payload: Buffer;
  status: InputStatus | null;
  bytes: number;
  refusal: string;
}

/** The session's records as this file reads them. */
export interface Record {
  readonly entry: Entry;
  readonly body: Body;
}

export function records(world: World): Record[] {
  return world.entries().flatMap((e) => {
    if ("gap" in e) {
      world.violation(`V4: the journal has a gap ${e.fromSeq}-${e.toSeq} (${e.reason})`);
      return [];
    }
    return [
      {
        entry: e,
        body: e.kind === OUTPUT_KIND || e.kind === 255 ? { case: undefined } : fromBinary(EventBodySchema, e.meta).kind,
      },
    ];
  });
}

export function checkWorld(world: World): void {
  const all = records(world);
  const inputs = inputsOf(all);
  order(world, inputs);
  frames(world, inputs);
  units(world, all, inputs);
  output(world, all);
  for (const client of world.clients)
    for (const view of client.views)
      watched(world, client.label, view, all, client.isAlive && view === client.view && client.attachment !== null);
  afterCuts(world, all, inputs);
  manners(world, all, inputs);
  patience(world, all, inputs);
  bounds(world);
  for (const client of world.clients) {
    if (!client.isAlive) continue;
    for (const p of client.promised)
      if (!p.settled) world.violation(`V9: ${client.label} still waits for an answer to ${p.what} of step ${p.atStep}`);
  }
}

function inputsOf(all: readonly Record[]): Map<number, InputRecord> {
  const inputs = new Map<number, InputRecord>();
  for (const { entry, body } of all) {
    if (body.case === "input") {
      const { writer, n, unit, unitEnd, interrupt } = body.value;
      inputs.set(entry.seq, {
        seq: entry.seq,
        actor: entry.actor,
        writer,
        n: Number(n),
        unit,
        unitEnd,
        interrupt,
        payload: Buffer.from(entry.payload),
        status: null,
        bytes: 0,
        refusal: "",
      });
    } else if (body.case === "inputSettled") {
      const input = inputs.get(Number(body.value.inputSeq));
      if (input && input.status === null)
        Object.assign(input, { status: body.value.status, bytes: body.value.bytes, refusal: body.value.refusal });
    }
  }
  return inputs;
}

/** V1. */
function order(world: World, inputs: Map<number, InputRecord>): void {
  const { shim } = world;
  const written = new Map<number, Buffer[]>();
  let last = 0;
  for (const w of shim.written) {
    if (w.seq < last) world.violation(`V1: bytes of input ${w.seq} were written after ${last}`);
    last = w.seq;
    written.set(w.seq, [...(written.get(w.seq) ?? []), Buffer.from(w.bytes)]);
  }
  for (const [seq, parts] of written) {
    const input = inputs.get(seq);
    const bytes = Buffer.concat(parts);
    if (!input) {
      world.violation(`V1: the terminal took input ${seq}, which the journal does not have`);
      continue;
    }
    if (!input.payload.subarray(0, bytes.length).equals(bytes))
      world.violation(`V1: the terminal took other bytes than the journal has of input ${seq}`);
    if (input.status !== null && input.bytes !== bytes.length)
      world.violation(`V1: the journal says ${input.bytes} bytes of input ${seq} were written, ${bytes.length} were`);
  }
  for (const input of inputs.values()) {
    if (input.status === null) world.violation(`V1: nothing says what became of input ${input.seq} of ${input.actor}`);
    const was = written.get(input.seq) ?? [];
    if (input.status === InputStatus.APPLIED && !input.interrupt && Buffer.concat(was).length !== input.payload.length)
      world.violation(
        `V1: input ${input.seq} is applied, and ${Buffer.concat(was).length} of its ${input.payload.length} bytes were written`,
      );
    if ((input.status === InputStatus.VOID || input.status === InputStatus.REFUSED) && was.length > 0)
      world.violation(`V1: input ${input.seq} is void, and was written`);
  }
  const read = Buffer.concat(shim.program.read).length;
  const took = shim.written.reduce((n, w) => n + w.bytes.length, 0);
  if (read + shim.flushedBytes > took) world.violation(`V1: the program read ${read} bytes of ${took}`);
}

/** V2, V3. */
function frames(world: World, inputs: Map<number, InputRecord>): void {
  const taken = new Map<number, number>();
  for (const w of world.shim.written) taken.set(w.seq, (taken.get(w.seq) ?? 0) + w.bytes.length);
  const byContent = new Map<string, InputRecord[]>();
  const lastN = new Map<string, number>();
  for (const input of inputs.values()) {
    if (input.actor !== TERMINAL_ACTOR && input.writer.split("/")[0] !== input.actor)
      world.violation(`V3: input ${input.seq} is recorded as ${input.actor}'s, and its writer is ${input.writer}`);
    const key = input.payload.toString("latin1");
    byContent.set(key, [...(byContent.get(key) ?? []), input]);
    if (input.status === InputStatus.VOID && input.refusal === "host_restart") continue;
    if (input.n <= (lastN.get(input.writer) ?? 0))
      world.violation(
        `V2: input ${input.seq} is frame ${input.n} of ${input.writer}, after its frame ${lastN.get(input.writer)}`,
      );
    lastN.set(input.writer, input.n);
  }
  for (const client of world.clients) {
    for (const sent of client.sent) {
      if (sent.interrupt) continue;
      let written = 0;
      for (let at = 0; at < sent.bytes.length; at += CHUNK_BYTES) {
        const chunk = Buffer.from(sent.bytes.subarray(at, at + CHUNK_BYTES)).toString("latin1");
        const found = (byContent.get(chunk) ?? []).filter((i) => (taken.get(i.seq) ?? 0) > 0);
        for (const i of byContent.get(chunk) ?? [])
          if (i.actor !== client.name) world.violation(`V3: ${client.name} sent what input ${i.seq} says of ${i.actor}`);
        if (found.length > 1)
          world.violation(
            `V2: ${client.label}'s ${sent.what} was written ${found.length} times (inputs ${found.map((i) => i.seq).join(", ")})`,
          );
        written += found.reduce((n, i) => n + taken.get(i.seq)!, 0);
      }
      // Two frames with one number may have two answers: what such a client makes of them is its own affair.
      if (client.isAlive && !world.hasMischief) told(world, client.label, sent, written);
    }
  }
}

function told(world: World, label: string, sent: Sent, written: number): void {
  const { outcome } = sent;
  if (!outcome || outcome.status === InputStatus.UNSPECIFIED) return;
  const lie = (truth: string): void =>
    world.violation(
      `V2: ${label} was told ${nameOf(InputStatus, outcome.status)} ${outcome.bytes} (${outcome.code ?? ""}) of ${sent.what}, but ${truth}`,
    );
  if (outcome.status === InputStatus.APPLIED && written !== sent.bytes.length) lie(`${written} bytes were written`);
  else if (outcome.bytes !== written) lie(`${written} bytes were written`);
}

/** A unit is not mixed with others' input, unless it was broken there. */
function units(world: World, all: readonly Record[], inputs: Map<number, InputRecord>): void {
  let open: { writer: string; unit: string } | null = null;
  const over = new Set<string>();
  for (const { entry } of all) {
    const input = inputs.get(entry.seq);
    if (!input || (input.status === InputStatus.VOID && input.refusal === "host_restart")) continue;
    if (open && (input.writer !== open.writer || input.unit !== open.unit)) {
      over.add(`${open.writer} ${open.unit}`);
      open = null;
    }
    if (input.unit === "") continue;
    const name = `${input.writer} ${input.unit}`;
    if (over.has(name))
      world.violation(
        `V2: input ${input.seq} goes on with unit ${input.unit} of ${input.writer}, which others' input had broken`,
      );
    open = input.unitEnd ? null : { writer: input.writer, unit: input.unit };
    if (input.unitEnd) over.add(name);
  }
}

/** V4, the journal's half. */
function output(world: World, all: readonly Record[]): void {
  const wrote = world.shim.output;
  let end = 0;
  for (const { entry, body } of all) {
    if (body.case === "gap") world.violation(`V4: a gap in the output, ${body.value.fromOffset}-${body.value.toOffset}`);
    if (entry.kind !== OUTPUT_KIND) continue;
    if (entry.offset !== end) world.violation(`V4: output at ${entry.offset} follows output that ends at ${end}`);
    if (!wrote.subarray(entry.offset, entry.offset + entry.payloadBytes).equals(Buffer.from(entry.payload)))
      world.violation(`V4: record ${entry.seq} has other output than the program wrote`);
    end = entry.offset + entry.payloadBytes;
  }
  if (end !== wrote.length) world.violation(`V4: the program wrote ${wrote.length} bytes, the journal has ${end}`);
}

/** V4, a reader's half. `isCurrent`: it must have come to the end. */
function watched(world: World, label: string, view: View, all: readonly Record[], isCurrent: boolean): void {
  const filter = new terminal.QueryFilter();
  const shownAt = new Map<number, Buffer>();
  const wholeEnd = new Map<number, number>();
  const whole: Buffer[] = [];
  let length = 0;
  for (const { entry } of all) {
    if (entry.kind === OUTPUT_KIND) {
      const shown = Buffer.from(filter.filter(entry.payload));
      shownAt.set(entry.seq, shown);
      whole.push(shown);
      length += shown.length;
    }
    wholeEnd.set(entry.seq, length);
  }
  const text = Buffer.concat(whole);
  let last: number | null = view.mode === "replay" ? 0 : null;
  let screen: Buffer[] = [];
  for (const s of view.seen) {
    const wrong = (what: string): void =>
      world.violation(`V4: ${label} saw ${s.is} ${"seq" in s ? s.seq : `${s.from}-${s.to}`} ${what}`);
    if (s.is === "snapshot") {
      if (last !== null && s.seq < last) wrong(`after ${last}`);
      if (view.mode === "replay") wrong("in a replay");
      const expected = text.subarray(0, wholeEnd.get(s.seq) ?? -1);
      if (!expected.equals(Buffer.from(s.bytes)))
        wrong(
          `of ${s.bytes.length} bytes that is not the ${expected.length} as of then${differs(expected, Buffer.from(s.bytes))}`,
        );
      last = s.seq;
      screen = [Buffer.from(s.bytes)];
      continue;
    }
    const from = s.is === "gap" ? s.from : s.seq;
    if (last === null) last = from - 1;
    if (from !== last + 1) wrong(`after ${last}`);
    last = s.is === "gap" ? s.to : s.seq;
    if (s.is !== "output") continue;
    const expected = shownAt.get(s.seq);
    if (!expected?.equals(Buffer.from(s.bytes)))
      wrong(`as other bytes than were shown to all${expected ? differs(expected, Buffer.from(s.bytes)) : " (no output)"}`);
    screen.push(Buffer.from(s.bytes));
  }
  if (!isCurrent || view.detached !== null) return;
  const head = all.at(-1)?.entry.seq ?? 0;
  if (last !== head) world.violation(`V4: ${label} stopped at ${last}, the journal goes to ${head}`);
  const seen = Buffer.concat(screen);
  if (!seen.equals(text.subarray(text.length - seen.length))) world.violation(`V4: ${label}'s screen is not what was shown`);
  if (view.mode === "snapshot" && seen.length !== text.length)
    world.violation(`V4: ${label}'s snapshot and what followed are ${seen.length} bytes of ${text.length}`);
}

function differs(a: Buffer, b: Buffer): string {
  let at = 0;
  while (at < Math.min(a.length, b.length) && a[at] === b[at]) at++;
  return `; at ${at}: ${JSON.stringify(a.subarray(at, at + 20).toString("latin1"))}, seen ${JSON.stringify(b.subarray(at, at + 20).toString("latin1"))}`;
}

/** V5. A cut reaches the shim within {@link CUT_US}, or with the next host's first word. */
function afterCuts(world: World, all: readonly Record[], inputs: Map<number, InputRecord>): void {
  for (const { entry, body } of all) {
    const asInput = inputs.get(entry.seq);
    // An interrupt that itself never came to anything cut nothing.
    if (asInput && asInput.status !== InputStatus.APPLIED) continue;
    const isCut = cutBy(entry, body);
    if (!isCut) continue;
    const atUs = Number(entry.monoNs / 1000n);
    const withinUs = body.case === "input" && world.live.facts.syncInput ? SYNC_US : CUT_US;
    const linkedUs = world.linkedAfter(atUs, withinUs);
    for (const w of world.shim.written) {
      const input = inputs.get(w.seq);
      if (!input || w.seq >= entry.seq || !isCut(input) || w.atUs <= world.scheduler.awakeAfter(linkedUs, withinUs)) continue;
      world.violation(
        `V5: ${w.bytes.length} bytes of input ${w.seq} of ${input.actor} were written ${Math.round((w.atUs - atUs) / 1000)} ms after ${body.case} ${entry.seq} had cut it`,
      );
    }
  }
}

/** Whose earlier input this record cuts off; null if nobody's. */
function cutBy(entry: Entry, body: Body): ((i: InputRecord) => boolean) | null {
  if (body.case === "aiPaused" && body.value.paused) return (i) => kinds[i.actor as Name] === "ai";
  if (body.case === "input" && body.value.interrupt) return (i) => i.seq < entry.seq;
  if (body.case === "floorChanged") {
    const { holder, from, reason } = body.value;
    const changesHands =
      holder !== "" && ((from !== "" && from !== holder) || (reason === "taken" && kinds[holder as Name] === "human"));
    if (changesHands) return (i) => i.actor !== holder && i.actor !== TERMINAL_ACTOR;
    // A person's first key outruns what waits of programs, whose lease has run out.
    if (holder !== "" && kinds[holder as Name] === "human")
      return (i) => i.actor !== holder && i.actor !== TERMINAL_ACTOR && kinds[i.actor as Name] !== "human";
  }
  return null;
}

/** V6. */
function manners(world: World, all: readonly Record[], inputs: Map<number, InputRecord>): void {
  let paused = false;
  let dirt: string | null = null;
  // F6: in an open session lines are everybody's.
  const isOpen = world.live.facts.floorMode === "open";
  // Where an editor tells what stands on its line, that is the truth: a program before it may have read what was typed.
  const isSeen = world.shim.program.nonce !== "";
  for (const { seq, to } of world.shim.program.joined) {
    const [by, of] = [inputs.get(seq)?.actor, inputs.get(to)?.actor];
    if (!isOpen && kinds[by as Name] === "ai" && by !== of)
      world.violation(`V6: input ${seq} of ${by} stands on the line behind input ${to} of ${of}`);
  }
  for (const { entry, body } of all) {
    if (body.case === "aiPaused") paused = body.value.paused;
    // Who typed it hands it over: nobody else can know what stands there.
    if (body.case === "floorChanged" && body.value.reason === "passed" && body.value.from === dirt) dirt = null;
    const input = inputs.get(entry.seq);
    if (!input || input.actor === TERMINAL_ACTOR) continue;
    const wasWritten = input.status === InputStatus.APPLIED || input.status === InputStatus.CUT;
    if (kinds[input.actor as Name] === "ai") {
      if (paused) world.violation(`V6: input ${input.seq} of ${input.actor} was accepted while AIs were paused`);
      // An interrupt is no typing: it ends whatever line there is.
      if (!isOpen && !isSeen && !input.interrupt && dirt !== null && dirt !== input.actor && wasWritten)
        world.violation(`V6: input ${input.seq} of ${input.actor} went on a line that ${dirt} had half typed`);
    }
    if (!wasWritten) continue;
    const last = input.payload.subarray(0, input.interrupt ? 1 : input.bytes).at(-1);
    if (last !== undefined) dirt = [0x0d, 0x0a, 0x03, 0x04, 0x15].includes(last) ? null : input.actor;
  }
}

/** V10. What is not settled in the journal waits still, or is of a person whose unit goes on. */
function patience(world: World, all: readonly Record[], inputs: Map<number, InputRecord>): void {
  const waiting = new Map<number, InputRecord>();
  for (const { entry, body } of all) {
    if (body.case === "inputSettled") waiting.delete(Number(body.value.inputSeq));
    const input = inputs.get(entry.seq);
    const drops = input ? input.interrupt : body.case === "floorChanged" && ["taken", "passed"].includes(body.value.reason);
    const kind = kinds[entry.actor as Name] ?? "human";
    if (drops && kind !== "human")
      for (const w of waiting.values())
        if (kinds[w.actor as Name] === "human")
          world.violation(
            `V10: ${body.case} ${entry.seq} of ${entry.actor} came over input ${w.seq} of ${w.actor}, which waited`,
          );
    if (input) waiting.set(entry.seq, input);
  }
}

/** V8. */
export function bounds(world: World): void {
  const { shim } = world;
  if (shim.queuedBytes > limits.inputQueueBytes) world.violation(`V8: ${shim.queuedBytes} bytes of input wait in the shim`);
  for (const wire of world.network.wires) {
    for (const end of [wire.client, wire.host])
      if (end.buffered > 2 * 1024 * 1024) world.violation(`V8: ${end.buffered} bytes wait in a process for ${wire.name}`);
  }
  if (world.life.isAlive && world.life.isServing && world.life.models.backlog(world.session) > 5 * 1024 * 1024)
    world.violation(`V8: the model is ${world.life.models.backlog(world.session)} bytes behind`);
}

/** V7. */
export function checkDisk(world: World, disk: SimFS = world.disk, durableLsn: number | null = null): void {
  const report = verifyJournal(disk, JOURNAL_FOLDER, auditPublicKey);
  // After a power cut, damage to what was never durable is there and is named.
  if (!report.ok)
    for (const f of report.findings)
      if (durableLsn === null || (f.lsn !== null && f.lsn <= durableLsn))
        world.violation(`V7: ${f.file} at ${f.position}: ${f.text}`);
}
