/**
 * The floor: the right to steer a session (RFC 4582's word). Any number observe; one at a time steers.
 *
 *   F1  At most one operator holds the floor, through one attachment, the seat.
 *   F2  Every grant raises `epoch`; an input that names an older epoch is refused.
 *   F3  Typing takes a free floor. It is free again after idle time: 4 s for people, 30 s for services and AIs.
 *   F4  A person takes it from an AI or a service at once. Nobody takes it from a person; equals ask and are passed it.
 *   F5  An AI never types over a half-typed line of somebody else, be it the holder or not; while AIs are paused it does nothing
 *       here but ask and let go.
 *   F6  With mode `open` everybody may type; epochs and F5's pause still hold, and typing only keeps a floor, never takes one.
 *   F7  Who has input that is not written yet is still at it, lease or not. No program takes a floor from a person who is, nor
 *       interrupts them; and a person's first key takes it from a program that is, and drops what waits.
 *   F8  What goes beside the terminal (signals, an end, a pinned size) needs no floor, but no AI does it over a person who holds it.
 * What each may do when, cell by cell: turns.test.ts.
 * Pure: time is an argument. Who may type at all is policy/; what is queued and must be dropped on a change is input/.
 */
import { Epoch, MonotonicMs, type AttachmentId, type Operator, type OperatorId } from "../id.ts";

export type FloorMode = "turn" | "open";

export interface Floor {
  readonly mode: FloorMode;
  readonly epoch: Epoch;
  readonly aiPaused: boolean;
  /** Asked for it and not yet served, in order. */
  readonly asking: readonly Operator[];
  readonly tenure: Tenure | null;
}

export interface Tenure {
  readonly operator: Operator;
  readonly seat: AttachmentId;
  readonly expiresAt: MonotonicMs;
}

/** F3: how long a floor is kept without input. */
export const idleMs = { human: 4_000, service: 30_000, ai: 30_000 } as const;
/** The longest queue of askers; one more forgets the oldest. */
const MAX_ASKING = 16;

export function openFloor(mode: FloorMode): Floor {
  return { mode, epoch: Epoch(0), aiPaused: false, asking: [], tenure: null };
}

/** After a host's restart: who used the floor `sinceMs` ago keeps it, on a seat that is gone until they type again. */
export function restored(floor: Floor, holder: Operator, sinceMs: number, now: MonotonicMs): Floor {
  const leftMs = idleMs[holder.kind] - sinceMs;
  return leftMs > 0 ? { ...floor, tenure: { operator: holder, seat: "", expiresAt: MonotonicMs(now + leftMs) } } : floor;
}

export type FloorCommand =
  | {
      readonly verb: "type";
      readonly by: Operator;
      readonly seat: AttachmentId;
      readonly epoch?: Epoch;
      readonly lineDirty: LineDirt;
      /** Default false. */
      readonly interrupt?: boolean;
      readonly stillAtIt: StillAtIt;
    }
  | {
      readonly verb: "take";
      readonly by: Operator;
      readonly seat: AttachmentId;
      readonly lineDirty: LineDirt;
      readonly stillAtIt: StillAtIt;
    }
  | { readonly verb: "ask"; readonly by: Operator }
  | { readonly verb: "release"; readonly by: Operator }
  | {
      readonly verb: "pass";
      readonly by: Operator;
      readonly to: Operator;
      readonly seat: AttachmentId;
      readonly stillAtIt: StillAtIt;
    }
  /** F8. `disturbs`: what runs, or who looks at it; default true. */
  | { readonly verb: "act"; readonly by: Operator; readonly disturbs?: boolean }
  | { readonly verb: "ai_pause"; readonly by: Operator }
  | { readonly verb: "ai_resume"; readonly by: Operator }
  | { readonly verb: "leave"; readonly seat: AttachmentId }
  | { readonly verb: "revoke"; readonly operator: OperatorId };

/** Who has typed on the line that is not finished: null when it is empty. */
export type LineDirt = OperatorId | null;
/** F7: a person whose input is not all written yet: bytes of theirs wait, or a unit of theirs is open. Asked for programs only. */
export type StillAtIt = Operator | null;

