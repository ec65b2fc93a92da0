/** Something wrong in a notebook's file. */
export interface Problem {
  /** Where: `cells[3].outputs[0].data`, `notebook` for all of it. */
  readonly at: string;
  readonly cause: string;
  /** What to do about it. */
  readonly advice: string;
}

/** `[notebook_invalid] cells[3].source: is missing; …`, one line. */
export function problemText(problem: Problem): string {
  return `[notebook_invalid] ${problem.at}: ${problem.cause}; ${problem.advice}`;
}
