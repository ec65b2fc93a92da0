/**
 * A session as its journal has it, for a host that has just started: the saved fold, and what was recorded after it.
 *
 *   M1  What this gives is what the host that wrote it knew: facts, input with its outcomes and cuts, commands.
 *   M2  A fold that can't be read costs nothing but time: the journal is read from its beginning.
 */
import {
  floor as floorRoom,
  type FloorEvent,
  type GrantReason,
  InputLedger,
  inputRules,
  session as sessionRoom,
  type SessionFacts,
  TERMINAL_ACTOR,
} from "@holdfast/core";
import type { RegisteredOperator } from "../operator/registry.ts";
import { CommandWatch, outcomeOf, type SavedCommands } from "./command-watch.ts";
import { operatorOfWriter } from "./inputs.ts";
import type { SavedRoom } from "../kernel/room.ts";
import type { SessionPorts } from "./ports.ts";
import { type Body, decodeBody, folded } from "./record.ts";
import type { Past } from "./session.ts";

/** Of one reading of the journal. */
const READ_BYTES = 4 * 1024 * 1024;

type Known = (operator: string) => RegisteredOperator | null;
/** A fold as the journal's cache keeps it: what {@link LiveSession.saved} gave, and the session that it runs beside. */
interface Saved {
  readonly facts: SessionFacts;
  readonly input: unknown;
  readonly commands: SavedCommands;
  /** Absent in what an older host saved. Of {@link Past}. */
  readonly cuts?: readonly (readonly [string, number])[];
  readonly parent?: string;
  /** Of a kernel session. */
  readonly kernel?: SavedRoom;
}

/** Null for a session that was removed, or whose opening is not in the journal. `parent`: empty for one that is no command of `hold exec`. `savedSeq`: of the fold that it was read from; 0: there is none. */
export function recall(
  id: string,
  { journal, clock, log }: Pick<SessionPorts, "journal" | "clock" | "log">,
  known: Known,
): { readonly past: Past; readonly parent: string; readonly savedSeq: number; readonly kernel: SavedRoom | null } | null {
  const now = clock.monoMs();
  const unread = {
    facts: sessionRoom.unopened(id),
    input: new InputLedger(),
    commands: new CommandWatch(() => clock.wallMs()),
    parent: "",
  };
  const saved = journal.loadFold(id);
  let { facts, input, commands, parent } = unread;
  let savedSeq = 0;
  let kernel: SavedRoom | null = null;
  let cuts = new Map<string, number>();
  if (saved) {
    try {
      const data = JSON.parse(Buffer.from(saved.blob).toString("utf8")) as Saved;
      input = InputLedger.load(data.input, inputRules, now);
      commands = new CommandWatch(() => clock.wallMs(), data.commands);
      // Facts that an older version did not keep have their defaults.
      facts = { ...facts, ...data.facts };
      cuts = new Map(data.cuts);
      parent = data.parent ?? "";
      takeUpPending(id, journal, { input, commands }, data.commands.pending);
      savedSeq = saved.seq;
      kernel = data.kernel ?? null;
    } catch (fault) {
      log(`session ${id}: its saved fold can't be read, the journal is: ${String(fault)}`);
      ({ facts, input, commands, parent } = unread);
      cuts = new Map();
    }
  }
  for (;;) {
    const items = journal.read(id, facts.seq, READ_BYTES);
    if (items.length === 0) break;
    for (const item of items) {
      if ("gap" in item) {
        facts = { ...facts, seq: item.toSeq as never };
        continue;
      }
      const body = decodeBody(item.kind, item.meta);
      if (body?.case === "removed") return null;
      facts = sessionRoom.fold(facts, folded(item, body));
      commands.follow(item, body);
      if (body?.case === "opened" && body.value.parent) parent = body.value.parent;
      if (body?.case === "input") {
        const { writer, n, unit, unitEnd, interrupt } = body.value;
        const frame = { writer, n: Number(n), bytes: item.payloadBytes, unit, unitEnd, interrupt };
        input.accepted(frame, item.actor, item.seq as never, now);
      } else if (body?.case === "inputSettled") {
        input.settle(outcomeOf(body.value), now);
      } else if (body) {
        const isCut = cutBy(body, known);
        if (!isCut) continue;
        for (const { operator } of input.unsettled()) if (isCut(operator)) cuts.set(operator, item.seq);
        const unitOf = input.unitWriter();
        if (unitOf !== null && isCut(operatorOfWriter(unitOf))) input.cut();
      }
    }
  }
  if (facts.createdAt === 0) return null;
  // Who was revoked while the host died may not have been cut off: nothing of theirs is written any more.
  for (const { operator } of input.unsettled()) if (known(operator)?.revoked) cuts.set(operator, facts.seq);
  return { past: { facts, input, commands, cuts }, parent, savedSeq, kernel };
}

/** The bytes of inputs that were under way when the fold was saved: they count as typed (command-watch). `pending`: not given: all that are unsettled. */
function takeUpPending(
  id: string,
  journal: SessionPorts["journal"],
  { input, commands }: Pick<Past, "input" | "commands">,
  pending?: readonly number[],
): void {
  for (const { seq, operator, bytes } of input.unsettled()) {
    if (pending && !pending.includes(seq)) continue;
    const [item] = journal.read(id, seq - 1, 1);
    // Of what retention or an erasure took nothing is known but that something was typed.
    if (!item || "gap" in item || item.payload.length === 0) commands.input(seq, operator, Buffer.alloc(bytes, "?"), null);
    else commands.input(seq, operator, item.payload, null);
  }
}

/** Core/input I5: whose unit and waiting input this record cut, as the session decided it then; null if nobody's. */
function cutBy(body: Body, known: Known): ((operator: string) => boolean) | null {
  const event = floorEventOf(body, known);
  if (!event) return null;
  return (operator) =>
    operator !== TERMINAL_ACTOR && floorRoom.cuts(event, { id: operator, kind: known(operator)?.kind ?? "service" });
}

function floorEventOf(body: Body, known: Known): FloorEvent | null {
  if (body.case === "aiPaused") return body.value.paused ? { kind: "ai_paused" } : null;
  if (body.case !== "floorChanged") return null;
  const { holder, seat, from, reason } = body.value;
  if (holder === "") return reason === "revoked" ? { kind: "freed", reason, from } : null;
  const to = { id: holder, name: holder, kind: known(holder)?.kind ?? "service" };
  return { kind: "granted", to, seat, reason: reason as GrantReason, from: from || null };
}
