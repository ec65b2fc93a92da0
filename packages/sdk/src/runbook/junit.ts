/** A run of runbooks as JUnit's XML. */
import { junitXml } from "../junit.ts";
import type { CellOutcome } from "./run.ts";

export interface JUnitOptions {
  /** Of all suites. Default `hold runbook`. */
  readonly name?: string;
}

export function junit(results: readonly CellOutcome[], { name = "hold runbook" }: JUnitOptions = {}): string {
  const files = [...new Set(results.map(({ step }) => step.file))];
  return junitXml(
    name,
    files.map((file) => ({
      file,
      cases: results
        .filter(({ step }) => step.file === file)
        .map(({ step, code, problem, output, durationMs, isBackground }) => ({
          name: step.name,
          durationMs,
          output,
          ...(!isBackground && problem === undefined && code !== 0 ? { failure: `exit code ${code}` } : {}),
          ...(problem === undefined ? {} : { error: problem }),
        })),
    })),
  );
}
