import { expect, test } from "vitest";
import { clears, display, ends, Page, prints, says, shows, stream } from "./test/kernel.ts";

test("O1: what a thread prints late stands in the cell that started it, also while another runs", () => {
  new Page()
    .run("a1")
    .hears(prints("a1", "one "), ...ends("a1"))
    .run("b1")
    .hears(prints("b1", "two"), prints("a1", "late"))
    .shows("a", stream("one late"))
    .shows("b", stream("two"));
});

test("O1: what an earlier run of a cell still prints is not mixed into its new run", () => {
  new Page()
    .run("a1")
    .hears(prints("a1", "old"))
    .run("a2")
    .hears(prints("a1", "still old"), prints("a2", "new"))
    .shows("a", stream("new"));
});

test("O2: adjacent texts of one stream are one output, and what lies between parts them", () => {
  new Page()
    .run("a1")
    .hears(
      prints("a1", "1\r"),
      prints("a1", "2\b"),
      prints("a1", "e", "stderr"),
      prints("a1", "3"),
      shows("a1", "d"),
      prints("a1", "4"),
    )
    .shows("a", stream("1\r2\b"), stream("e", "stderr"), stream("3"), display("d"), stream("4"));
});

test("O3: a clear that waits clears with the next output, and not if none comes", () => {
  const page = new Page().run("a1").hears(prints("a1", "1"), clears("a1", true)).shows("a", stream("1"));
  page.hears(...ends("a1")).shows("a", stream("1"));
  page.run("a2").hears(prints("a2", "1"), clears("a2", true), prints("a2", "2")).shows("a", stream("2"));
  page.hears(clears("a2", false)).shows("a");
});

test("O4: a display is changed in every cell that shows it, by whatever run, and the id is stored nowhere", () => {
  const page = new Page().run("a1").hears(shows("a1", "1", "x"), shows("a1", "1", "x"), ...ends("a1"));
  page.run("b1").hears(shows("b1", "2", "x"), shows("console", "3", "x", "update_display_data"));
  page.shows("a", display("3"), display("3")).shows("b", display("3"));
  expect(JSON.stringify(page.changes)).not.toContain("display_id");
});

test("O4: a cleared display is not changed any more, nor one from before a restart", () => {
  const page = new Page().run("a1").hears(shows("a1", "1", "x"), clears("a1", false), shows("a1", "2"));
  page.hears(shows("a1", "3", "x", "update_display_data")).shows("a", display("2"));
  page.hears(shows("a1", "4", "x"));
  page.fold.restarted();
  page.hears(shows("a1", "5", "x", "update_display_data"), prints("a1", "lost")).shows("a", display("2"), display("4"));
});

test("a result keeps its count when its display changes", () => {
  const page = new Page().run("a1");
  page.hears(says("a1", "execute_result", { execution_count: 7, data: {}, metadata: {}, transient: { display_id: "x" } }));
  page.hears(shows("a1", "2", "x", "update_display_data"));
  page.shows("a", { output_type: "execute_result", data: { "text/plain": "2" }, metadata: {}, execution_count: 7 });
  expect(page.cell("a").execution_count).toBe(7);
});

test("a run leaves its count, its times as nbclient stores them, and who ran it where that is asked for", () => {
  const page = new Page({}).run("a1", { run_id: "r1", operator: "ana" });
  page.hears(
    says("a1", "status", { execution_state: "busy" }),
    says("a1", "execute_input", { execution_count: 3, code: "" }, "2026-11-28T15:12:38.123456789+02:00"),
    ...ends("a1"),
  );
  expect(page.cell("a")).toMatchObject({
    execution_count: 3,
    metadata: {
      execution: {
        "iopub.status.busy": "2026-11-28T13:12:38.500000Z",
        "iopub.execute_input": "2026-11-28T13:12:38.123456Z",
        "shell.execute_reply": "2026-11-28T13:12:38.500000Z",
        "iopub.status.idle": "2026-11-28T13:12:38.500000Z",
      },
      holdfast: { run_id: "r1", operator: "ana" },
    },
  });
});

