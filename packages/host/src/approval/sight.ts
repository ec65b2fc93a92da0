/**
 * What an AI goes on seeing: attachments, and calls that follow a session, were let in by the rules of their beginning.
 *
 *   S1  Once other rules hold (a policy is loaded, a session is renamed) each is judged anew, and ended `policy_denied` where it would not be
 *       let in any more. What runs is not touched.
 * Elsewhere: the list of sessions, which asks each time that it tells of one (call/session-watch.ts).
 */
import type { Deed } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import type { Continuity } from "../operator/continuity.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { Body } from "../session/record.ts";
import type { LiveSession } from "../session/session.ts";
import type { SessionPorts } from "../session/ports.ts";
import type { Gate } from "./gate.ts";

/** What this asks of the host. */
export interface SightWorld {
  readonly ports: Pick<SessionPorts, "defer">;
  readonly gate: Pick<Gate, "demand" | "rulingOn">;
  readonly continuity: Pick<Continuity, "left">;
  readonly sessions: ReadonlyMap<string, LiveSession>;
}

export class Sight {
  readonly #world: SightWorld;
  readonly #followers = new Set<() => void>();

  constructor(world: SightWorld) {
    this.#world = world;
  }

  /** A record of a session, after it was folded; by whoever made it, who may be in the middle of it. */
  heard(body: Body | null): void {
    if (body?.case === "renamed") this.#world.ports.defer(() => this.changed());
  }

  /** S1: other rules hold. */
  changed(): void {
    for (const session of this.#world.sessions.values())
      for (const { id, operator, channel } of [...session.attachments.values()]) {
        const denied = denialOf(() => this.#world.gate.demand(operator, "observe", session));
        if (!denied) continue;
        const { code, message, details } = denied;
        channel.send({ case: "detached", value: { reason: code, error: { code, message, details } } });
        session.detach(id, code);
        this.#world.continuity.left(id);
      }
    for (const look of [...this.#followers]) look();
  }

  /** For a call of an AI that was let in to follow a session: aborted with the denial once it would not be any more. */
  following(by: RegisteredOperator, deed: Deed, session: LiveSession): { readonly signal: AbortSignal; stop(): void } {
    const { gate } = this.#world;
    const over = new AbortController();
    // What somebody was asked about at its beginning is not asked again in the midst of it.
    let wasAsked = false;
    const look = (): void => {
      const denied = denialOf(() => {
        if (gate.rulingOn(by, deed, session) === "ask" && !wasAsked) gate.demand(by, deed, session);
      });
      if (denied) over.abort(denied);
    };
    // A run is let in by its own rule, whatever the one for looking says.
    const before = denialOf(() => void (wasAsked = gate.rulingOn(by, deed, session) === "ask"));
    if (!before) this.#followers.add(look);
    return { signal: over.signal, stop: () => void this.#followers.delete(look) };
  }
}

function denialOf(judge: () => void): HoldError | null {
  try {
    judge();
    return null;
  } catch (fault) {
    if (fault instanceof HoldError) return fault;
    throw fault;
  }
}