export type FloorEvent =
  | {
      readonly kind: "granted";
      readonly to: Operator;
      readonly seat: AttachmentId;
      readonly reason: GrantReason;
      readonly from: OperatorId | null;
    }
  | { readonly kind: "renewed" }
  | { readonly kind: "freed"; readonly reason: "released" | "idle" | "left" | "revoked" | "ai_paused"; readonly from: OperatorId }
  | { readonly kind: "asked"; readonly by: Operator }
  | { readonly kind: "withdrawn"; readonly operator: OperatorId }
  | { readonly kind: "ai_paused" }
  | { readonly kind: "ai_resumed" };

export type GrantReason = "typed" | "taken" | "passed" | "moved";

export type FloorRefusal =
  /** `expiresAt`: null where no lease says it: until the holder's input is written. */
  | { readonly code: "floor_held"; readonly holder: Operator; readonly expiresAt: MonotonicMs | null }
  | { readonly code: "floor_not_yours"; readonly holder: Operator | null }
  | { readonly code: "ai_paused" }
  /** `of`: who has begun the line. */
  | { readonly code: "line_not_empty"; readonly of: OperatorId }
  | { readonly code: "fenced"; readonly epoch: Epoch };

export type FloorDecision =
  | { readonly ok: true; readonly events: readonly FloorEvent[] }
  | { readonly ok: false; readonly refusal: FloorRefusal };

export function decide(floor: Floor, command: FloorCommand, now: MonotonicMs): FloorDecision {
  const tenure = live(floor, now);
  const expired: FloorEvent[] =
    floor.tenure && !tenure ? [{ kind: "freed", reason: "idle", from: floor.tenure.operator.id }] : [];
  const events = (...more: FloorEvent[]): FloorDecision => ({ ok: true, events: [...expired, ...more] });

  switch (command.verb) {
    case "act":
      if (command.by.kind !== "ai") return { ok: true, events: [] };
      if (floor.aiPaused) return refuse({ code: "ai_paused" });
      if (command.disturbs !== false && tenure?.operator.kind === "human")
        return refuse({ code: "floor_held", holder: tenure.operator, expiresAt: tenure.expiresAt });
      return { ok: true, events: [] };
    case "type":
    case "take": {
      const { by, seat } = command;
      if (by.kind === "ai" && floor.aiPaused) return refuse({ code: "ai_paused" });
      if (command.verb === "type" && command.epoch !== undefined && command.epoch !== floor.epoch)
        return refuse({ code: "fenced", epoch: floor.epoch });
      const isSeated = tenure?.operator.id === by.id && tenure.seat === seat;
      const before = personBefore(command);
      if (command.verb === "type" && floor.mode === "open") {
        if (before && command.interrupt) return refuse(before);
        return isSeated ? events({ kind: "renewed" }) : events();
      }
      // Before the holder's own case: a person may have passed on a line that they left half typed.
      if (by.kind === "ai" && command.lineDirty !== null && command.lineDirty !== by.id)
        return refuse({ code: "line_not_empty", of: command.lineDirty });
      if (isSeated) return events({ kind: "renewed" });
      if (tenure?.operator.id === by.id) return events({ kind: "granted", to: by, seat, reason: "moved", from: by.id });
      if (tenure && !(by.kind === "human" && tenure.operator.kind !== "human")) {
        return refuse({ code: "floor_held", holder: tenure.operator, expiresAt: tenure.expiresAt });
      }
      if (before) return refuse(before);
      return events({
        kind: "granted",
        to: by,
        seat,
        reason: command.verb === "type" ? "typed" : "taken",
        from: tenure?.operator.id ?? null,
      });
    }
    case "ask":
      if (!tenure || tenure.operator.id === command.by.id || floor.asking.some((o) => o.id === command.by.id)) return events();
      return events({ kind: "asked", by: command.by });
    case "release":
      if (tenure?.operator.id !== command.by.id) return refuse({ code: "floor_not_yours", holder: tenure?.operator ?? null });
      return events({ kind: "freed", reason: "released", from: command.by.id });
    case "pass": {
      if (tenure && tenure.operator.id !== command.by.id) return refuse({ code: "floor_not_yours", holder: tenure.operator });
      // A free floor may be passed by anybody: a person's own lease is over 4 s after their last key.
      if (floor.aiPaused && (command.by.kind === "ai" || command.to.kind === "ai")) return refuse({ code: "ai_paused" });
      const before = personBefore(command);
      if (before) return refuse(before);
      return events({ kind: "granted", to: command.to, seat: command.seat, reason: "passed", from: command.by.id });
    }
    case "ai_pause": {
      if (floor.aiPaused) return events();
      const freed: FloorEvent[] =
        tenure?.operator.kind === "ai" ? [{ kind: "freed", reason: "ai_paused", from: tenure.operator.id }] : [];
      return events({ kind: "ai_paused" }, ...freed);
    }
    case "ai_resume":
      return floor.aiPaused ? events({ kind: "ai_resumed" }) : events();
    case "leave":
      return tenure?.seat === command.seat ? events({ kind: "freed", reason: "left", from: tenure.operator.id }) : events();
    case "revoke": {
      const gone: FloorEvent[] = floor.asking.some((o) => o.id === command.operator)
        ? [{ kind: "withdrawn", operator: command.operator }]
        : [];
      if (tenure?.operator.id === command.operator) gone.push({ kind: "freed", reason: "revoked", from: command.operator });
      return events(...gone);
    }
  }
}

