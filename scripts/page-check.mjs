/**
 * `npm run page:check`: what a browser fetches before it shows something, and before it shows a terminal, in bytes as they are sent (gzip), against a budget.
 * Needs a build. A budget is raised by whoever can say what its readers have of it.
 */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const page = join(dirname(fileURLToPath(import.meta.url)), "..", "dist", "console");
const index = readFileSync(join(page, "index.html"), "utf8");
const first = [...index.matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map((found) => String(found[1]));
const sent = (/** @type {string} */ name) => gzipSync(readFileSync(join(page, name)), { level: 9 }).length;
/** With all that a script can't run without. */
function whole(/** @type {string[]} */ names) {
  const all = new Set(names);
  for (const name of all)
    if (name.endsWith(".js"))
      for (const [, found] of readFileSync(join(page, name), "utf8").matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g))
        all.add(`assets/${found}`);
  return [...all];
}
const entry = whole(first);
/** A build leaves the files of the one before for pages that are open: what the first script names is what is fetched. */
const script = readFileSync(join(page, String(first.find((name) => /index-.*\.js$/.test(name)))), "utf8");
const session = readdirSync(join(page, "assets"))
  .filter((name) => /^session-page-.*\.(js|css)$/.test(name) && script.includes(name))
  .map((name) => `assets/${name}`);
const later = whole(session).filter((name) => !entry.includes(name));

const budgets = [
  { what: "until something is shown", names: entry, kib: 250 },
  { what: "and until a terminal is", names: later, kib: 155 },
];
for (const { what, names, kib } of budgets) {
  const bytes = names.reduce((sum, name) => sum + sent(name), 0);
  const text = `${what}: ${(bytes / 1024).toFixed(0)} KiB of ${kib} (${names.join(", ")})`;
  if (names.length > 0 && bytes <= kib * 1024) console.log(text);
  else {
    console.error(`[page_too_large] ${text}: import late what is not for the beginning, or raise the budget with the reason`);
    process.exitCode = 1;
  }
}
