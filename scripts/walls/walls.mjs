/**
 * Holds the walls: `findBreaches(folder)` gives every breach as one line, `file: what (rule)`.
 *
 *   W1  Who imports whom: .dependency-cruiser.mjs.
 *   W2  Nobody imports a package that its own package.json does not declare (npm's hoisting would let it through).
 *       Tests may also use what the root declares for development.
 *   W3  protocol, core, notebook, runbook and the pure rooms of kernel have no clock and no chance: `Date.now`, `new Date()`, `Math.random`, `performance.now`, timers.
 *       The compiler cannot see these, since they belong to the language.
 *   W4  Type-only imports count: a wall is about what one must understand, not about what is loaded.
 */
import "./swc-reads-tsx.mjs";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { builtinModules } from "node:module";
import { join, relative, sep } from "node:path";
import { parseSync } from "@swc/core";
import { Visitor } from "@swc/core/Visitor.js";
import { cruise } from "dependency-cruiser";
import rules from "../../.dependency-cruiser.mjs";

// dependency-cruiser walks with swc's own visitor, which throws at `using` (a declaration newer than it).
const { visitStatement } = Visitor.prototype;
Visitor.prototype.visitStatement = function visitAnyStatement(/** @type {any} */ statement) {
  if (statement.type !== "UsingDeclaration") return visitStatement.call(this, statement);
  statement.decls = this.visitVariableDeclarators(statement.decls);
  return statement;
};

const isTest = (/** @type {string} */ path) => /\.test\.ts$|(^|\/)(test|testkit|bench)\//.test(path);
const pureRooms = /^packages\/(protocol\/src|core\/src|notebook\/src|runbook\/src|kernel\/src\/(message|record|session))\//;
const isPure = (/** @type {string} */ path) => pureRooms.test(path) && !isTest(path);

/** @returns {Promise<string[]>} */
export async function findBreaches(/** @type {string} */ root) {
  const files = sources(root);
  const breaches = await importBreaches(root);
  for (const file of files) {
    const tree = parse(join(root, file));
    breaches.push(...undeclared(root, file, tree));
    if (isPure(file)) breaches.push(...impure(file, tree));
  }
  return breaches.sort();
}

/** Source files below packages/ and apps/, relative to `root`, generated ones excepted. */
function sources(/** @type {string} */ root) {
  return ["packages", "apps"]
    .map((folder) => join(root, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
    .filter((e) => e.isFile() && /\.(ts|tsx)$/.test(e.name) && !e.name.endsWith(".d.ts"))
    .map((e) => relative(root, join(e.parentPath, e.name)).split(sep).join("/"))
    .filter((path) => !/(^|\/)(node_modules|gen|dist|\.build|fixtures)\//.test(path));
}

/** W1, W4. */
async function importBreaches(/** @type {string} */ root) {
  const found = await cruise(
    ["packages", "apps"].filter((folder) => existsSync(join(root, folder))),
    /** @type {any} */ ({
      ...rules.options,
      baseDir: root,
      ruleSet: { forbidden: rules.forbidden },
      validate: true,
      outputType: "json",
    }),
  );
  const report = JSON.parse(/** @type {string} */ (found.output));
  return report.summary.violations.map(
    (/** @type {any} */ v) =>
      `${v.from}: imports ${v.cycle ? v.cycle.map((/** @type {any} */ c) => c.name).join(" → ") : v.to} (${v.rule.name})`,
  );
}

function parse(/** @type {string} */ path) {
  return parseSync(readFileSync(path, "utf8"), { syntax: "typescript", tsx: path.endsWith("x"), target: "es2024" });
}

/** Calls `visit` for every node of an swc tree. */
function walk(/** @type {any} */ node, /** @type {(node: any) => void} */ visit) {
  if (Array.isArray(node)) {
    for (const item of node) walk(item, visit);
  } else if (node !== null && typeof node === "object") {
    if (typeof node.type === "string") visit(node);
    for (const value of Object.values(node)) if (value !== null && typeof value === "object") walk(value, visit);
  }
}

/** W2. */
function undeclared(/** @type {string} */ root, /** @type {string} */ file, /** @type {any} */ tree) {
  const folder = file.split("/").slice(0, 2).join("/");
  const own = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  const declared = new Set([
    own.name,
    ...Object.keys({ ...own.dependencies, ...own.optionalDependencies, ...own.peerDependencies }),
  ]);
  if (isTest(file)) {
    const top = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    for (const name of Object.keys({ ...own.devDependencies, ...top.devDependencies })) declared.add(name);
    for (const name of workspaceNames(root)) declared.add(name);
  }
  const asked = new Set();
  walk(tree, (node) => {
    if (/^(Import|ExportNamed|ExportAll)Declaration$/.test(node.type) && node.source) asked.add(node.source.value);
    if (
      node.type === "CallExpression" &&
      node.callee.type === "Import" &&
      node.arguments[0]?.expression.type === "StringLiteral"
    ) {
      asked.add(node.arguments[0].expression.value);
    }
    if (node.type === "TsImportType") asked.add(node.argument.value);
  });
  return [...asked]
    .filter((name) => !name.startsWith(".") && !name.startsWith("node:") && !builtinModules.includes(name))
    .map((name) =>
      name
        .split("/")
        .slice(0, name.startsWith("@") ? 2 : 1)
        .join("/"),
    )
    .filter((name) => !declared.has(name))
    .map((name) => `${file}: imports ${name}, which ${folder}/package.json does not declare (undeclared)`);
}

function workspaceNames(/** @type {string} */ root) {
  return ["packages", "apps"]
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(root, folder, name, "package.json")))
    .filter((path) => existsSync(path))
    .map((path) => JSON.parse(readFileSync(path, "utf8")).name);
}

const members = new Set(["Date.now", "Math.random", "performance.now", "crypto.randomUUID", "crypto.getRandomValues"]);
const calls = new Set(["Date", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch"]);

/** W3. */
function impure(/** @type {string} */ file, /** @type {any} */ tree) {
  const found = new Set();
  walk(tree, (node) => {
    if (node.type === "MemberExpression") {
      const object = node.object.type === "MemberExpression" ? node.object.property : node.object;
      const name = `${object.value}.${node.property.value ?? node.property.expression?.value}`;
      if (members.has(name)) found.add(name);
      if (node.object.value === "globalThis" && calls.has(node.property.value)) found.add(node.property.value);
    }
    if (node.type === "CallExpression" && node.callee.type === "Identifier" && calls.has(node.callee.value))
      found.add(`${node.callee.value}()`);
    if (node.type === "NewExpression" && node.callee.value === "Date" && !node.arguments?.length) found.add("new Date()");
    if (node.type === "AwaitExpression" && file.startsWith("packages/core/")) found.add("await");
  });
  return [...found].map((name) => `${file}: uses ${name}; time and chance are arguments here (pure)`);
}
