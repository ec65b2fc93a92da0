/** A floor verb of the wire as a command of core/floor. */
import type { FloorCommand } from "@holdfast/core";
import { FloorVerb, HoldError } from "@holdfast/protocol";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { LiveSession } from "../session/session.ts";
import { callSeat, type HostAttachment } from "../session/attachment.ts";
import { operatorOf } from "../session/steering.ts";

/** Whether it brings the floor to somebody. Asking, letting go and keeping are anybody's. */
export function moves(verb: FloorVerb): boolean {
  return verb === FloorVerb.TAKE || verb === FloorVerb.PASS;
}

/** An attachment that only observes takes no part in the floor: it can let go what its operator has, and stop AIs. Throws `not_permitted`. */
export function demandOperating(attachment: Pick<HostAttachment, "observing">, verb: FloorVerb): void {
  const isLettingGo = verb === FloorVerb.RELEASE || verb === FloorVerb.AI_PAUSE || verb === FloorVerb.AI_RESUME;
  if (attachment.observing && !isLettingGo)
    throw new HoldError("not_permitted", "this attachment only observes; attach again without --observe to steer");
}

/** `seat`: the attachment that asks, or "" for a call without one (its operator's latest attachment then). */
export function floorCommand(
  host: Host,
  session: LiveSession,
  operator: RegisteredOperator,
  seat: string,
  verb: FloorVerb,
  to: string,
): FloorCommand {
  const by = operatorOf(operator);
  const mine = seat || seatOf(session, operator.id) || callSeat(operator.id);
  switch (verb) {
    case FloorVerb.TAKE:
      return { verb: "take", by, seat: mine, ...session.knownTo(by) };
    case FloorVerb.RENEW: {
      // Keeps what is held, on the seat where it is; it never takes, nor moves.
      const { tenure } = session.floor;
      if (tenure?.operator.id !== by.id)
        throw new HoldError(
          "floor_not_yours",
          `session ${session.facts.name || session.id} is steered by ${tenure?.operator.name ?? "nobody"}, not by you; there is nothing to renew`,
          { session: session.id },
        );
      return { verb: "type", by, seat: tenure.seat, lineDirty: null, stillAtIt: null };
    }
    case FloorVerb.RELEASE:
      return { verb: "release", by };
    case FloorVerb.ASK:
      return { verb: "ask", by };
    case FloorVerb.AI_PAUSE:
      return { verb: "ai_pause", by };
    case FloorVerb.AI_RESUME:
      return { verb: "ai_resume", by };
    case FloorVerb.PASS: {
      const receiver = host.registry.byName(to);
      if (!receiver || receiver.revoked)
        throw new HoldError("no_such_operator", `no operator ${JSON.stringify(to)}; hold operator ls shows who there is`);
      host.demand(receiver, "session.input", session.id);
      return {
        verb: "pass",
        by,
        to: operatorOf(receiver),
        seat: seatOf(session, receiver.id) || callSeat(receiver.id),
        stillAtIt: session.knownTo(by).stillAtIt,
      };
    }
    default:
      throw new HoldError("bad_request", "no such floor verb");
  }
}

/** The operator's attachment that came last. */
function seatOf(session: LiveSession, operator: string): string {
  return [...session.attachments.values()].filter((a) => a.operator.id === operator && !a.observing).at(-1)?.id ?? "";
}
