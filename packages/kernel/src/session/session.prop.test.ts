/** Whatever happens in whatever order, against a model of a few lines: each run ends once, in the order asked, and in its own heap. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { json } from "../message/index.ts";
import type { BridgeRecord, BridgeWord } from "../record/index.ts";
import { apply, decide, hear, type KernelEvent, nextRun, openKernelSession } from "./index.ts";

const numRuns = process.env.HOLDFAST_SOAK ? 20_000 : 500;
const by = { id: "ana", name: "ana", kind: "human" };
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("execute" as const), batch: fc.option(fc.constantFrom("x", "y")) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("send" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("cancel" as const), of: fc.nat(30) }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("say" as const), what: fc.constantFrom("busy", "idle", "ok", "error", "info") }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("restart" as const, "die" as const, "adopt" as const, "late" as const) }),
  },
);

test("every run that was taken ends at most once, those that are sent are sent one at a time and in order, and none in two heaps", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let state = openKernelSession();
      const taken: string[] = [];
      const sent: string[] = [];
      const outcomes = new Map<string, string>();
      const incarnationOf = new Map<string, number>();
      const does = (events: readonly KernelEvent[]) => {
        for (const event of events) {
          if (event.kind === "over") {
            expect(outcomes.has(event.runId)).toBe(false);
            outcomes.set(event.runId, event.outcome);
          }
          state = apply(state, event);
        }
      };
      const tells = (word: BridgeWord) => does(hear(state, { kind: "word", word }));
      const says = (msgType: string, parent: string, content: object, incarnation = state.incarnation) => {
        const empty = json({});
        const parts = { header: json({ msg_id: "k", msg_type: msgType }), parent: json({ msg_id: parent }), metadata: empty };
        const record: BridgeRecord = {
          kind: "message",
          channel: msgType === "status" ? "iopub" : "shell",
          incarnation,
          message: { ...parts, content: json(content), buffers: [] },
        };
        does(hear(state, record));
      };
      const starts = () => {
        tells({ word: "started", incarnation: state.incarnation + 1, pid: 1, transport: "ipc", atUnixMs: 0 });
        tells({ word: "ready", incarnation: state.incarnation, tookMs: 0, info: {}, atUnixMs: 0 });
      };
      starts();
      for (const one of steps) {
        const current = state.current?.id ?? "none";
        if (one.do === "execute") {
          const run = { id: `r${taken.length}`, by, code: "", ...(one.batch === null ? {} : { batch: one.batch }) };
          const decision = decide(state, { verb: "execute", run });
          if (decision.ok) {
            does(decision.events);
            taken.push(run.id);
          }
        } else if (one.do === "send") {
          const run = nextRun(state);
          if (run) {
            expect(state.current).toBeNull();
            does([{ kind: "sent", runId: run.id }]);
            sent.push(run.id);
            incarnationOf.set(run.id, state.incarnation);
          }
        } else if (one.do === "cancel") {
          const decision = decide(state, { verb: "cancel", runId: `r${one.of}` });
          expect(decision.ok).toBe(taken.includes(`r${one.of}`) && !sent.includes(`r${one.of}`) && !outcomes.has(`r${one.of}`));
          if (decision.ok) does(decision.events);
        } else if (one.do === "say") {
          if (one.what === "busy" || one.what === "idle") says("status", current, { execution_state: one.what });
          else if (one.what === "info") says("kernel_info_reply", "x", {});
          else says("execute_reply", current, { status: one.what });
        } else if (one.do === "late") {
          const before = state;
          says("status", current, { execution_state: "idle" }, state.incarnation - 1);
          expect(state).toBe(before);
        } else if (one.do === "adopt") {
          tells({
            word: "adopted",
            incarnation: state.incarnation,
            pid: 1,
            confirmed: true,
            missed: { fromUnixMs: 0, untilUnixMs: 0 },
          });
        } else {
          tells({
            word: "died",
            incarnation: state.incarnation,
            code: 0,
            signal: null,
            expected: one.do === "restart",
            atUnixMs: 0,
          });
          expect([state.current, state.queue]).toEqual([null, []]);
          starts();
        }
        const open = [...(state.current ? [state.current.id] : []), ...state.queue.map((run) => run.id)];
        expect(open).toEqual(taken.filter((id) => !outcomes.has(id)));
        if (state.current) expect(incarnationOf.get(state.current.id)).toBe(state.incarnation);
      }
      expect(sent).toEqual(taken.filter((id) => sent.includes(id)));
      for (const [id, outcome] of outcomes) {
        if (["ok", "error", "unknown", "lost"].includes(outcome)) expect(sent).toContain(id);
        if (["cancelled", "voided"].includes(outcome)) expect(sent).not.toContain(id);
      }
    }),
    { numRuns },
  );
});
