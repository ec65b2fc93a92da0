/**
 * Revocation: an operator, or one key of theirs, is out at once, on every link and in every session, whatever the disk can take.
 */
import { HoldError } from "@holdfast/protocol";
import type { Gate } from "../approval/gate.ts";
import type { Actor } from "../session/book.ts";
import { isJournalFault } from "../session/journal-fault.ts";
import type { SessionPorts } from "../session/ports.ts";
import type { LiveSession } from "../session/session.ts";
import type { Continuity } from "./continuity.ts";
import type { Invitations } from "./invitations.ts";
import type { OperatorRegistry, RegisteredOperator } from "./registry.ts";

/** What this asks of the host. */
export interface RevocationWorld {
  readonly ports: Pick<SessionPorts, "clock" | "log">;
  readonly registry: OperatorRegistry;
  readonly continuity: Continuity;
  readonly invitations: Invitations;
  readonly gate: Pick<Gate, "revoked">;
  readonly sessions: ReadonlyMap<string, LiveSession>;
  recordOperator(by: Actor, operator: string, change: string, detail: string): void;
  /** The session's stable agent path leads nowhere. */
  forgetAgent(session: string): void;
}

export class Revocation {
  readonly #world: RevocationWorld;
  readonly #toldOfOperators = new Set<(operator: string) => void>();
  readonly #toldOfKeys = new Set<(operator: string, keyId: Uint8Array) => void>();

  constructor(world: RevocationWorld) {
    this.#world = world;
  }

  /** Out at once: input, floor, attachments and links; and with them the AIs that act for them (registry O9). */
  operator(operator: RegisteredOperator, by: Actor): void {
    const { tried, unrecorded } = despiteTheJournal();
    for (const out of this.#world.registry.revoke(operator.id)) this.#putOut(out, by, tried);
    if (unrecorded()) throw cantRecord(`operator ${operator.name} is revoked`, operator, unrecorded());
  }

  #putOut(operator: RegisteredOperator, by: Actor, tried: (run: () => void) => void): void {
    this.#world.continuity.revoked(operator.id);
    // Views and links end first: whatever the journal can take, a revoked operator sees and types no more.
    for (const session of this.#world.sessions.values()) {
      if (!session.isOver) tried(() => session.revoke(operator.id, by));
      if (session.agentBy === operator.id) this.#world.forgetAgent(session.id);
      for (const a of [...session.attachments.values()].filter((x) => x.operator.id === operator.id)) {
        a.channel.send({
          case: "detached",
          value: { reason: "revoked", error: { code: "revoked", message: `operator ${operator.name} was revoked`, details: {} } },
        });
        session.detach(a.id, "revoked");
      }
    }
    for (const told of [...this.#toldOfOperators]) told(operator.id);
    tried(() => this.#world.gate.revoked(operator.id));
    this.#withdraw(operator.id);
    tried(() => this.#world.recordOperator(by, operator.id, "revoked", ""));
  }

  onOperator(told: (operator: string) => void): () => void {
    this.#toldOfOperators.add(told);
    return () => this.#toldOfOperators.delete(told);
  }

  /**
   * One key of an operator is out at once, and their others stay. What they typed and no program has read is dropped, by whichever key: the
   * journal knows who, and no key.
   */
  key(operator: RegisteredOperator, key: string, by: Actor): void {
    const { keyId } = this.#world.registry.revokeKey(operator.id, key, this.#world.ports.clock.wallMs());
    this.#world.continuity.revoked(operator.id, keyId.toString("hex"));
    for (const told of [...this.#toldOfKeys]) told(operator.id, keyId);
    const error = new HoldError("key_revoked", `a key of ${operator.name} was revoked, and what was not written yet is dropped`, {
      operator: operator.id,
    });
    const { tried, unrecorded } = despiteTheJournal();
    tried(() => this.#world.gate.revoked(operator.id));
    for (const session of this.#world.sessions.values()) if (!session.isOver) tried(() => session.drop(operator.id, error));
    this.#withdraw(operator.id);
    tried(() => this.#world.recordOperator(by, operator.id, "key_revoked", keyId.toString("hex")));
    if (unrecorded()) throw cantRecord(`a key of ${operator.name} is revoked`, operator, unrecorded());
  }

  /** A disk that is full keeps nobody in: a revoked operator's invitations are refused anyway (call/invitations.ts). */
  #withdraw(operator: string): void {
    try {
      this.#world.invitations.withdraw(operator);
    } catch (fault) {
      this.#world.ports.log(`invitations of ${operator} stay open: ${String(fault)}`);
    }
  }

  onKey(told: (operator: string, keyId: Uint8Array) => void): () => void {
    this.#toldOfKeys.add(told);
    return () => this.#toldOfKeys.delete(told);
  }
}

/** For what must be done though it can't be recorded: `unrecorded` is why the last of it was not, if so. */
function despiteTheJournal(): { tried(run: () => void): void; unrecorded(): unknown } {
  let why: unknown = null;
  return {
    tried(run) {
      try {
        run();
      } catch (fault) {
        if (!isJournalFault(fault)) throw fault;
        why = fault;
      }
    },
    unrecorded: () => why,
  };
}

function cantRecord(what: string, { id }: RegisteredOperator, cause: unknown): HoldError {
  return new HoldError(
    "journal_frozen",
    `${what}, and that can't be recorded now (${String(cause)}); free some space, hold doctor tells more`,
    { operator: id },
    { cause },
  );
}
