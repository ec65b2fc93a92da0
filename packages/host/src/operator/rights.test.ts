import { MonotonicMs } from "@holdfast/core";
import type { HoldError } from "@holdfast/protocol";
import { expect, test } from "vitest";
import type { SessionPorts } from "../session/ports.ts";
import type { OperatorRegistry, RegisteredOperator } from "./registry.ts";
import { narrowedInPlain, Rights } from "./rights.ts";

const HOUR = 3_600_000;
const START = 1_000_000_000_000;

/** A guest of `s1` for an hour, and two clocks. */
function scene() {
  const clocks = { monoMs: 0, wallMs: START };
  const timers: { readonly at: number; run: (() => void) | null }[] = [];
  let guest = {
    ...{ id: "gus", name: "gus", kind: "human", role: "operator", revoked: false, onBehalfOf: "", keys: [] },
    guest: { session: "s1", untilUnixMs: START + HOUR },
  } as unknown as RegisteredOperator;
  const ports = {
    clock: { monoMs: () => MonotonicMs(clocks.monoMs), wallMs: () => clocks.wallMs },
    wakeAt: (at: number, run: () => void) => void timers.push({ at, run }),
    log: () => {},
  } as unknown as SessionPorts;
  const registry = { byName: () => guest } as unknown as OperatorRegistry;
  const rights = new Rights(
    registry,
    ports,
    () => "",
    () => {},
  );
  rights.keepGuest(guest, () => {
    guest = { ...guest, revoked: true };
  });
  return {
    /** Time passes for both clocks; what is due is run. */
    pass(ms: number): void {
      const to = clocks.monoMs + ms;
      const next = () => timers.filter((t) => t.run && t.at <= to).sort((a, b) => a.at - b.at)[0];
      for (let due = next(); due; due = next()) {
        clocks.wallMs += Math.max(0, due.at - clocks.monoMs);
        clocks.monoMs = Math.max(clocks.monoMs, due.at);
        const { run } = due;
        due.run = null;
        run!();
      }
      clocks.wallMs += to - clocks.monoMs;
      clocks.monoMs = to;
    },
    set: (ms: number) => void (clocks.wallMs += ms),
    isOut: () => guest.revoked,
    asks(session = "s1"): string {
      try {
        rights.demand(guest, "session.input", session);
        return "may";
      } catch (fault) {
        return (fault as HoldError).code;
      }
    },
  };
}

test("R2: a guest is out at the end of their time, and not before", () => {
  const s = scene();
  s.pass(HOUR - 1);
  expect([s.asks(), s.asks("s2"), s.isOut()]).toEqual(["may", "not_permitted", false]);
  s.pass(1);
  expect([s.asks(), s.isOut()]).toEqual(["revoked", true]);
});

test("R2: a clock that is set back gives a guest no more time, and one that is set forward ends it", () => {
  const back = scene();
  back.pass(HOUR / 2);
  back.set(-24 * HOUR);
  back.pass(HOUR / 2);
  expect([back.asks(), back.isOut()]).toEqual(["revoked", true]);
  const forward = scene();
  forward.set(2 * HOUR);
  expect(forward.asks()).toBe("access_ended");
});

test("R4: of a grant that comes by a link which could be forged, or of a key that was made by one, no more is left than the grant leaves", () => {
  const admin = { id: "ana", name: "ana", kind: "human", role: "admin" } as unknown as RegisteredOperator;
  const narrowed = { session: "s1", capabilities: ["session.observe", "host.admin"] } as const;
  expect(narrowedInPlain({ ...admin, narrowed }).narrowed).toEqual({
    session: "s1",
    capabilities: ["session.observe"],
    isPlain: true,
  });
  expect(narrowedInPlain({ ...admin, narrowed: { session: "s1", capabilities: null } }).narrowed).toMatchObject({
    session: "s1",
    capabilities: expect.not.arrayContaining(["host.admin"]),
  });
  expect(narrowedInPlain(admin).narrowed).toMatchObject({
    session: null,
    capabilities: expect.arrayContaining(["session.input"]),
  });
});
