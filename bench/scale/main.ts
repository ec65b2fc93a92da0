/**
 * `npm run scale`: puts the tables of the model into docs/scale.md. `--nats` measures a nats-server first; what `npm run bench:relay -- --record` measured
 * of a relay stays.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { withTables } from "../marks.ts";
import type { Measured } from "./inputs.ts";
import { group } from "./group.ts";
import { tablesOf } from "./tables.ts";

const { values } = parseArgs({ options: { nats: { type: "boolean", default: false } } });
const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const inputs = at("measured.json");
const page = at("../../docs/scale.md");

const known = JSON.parse(readFileSync(inputs, "utf8")) as Measured;
const measured = values.nats ? { ...known, nats: await (await import("./nats.ts")).natsFigures() } : known;
if (values.nats) writeFileSync(inputs, `${JSON.stringify(measured, null, 2)}\n`);
const tables = tablesOf(measured, group);
writeFileSync(page, withTables(readFileSync(page, "utf8"), tables));
for (const table of Object.values(tables)) console.log(`${table}\n`);
