/** Who may ask what: the whole table, written out by hand, against what the host decides. */

import { floor, MonotonicMs, type Operator, type OperatorKind } from "@holdfast/core";
import { CallSchema, create, FloorVerb, HoldError, PolicyVerb, type OperatorKind as WireKind } from "@holdfast/protocol";
import { describe, expect, test } from "vitest";
import type { Host } from "../host.ts";
import type { OperatorRegistry, RegisteredOperator } from "../operator/registry.ts";
import { Rights } from "../operator/rights.ts";
import type { SessionPorts } from "../session/ports.ts";
import { answerCall } from "./answer.ts";
import { columns, table, type Verb } from "./test/who-may.ts";

const operator = (role: string, kind: OperatorKind = "human", revoked = false): RegisteredOperator => ({
  id: "pat",
  name: "pat",
  kind,
  role,
  addedUnixMs: 0,
  addedBy: "system:host",
  revoked,
  onBehalfOf: "",
  keys: [],
});

/** What the host says to a call of which nothing but the right is in order. */
async function asked(
  verb: Verb,
  by: RegisteredOperator,
  aiPaused = false,
  value: object = {},
  holder: Operator | null = null,
  signal = new AbortController().signal,
): Promise<string> {
  const tenure = holder && { operator: holder, seat: "s", expiresAt: MonotonicMs(1_000) };
  const paused = { ...floor.openFloor("turn"), aiPaused, tenure };
  const session = {
    id: "s1",
    isOver: true,
    facts: { name: "work", id: "s1" },
    floor: paused,
    refuseBeside(by: Operator, disturbs: boolean) {
      const ruling = floor.decide(paused, { verb: "act", by, disturbs }, MonotonicMs(0));
      if (!ruling.ok) throw new HoldError(ruling.refusal.code, "refused");
    },
  };
  const registry = { byName: (name: string) => (name === by.id ? by : null) } as unknown as OperatorRegistry;
  const ports = { journal: { frozen: null }, clock: { monoMs: () => MonotonicMs(0) } } as unknown as SessionPorts;
  const rights = new Rights(
    registry,
    ports,
    () => "",
    () => {},
  );
  const host = {
    registry,
    find: () => session,
    secretsOf: () => null,
    sessions: new Map(),
    demand: (...asked: Parameters<Rights["demand"]>) => rights.demand(...asked),
    ports,
  } as unknown as Host;
  const call = create(CallSchema, { id: 1n, verb: { case: verb, value: { session: "s1", ...value } } as never });
  try {
    await answerCall({
      host,
      hostId: "",
      hostKey: new Uint8Array(32),
      operator: by,
      via: "cli",
      client: "",
      link: "l1",
      isBearer: false,
      verb: call.verb,
      signal,
      hasRoom: () => true,
      more: () => {},
    });
    return "answered";
  } catch (fault) {
    return fault instanceof HoldError ? fault.code : "went on";
  }
}

const openToAll: readonly Verb[] = [
  "operatorList",
  "whoami",
  "hostStatus",
  "policy",
  "policyTry",
  "approvalList",
  "approvalWatch",
  "witness",
];

describe.each(Object.keys(table) as Verb[])("%s", (verb) => {
  const expected = table[verb].split(" ");
  test.each(columns.map((role, i) => [role, expected[i]] as const))("by an %s: %s", async (role, may) => {
    const said = await asked(verb, operator(role));
    expect(said === "not_permitted" ? "no" : "yes").toBe(may);
  });
  test("by somebody who was revoked a moment ago: no", async () => {
    // What needs no right is answered on links only, and those end with the revocation.
    if (openToAll.includes(verb)) return;
    expect(await asked(verb, operator("admin", "human", true))).toBe("revoked");
  });
  test("by a role that nobody knows: no more than a stranger", async () => {
    if (openToAll.includes(verb)) return;
    expect(await asked(verb, operator("king"))).toBe("not_permitted");
  });
});

