/** Results as JUnit's XML, which CI systems show: a suite for each document, a case for each cell. */

export interface JUnitCase {
  readonly name: string;
  readonly durationMs: number;
  /** As text; empty: none. */
  readonly output: string;
  /** It ran, and failed. */
  readonly failure?: string;
  /** How it ended is not known, or it could not be run. */
  readonly error?: { readonly code: string; readonly message: string };
  /** It was not run. */
  readonly skipped?: string;
}

export interface JUnitSuite {
  readonly file: string;
  readonly cases: readonly JUnitCase[];
}

/** `name`: of all suites. */
export function junitXml(name: string, suites: readonly JUnitSuite[]): string {
  const all = suites.flatMap(({ cases }) => cases);
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites name="${attribute(name)}" ${counts(all)}>`,
    ...suites.flatMap(({ file, cases }) => [
      `  <testsuite name="${attribute(file)}" ${counts(cases)}>`,
      ...cases.flatMap((one) => testCase(file, one)),
      "  </testsuite>",
    ]),
    "</testsuites>",
    "",
  ].join("\n");
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(3);

function counts(cases: readonly JUnitCase[]): string {
  const of = (part: "failure" | "error" | "skipped"): number => cases.filter((one) => one[part] !== undefined).length;
  const time = cases.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const skipped = of("skipped") > 0 ? `skipped="${of("skipped")}" ` : "";
  return `tests="${cases.length}" failures="${of("failure")}" errors="${of("error")}" ${skipped}time="${seconds(time)}"`;
}

function testCase(file: string, { name, durationMs, output, failure, error, skipped }: JUnitCase): string[] {
  return [
    `    <testcase classname="${attribute(file)}" name="${attribute(name)}" time="${seconds(durationMs)}">`,
    ...(failure === undefined ? [] : [`      <failure message="${attribute(failure)}"/>`]),
    ...(error === undefined ? [] : [`      <error type="${attribute(error.code)}" message="${attribute(error.message)}"/>`]),
    ...(skipped === undefined ? [] : [`      <skipped message="${attribute(skipped)}"/>`]),
    ...(output === "" ? [] : [`      <system-out>${text(output)}</system-out>`]),
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
