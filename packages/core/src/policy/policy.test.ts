import { expect, test } from "vitest";
import type { OperatorKind } from "../id.ts";
import { capabilities, capabilitiesOf, isRole, roles, rolesWith, type Capability } from "./index.ts";

/** The whole of it, written out: h, s, a = held by a human, a service, an AI in that role. */
const matrix: Record<Capability, Record<keyof typeof roles, string>> = {
  "session.observe": { observer: "hsa", operator: "hsa", approver: "hsa", auditor: "", admin: "hsa" },
  "history.read": { observer: "hsa", operator: "hsa", approver: "hsa", auditor: "hsa", admin: "hsa" },
  "session.input": { observer: "", operator: "hsa", approver: "", auditor: "", admin: "hsa" },
  "session.resize": { observer: "", operator: "hsa", approver: "", auditor: "", admin: "hsa" },
  "session.signal": { observer: "", operator: "hsa", approver: "", auditor: "", admin: "hsa" },
  "session.create": { observer: "", operator: "hsa", approver: "", auditor: "", admin: "hsa" },
  "session.terminate": { observer: "", operator: "hsa", approver: "", auditor: "", admin: "hsa" },
  "floor.pause_ai": { observer: "", operator: "hs", approver: "hs", auditor: "", admin: "hs" },
  approve: { observer: "", operator: "", approver: "h", auditor: "", admin: "h" },
  "audit.read": { observer: "", operator: "", approver: "", auditor: "hsa", admin: "hsa" },
  redact: { observer: "", operator: "", approver: "", auditor: "", admin: "hs" },
  "policy.write": { observer: "", operator: "", approver: "", auditor: "", admin: "hs" },
  "host.admin": { observer: "", operator: "", approver: "", auditor: "", admin: "hs" },
};
const kinds: [OperatorKind, string][] = [
  ["human", "h"],
  ["service", "s"],
  ["ai", "a"],
];
const names = Object.keys(roles) as (keyof typeof roles)[];

test.each(capabilities)("%s is held by exactly the roles and kinds of the matrix", (capability) => {
  for (const role of names) {
    for (const [kind, letter] of kinds) {
      expect([role, kind, capabilitiesOf(role, kind).includes(capability)]).toEqual([
        role,
        kind,
        matrix[capability][role].includes(letter),
      ]);
    }
  }
  expect(rolesWith(capability)).toEqual(names.filter((role) => matrix[capability][role] !== ""));
});

test("P1: a role or kind that is not known grants nothing, however its name is spelt", () => {
  for (const role of ["", "Admin", "root", "constructor", "__proto__", "toString"]) {
    expect(isRole(role)).toBe(false);
    expect(capabilitiesOf(role, "human")).toEqual([]);
  }
  for (const kind of ["", "system", "constructor"]) expect(capabilitiesOf("admin", kind as OperatorKind)).toEqual([]);
});

test("P2, found: a service does not approve, although it may be an approver or an admin", () => {
  for (const role of names) expect(capabilitiesOf(role, "service")).not.toContain("approve");
});

test("P2: no role lets an AI approve, write policy, lift the pause of AIs, redact, invite or stop the host", () => {
  for (const role of names) {
    const held = capabilitiesOf(role, "ai");
    for (const denied of ["approve", "policy.write", "floor.pause_ai", "redact", "host.admin"] as const)
      expect(held).not.toContain(denied);
  }
});