export function apply(floor: Floor, event: FloorEvent, now: MonotonicMs): Floor {
  switch (event.kind) {
    case "granted":
      return {
        ...floor,
        epoch: Epoch(floor.epoch + 1),
        asking: floor.asking.filter((o) => o.id !== event.to.id),
        tenure: { operator: event.to, seat: event.seat, expiresAt: MonotonicMs(now + idleMs[event.to.kind]) },
      };
    case "renewed":
      return floor.tenure
        ? { ...floor, tenure: { ...floor.tenure, expiresAt: MonotonicMs(now + idleMs[floor.tenure.operator.kind]) } }
        : floor;
    case "freed":
      return { ...floor, tenure: null };
    case "asked":
      return { ...floor, asking: [...floor.asking, event.by].slice(-MAX_ASKING) };
    case "withdrawn":
      return { ...floor, asking: floor.asking.filter((o) => o.id !== event.operator) };
    case "ai_paused":
      return { ...floor, aiPaused: true };
    case "ai_resumed":
      return { ...floor, aiPaused: false };
  }
}

/** What time alone has changed. The caller wakes us at {@link nextWake}. */
export function tick(floor: Floor, now: MonotonicMs): readonly FloorEvent[] {
  return floor.tenure && !live(floor, now) ? [{ kind: "freed", reason: "idle", from: floor.tenure.operator.id }] : [];
}

export function nextWake(floor: Floor): MonotonicMs | null {
  return floor.tenure?.expiresAt ?? null;
}

/** Whether this one's waiting input and open unit are dropped before anything else is written. */
export function cuts(event: FloorEvent, of: Pick<Operator, "id" | "kind">): boolean {
  switch (event.kind) {
    case "granted": {
      if (of.id === event.to.id) return false;
      const changedHands = event.from !== null && event.from !== event.to.id;
      // The lease of whoever waits may have run out: a person who takes means to steer at once, and one who types outruns programs (F7).
      return changedHands || (event.to.kind === "human" && (event.reason === "taken" || of.kind !== "human"));
    }
    case "ai_paused":
      return of.kind === "ai";
    case "freed":
      return event.reason === "revoked" && event.from === of.id;
    default:
      return false;
  }
}

/** F7, for a program: the person who is still at it. */
function personBefore({
  by,
  stillAtIt,
}: {
  readonly by: Operator;
  readonly stillAtIt: StillAtIt;
}): Extract<FloorRefusal, { code: "floor_held" }> | null {
  if (by.kind === "human" || stillAtIt?.kind !== "human") return null;
  return { code: "floor_held", holder: stillAtIt, expiresAt: null };
}

function live(floor: Floor, now: MonotonicMs): Tenure | null {
  return floor.tenure && now < floor.tenure.expiresAt ? floor.tenure : null;
}

function refuse(refusal: FloorRefusal): FloorDecision {
  return { ok: false, refusal };
}
