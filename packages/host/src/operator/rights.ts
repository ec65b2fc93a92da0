/**
 * Rights: whether an operator may do something now. Looked up for each frame, never remembered, so that a revocation holds within a second.
 *
 *   R1  A guest (registry O5) has one session and the commands that `hold exec` started beside it; there is nothing else for them.
 *   R2  At the end of their time a guest is refused at once, and revoked as soon as the host looks. While a host lives, a clock that somebody sets
 *       back gives nobody more time.
 *   R3  A grant only takes away: who bears one has what its operator has now, and of that what the grant names.
 *   R4  What somebody on the way could forge decides nothing that would outlast it: no operators, keys, policy, approvals or redaction by such a link,
 *       nor by a key that they could have had a hand in (registry O10).
 *   R5  A host over a record alone gives nobody more than reading, whatever their role and however they came (ADR 179).
 */
import { type Capability, capabilitiesOf, MonotonicMs, rolesWith } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import type { SessionPorts } from "../session/ports.ts";
import type { Guest, Narrowed, OperatorRegistry, RegisteredOperator } from "./registry.ts";

/** The one session that there is for this operator, or for this grant of theirs; null: all there are. */
export function confineOf(operator: RegisteredOperator): string | null {
  return operator.guest?.session ?? operator.narrowed?.session ?? null;
}

const NEVER_IN_PLAIN: ReadonlySet<Capability> = new Set(["approve", "policy.write", "redact", "host.admin"]);

/** R4. The operator as a link is worth it that a relay could forge; of a grant (R3) no more than that leaves. */
export function narrowedInPlain(operator: RegisteredOperator): RegisteredOperator {
  const { session = null, capabilities } = operator.narrowed ?? {};
  const left = (capabilities ?? capabilitiesOf(operator.role, operator.kind)).filter((right) => !NEVER_IN_PLAIN.has(right));
  return { ...operator, narrowed: { session, capabilities: left, isPlain: true } };
}

/** How soon at the latest a guest's time is looked at again: somebody may set the clock. */
const LOOK_MS = 3_600_000;

/** R5. */
export const READING: readonly Capability[] = ["session.observe", "history.read", "audit.read"];

export class Rights {
  readonly #registry: OperatorRegistry;
  readonly #ports: Pick<SessionPorts, "clock" | "wakeAt" | "log">;
  readonly #parentOf: (session: string) => string;
  readonly #refused: (what: string) => void;
  readonly #isRecord: boolean;
  /** R2: by the clock that nobody sets, of each guest. */
  readonly #guestEndsAt = new Map<string, MonotonicMs>();

  /** `parentOf`: the session that a command runs beside; empty for one that is no such command. `refused`: hears of each {@link demand} that fails. `isRecord`: R5. */
  constructor(
    registry: OperatorRegistry,
    ports: Pick<SessionPorts, "clock" | "wakeAt" | "log">,
    parentOf: (session: string) => string,
    refused: (what: string) => void,
    isRecord = false,
  ) {
    this.#isRecord = isRecord;
    this.#registry = registry;
    this.#ports = ports;
    this.#parentOf = parentOf;
    this.#refused = refused;
  }

  /** Throws `revoked`, `access_ended` or `not_permitted`, naming what is missing. `session`: where it is to be done; null: on the host. */
  demand(operator: RegisteredOperator, capability: Capability, session: string | null): void {
    try {
      this.#check(operator, capability, session);
    } catch (fault) {
      if (fault instanceof HoldError) this.#refused(`${fault.code}: ${operator.id} asked for ${capability}`);
      throw fault;
    }
  }

  #check(operator: RegisteredOperator, capability: Capability, session: string | null): void {
    const now = this.#registry.byName(operator.id);
    if (!now || now.revoked) throw new HoldError("revoked", `operator ${operator.name} was revoked`, { operator: operator.id });
    if (now.guest) this.#demandGuest(now, now.guest, session);
    if (operator.narrowed) this.#demandNarrowed(now, operator.narrowed, capability, session);
    if (this.#isRecord && !READING.includes(capability))
      throw new HoldError("not_permitted", "this is the record of a host, from its mirror: it is read, and nothing else", {
        operator: operator.id,
        right: capability,
      });
    if (!capabilitiesOf(now.role, now.kind).includes(capability)) {
      throw new HoldError(
        "not_permitted",
        `${operator.name} (${now.role}) lacks the right ${capability}; roles that have it: ${rolesWith(capability).join(", ")}`,
        { operator: operator.id, right: capability },
      );
    }
  }

  /** Whether {@link demand} would let it pass. */
  may(operator: RegisteredOperator, capability: Capability, session: string | null): boolean {
    try {
      this.#check(operator, capability, session);
      return true;
    } catch (fault) {
      if (!(fault instanceof HoldError)) throw fault;
      return false;
    }
  }

  /** R3. */
  #demandNarrowed({ id, name }: RegisteredOperator, narrowed: Narrowed, right: Capability, session: string | null): void {
    if (narrowed.capabilities && !narrowed.capabilities.includes(right))
      throw new HoldError(
        "not_permitted",
        narrowed.isPlain
          ? `${name} came through a relay that could forge it, or with a key that was made so, where nobody has the right ${right}; come another way`
          : `this grant of ${name} leaves out the right ${right}`,
        { operator: id, right },
      );
    if (narrowed.session !== null && (session === null || !this.isWithin(narrowed.session, session)))
      throw new HoldError("not_permitted", `this grant of ${name} is for session ${narrowed.session} and nothing else here`, {
        operator: id,
      });
  }

  #demandGuest({ id, name }: RegisteredOperator, guest: Guest, session: string | null): void {
    if (this.#leftMs(id, guest) <= 0)
      throw new HoldError("access_ended", `${name} was a guest until ${new Date(guest.untilUnixMs).toISOString()}`, {
        operator: id,
      });
    if (session === null || !this.isWithin(guest.session, session))
      throw new HoldError("not_permitted", `${name} is a guest of session ${guest.session} and of nothing else here`, {
        operator: id,
      });
  }

  /** R1: the session itself, and what runs beside it. */
  isWithin(confine: string, session: string): boolean {
    return session === confine || this.#parentOf(session) === confine;
  }

  /** R2. */
  #leftMs(id: string, { untilUnixMs }: Guest): number {
    const { clock } = this.#ports;
    const leftMs = untilUnixMs - clock.wallMs();
    const endsAt = this.#guestEndsAt.get(id);
    if (endsAt !== undefined) return Math.min(leftMs, endsAt - clock.monoMs());
    this.#guestEndsAt.set(id, MonotonicMs(clock.monoMs() + leftMs));
    return leftMs;
  }

  keepGuest(operator: RegisteredOperator, revoke: (guest: RegisteredOperator) => void): void {
    const { guest } = operator;
    if (!guest || operator.revoked) return;
    const { clock, wakeAt, log } = this.#ports;
    const look = (): void => {
      const now = this.#registry.byName(operator.id);
      if (!now || now.revoked) return;
      const leftMs = this.#leftMs(operator.id, guest);
      if (leftMs > 0) return void wakeAt(MonotonicMs(clock.monoMs() + Math.min(leftMs, LOOK_MS)), look);
      try {
        revoke(now);
      } catch (fault) {
        if (!(fault instanceof HoldError)) throw fault;
        log(`guest ${now.name}: ${fault.message}`);
      }
    };
    look();
  }
}
