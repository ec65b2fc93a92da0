/**
 * `npm run bench`: Holdfast beside a bare PTY, tmux, screen, dtach, abduco and ssh+tmux, in one run. Nothing is asserted about times.
 *
 *   M1  What is measured is a copy of the build, so that a build that goes on meanwhile changes nothing.
 *   M2  The instrument (instrument/*.py) is a process of its own: Node is among what is measured and must not measure itself.
 *   M3  All that is started lives under one temporary folder, and is ended and removed with it.
 * How it measures and how to read it: docs/benchmarks.md.
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { judge } from "./judge.mjs";
import { asMarkdown, asText } from "./report.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const page = join(root, "docs", "benchmarks.md");
const usage = `npm run bench -- [options]

  --rounds N        how often each cell is measured (default 5)
  --quick           one round, fewer keystrokes, no waits: about 3 minutes
  --only A,B        rows: echo, output, fan, stalled, reattach, idle-memory, full-memory, paste, start, restart, interrupt
  --systems A,B     of raw, tmux, screen, dtach, abduco, ssh+tmux, holdfast
  --sessions N      sessions of the rows idle-memory and restart (default 200; 100 with --quick)
  --out FILE        where the figures go (default .build/bench/latest.json)
  --report [FILE]   measure nothing; put the table of a run into docs/benchmarks.md
  --built           measure dist/ as it is, without building it
  --profile DIR     the host writes a CPU profile for each cell there
  --verbose         tell where a cell failed
`;

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    systems: { type: "string", default: "" },
    sessions: { type: "string" },
    out: { type: "string", default: join(root, ".build", "bench", "latest.json") },
    report: { type: "boolean", default: false },
    built: { type: "boolean", default: false },
    profile: { type: "string" },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const split = (/** @type {string} */ text) => text.split(",").filter(Boolean);

/** The build, and a client of the SDK, in a folder where nobody else writes. */
async function prepare(/** @type {string} */ work) {
  if (!given.built) {
    const made = spawnSync(process.execPath, [join(root, "scripts", "build.mjs")], { stdio: ["ignore", "ignore", "inherit"] });
    if (made.status !== 0) throw new Error("[build_failed] npm run build failed; --built measures dist/ as it is");
  }
  const copy = join(work, "copy");
  mkdirSync(join(copy, "node_modules"), { recursive: true });
  for (const name of ["bin", "dist", "package.json"]) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules", "node"), join(copy, "node_modules", "node"));
  await build({
    entryPoints: [fileURLToPath(new URL("./client.ts", import.meta.url))],
    outfile: join(work, "client.mjs"),
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node24",
    logLevel: "warning",
  });
  return {
    hold: join(copy, "bin", "hold"),
    node: join(root, "node_modules", "node", "bin", "node"),
    client: join(work, "client.mjs"),
  };
}

/** Runs the instrument and gives what it found. @returns {Promise<any>} */
function measure(/** @type {object} */ options) {
  const instrument = spawn("python3", ["-B", fileURLToPath(new URL("./instrument/main.py", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  instrument.stdin.end(JSON.stringify(options));
  /** @type {Buffer[]} */
  const parts = [];
  instrument.stdout.on("data", (part) => parts.push(part));
  return new Promise((done, failed) => {
    instrument.on("error", () => failed(new Error("[python_missing] the instrument needs python3: apt-get install python3")));
    instrument.on("close", (code) => {
      if (code === 0) done(JSON.parse(Buffer.concat(parts).toString()));
      else failed(new Error(`[instrument_failed] the instrument ended with ${code}`));
    });
  });
}

function writeReport(/** @type {any} */ run) {
  const text = readFileSync(page, "utf8");
  const [begin, end] = ["<!-- figures: begin -->", "<!-- figures: end -->"];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`[no_place] ${page} has no lines ${begin} and ${end}`);
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n\n${asMarkdown(run)}\n\n${text.slice(to)}`);
  console.log(`wrote the table into ${page}`);
}

async function main() {
  if (given.help) return console.log(usage);
  if (given.report) return writeReport(JSON.parse(readFileSync(positionals[0] ?? given.out, "utf8")));
  const work = mkdtempSync("/tmp/hfb-");
  try {
    const { quick } = given;
    const rounds = Number(given.rounds ?? (quick ? 1 : 5));
    if (given.profile) mkdirSync(given.profile, { recursive: true });
    const loadBefore = loadavg();
    const found = await measure({
      ...(await prepare(work)),
      work,
      rounds,
      only: split(given.only),
      systems: split(given.systems),
      sessions: Number(given.sessions ?? (quick ? 100 : 200)),
      keys: quick ? 100 : 500,
      lines: quick ? 2000 : 10000,
      output_mb: quick ? 12 : 24,
      stalled_mb: quick ? 6 : 12,
      starts: quick ? 4 : 15,
      flow_s: quick ? 1.5 : 3,
      felt_s: quick ? 4 : 10,
      slow: !quick,
      profile: given.profile ? resolve(given.profile) : null,
      verbose: given.verbose,
    });
    await judge(found.cells);
    const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).stdout.trim();
    const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? "?"}, Linux ${release()}, Node ${process.version.slice(1)}`;
    const run = { ...found, rounds, quick, commit, machine, loadBefore, loadAfter: loadavg() };
    mkdirSync(dirname(resolve(given.out)), { recursive: true });
    writeFileSync(given.out, `${JSON.stringify(run, null, 1)}\n`);
    console.log(`\n${asText(run)}\n`);
    for (const [name, packages] of Object.entries(run.skipped))
      console.log(`${name} is left out: it needs the package ${packages}`);
    for (const cell of run.cells)
      if (cell.error) console.log(`failed: ${cell.row} of ${cell.system} in round ${cell.round + 1}: ${cell.error}`);
    console.log(`figures: ${given.out}; npm run bench -- --report puts them into docs/benchmarks.md`);
  } finally {
    if (existsSync(work)) rmSync(work, { recursive: true, force: true });
  }
}

await main();
