/**
 * The table: what each line is made of, medians over the rounds, ratios paired by round, and whether the target is met.
 * Numbers in, text out.
 */

/** @typedef {{ row: string, system: string, round: number, load: number, seconds: number, found?: Record<string, any>, error?: string }} CellResult */
/** @typedef {{ at: number, versions: Record<string, string>, skipped: Record<string, string[]>, cells: CellResult[], machine: string, commit: string, rounds: number, quick: boolean, loadBefore: number[], loadAfter: number[] }} Run */
/**
 * One line of the table. `key` is the name in a cell's findings, `sdk` the one of the SDK's column.
 * @typedef {{ row: string, label: string, key: string, sdk?: string, digits?: number, target?: string, beside?: string, met?: (get: (system: string) => number | null) => boolean | null }} Line
 */

const columns = ["raw", "tmux", "screen", "dtach", "abduco", "ssh+tmux", "holdfast"];

/** `a` at most (or at least) `limit`; null when there is no figure. */
const most = (/** @type {number | null} */ a, /** @type {number | null} */ limit) =>
  a === null || limit === null ? null : a <= limit;
const least = (/** @type {number | null} */ a, /** @type {number | null} */ limit) =>
  a === null || limit === null ? null : a >= limit;
const times = (/** @type {number | null} */ a, /** @type {number} */ by) => (a === null ? null : a * by);

