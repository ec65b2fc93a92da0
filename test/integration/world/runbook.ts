/** Runbooks as a test writes them, run through the SDK in one world for a whole file. */
import { mkdtempSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { HostClient } from "@holdfast/sdk";
import {
  type CellOutcome,
  machineHere,
  parse,
  plan,
  type PlanOptions,
  type Query,
  readEnvFiles,
  type RunbookEvent,
  type RunbookOptions,
  type RunbookOutcome,
  runRunbook,
  select,
} from "@holdfast/sdk/runbook/node";
import { afterAll, beforeAll } from "vitest";
import { World } from "./world.ts";

/** One world for all tests of a file. */
export function sharedWorld(): { readonly w: World; readonly me: HostClient } {
  const shared = {} as { w: World; me: HostClient };
  beforeAll(async () => {
    shared.w = new World(mkdtempSync(join(tmpdir(), "hold-world-")));
    await shared.w.start();
    shared.me = await shared.w.connect();
  }, 60_000);
  afterAll(() => shared.w.end(), 60_000);
  return shared;
}

export const fence = (info: string, ...lines: readonly string[]): string => [`\`\`\`${info}`, ...lines, "```", ""].join("\n");
/** Cells of bash, named `one`, `two`, …; each a list of lines. */
export const cells = (...scripts: readonly string[]): string =>
  scripts.map((script, n) => fence(`sh {"name":"${["one", "two", "three", "four", "five", "six"][n]}"}`, script)).join("\n");

export interface Ran extends RunbookOutcome {
  readonly events: readonly RunbookEvent[];
  /** What each cell printed, by its name. */
  readonly printed: Readonly<Record<string, string>>;
  /** `[name, code]`, in their order. */
  readonly codes: readonly (readonly [string, number | null])[];
}

export interface Wish extends RunbookOptions {
  readonly query?: Query;
  readonly plan?: PlanOptions;
  /** Default `doc.run`. */
  readonly file?: string;
}

export async function ran(
  w: World,
  client: HostClient,
  text: string,
  { query = { all: true }, plan: how, file = "doc.run", ...options }: Wish = {},
): Promise<Ran> {
  const found = select([{ file, runbook: parse(text) }], query);
  if (!found.ok) throw new Error(JSON.stringify(found.refusal));
  const envFiles = await readEnvFiles(w.files);
  const machine = machineHere({
    root: w.files,
    env: w.env,
    envFiles,
    ...(options.variables ? { variables: options.variables } : {}),
  });
  const events: RunbookEvent[] = [];
  const done = await runRunbook(client, plan(found.tasks, machine, how), {
    ...options,
    open: { env: w.env, cwd: w.files, ...options.open },
    variables: { ...envFiles.variables, ...options.variables },
    told: async (event) => {
      events.push(event);
      await options.told?.(event);
    },
  });
  return {
    ...done,
    events,
    printed: Object.fromEntries(done.results.map(({ step, output }) => [step.name, output])),
    codes: done.results.map(({ step, code }: CellOutcome) => [step.name, code] as const),
  };
}

export function put(w: World, name: string, text: string): string {
  mkdirSync(dirname(w.path(name)), { recursive: true });
  writeFileSync(w.path(name), text);
  return w.path(name);
}
