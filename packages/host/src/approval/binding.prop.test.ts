/** Operators criterion 19: no use of an approval but the one that was approved. */
import { MonotonicMs } from "@holdfast/core";
import {
  create,
  ExecCallSchema,
  FloorMode,
  HoldError,
  type Init,
  type OpenCall,
  OpenCallSchema,
  SessionKind,
} from "@holdfast/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { execAct, openAct } from "../call/admission.ts";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { PolicyStore } from "../policy/store.ts";
import type { LiveSession } from "../session/session.ts";
import type { Body } from "../session/record.ts";
import { Approvals, type Request } from "./approvals.ts";
import { bindingOf, type Bound, changeBetween, likenessOf } from "./binding.ts";
import { type Act, Gate } from "./gate.ts";

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

type Machine = {
  approvals: Approvals;
  ports: ConstructorParameters<typeof Approvals>[0]["ports"];
  records: string[];
  advance(ms: number): void;
};

/** A machine of nothing but time and a record. */
function machine(): Machine {
  let now = 0;
  const records: string[] = [];
  const timers: { at: number; run: () => void; off: boolean }[] = [];
  const ports: Machine["ports"] = {
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
  };
  const approvals = new Approvals({
    ports,
    lifetimeMs: () => 60_000,
    record: (_session, _by, body: Body) => void records.push(body.case),
  });
  return {
    approvals,
    ports,
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

/** How many requests these become. */
function requestsOf(...acts: readonly Act[]): readonly Request[] {
  const { ports, records } = machine();
  const gate = new Gate({
    ports,
    policy: PolicyStore.of('version = 1\n[ai]\nopen = "ask"'),
    registry: { byName: () => null },
    sessions: new Map(),
    parentOf: () => "",
    environmentPath: () => "",
    record: (_by, body) => void records.push(body.case),
  });
  for (const act of acts) gate.admit(bot, "mcp", act, new AbortController().signal).catch(() => {});
  return gate.approvals.list();
}

/** Of each field of the wire two values that are told apart. */
const wire: {
  readonly [K in keyof Required<Omit<OpenCall, "$typeName" | "$unknown">>]: readonly [Init<OpenCall>[K], Init<OpenCall>[K]];
} = {
  name: ["", "a"],
  kind: [SessionKind.PTY, SessionKind.PIPES],
  command: [[], ["/bin/true"]],
  shell: ["/bin/sh", "/bin/bash"],
  env: [[], [Buffer.from("A=1")]],
  cwd: ["/", "/tmp"],
  size: [undefined, { cols: 100, rows: 30 }],
  umask: [0o022, 0],
  nofileSoft: [0n, 64n],
  nofileHard: [0n, 128n],
  floorMode: [FloorMode.TURN, FloorMode.OPEN],
  syncInput: [false, true],
  group: ["", "g"],
  ttlMs: [0n, 1n],
  idleTtlMs: [0n, 1n],
  attachIfLives: [false, true],
  noIntegration: [false, true],
  agentForward: [false, true],
  pinned: [undefined, { cols: 90, rows: 20 }],
  exactCommand: [[], [Buffer.from("/bin/\xff")]],
  exactCwd: [Buffer.alloc(0), Buffer.from("/\xff")],
  graceMs: [undefined, 0n],
  kernel: ["", "python3"],
};
const fields = Object.keys(wire) as (keyof typeof wire)[];
const opens = (which: readonly boolean[]): Act => {
  const call = create(OpenCallSchema, Object.fromEntries(fields.map((field, i) => [field, wire[field][which[i] ? 1 : 0]])));
  const host = { living: () => null, freeName: () => "sh" } as unknown as Host;
  return openAct({ host, operator: bot }, call)!;
};

test("two calls to open that differ in one field of the wire are two requests, and two that are the same are one", () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: fields.length, maxLength: fields.length }),
      fc.nat(fields.length - 1),
      (is, at) => {
        const other = is.map((which, i) => (i === at ? !which : which));
        expect(requestsOf(opens(is), opens(is))).toHaveLength(1);
        expect([fields[at], requestsOf(opens(is), opens(other)).length]).toEqual([fields[at], 2]);
      },
    ),
    { numRuns: 500 },
  );
});

test("a person is shown what of a session to be opened is not the usual", () => {
  const what = (call: Init<OpenCall>): string => {
    const host = { living: () => null, freeName: () => "sh" } as unknown as Host;
    return openAct({ host, operator: bot }, create(OpenCallSchema, { umask: 0o022, ...call }))!.what as string;
  };
  expect(what({})).toBe("opens a session");
  expect(what({ umask: 0, floorMode: FloorMode.OPEN, agentForward: true, noIntegration: true })).toBe(
    "opens a session, where all may type at once, umask 000, without shell integration, with an SSH agent",
  );
  expect(what({ name: "x", kind: SessionKind.PIPES, ttlMs: 5n, nofileSoft: 64n, nofileHard: -1n })).toBe(
    "opens a session named x, on pipes, open files 64 (at most unlimited), ended after 5 ms",
  );
});

test("a program beside a terminal is asked about with its umask", () => {
  const session = {
    id: "s1",
    facts: { name: "work", incarnation: 0, cwd: "/", group: "" },
    floor: { epoch: 0 },
    commands: { state: {} },
  };
  const exec = (umask: number): Act =>
    execAct(session as unknown as LiveSession, create(ExecCallSchema, { argv: ["make"], umask }));
  expect([exec(0o022).what, exec(0).what]).toEqual([
    "starts a program beside the terminal",
    "starts a program beside the terminal, umask 000",
  ]);
});
