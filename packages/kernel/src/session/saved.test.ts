import { expect, test } from "vitest";
import { json } from "../message/index.ts";
import { apply, type KernelSession, openKernelSession } from "./index.ts";
import { loadedKernelSession, MAX_SAVED_BYTES, savedKernelSession } from "./saved.ts";

const by = { id: "op-ana", name: "ana", kind: "human" };
const through = (state: KernelSession): KernelSession =>
  loadedKernelSession(JSON.parse(JSON.stringify(savedKernelSession(state))));

function opensComm(state: KernelSession, id: string, buffers: Uint8Array[]): KernelSession {
  const content = { comm_id: id, target_name: "jupyter.widget", data: { state: { n: 1 }, buffer_paths: [["b"]] } };
  const message = { header: json({}), parent: json({}), metadata: json({}), content: json(content), buffers };
  return apply(state, { kind: "comm", msgType: "comm_open", message });
}

test("what was saved is loaded: runs that wait and are over, a prompt, displays, and comms with their buffers", () => {
  let state = openKernelSession();
  state = apply(state, { kind: "queued", run: { id: "r1", by, code: "1" } });
  state = apply(state, { kind: "over", runId: "r1", outcome: "cancelled" });
  state = apply(state, { kind: "queued", run: { id: "r2", by, code: "2", silent: true } });
  state = apply(state, { kind: "sent", runId: "r2" });
  state = apply(state, { kind: "prompted", prompt: { id: "p", header: { a: [1] }, runId: "r2", text: "?", isPassword: true } });
  state = apply(state, {
    kind: "displayed",
    shown: { displayId: "d", runId: "r2", data: { "text/plain": "x" }, metadata: {}, bytes: 9 },
  });
  state = opensComm(state, "c", [new Uint8Array([0, 200, 255])]);
  expect(through(state)).toEqual(state);
});

test("displays and comms that are too many to save are left out, those that changed longest ago first", () => {
  let state = openKernelSession();
  for (const id of ["old", "new"]) state = opensComm(state, id, [new Uint8Array(MAX_SAVED_BYTES * 0.7)]);
  expect([...through(state).comms.keys()]).toEqual(["new"]);
});

test("a run that was sent and has not reached the bridge whole is the first that waits again", () => {
  let state = openKernelSession();
  for (const id of ["r1", "r2"]) state = apply(state, { kind: "queued", run: { id, by, code: "" } });
  state = apply(state, { kind: "sent", runId: "r1" });
  state = apply(state, { kind: "unsent", runId: "r1" });
  expect([state.current, state.queue.map((run) => [run.id, run.phase])]).toEqual([
    null,
    [
      ["r1", "queued"],
      ["r2", "queued"],
    ],
  ]);
});
