/** A run as JUnit's XML, which CI systems show: a suite for each document, a case for each cell. */
import type { CellOutcome } from "./run.ts";

export interface JUnitOptions {
  /** Of all suites. Default `hold runbook`. */
  readonly name?: string;
}

export function junit(results: readonly CellOutcome[], { name = "hold runbook" }: JUnitOptions = {}): string {
  const files = [...new Set(results.map(({ step }) => step.file))];
  const suites = files.map((file) => {
    const own = results.filter(({ step }) => step.file === file);
    return [`  <testsuite name="${attribute(file)}" ${counts(own)}>`, ...own.flatMap(testCase), "  </testsuite>"].join("\n");
  });
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites name="${attribute(name)}" ${counts(results)}>`,
    ...suites,
    "</testsuites>",
    "",
  ].join("\n");
}

const isFailed = ({ code, problem, isBackground }: CellOutcome): boolean => !isBackground && problem === undefined && code !== 0;
const seconds = (ms: number): string => (ms / 1_000).toFixed(3);

function counts(results: readonly CellOutcome[]): string {
  const errors = results.filter(({ problem }) => problem !== undefined).length;
  const time = results.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return `tests="${results.length}" failures="${results.filter(isFailed).length}" errors="${errors}" time="${seconds(time)}"`;
}

function testCase(result: CellOutcome): string[] {
  const { step, code, problem, output, durationMs } = result;
  const said = isFailed(result)
    ? [`      <failure message="exit code ${code}"/>`]
    : problem === undefined
      ? []
      : [`      <error type="${attribute(problem.code)}" message="${attribute(problem.message)}"/>`];
  const printed = output === "" ? [] : [`      <system-out>${text(output)}</system-out>`];
  return [
    `    <testcase classname="${attribute(step.file)}" name="${attribute(step.name)}" time="${seconds(durationMs)}">`,
    ...said,
    ...printed,
    "    </testcase>",
  ];
}

/** XML 1.0 has no other control characters, not even escaped. */
const text = (said: string): string =>
  said
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
const attribute = (said: string): string =>
  text(said)
    .replaceAll('"', "&quot;")
    .replaceAll(/[\n\r\t]/g, " ");
