/**
 * An approval: what an AI asks to do, once, and what a person says to that.
 *
 *   Q1  It is for one deed, named by a hash of everything that makes it up (`binding`). A use with another hash is no use of it.
 *   Q2  It is used once, and not after its time: `expiresAt` of a clock that never jumps.
 *   Q3  A person decides who is neither the actor nor one on whose behalf it acts, with a credential that a program of the same
 *       user can't use (`isProtected`).
 *   Q4  What is over stays over: decided, used, void and expired are final, and nothing is decided twice.
 *   Q5  A question lets nothing through: whoever may type in its session answers it, with any credential, the person for whom the AI
 *       acts as well as others.
 * Pure: what the hash is made of, and what makes it void, is the host's (host/approval).
 */
import type { MonotonicMs, Operator, OperatorId } from "../id.ts";

/** The last two: of a question. */
export type Outcome = "used" | "denied" | "expired" | "void" | "answered" | "handed";

export type ApprovalPhase =
  | { readonly name: "pending" }
  | { readonly name: "allowed"; readonly by: OperatorId }
  | {
      readonly name: "over";
      readonly outcome: Outcome;
      readonly by: OperatorId;
      readonly why: string;
    };

export interface Approval {
  readonly id: string;
  /** Q1, as text. */
  readonly binding: string;
  /** Who acts, then for whom. */
  readonly actors: readonly OperatorId[];
  readonly expiresAt: MonotonicMs;
  readonly phase: ApprovalPhase;
}

export interface Decision {
  readonly by: Operator;
  /** They hold the right to approve now. */
  readonly mayApprove: boolean;
  readonly isProtected: boolean;
  readonly allow: boolean;
  /** What they were shown. */
  readonly binding: string;
  readonly why: string;
}

export type DecisionRefusal = "over" | "expired" | "not_a_person" | "no_right" | "own" | "unprotected" | "other_binding";

export function refuseDecision(approval: Approval, decision: Decision, now: MonotonicMs): DecisionRefusal | null {
  const { by, mayApprove, isProtected, binding } = decision;
  if (by.kind !== "human") return "not_a_person";
  if (!mayApprove) return "no_right";
  if (approval.actors.includes(by.id)) return "own";
  if (!isProtected) return "unprotected";
  if (approval.phase.name !== "pending") return "over";
  if (now >= approval.expiresAt) return "expired";
  return binding === approval.binding ? null : "other_binding";
}

/** Q5 */
export interface Answer {
  readonly by: Operator;
  /** They may type in its session now. */
  readonly mayAnswer: boolean;
  readonly binding: string;
}

export function refuseAnswer(approval: Approval, { by, mayAnswer, binding }: Answer, now: MonotonicMs): DecisionRefusal | null {
  if (by.kind !== "human") return "not_a_person";
  if (!mayAnswer) return "no_right";
  if (approval.phase.name !== "pending") return "over";
  if (now >= approval.expiresAt) return "expired";
  return binding === approval.binding ? null : "other_binding";
}

/** After {@link refuseDecision} had nothing against it. */
export function decided(approval: Approval, { by, allow, why }: Decision): Approval {
  return {
    ...approval,
    phase: allow ? { name: "allowed", by: by.id } : { name: "over", outcome: "denied", by: by.id, why },
  };
}

export type UseRefusal = "pending" | "over" | "expired" | "other_binding";

/** Why it is not good for a deed of this binding now; null: it is. */
export function refuseUse(approval: Approval, binding: string, now: MonotonicMs): UseRefusal | null {
  if (approval.phase.name === "over") return "over";
  if (approval.phase.name === "pending") return "pending";
  if (now >= approval.expiresAt) return "expired";
  return binding === approval.binding ? null : "other_binding";
}

export function used(approval: Approval): Approval {
  const by = approval.phase.name === "allowed" ? approval.phase.by : "";
  return over(approval, "used", by, "");
}

export function over(approval: Approval, outcome: Outcome, by: OperatorId, why: string): Approval {
  return approval.phase.name === "over" ? approval : { ...approval, phase: { name: "over", outcome, by, why } };
}
