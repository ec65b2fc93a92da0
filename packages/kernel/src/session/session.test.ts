/** What a session is said to be, after what operators asked and the bridge told. */
import { expect, test } from "vitest";
import { type Channel, type HeaderOperator, json, type Message } from "../message/index.ts";
import type { BridgeWord } from "../record/index.ts";
import {
  apply,
  askerOf,
  commOpens,
  decide,
  executeContent,
  hear,
  type KernelCommand,
  type KernelEvent,
  MAX_QUEUED,
  nextRun,
  openKernelSession,
  type RunRequest,
} from "./index.ts";

const ana: HeaderOperator = { id: "ana", name: "ana", kind: "human" };
const bot: HeaderOperator = { id: "bot", name: "bot", kind: "ai", onBehalfOf: "ana" };

/** A session in which one thing after another happens. */
class Scene {
  state = openKernelSession();
  readonly over: string[] = [];

  does(events: readonly KernelEvent[]): this {
    for (const event of events) {
      this.state = apply(this.state, event);
      if (event.kind === "over") this.over.push(`${event.runId} ${event.outcome}${event.because ? ` for ${event.because}` : ""}`);
    }
    return this;
  }
  asks(command: KernelCommand): string {
    const decision = decide(this.state, command);
    if (decision.ok) this.does(decision.events);
    return decision.ok ? "ok" : decision.refusal.code;
  }
  executes(id: string, by = ana, more: Partial<RunRequest> = {}): string {
    return this.asks({ verb: "execute", run: { id, by, code: "1", ...more } });
  }
  tells(word: BridgeWord): this {
    return this.does(hear(this.state, { kind: "word", word }));
  }
  starts(incarnation = 1): this {
    this.tells({ word: "started", incarnation, pid: 100 + incarnation, transport: "ipc", atUnixMs: 0 });
    return this.tells({ word: "ready", incarnation, tookMs: 1, info: { implementation: "k" }, atUnixMs: 0 });
  }
  sendsNext(): string {
    const run = nextRun(this.state);
    if (run) this.does([{ kind: "sent", runId: run.id }]);
    return run?.id ?? "";
  }
  says(
    channel: Channel,
    msgType: string,
    parent: string,
    content: object,
    more: { incarnation?: number; buffers?: Uint8Array[] } = {},
  ): this {
    const { incarnation = this.state.incarnation } = more;
    return this.does(
      hear(this.state, { kind: "message", channel, incarnation, message: message(msgType, parent, content, more.buffers) }),
    );
  }
  busy = (id: string) => this.says("iopub", "status", id, { execution_state: "busy" });
  idle = (id: string) => this.says("iopub", "status", id, { execution_state: "idle" });
  replies = (id: string, status = "ok") => this.says("shell", "execute_reply", id, { status });
}

const message = (msgType: string, parent: string, content: object, buffers: Uint8Array[] = []): Message => ({
  header: json({ msg_id: `of-${parent}`, msg_type: msgType }),
  parent: json(parent === "" ? {} : { msg_id: parent }),
  metadata: json({}),
  content: json(content),
  buffers,
});

test("one run at a time, in the order asked, over with reply and idle in either order", () => {
  const scene = new Scene();
  expect(["a", "b", "c"].map((id) => scene.executes(id))).toEqual(["ok", "ok", "ok"]);
  expect(scene.sendsNext()).toBe("");
  scene.starts();
  expect([scene.sendsNext(), scene.sendsNext()]).toEqual(["a", ""]);
  scene.busy("a").replies("a");
  expect(scene.over).toEqual([]);
  scene.idle("a");
  expect([scene.over, scene.sendsNext()]).toEqual([["a ok"], "b"]);
  scene.busy("b").idle("b").replies("b", "error");
  expect([scene.over, scene.sendsNext()]).toEqual([["a ok", "b error"], "c"]);
  expect(scene.state.execution).toBe("idle");
});

