/**
 * The suites, told apart by file name. What a name promises:
 *
 *   unit         *.test.ts       beside the code; no process, no real clock, no disk outside a temporary folder
 *   property     *.prop.test.ts  beside the code; fast-check against a small model
 *   simulation   *.sim.test.ts   a whole world on testkit's clock, network and disk; seeded
 *   integration  *.int.test.ts   the built dist/, real shells and real sockets, through the front door
 *   docs         test/docs       the examples of README and docs/, run as written
 *
 *   alone        those integration tests that fill the machine or compare how it fares with and without something
 *
 * Files run in forked processes, two at a time, which suits the two cores that the numbers in docs/ were taken on. Those of `integration`
 * wait more than they compute, and run three at a time: the longest first, and those of a browser, which compute, spread among the others.
 * Those of `alone` run one after the other, when all others are over.
 */
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

class Spread extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const longestFirst = await super.sort(files);
    const isOfBrowser = ({ moduleId }: TestSpecification): boolean => /\/console[^/]*\.int\.test\.ts$/.test(moduleId);
    const places = [longestFirst.filter(isOfBrowser), longestFirst.filter((file) => !isOfBrowser(file))].flatMap((some) =>
      some.map((file, n) => ({ file, at: (n + 0.5) / some.length })),
    );
    return places.toSorted((a, b) => a.at - b.at).map(({ file }) => file);
  }
}

const everywhere = ["packages/*/{src,test}/**", "apps/*/{src,test}/**", "scripts/**", "bench/**", "test/**"];
const named = (suffix: string): string[] => everywhere.map((folder) => `${folder}/*${suffix}`);
const apart = ["**/node_modules/**", "**/dist/**", "**/.build/**", "**/fixtures/**"];

const alone = ["load", "exhaustion", "disk", "relay-flood"]
  .map((name) => `test/integration/${name}.int.test.ts`)
  .concat("test/claims/takeover.int.test.ts");

const suite = (
  name: string,
  include: string[],
  more: { exclude?: string[]; testTimeout?: number; fileParallelism?: boolean; maxWorkers?: number; groupOrder?: number } = {},
) => ({
  extends: true as const,
  test: {
    name,
    include,
    setupFiles: ["./scripts/fixed-seeds.ts"],
    exclude: [...apart, ...(more.exclude ?? [])],
    testTimeout: more.testTimeout ?? 10_000,
    hookTimeout: more.testTimeout ?? 10_000,
    fileParallelism: more.fileParallelism ?? true,
    ...(more.maxWorkers ? { maxWorkers: more.maxWorkers } : {}),
    sequence: { groupOrder: more.groupOrder ?? 0 },
  },
});

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    allowOnly: false,
    sequence: { sequencer: Spread },
    // A room without tests yet must not stop the others; `npm run verify` fails when a whole suite counts none.
    passWithNoTests: true,
    projects: [
      suite("unit", named(".test.ts"), {
        exclude: ["**/*.prop.test.ts", "**/*.sim.test.ts", "**/*.int.test.ts", "test/docs/**"],
      }),
      suite("property", named(".prop.test.ts"), { testTimeout: 60_000 }),
      suite("simulation", named(".sim.test.ts"), { testTimeout: 120_000 }),
      suite("integration", named(".int.test.ts"), { testTimeout: 180_000, exclude: alone, maxWorkers: 3, groupOrder: 1 }),
      suite("alone", alone, { testTimeout: 180_000, fileParallelism: false, groupOrder: 2 }),
      suite("docs", ["test/docs/**/*.test.ts"], { testTimeout: 120_000, fileParallelism: false }),
    ],
  },
});
