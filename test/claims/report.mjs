/** The tables of docs/claims.md, from what a run found. Findings in, text out. */

/** @typedef {{ what: string, holds: boolean, evidence: string }} Fact */
/** @typedef {{ claim: string, system: string, version: string, facts: Fact[] }} Finding */
/** @typedef {{ takeovers: number, locked: { p50: number, p99: number, most: number }, told: { p50: number, p99: number, most: number } }} Takeover */
/** @typedef {{ at: number, quick: boolean, commit: string, machine: string, load: number[], findings: Finding[], takeover: Takeover | null }} Run */

const systems = ["Holdfast", "tmux", "Jupyter Server"];

/** Yes where every fact holds, no where none does. */
export function verdict(/** @type {Fact[]} */ facts) {
  const held = facts.filter((f) => f.holds).length;
  return `${held === facts.length ? "yes" : held === 0 ? "no" : "partly"} (${held} of ${facts.length})`;
}

const claimsOf = (/** @type {Run} */ run) => [...new Set(run.findings.map((f) => f.claim))];
const finding = (/** @type {Run} */ run, /** @type {string} */ claim, /** @type {string} */ system) =>
  run.findings.find((f) => f.claim === claim && f.system === system);
const cell = (/** @type {Run} */ run, /** @type {string} */ claim, /** @type {string} */ system) => {
  const found = finding(run, claim, system);
  return found ? verdict(found.facts) : "not run";
};

export function asText(/** @type {Run} */ run) {
  const rows = [["claim", ...systems], ...claimsOf(run).map((c) => [c, ...systems.map((s) => cell(run, c, s))])];
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
  const table = rows
    .map((row) =>
      row
        .map((text, i) => text.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
  return run.takeover ? `${table}\n${takeoverText(run.takeover)}` : table;
}

const ms = (/** @type {number} */ n) => n.toFixed(1);

function takeoverText(/** @type {Takeover} */ t) {
  const { locked, told } = t;
  return `Takeover, ${t.takeovers} times: a person's first key was applied and the AI locked out after p50 ${ms(locked.p50)}, p99 ${ms(locked.p99)}, at most ${ms(locked.most)} ms; the AI's call had returned \`preempted\` with their name after p50 ${ms(told.p50)}, p99 ${ms(told.p99)}, at most ${ms(told.most)} ms.`;
}

export function asMarkdown(/** @type {Run} */ run) {
  const versions = [...new Set(run.findings.map((f) => f.version))].join(", ");
  const safe = (/** @type {string} */ text) => text.replaceAll("|", "\\|");
  const lines = [
    `${new Date(run.at).toISOString().slice(0, 16).replace("T", " ")} UTC, commit ${run.commit}, ${run.machine}; ${run.quick ? "the sizes of the test suite" : "the long sizes"}; load average ${run.load.map((n) => n.toFixed(2)).join(" ")}. ${versions}.`,
    "",
    `| claim | ${systems.join(" | ")} |`,
    `|---|${"---|".repeat(systems.length)}`,
    ...claimsOf(run).map((c) => `| ${c} | ${systems.map((s) => cell(run, c, s)).join(" | ")} |`),
  ];
  for (const claim of claimsOf(run)) {
    lines.push("", `### ${claim}`, "");
    const facts = run.findings.find((f) => f.claim === claim)?.facts ?? [];
    for (const [i, { what }] of facts.entries()) {
      lines.push(`- **${what}**`);
      for (const system of systems) {
        const fact = finding(run, claim, system)?.facts[i];
        if (fact) lines.push(`  - ${system}: ${fact.holds ? "yes" : "no"}. ${safe(fact.evidence)}`);
      }
    }
  }
  if (run.takeover) lines.push("", "### How fast a person takes over", "", takeoverText(run.takeover));
  return lines.join("\n");
}
