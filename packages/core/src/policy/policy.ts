/**
 * Policy: who may do what. Roles are sets of capabilities; the host checks a capability on every changing frame. Deny by default.
 *
 *   P1  A role or a kind that is not known grants nothing.
 *   P2  Only a person holds `approve`, and no AI what decides over AIs, operators, the record and the host, whatever its role
 *       (design §3): a floor that no rule of a policy (ai.ts) lifts.
 */
import type { OperatorKind } from "../id.ts";

export const capabilities = [
  "session.observe",
  "history.read",
  "session.input",
  "session.resize",
  "session.signal",
  "session.create",
  "session.terminate",
  "floor.pause_ai",
  "approve",
  "audit.read",
  "redact",
  "policy.write",
  "host.admin",
] as const;
export type Capability = (typeof capabilities)[number];

export const roles = {
  observer: ["session.observe", "history.read"],
  operator: [
    "session.observe",
    "history.read",
    "session.input",
    "session.resize",
    "session.signal",
    "session.create",
    "session.terminate",
    "floor.pause_ai",
  ],
  approver: ["session.observe", "history.read", "approve", "floor.pause_ai"],
  auditor: ["history.read", "audit.read"],
  admin: capabilities,
} as const satisfies Record<string, readonly Capability[]>;
export type Role = keyof typeof roles;

export function isRole(text: string): text is Role {
  return Object.hasOwn(roles, text);
}

const never: Readonly<Record<OperatorKind, readonly Capability[]>> = {
  human: [],
  service: ["approve"],
  ai: ["approve", "policy.write", "floor.pause_ai", "redact", "host.admin"],
};

export function capabilitiesOf(role: string, kind: OperatorKind): readonly Capability[] {
  if (!isRole(role) || !Object.hasOwn(never, kind)) return [];
  return (roles[role] as readonly Capability[]).filter((c) => !never[kind].includes(c));
}

/** Roles that hold a capability, for the error that says what is missing. */
export function rolesWith(capability: Capability): readonly Role[] {
  return (Object.keys(roles) as Role[]).filter((role) => (roles[role] as readonly Capability[]).includes(capability));
}