test("nothing is done for a caller who has left before their call was admitted", async () => {
  for (const verb of Object.keys(table) as Verb[]) {
    const said = await asked(verb, operator("admin"), false, {}, null, AbortSignal.abort());
    expect([verb, said]).toEqual([verb, "cancelled"]);
  }
});

test("pausing and resuming AIs needs its own right, which no AI has and an approver does", async () => {
  for (const verb of [FloorVerb.AI_PAUSE, FloorVerb.AI_RESUME]) {
    expect(await asked("floor", operator("approver"), false, { verb })).toBe("session_ended");
    expect(await asked("floor", operator("operator", "ai"), false, { verb })).toBe("not_permitted");
    expect(await asked("floor", operator("admin", "ai"), false, { verb })).toBe("not_permitted");
  }
});

test("no AI changes who may do what, approves, redacts, invites or stops the host, whatever its role", async () => {
  for (const verb of [
    "operatorAdd",
    "operatorRevoke",
    "approvalDecide",
    "redact",
    "invite",
    "invitationRevoke",
    "policySave",
    "hostLog",
    "hostDown",
    "relayJoin",
    "relayLeave",
  ] as const)
    expect([verb, await asked(verb, operator("admin", "ai"))]).toEqual([verb, "not_permitted"]);
  expect(await asked("policy", operator("admin", "ai"), false, { verb: PolicyVerb.RELOAD })).toBe("not_permitted");
  expect(await asked("policy", operator("operator"), false, { verb: PolicyVerb.RELOAD })).toBe("not_permitted");
});

test.each(["signal", "kill", "rename", "remove", "resize", "exec", "agent", "fileRead", "fileWrite"] as const)(
  "while AIs are paused, an AI's %s is refused and a person's is not",
  async (verb) => {
    expect(await asked(verb, operator("operator", "ai"), true)).toBe("ai_paused");
    expect(await asked(verb, operator("operator"), true)).not.toBe("ai_paused");
    expect(await asked(verb, operator("operator", "ai"), false)).not.toBe("ai_paused");
  },
);

test.each([
  ["signal", "floor_held"],
  ["kill", "floor_held"],
  ["resize", "floor_held"],
  ["rename", "went on"],
  ["exec", "went on"],
] as const)("over a person who steers, an AI's %s: %s", async (verb, said) => {
  const ana: Operator = { id: "ana", name: "ana", kind: "human" };
  const ci: Operator = { id: "ci", name: "ci", kind: "service" };
  const answer = async (kind: OperatorKind, holder: Operator): Promise<string> => {
    const code = await asked(verb, operator("operator", kind), false, {}, holder);
    return code === "floor_held" ? code : "went on";
  };
  expect(await answer("ai", ana)).toBe(said);
  expect(await answer("ai", ci)).toBe("went on");
  expect(await answer("service", ana)).toBe("went on");
  expect(await answer("human", ana)).toBe("went on");
});

test("an operator of no known kind is refused, not taken for a person", async () => {
  expect(
    await asked("operatorAdd", operator("admin"), false, {
      name: "x",
      kind: 9 as WireKind,
      role: "operator",
      publicKey: new Uint8Array(32),
    }),
  ).toBe("bad_request");
  expect(
    await asked("operatorAdd", operator("admin"), false, { name: "x", role: "operator", publicKey: new Uint8Array(32) }),
  ).toBe("bad_request");
});

test("a call that this host does not know is said to be that", async () => {
  const call = create(CallSchema, { id: 1n });
  const host = {} as Host;
  await expect(
    answerCall({
      host,
      hostId: "",
      hostKey: new Uint8Array(32),
      operator: operator("admin"),
      via: "cli",
      client: "",
      link: "",
      isBearer: false,
      verb: call.verb,
      signal: new AbortController().signal,
      hasRoom: () => true,
      more: () => {},
    }),
  ).rejects.toMatchObject({ code: "unsupported" });
});
