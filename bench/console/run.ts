/** One run of the console's bench: what it was asked for, and the folder that everything lives in. */
import { mkdtempSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const STAGES = ["paint", "screen", "flood", "viewers", "echo", "memory", "bundle", "list"] as const;
export type Stage = (typeof STAGES)[number];

export const root = fileURLToPath(new URL("../..", import.meta.url));

export const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    keys: { type: "string", default: "300" },
    lines: { type: "string", default: "10000" },
    megabytes: { type: "string", default: "200" },
    viewers: { type: "string", default: "20" },
    sessions: { type: "string", default: "1000" },
    /** Minutes of output, 20 lines a second. */
    minutes: { type: "string", default: "60" },
    /** Minutes in which those are printed; as many as `minutes`: nothing is compressed. */
    within: { type: "string", default: "2" },
    /** Minutes at 20 lines a second that follow. */
    real: { type: "string", default: "10" },
    /** What is left out has no figure. */
    only: { type: "string", default: STAGES.join(",") },
    out: { type: "string", default: ".build/bench/console.json" },
    hold: { type: "string", default: join(root, "bin", "hold") },
    /** Where WeTTY is, or is put: no part of the project. */
    wetty: { type: "string", default: join(tmpdir(), "holdfast-bench-wetty") },
    /** Puts the tables into docs/benchmarks.md. */
    record: { type: "boolean", default: false },
  },
});

type Count = "rounds" | "keys" | "lines" | "megabytes" | "viewers" | "sessions" | "minutes" | "within" | "real";
export const of = (name: Count): number => Number(values[name]);
export const wants = (stage: Stage): boolean => values.only.split(",").includes(stage);
export const say = (text: string): void => void process.stderr.write(`${text}\n`);
export const load = (): string =>
  loadavg()
    .map((n) => n.toFixed(2))
    .join(" ");

export const folder = mkdtempSync(join(tmpdir(), "hold-bench-console-"));
