/** The walls are only as good as their guard: every kind of breach, built in a small house of its own, must be told. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { findBreaches } from "./walls.mjs";

const houses: string[] = [];
afterEach(() => {
  for (const house of houses.splice(0)) rmSync(house, { recursive: true, force: true });
});

const rooms = ["protocol", "core", "carrier", "shim", "host", "sdk", "relay", "testkit"];
const everyRoom = Object.fromEntries(rooms.map((name) => [`@holdfast/${name}`, "0.1.0"]));

/** A house with all rooms, each of which declares every other, so that only the named wall can be what breaks. */
function house(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "walls-"));
  houses.push(root);
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  put("package.json", JSON.stringify({ devDependencies: { vitest: "1" } }));
  put("node_modules/vitest/package.json", JSON.stringify({ name: "vitest", version: "1.0.0", main: "index.js" }));
  put("node_modules/vitest/index.js", "");
  mkdirSync(join(root, "node_modules/@holdfast"), { recursive: true });
  for (const name of rooms) {
    put(`packages/${name}/src/index.ts`, "export const it = 1;\n");
    put(`packages/${name}/src/start.ts`, "export const start = 1;\n");
    const exports = { ".": "./src/index.ts", "./start": "./src/start.ts" };
    put(`packages/${name}/package.json`, JSON.stringify({ name: `@holdfast/${name}`, exports, dependencies: everyRoom }));
    symlinkSync(join("../../packages", name), join(root, "node_modules/@holdfast", name));
  }
  for (const name of ["cli", "mcp"])
    put(`apps/${name}/package.json`, JSON.stringify({ name: `@holdfast/${name}`, dependencies: everyRoom }));
  for (const [path, text] of Object.entries(files)) put(path, text);
  return root;
}

test("a house whose arrows all point inward has no breach", async () => {
  const root = house({
    "packages/core/src/a.ts": 'import { it } from "@holdfast/protocol";\nexport const a = it;\n',
    "packages/host/src/a.ts":
      'import { it } from "@holdfast/core";\nimport "@holdfast/carrier";\nimport "node:fs";\nexport const a = it;\n',
    "packages/core/src/a.test.ts": 'import "vitest";\nimport "@holdfast/testkit";\nimport "node:fs";\nDate.now();\n',
    "apps/cli/src/a.ts": 'import "@holdfast/sdk";\nimport "@holdfast/host/start";\n',
  });
  expect(await findBreaches(root)).toEqual([]);
});

test.each([
  ["core imports a carrier", "packages/core/src/a.ts", 'import "@holdfast/carrier";', "core-may-import-protocol"],
  ["a carrier imports core", "packages/carrier/src/a.ts", 'import "@holdfast/core";', "carrier-may-import-protocol"],
  [
    "a carrier imports only a type of core",
    "packages/carrier/src/a.ts",
    'import type { it } from "@holdfast/core";\nexport type T = typeof it;',
    "carrier-may-import-protocol",
  ],
  ["the relay imports core", "packages/relay/src/a.ts", 'import "@holdfast/core";', "relay-may-import-protocol-carrier"],
  ["protocol imports core", "packages/protocol/src/a.ts", 'import "@holdfast/core";', "protocol-may-import-nothing"],
  [
    "the sdk imports the shim",
    "packages/sdk/src/a.ts",
    'import "@holdfast/shim";',
    "sdk-may-import-protocol-core-carrier-kernel-notebook-runbook",
  ],
  [
    "the host imports the sdk",
    "packages/host/src/a.ts",
    'import "@holdfast/sdk";',
    "host-may-import-protocol-core-carrier-shim-kernel-notebook",
  ],
  [
    "a neighbour is reached by a path",
    "packages/core/src/a.ts",
    'import "../../carrier/src/index.ts";',
    "core-may-import-protocol",
  ],
  ["an app imports core", "apps/cli/src/a.ts", 'import "@holdfast/core";', "apps-import-sdk-only"],
  ["the command line imports the host beyond its start", "apps/cli/src/a.ts", 'import "@holdfast/host";', "apps-import-sdk-only"],
  ["another app starts a host", "apps/mcp/src/a.ts", 'import "@holdfast/host/start";', "only-the-cli-starts-a-host"],
  ["production imports testkit", "packages/sdk/src/a.ts", 'import "@holdfast/testkit";', "testkit-is-for-tests"],
  ["production imports a test", "packages/sdk/src/a.ts", 'import "./b.test.ts";', "no-test-in-production"],
  [
    "an import hides behind a using",
    "packages/core/src/a.ts",
    'using a = await import("@holdfast/host");\nexport { a };',
    "core-may-import-protocol",
  ],
  ["core opens a file", "packages/core/src/a.ts", 'import "node:fs";', "pure-rooms-touch-no-machine"],
  ["two files import each other", "packages/core/src/a.ts", 'import "./b.ts";', "no-cycles"],
  ["an import leads nowhere", "packages/core/src/a.ts", 'import "./nowhere.ts";', "no-unresolvable"],
  ["a package is not declared", "packages/sdk/src/a.ts", 'import "vitest";', "undeclared"],
  [
    "a package is imported late and not declared",
    "packages/sdk/src/a.ts",
    'export const a = () => import("vitest");',
    "undeclared",
  ],
  ["core looks at the clock", "packages/core/src/a.ts", "export const a = Date.now();", "pure"],
  ["core makes a date of now", "packages/core/src/a.ts", "export const a = new Date();", "pure"],
  ["core throws dice", "packages/core/src/a.ts", "export const a = globalThis.Math.random();", "pure"],
  ["protocol sets a timer", "packages/protocol/src/a.ts", "setTimeout(() => {}, 1);", "pure"],
  ["core waits", "packages/core/src/a.ts", "export async function a(p: Promise<void>) {\n  await p;\n}", "pure"],
])("%s: told", async (_, path, text, rule) => {
  const root = house({
    [path]: `${text}\n`,
    "packages/core/src/b.ts": 'import "./a.ts";\n',
    "packages/sdk/src/b.test.ts": "export {};\n",
    ...(path === "packages/core/src/a.ts" ? {} : { "packages/core/src/a.ts": "export {};\n" }),
  });
  const breaches = await findBreaches(root);
  expect(breaches.join("\n")).toContain(`(${rule})`);
});

test("a comment or a string that names a clock is no breach", async () => {
  const root = house({
    "packages/core/src/a.ts": '// never Date.now()\nexport const a = "Math.random()";\nexport const b = new Date(0);\n',
  });
  expect(await findBreaches(root)).toEqual([]);
});