test("a run that fails takes none of the others with it, but for those of its own batch", () => {
  const scene = new Scene().starts();
  scene.executes("a", ana, { batch: "all" });
  scene.executes("b", bot);
  scene.executes("c", ana, { batch: "all" });
  scene.sendsNext();
  scene.busy("a").replies("a", "error").idle("a");
  expect(scene.over).toEqual(["a error", "c cancelled for a"]);
  expect(scene.sendsNext()).toBe("b");
  expect(executeContent({ id: "x", by: ana, code: "1" })).toMatchObject({ stop_on_error: false });
});

test("what waits can be cancelled, what has begun can't, and no id runs twice", () => {
  const scene = new Scene().starts();
  scene.executes("a");
  scene.executes("b");
  scene.sendsNext();
  expect(scene.asks({ verb: "cancel", runId: "b" })).toBe("ok");
  expect(scene.asks({ verb: "cancel", runId: "a" })).toBe("run_not_waiting");
  expect([scene.executes("a"), scene.executes("b")]).toEqual(["duplicate_run", "duplicate_run"]);
  expect(scene.over).toEqual(["b cancelled"]);
});

test("the queue is bounded", () => {
  const scene = new Scene();
  for (let i = 0; i < MAX_QUEUED; i++) expect(scene.executes(`r${i}`)).toBe("ok");
  expect(scene.executes("more")).toBe("queue_full");
});

test("output that comes after its run is over is still that run's, and a stranger's is nobody's", () => {
  const scene = new Scene().starts();
  scene.executes("a", bot);
  scene.sendsNext();
  scene.busy("a").idle("a").replies("a");
  expect(askerOf(scene.state, message("stream", "a", {}))).toEqual(bot);
  expect(askerOf(scene.state, message("stream", "by-connection-file", {}))).toBeNull();
});

test("a prompt stays when its asker goes; whoever answers first is heard, the second is refused", () => {
  const scene = new Scene().starts();
  scene.executes("a");
  scene.sendsNext();
  scene.busy("a").says("stdin", "input_request", "a", { prompt: "Name: ", password: true });
  expect(scene.state.prompt).toMatchObject({ id: "of-a", runId: "a", text: "Name: ", isPassword: true });
  expect(scene.asks({ verb: "answer", promptId: "another" })).toBe("no_such_prompt");
  expect([1, 2].map(() => scene.asks({ verb: "answer", promptId: "of-a" }))).toEqual(["ok", "no_such_prompt"]);
});

test("a prompt that an interrupt ended is gone with its run", () => {
  const scene = new Scene().starts();
  scene.executes("a");
  scene.sendsNext();
  scene.busy("a").says("stdin", "input_request", "a", { prompt: "", password: false }).replies("a", "error").idle("a");
  expect(scene.state.prompt).toBeNull();
});

test("a restart loses what ran, voids what waited, and runs what was asked since in the new heap", () => {
  const scene = new Scene().starts();
  scene.executes("a");
  scene.executes("b");
  scene.sendsNext();
  scene.busy("a").says("iopub", "comm_open", "a", { comm_id: "c", target_name: "t", data: {} });
  scene.tells({ word: "died", incarnation: 1, code: 0, signal: null, expected: true, atUnixMs: 0 });
  expect(scene.executes("c")).toBe("ok");
  scene.starts(2);
  expect(scene.over).toEqual(["a lost", "b voided"]);
  expect([scene.state.comms.size, scene.state.incarnation, scene.state.pid, scene.sendsNext()]).toEqual([0, 2, 102, "c"]);
  scene.busy("c").says("iopub", "status", "c", { execution_state: "idle" }, { incarnation: 1 });
  expect(scene.state.execution).toBe("busy");
});

