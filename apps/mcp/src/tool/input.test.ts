/** What is typed and what is not, against a host that writes down what it was asked. */
import { type HostClient, HoldError, InputStatus } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { HostWay } from "../link.ts";
import type { Call } from "./call.ts";
import { sendKeys, sendText } from "./input.ts";
import { refusal, type ToolResult } from "./result.ts";

/** Knows its inputs by their writer; changes its state when something is typed. */
function scene() {
  const typed: string[] = [];
  const known = new Map<string, { seq: number; data: Buffer }>();
  const asked: string[] = [];
  const host = { state: "waiting_input", asked, typed };
  const session = { id: "s1", name: "work", kind: 1, state: 1, seq: 10n, incarnation: 1 };
  const client = {
    operator: { operator: { id: "bot" } },
    isOver: false,
    show: async () => session,
    probe: async () => {
      asked.push("probe");
      return { state: host.state };
    },
    send: async (_: string, data: Buffer, options: { writer?: string; again?: boolean }) => {
      asked.push(options.again ? "again" : "send");
      const writer = options.writer ?? `w${typed.length}`;
      let of = known.get(writer);
      if (!of && options.again) throw new HoldError("writer_unknown", "no such input");
      if (!of) {
        of = { seq: 11 + typed.length, data };
        known.set(writer, of);
        typed.push(data.toString());
        host.state = "running";
      }
      return { n: 1, seq: of.seq, status: InputStatus.APPLIED, bytes: of.data.length };
    },
    // The record of one input, as readJournal asks for it.
    attach: async (
      { after }: { after: number },
      { event, detached }: { event: (e: object) => void; detached: (why: string) => void },
    ) => {
      for (const { seq, data } of known.values())
        if (seq === after + 1) event({ seq: BigInt(seq), atUnixMs: 0n, data, body: { kind: { case: "input" } } });
      detached("over");
      return { session, detach: async () => {} };
    },
  };
  const way = new HostWay(async () => client as unknown as HostClient);
  const call: Call = { way, signal: new AbortController().signal, progress: null };
  const told = (run: Promise<ToolResult>) => run.catch((fault: unknown) => refusal(fault)).then((r) => r.structuredContent);
  const text = (of: object) =>
    told(sendText(call, { session: "work", text: "y", submit: true, paste: false, take: false, ...of }));
  const keys = (of: object) => told(sendKeys(call, { session: "work", keys: ["Enter"], take: false, ...of }));
  return { host, text, keys };
}

test("what was decided on another state than the session's is not typed, and the state is told", async () => {
  const { host, text, keys } = scene();
  const wrong = { expect_state: "waiting_secret" } as const;
  for (const refused of [await text(wrong), await keys(wrong)])
    expect(refused).toMatchObject({
      ...{ refused: true, code: "other_state", state: "waiting_input", expected: "waiting_secret" },
      next_step: expect.stringContaining("nothing was typed"),
    });
  expect(host.typed).toEqual([]);
  expect(await text({ expect_state: "waiting_input" })).toMatchObject({ status: "applied" });
  expect(host.typed).toEqual(["y\r"]);
});

test("the state is looked at last before the input goes out, and not at all where none is expected", async () => {
  const { host, text } = scene();
  await text({ expect_state: "waiting_input", input_id: "a" });
  expect(host.asked).toEqual(["again", "probe", "send"]);
  host.asked.length = 0;
  await text({});
  expect(host.asked).toEqual(["send"]);
});

test("a call that is repeated under its input_id types nothing, has the first one's result and a cursor from before it, whatever the state is by then", async () => {
  const { host, text, keys } = scene();
  const first = await text({ expect_state: "waiting_input", input_id: "a" });
  expect(first["repeated"]).toBeUndefined();
  const second = await text({ expect_state: "waiting_input", input_id: "a" });
  expect(second).toMatchObject({ repeated: true, status: "applied", input_seq: first["input_seq"], cursor: "10" });
  expect(await keys({ input_id: "b" })).toMatchObject({ status: "applied" });
  expect(host.typed).toEqual(["y\r", "\r"]);
});

test("an input_id of an earlier input is refused for another text, also one of the same length", async () => {
  const { host, text } = scene();
  await text({ input_id: "a" });
  for (const other of ["n", "yes"])
    expect(await text({ input_id: "a", text: other })).toMatchObject({ refused: true, code: "bad_request" });
  expect(host.typed).toEqual(["y\r"]);
});