test("a run is over when it is both idle and replied to, in either order", () => {
  const page = new Page().run("a1").run("b1");
  const [reply, idle] = ends("a1", "error");
  page.hears(idle as never);
  expect(page.fold.unfinished).toEqual(["a1", "b1"]);
  page.hears(reply as never, ...ends("b1", "aborted"));
  expect(page.fold.unfinished).toEqual([]);
  expect(page.changes.filter((it) => it.kind === "ended")).toEqual([
    { kind: "ended", cell: "a", run: "a1", outcome: "error" },
    { kind: "ended", cell: "b", run: "b1", outcome: "aborted" },
  ]);
});

test("O5: a cell holds what fits, then a marker that tells at the end how much was left out, and the error", () => {
  const page = new Page({ times: false, limits: { maxOutputs: 10, maxUnits: 10, maxErrorUnits: 1_000 } }).run("a1");
  page.hears(prints("a1", "12345678é😀"), prints("a1", "more"), shows("a1", "no"));
  page.hears(says("a1", "error", { ename: "E", evalue: "v", traceback: ["t"] }), says("a1", "error", {}), ...ends("a1"));
  const [text, marker, error, ...rest] = page.cell("a").outputs;
  expect(text).toEqual(stream("12345678é"));
  expect(marker).toMatchObject({ output_type: "display_data", metadata: { holdfast: { truncated: { outputs: 2 } } } });
  expect(error).toEqual({ output_type: "error", ename: "E", evalue: "v", traceback: ["t"] });
  expect(rest).toEqual([]);
});

test("O5: a display that grows beyond the limit is replaced by a marker", () => {
  const page = new Page({ times: false, limits: { maxOutputs: 10, maxUnits: 100, maxErrorUnits: 1_000 } }).run("a1");
  page.hears(shows("a1", "1", "x"), shows("a1", "2".repeat(200), "x", "update_display_data"));
  expect(JSON.stringify(page.cell("a").outputs)).toContain("[output_limit]");
});

test("O5: a display counts the same when it is changed as when it comes", () => {
  const page = new Page({ times: false, limits: { maxOutputs: 10, maxUnits: 52, maxErrorUnits: 100 } }).run("a1");
  page.hears(shows("a1", "x", "p"), shows("a1", "y", "p", "update_display_data"), shows("a1", "z"));
  expect(page.cell("a").outputs.slice(0, 1)).toEqual([display("y")]);
  expect(JSON.stringify(page.cell("a").outputs[1])).toContain("[output_limit]");
});

test("O5: a traceback without end is cut to its last lines", () => {
  const page = new Page({ times: false, limits: { maxOutputs: 10, maxUnits: 1e6, maxErrorUnits: 1_000 } }).run("a1");
  const traceback = Array.from({ length: 1_000 }, (_, i) => `line ${i}`);
  page.hears(says("a1", "error", { ename: "E", evalue: "v".repeat(2_000), traceback }));
  const [error] = page.cell("a").outputs;
  expect(error).toMatchObject({ traceback: expect.arrayContaining(["line 999"]) });
  expect(JSON.stringify(error).length).toBeLessThan(1_500);
});

test("outputs cleared by hand are gone, and the run goes on into the empty cell", () => {
  const page = new Page().run("a1").hears(prints("a1", "1"));
  page.fold.cleared("a");
  page
    .apply([{ kind: "cleared", cell: "a" }])
    .hears(prints("a1", "2"))
    .shows("a", stream("2"));
});

test("what a kernel gets wrong is made into something that a file can hold, or passed over", () => {
  const page = new Page().run("a1");
  page.hears(
    says("a1", "stream", { name: 1, text: 2 }),
    says("a1", "display_data", { data: { "text/plain": 5, "text/html": ["a", "b"], "application/json": [1] } }),
    says("a1", "error", { traceback: [1] }),
    says("a1", "comm_open", { comm_id: "c" }),
    { header: {}, parent_header: {}, content: {} },
  );
  page.shows(
    "a",
    { output_type: "display_data", data: { "text/plain": "5", "text/html": "ab", "application/json": [1] }, metadata: {} },
    { output_type: "error", ename: "Error", evalue: "", traceback: ["1"] },
  );
});