test("a kernel that died by itself takes nothing more until it is started again", () => {
  const scene = new Scene().starts();
  scene.executes("a");
  scene.sendsNext();
  scene.tells({ word: "died", incarnation: 1, code: null, signal: "SIGKILL", expected: false, atUnixMs: 0 });
  expect([scene.over, scene.state.phase, scene.executes("b")]).toEqual([["a lost"], "dead", "kernel_dead"]);
  scene.tells({ word: "bye", reason: "shutdown" });
  expect(scene.executes("b")).toBe("kernel_ended");
});

test("a request that the bridge refused was never run", () => {
  const scene = new Scene().starts();
  scene.executes("a");
  scene.sendsNext();
  scene.tells({ word: "refused", msgId: "a", code: "stale_incarnation", detail: "" });
  expect(scene.over).toEqual(["a voided"]);
});

test("a run under way while the bridge was away ends as itself if its end is heard, and as unknown once the kernel is past it", () => {
  const adopted = {
    word: "adopted",
    incarnation: 1,
    pid: 101,
    confirmed: true,
    missed: { fromUnixMs: 0, untilUnixMs: 9 },
  } as const;
  const heard = new Scene().starts();
  heard.executes("a");
  heard.sendsNext();
  heard.busy("a").tells(adopted).replies("a").idle("a").says("shell", "kernel_info_reply", "x", {});
  expect(heard.over).toEqual(["a ok"]);
  const missed = new Scene().starts();
  missed.executes("a");
  missed.sendsNext();
  missed.busy("a").tells(adopted);
  expect([missed.over, missed.state.current?.uncertain, missed.state.execution]).toEqual([[], true, "unknown"]);
  missed.says("shell", "kernel_info_reply", "x", {});
  expect(missed.over).toEqual(["a unknown"]);
});

test("a run whose idle the kernel threw away is over once the kernel has answered on shell what was asked after it, not on control", () => {
  const scene = new Scene().starts();
  scene.executes("a");
  scene.sendsNext();
  scene.busy("a").replies("a").says("control", "kernel_info_reply", "x", {});
  expect(scene.over).toEqual([]);
  scene.says("shell", "kernel_info_reply", "x", {});
  expect(scene.over).toEqual(["a ok"]);
});

test("a display is what it was last changed to, in every run that shows it", () => {
  const scene = new Scene().starts();
  const content = (text: string) => ({ data: { "text/plain": text }, metadata: {}, transient: { display_id: "d" } });
  scene.says("iopub", "display_data", "a", content("1")).says("iopub", "execute_result", "b", content("2"));
  scene.says("iopub", "update_display_data", "c", content("3"));
  expect(scene.state.displays.get("d")).toMatchObject({ data: { "text/plain": "3" }, runs: ["a", "b"] });
});

test("a client that comes late is given each widget as it is now, with its buffers, and none that was closed", () => {
  const scene = new Scene().starts();
  const widget = (id: string, data: object, buffers: Uint8Array[]) =>
    scene.says("iopub", "comm_open", "a", { comm_id: id, target_name: "jupyter.widget", data }, { buffers });
  widget("w", { state: { value: 1, max: 9, image: null }, buffer_paths: [["image"], ["extra", "x"]] }, [
    new Uint8Array([1]),
    new Uint8Array([2]),
  ]);
  widget("gone", { state: {} }, []);
  const update = (data: object, buffers: Uint8Array[] = []) =>
    scene.says("iopub", "comm_msg", "a", { comm_id: "w", data }, { buffers });
  update({ method: "update", state: { value: 5, image: null }, buffer_paths: [["image"]] }, [new Uint8Array([7])]);
  update({ method: "custom", content: { state: { value: 99 } } });
  scene.says("iopub", "comm_close", "a", { comm_id: "gone", data: {} });
  const paths = [["extra", "x"], ["image"]];
  expect(commOpens(scene.state.comms)).toEqual([
    {
      content: {
        comm_id: "w",
        target_name: "jupyter.widget",
        data: { state: { value: 5, max: 9, image: null }, buffer_paths: paths },
      },
      metadata: {},
      buffers: [new Uint8Array([2]), new Uint8Array([7])],
    },
  ]);
});
