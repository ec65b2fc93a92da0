/** A run of a notebook as JUnit's XML. */
import { junitXml } from "../junit.ts";
import type { CellRun } from "./run.ts";

export function notebookJunit(file: string, cells: readonly CellRun[]): string {
  const cases = cells.map(({ index, title, outcome, why, durationMs, text }) => ({
    name: `cell ${index + 1}: ${title}`,
    durationMs,
    output: text,
    ...(outcome === "error" ? { failure: why } : {}),
    ...(outcome === "not_run" ? { skipped: why } : {}),
  }));
  return junitXml("hold notebook", [{ file, cases }]);
}
