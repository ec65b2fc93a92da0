/** A call that comes again, since the link that it was asked on has ended (protocol.md §4). */
import { type Again, HoldError } from "@holdfast/protocol";
import type { SessionPorts } from "../session/ports.ts";
import type { LiveSession } from "../session/session.ts";

/** Whether a writer whom the books do not know may have been in them when this was asked. */
export function mayBeForgotten(session: LiveSession, again: Again | undefined, { clock }: Pick<SessionPorts, "clock">): boolean {
  const seq = session.forgottenUpTo;
  if (!again || seq === 0) return false;
  const [last] = session.read(seq - 1, 1);
  const askedAtNs = clock.monoNs() - again.askedMsAgo * 1_000_000n;
  return !last || "gap" in last || last.entry.monoNs >= askedAtNs;
}

/** Throws for a session that was opened since: it bears the name of the one that was meant, and is not that one. */
export function demandMeant(session: LiveSession, again: Again | undefined, { clock }: Pick<SessionPorts, "clock">): void {
  if (!again || clock.wallMs() - Number(again.askedMsAgo) >= session.facts.createdAt) return;
  throw new HoldError(
    "session_ended",
    `session ${session.facts.name} (${session.id}) was opened after this was asked; the one of that name which was meant has ended`,
    { session: session.id },
  );
}