/** @type {Line[]} */
export const lines = [
  {
    row: "echo",
    label: "echo p50, ms",
    key: "idle_p50",
    sdk: "sdk_idle_p50",
    digits: 3,
    target: "≤ ssh+tmux",
    beside: "ssh+tmux",
    met: (of) => most(of("holdfast"), of("ssh+tmux")),
  },
  { row: "echo", label: "echo p99, ms", key: "idle_p99", sdk: "sdk_idle_p99", digits: 3, beside: "ssh+tmux" },
  {
    row: "echo",
    label: "echo p50 while another session floods, ms",
    key: "flood_p50",
    sdk: "sdk_flood_p50",
    digits: 3,
    beside: "tmux",
  },
  {
    row: "echo",
    label: "… ÷ its own idle figure",
    key: "flood_p50/idle_p50",
    sdk: "sdk_flood_p50/sdk_idle_p50",
    digits: 2,
    target: "≤ 1.5",
    met: (of) => most(of("holdfast"), 1.5),
  },
  {
    row: "echo",
    label: "echo p99 while another session floods, ms",
    key: "flood_p99",
    sdk: "sdk_flood_p99",
    digits: 2,
    target: "≤ 4, then ≤ tmux",
    beside: "tmux",
    met: (of) => most(of("holdfast"), 4),
  },
  {
    row: "output",
    label: "output to one client, MB/s",
    key: "mb_s",
    sdk: "sdk_mb_s",
    digits: 1,
    target: "≥ 0.8 of raw",
    beside: "dtach",
    met: (of) => least(of("holdfast"), times(of("raw"), 0.8)),
  },
  {
    row: "output",
    label: "… bytes that came, %",
    key: "bytes_pct",
    sdk: "sdk_bytes_pct",
    digits: 1,
    target: "100",
    met: (of) => least(of("holdfast"), 100),
  },
  {
    row: "output",
    label: "… coloured text byte for byte, share of the rounds",
    key: "colour_exact",
    digits: 2,
    target: "1",
    met: (of) => least(of("holdfast"), 1),
  },
  {
    row: "fan",
    label: "12 MB to 16 clients, s",
    key: "seconds",
    digits: 2,
    target: "≤ abduco, else screen",
    beside: "screen",
    met: (of) => most(of("holdfast"), of("abduco") ?? of("screen")),
  },
  {
    row: "fan",
    label: "… bytes that came, %",
    key: "bytes_pct",
    digits: 1,
    target: "100",
    met: (of) => least(of("holdfast"), 100),
  },
  { row: "fan", label: "… processor time of the servers, s", key: "cpu_s", digits: 2, beside: "screen" },
  {
    row: "stalled",
    label: "healthy client beside one that never reads: bytes, %",
    key: "bytes_pct",
    digits: 1,
    target: "100",
    met: (of) => least(of("holdfast"), 100),
  },
  {
    row: "stalled",
    label: "… its time ÷ alone",
    key: "ratio",
    digits: 2,
    target: "≤ 1.05",
    met: (of) => most(of("holdfast"), 1.05),
  },
  {
    row: "stalled",
    label: "… memory of the servers for one that never reads, KiB",
    key: "each_kib",
    digits: 0,
    target: "≤ 1,024",
    met: (of) => most(of("holdfast"), 1024),
  },
  {
    row: "reattach",
    label: "attach again to an equal screen (shell), ms",
    key: "shell_cold_ms",
    sdk: "shell_warm_ms",
    digits: 1,
    target: "≤ 5 (SDK)",
    beside: "tmux",
    met: (of) => most(of("sdk"), 5),
  },
  {
    row: "reattach",
    label: "… a full-screen program, ms",
    key: "full_cold_ms",
    sdk: "full_warm_ms",
    digits: 1,
    target: "≤ 5 (SDK)",
    beside: "tmux",
    met: (of) => most(of("sdk"), 5),
  },
  { row: "reattach", label: "… shell, nobody having looked for 13 s, ms", key: "", sdk: "shell_slept_ms", digits: 1 },
  {
    row: "reattach",
    label: "… cells equal to those before, %",
    key: "shell_cold_pct",
    sdk: "shell_warm_pct",
    digits: 1,
    target: "100",
    met: (of) => least(of("holdfast"), 100),
  },
  {
    row: "reattach",
    label: "… cells equal to a bare terminal's, %",
    key: "shell_kept_pct",
    digits: 1,
    target: "100",
    met: (of) => least(of("holdfast"), 100),
  },
  {
    row: "idle-memory",
    label: "memory of one more idle session, KiB PSS",
    key: "each_kib",
    digits: 0,
    target: "≤ 256",
    met: (of) => most(of("holdfast"), 256),
  },
  { row: "idle-memory", label: "… all processes ÷ sessions, KiB PSS", key: "total_each_kib", digits: 0, beside: "tmux" },
  {
    row: "full-memory",
    label: "10,000 coloured lines, attached, KiB",
    key: "attached_kib",
    digits: 0,
    target: "≤ 3,000",
    beside: "tmux",
    met: (of) => most(of("holdfast"), 3000),
  },
  {
    row: "full-memory",
    label: "… when nobody looks, KiB",
    key: "alone_kib",
    digits: 0,
    target: "≤ 300",
    beside: "tmux",
    met: (of) => most(of("holdfast"), 300),
  },
  {
    row: "paste",
    label: "1 MB paste, MB/s",
    key: "mb_s",
    sdk: "sdk_mb_s",
    digits: 1,
    target: "≥ abduco, else screen",
    beside: "screen",
    met: (of) => least(of("holdfast"), of("abduco") ?? of("screen")),
  },
  {
    row: "paste",
    label: "… exact, share of the rounds",
    key: "exact",
    sdk: "sdk_exact",
    digits: 2,
    target: "1",
    met: (of) => least(of("holdfast"), 1),
  },
  { row: "start", label: "`node -e 0`, ms", key: "node_ms", digits: 1 },
  {
    row: "start",
    label: "`hold --version`, ms",
    key: "version_ms",
    digits: 1,
    target: "≤ 1.5 × node",
    met: (of) => most(of("holdfast"), times(of("node"), 1.5)),
  },
  {
    row: "start",
    label: "`ls` from cold, ms",
    key: "ls_ms",
    digits: 1,
    target: "≤ 1.5 × node",
    beside: "tmux",
    met: (of) => most(of("holdfast"), times(of("node"), 1.5)),
  },
  {
    row: "start",
    label: "`attach` from cold, to the screen, ms",
    key: "attach_ms",
    digits: 1,
    target: "≤ 1.5 × node",
    beside: "tmux",
    met: (of) => most(of("holdfast"), times(of("node"), 1.5)),
  },
  {
    row: "restart",
    label: "SIGKILL of the server: sessions lost",
    key: "lost",
    digits: 0,
    target: "0",
    met: (of) => most(of("holdfast"), 0),
  },
  { row: "restart", label: "… of", key: "sessions", digits: 0 },
  {
    row: "restart",
    label: "… until all are served again, ms",
    key: "again_ms",
    digits: 0,
    target: "≤ 2,000",
    met: (of) => most(of("holdfast"), 2000),
  },
  {
    row: "interrupt",
    label: "Ctrl-C under `yes`, terminal of 100 KB/s: felt after ms",
    key: "terminal_felt_ms",
    digits: 0,
    target: "≤ 500",
    beside: "tmux",
    met: (of) => most(of("holdfast"), 500),
  },
  { row: "interrupt", label: "… the program had it after ms", key: "terminal_stops_ms", digits: 0 },
  {
    row: "interrupt",
    label: "… link of 100 KB/s: felt after ms",
    key: "link_felt_ms",
    digits: 0,
    target: "≤ 500",
    beside: "ssh+tmux",
    met: (of) => most(of("holdfast"), 500),
  },
  { row: "interrupt", label: "… the program had it after ms", key: "link_stops_ms", digits: 0 },
];

