import { floor, MonotonicMs, type Floor } from "@holdfast/core";
import { FloorVerb, type HoldError } from "@holdfast/protocol";
import { expect, test } from "vitest";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { LiveSession } from "../session/session.ts";
import { demandOperating, floorCommand } from "./floor-command.ts";

const person = (id: string, revoked = false): RegisteredOperator => ({
  id,
  name: id,
  kind: "human",
  role: "operator",
  addedUnixMs: 0,
  addedBy: "",
  revoked,
  onBehalfOf: "",
  keys: [],
});
const ana = person("ana");
const ben = person("ben");
const gone = person("gone", true);
const host = {
  registry: { byName: (n: string) => [ana, ben, gone].find((o) => o.id === n) ?? null },
  demand: () => {},
} as unknown as Host;

function session(held: Floor, attachments: { id: string; operator: RegisteredOperator; observing: boolean }[] = []): LiveSession {
  return {
    id: "s1",
    facts: { name: "work" },
    floor: held,
    knownTo: () => ({ lineDirty: null, stillAtIt: null }),
    attachments: new Map(attachments.map((a) => [a.id, a])),
  } as unknown as LiveSession;
}
const free = floor.openFloor("turn");
const anas: Floor = {
  ...free,
  tenure: { operator: { id: "ana", name: "ana", kind: "human" }, seat: "a1", expiresAt: MonotonicMs(4_000) },
};
const refused = (run: () => unknown): string => {
  try {
    run();
    return "";
  } catch (fault) {
    return (fault as HoldError).code;
  }
};

test("renewing keeps the seat where it is, and only for who holds the floor", () => {
  expect(floorCommand(host, session(anas), ana, "a2", FloorVerb.RENEW, "")).toMatchObject({ verb: "type", seat: "a1" });
  expect(refused(() => floorCommand(host, session(anas), ben, "b1", FloorVerb.RENEW, ""))).toBe("floor_not_yours");
  expect(refused(() => floorCommand(host, session(free), ana, "a1", FloorVerb.RENEW, ""))).toBe("floor_not_yours");
});

test("a call without an attachment speaks for the operator's latest seat, observers left out", () => {
  const there = [
    { id: "a1", operator: ana, observing: false },
    { id: "a2", operator: ana, observing: false },
    { id: "a3", operator: ana, observing: true },
  ];
  expect(floorCommand(host, session(free, there), ana, "", FloorVerb.TAKE, "")).toMatchObject({ verb: "take", seat: "a2" });
  expect(floorCommand(host, session(free), ana, "", FloorVerb.TAKE, "")).toMatchObject({ seat: "call:ana" });
});

test("an attachment that only observes lets go and stops AIs, and moves, asks for and keeps no floor", () => {
  const told = (observing: boolean, verb: FloorVerb): string => refused(() => demandOperating({ observing }, verb));
  for (const verb of [FloorVerb.TAKE, FloorVerb.ASK, FloorVerb.PASS, FloorVerb.RENEW])
    expect([told(true, verb), told(false, verb)]).toEqual(["not_permitted", ""]);
  for (const verb of [FloorVerb.RELEASE, FloorVerb.AI_PAUSE, FloorVerb.AI_RESUME]) expect(told(true, verb)).toBe("");
});

test("the floor is passed to somebody who is known and not revoked", () => {
  expect(
    floorCommand(host, session(anas, [{ id: "b1", operator: ben, observing: false }]), ana, "a1", FloorVerb.PASS, "ben"),
  ).toMatchObject({ verb: "pass", to: { id: "ben" }, seat: "b1" });
  expect(refused(() => floorCommand(host, session(anas), ana, "a1", FloorVerb.PASS, "gone"))).toBe("no_such_operator");
  expect(refused(() => floorCommand(host, session(anas), ana, "a1", FloorVerb.PASS, "nobody"))).toBe("no_such_operator");
});

test("a verb that does not exist is a bad request", () => {
  expect(refused(() => floorCommand(host, session(free), ana, "a1", 99 as FloorVerb, ""))).toBe("bad_request");
});
