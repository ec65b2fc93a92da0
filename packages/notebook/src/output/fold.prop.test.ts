/** The fold beside a model that holds everything and looks through it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Output } from "../format/index.ts";
import { sizeOf } from "./limit.ts";
import { clears, Page, prints, shows } from "./test/kernel.ts";
import type { KernelMessage } from "./index.ts";

interface Shown {
  output: Output;
  readonly id: string | undefined;
}

/** Outputs of a cell; `clears` waits for the next one. */
class Model {
  readonly cells = new Map<string, { run: string; shown: Shown[]; clears: boolean }>();

  begin(run: string): void {
    this.cells.set(run.charAt(0), { run, shown: [], clears: false });
  }

  hears({ header, parent_header, content }: KernelMessage): void {
    const type = header["msg_type"];
    const cell = [...this.cells.values()].find((it) => it.run === parent_header["msg_id"]);
    const id = (content["transient"] as { display_id?: string } | undefined)?.display_id;
    const data = content["data"] as { "text/plain": string };
    if (id !== undefined)
      for (const { shown } of this.cells.values())
        for (const one of shown) if (one.id === id) one.output = { ...one.output, data } as Output;
    if (cell === undefined || type === "update_display_data") return;
    if (type === "clear_output") {
      if (content["wait"] !== true) cell.shown = [];
      cell.clears = content["wait"] === true;
      return;
    }
    if (cell.clears) cell.shown = [];
    cell.clears = false;
    const last = cell.shown.at(-1);
    if (type !== "stream") cell.shown.push({ output: { output_type: "display_data", data, metadata: {} }, id });
    else if (last?.output.output_type === "stream" && last.output.name === content["name"])
      last.output = { ...last.output, text: last.output.text + String(content["text"]) };
    else
      cell.shown.push({
        output: { output_type: "stream", name: String(content["name"]), text: String(content["text"]) },
        id: undefined,
      });
  }
}

const run = fc.constantFrom("a1", "a2", "b1", "c1");
const text = fc.constantFrom("x", "yy", "z\r", "", "😀");
const id = fc.constantFrom(undefined, "p", "q");
const step = fc.oneof(
  run,
  fc.tuple(run, text, fc.constantFrom("stdout", "stderr")).map((it) => prints(...it)),
  fc.tuple(run, text, id, fc.constantFrom("display_data", "update_display_data")).map((it) => shows(...it)),
  fc.tuple(run, fc.boolean()).map((it) => clears(...it)),
);
const many = process.env["HOLDFAST_SOAK"] ? 10 : 1;
const steps = fc.array(step, { maxLength: 30 });

test("O1 to O4: cells hold what a model that keeps everything holds", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const page = new Page();
      const model = new Model();
      for (const one of all) {
        if (typeof one === "string") {
          page.run(one);
          model.begin(one);
        } else {
          page.hears(one);
          model.hears(one);
        }
      }
      for (const [name, { shown }] of model.cells) expect(page.cell(name).outputs).toEqual(shown.map(({ output }) => output));
    }),
    { numRuns: 2_000 * many },
  );
});

test("O5: no cell ever holds more than its limits and what stands for the rest", () => {
  const limits = { maxOutputs: 3, maxUnits: 120, maxErrorUnits: 100 };
  fc.assert(
    fc.property(steps, (all) => {
      const page = new Page({ times: false, limits });
      for (const one of all) {
        if (typeof one === "string") page.run(one);
        else page.hears(one);
        for (const { outputs } of page.cells.values()) {
          const own = outputs.filter((it) => !JSON.stringify(it).includes("[output_limit]"));
          expect(own.length).toBeLessThanOrEqual(limits.maxOutputs);
          expect(outputs.length).toBeLessThanOrEqual(limits.maxOutputs + 1);
          const texts = own.map((it) =>
            it.output_type === "display_data" ? sizeOf(it.data) + sizeOf(it.metadata) : String(it["text"]).length,
          );
          expect(texts.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(limits.maxUnits);
        }
      }
    }),
    { numRuns: 1_000 * many },
  );
});