/** @returns {number | null} */
export function median(/** @type {number[]} */ values) {
  const sorted = values.toSorted((a, b) => a - b);
  const above = sorted[sorted.length >> 1];
  const below = sorted[(sorted.length - 1) >> 1];
  return above === undefined || below === undefined ? null : (above + below) / 2;
}

/** A finding, or one divided by another (`a/b`), as a number. @returns {number | null} */
function value(/** @type {Record<string, any> | undefined} */ found, /** @type {string} */ key) {
  const [name = "", by] = key.split("/");
  const above = found?.[name] ?? null;
  if (above === null || by === undefined) return above === null ? null : Number(above);
  return found?.[by] ? Number(above) / Number(found[by]) : null;
}

/** Per round, so that ratios pair what was measured at the same time. @returns {Map<number, number>} */
function series(/** @type {Run} */ run, /** @type {string} */ row, /** @type {string} */ system, /** @type {string} */ key) {
  const out = new Map();
  for (const cell of run.cells) {
    if (cell.row !== row || cell.system !== system) continue;
    const found = value(cell.found, key);
    if (found !== null) out.set(cell.round, found);
  }
  return out;
}

function ratio(/** @type {Map<number, number>} */ above, /** @type {Map<number, number>} */ below) {
  return median(
    [...above].flatMap(([round, a]) => {
      const b = below.get(round);
      return b ? [a / b] : [];
    }),
  );
}

/** One line's figures. */
export function figures(/** @type {Run} */ run, /** @type {Line} */ line) {
  const of = (/** @type {string} */ system) => series(run, line.row, system, line.key);
  const sdk = series(run, line.row, "holdfast", line.sdk ?? "");
  const own = line.key ? of("holdfast") : sdk;
  const middle = (/** @type {string} */ name) => {
    if (name === "sdk") return median([...sdk.values()]);
    if (name === "node") return median([...series(run, "start", "holdfast", "node_ms").values()]);
    return median([...of(name).values()]);
  };
  return {
    values: columns.map(middle),
    sdk: median([...sdk.values()]),
    toRaw: ratio(own, of("raw")),
    toPeer: line.beside ? ratio(own, of(line.beside)) : null,
    met: line.met ? line.met(middle) : null,
    missing: columns.map((system) => run.cells.some((c) => c.row === line.row && c.system === system && c.error)),
  };
}

const shown = (/** @type {number | null} */ v, /** @type {number} */ digits) =>
  v === null ? "–" : v.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** The table as rows of text. @returns {string[][]} */
export function table(/** @type {Run} */ run) {
  const present = lines.filter((line) => run.cells.some((cell) => cell.row === line.row));
  const head = ["what", ...columns.slice(0, -1), "`hold`", "SDK", "÷ raw", "÷ peer", "target", "met"];
  const body = present.map((line) => {
    const f = figures(run, line);
    const digits = line.digits ?? 2;
    return [
      line.label,
      ...f.values.map((v, i) => (v === null && f.missing[i] ? "failed" : shown(v, digits))),
      shown(f.sdk, digits),
      shown(f.toRaw, 2),
      f.toPeer === null ? "–" : `${shown(f.toPeer, 2)} (${line.beside})`,
      line.target ?? "",
      f.met === null ? "" : f.met ? "yes" : "**no**",
    ];
  });
  return [head, ...body];
}

export function asText(/** @type {Run} */ run) {
  const rows = table(run).map((row) => row.map((cell) => cell.replaceAll("**", "").replaceAll("`", "")));
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
  return rows
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "))
    .join("\n");
}

export function asMarkdown(/** @type {Run} */ run) {
  const [head = [], ...body] = table(run);
  const load = (/** @type {number[]} */ l) => l.map((n) => n.toFixed(2)).join(" ");
  const skipped = Object.entries(run.skipped).map(([name, packages]) => `${name} left out (needs ${packages.join(", ")})`);
  return [
    `${new Date(run.at * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC, commit ${run.commit}, ${run.machine}; ${run.rounds} round${run.rounds === 1 ? "" : "s"}${run.quick ? " of the quick kind" : ""}; load average before ${load(run.loadBefore)}, after ${load(run.loadAfter)}.`,
    `${Object.values(run.versions).filter(Boolean).join(", ")}.${skipped.length ? ` ${skipped.join("; ")}.` : ""}`,
    "",
    `| ${head.join(" | ")} |`,
    `|---|${"--:|".repeat(head.length - 3)}---|---|`,
    ...body.map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");
}
