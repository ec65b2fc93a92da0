/** Operators criterion 19: no use of an approval but the one that was approved. */
import { MonotonicMs } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { Body } from "../session/record.ts";
import { Approvals, type Request } from "./approvals.ts";
import { bindingOf, type Bound, changeBetween, likenessOf } from "./binding.ts";

const who = (id: string, kind: RegisteredOperator["kind"] = "human"): RegisteredOperator => ({
  id,
  name: id,
  kind,
  role: "approver",
  addedUnixMs: 0,
  addedBy: "",
  revoked: false,
  onBehalfOf: "",
  keys: [],
});
const bot = who("bot", "ai");

const text = fc.oneof(
  fc.constantFrom("", "a", "ls", "ls\0", '","', "/bin/ls", "null", "[]"),
  fc.string({ unit: "binary", maxLength: 6 }),
);
const bound: fc.Arbitrary<Bound> = fc.record({
  deed: fc.constantFrom("run", "exec", "keys", "signals", "open"),
  session: text,
  incarnation: fc.nat(3),
  epoch: fc.nat(9),
  actors: fc.array(text, { minLength: 1, maxLength: 2 }).map((rest) => ["bot", ...rest]),
  what: text,
  argv: fc.array(text, { maxLength: 3 }),
  data: text,
  cwd: text,
  executable: text,
  env: text,
});
const keys = ["deed", "session", "incarnation", "epoch", "actors", "what", "argv", "data", "cwd", "executable", "env"] as const;

/** A machine of nothing but time and a record. */
function machine(): { approvals: Approvals; records: string[]; advance(ms: number): void } {
  let now = 0;
  const records: string[] = [];
  const timers: { at: number; run: () => void; off: boolean }[] = [];
  const approvals = new Approvals({
    ports: {
      clock: { monoMs: () => MonotonicMs(now), monoNs: () => 0n, wallMs: () => 1_750_000_000_000 + now },
      wakeAt: (at, run) => {
        const timer = { at, run, off: false };
        timers.push(timer);
        return () => {
          timer.off = true;
        };
      },
      newId: () => `r${records.length}`,
      log: () => {},
      defer: (run) => run(),
    },
    lifetimeMs: () => 60_000,
    record: (_session, _by, body: Body) => void records.push(body.case),
  });
  return {
    approvals,
    records,
    advance(ms) {
      now += ms;
      for (const timer of timers.splice(0))
        if (!timer.off && timer.at <= now) timer.run();
        else if (!timer.off) timers.push(timer);
    },
  };
}

const shown = { sessionName: "", argv: [], data: new Uint8Array(0), dataBytes: 0, env: [], executable: "" };
const yes = { mayApprove: true, isProtected: true, allow: true, why: "" };
const allow = (m: ReturnType<typeof machine>, r: Request, by = who("eva")): void =>
  void m.approvals.decide(r.approval.id, by, "cli", { ...yes, binding: r.approval.binding });

test("10,000 mutated uses of an approval: none is accepted, and each ends it", () => {
  let accepted = 0;
  fc.assert(
    fc.property(bound, bound, fc.constantFrom(...keys), (is, other, key) => {
      fc.pre(JSON.stringify(is[key]) !== JSON.stringify(other[key]));
      const m = machine();
      let now = is;
      const request = m.approvals.ask({ by: bot, via: "mcp", bound: is, now: () => now, shown });
      allow(m, request);
      now = { ...is, [key]: other[key] } as Bound;
      if (m.approvals.use(request) === null) accepted++;
      // Going back does not make it good again.
      now = is;
      if (m.approvals.use(request) === null) accepted++;
      expect(m.records).toEqual(["approvalAsked", "approvalDecided", "approvalOver"]);
    }),
    { numRuns: 10_000 },
  );
  expect(accepted).toBe(0);
});

test("10,000 uses at a wrong moment: before a decision, after a denial, an end, its time, a use: none is accepted", () => {
  let accepted = 0;
  fc.assert(
    fc.property(
      bound,
      fc.constantFrom("undecided", "denied", "late", "used", "void", "own", "ai", "unprotected", "no right"),
      (is, how) => {
        const m = machine();
        const request = m.approvals.ask({ by: bot, via: "mcp", bound: is, now: () => is, shown });
        const { id, binding } = request.approval;
        const decides = (by: RegisteredOperator, more: object): void => {
          expect(() => m.approvals.decide(id, by, "cli", { ...yes, binding, ...more })).toThrow(HoldError);
        };
        if (how === "own") decides(who(is.actors[1]!), {});
        if (how === "ai") decides(who("hal", "ai"), {});
        if (how === "unprotected") decides(who("eva"), { isProtected: false });
        if (how === "no right") decides(who("eva"), { mayApprove: false });
        if (how === "denied") m.approvals.decide(id, who("eva"), "cli", { ...yes, binding, allow: false });
        if (how === "late" || how === "used" || how === "void") allow(m, request);
        if (how === "late") m.advance(60_000);
        if (how === "used") expect(m.approvals.use(request)).toBeNull();
        if (how === "void") m.approvals.voidWhere(() => true, "another policy");
        if (m.approvals.use(request) === null) accepted++;
      },
    ),
    { numRuns: 10_000 },
  );
  expect(accepted).toBe(0);
});

test("an unchanged one is accepted once", () => {
  fc.assert(
    fc.property(bound, (is) => {
      const m = machine();
      const request = m.approvals.ask({ by: bot, via: "mcp", bound: is, now: () => is, shown });
      allow(m, request);
      expect(m.approvals.use(request)).toBeNull();
      expect(m.approvals.use(request)?.code).toBe("approval_void");
    }),
  );
});

test("two deeds have one hash only if they are equal, and a request's own id and end are in it", () => {
  fc.assert(
    fc.property(bound, bound, (a, b) => {
      const isEqual = JSON.stringify(a) === JSON.stringify(b);
      expect(likenessOf(a) === likenessOf(b)).toBe(isEqual);
      expect(changeBetween(a, b) === "").toBe(isEqual);
      const at = { id: "r1", expiresUnixMs: 5 };
      expect(bindingOf(a, at)).not.toBe(bindingOf(a, { ...at, id: "r2" }));
      expect(bindingOf(a, at)).not.toBe(bindingOf(a, { ...at, expiresUnixMs: 6 }));
    }),
    { numRuns: 2_000 },
  );
});
