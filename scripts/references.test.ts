/** What is written down can be followed: every page that a file names is there, and no file names a place of one machine. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const listed = spawnSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).stdout.split("\0");
const files = listed.filter(
  (path) => /\.(md|ts|tsx|mjs|c|h|sh|proto|json)$/.test(path) && path !== "package-lock.json" && existsSync(join(root, path)),
);
const lines = files.flatMap((path) =>
  readFileSync(join(root, path), "utf8")
    .split("\n")
    .map((text, i) => ({ at: `${path}:${i + 1}`, path, text })),
);

test("every page that is named exists", () => {
  const missing = lines.flatMap(({ at, path, text }) =>
    [...text.matchAll(/(?<![\w*<{$])[\w./-]*\w\.md\b/g)]
      .map(([name]) => name)
      .filter((name) => ![dirname(path), ".", "docs"].some((folder) => existsSync(join(root, folder, name))))
      .map((name) => `${at} names ${name}`),
  );
  expect(missing).toEqual([]);
});

test("every link of a page leads to a file", () => {
  const missing = lines
    .filter(({ path }) => path.endsWith(".md"))
    .flatMap(({ at, path, text }) =>
      [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
        .map(([, target]) => target ?? "")
        .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(path), target)))
        .map((target) => `${at} links ${target}`),
    );
  expect(missing).toEqual([]);
});

test("no file names a folder of one machine", () => {
  const machine = new RegExp(["/wo" + "rk/", "/fa" + "rm/", "\\.\\./sha" + "red"].join("|"));
  expect(lines.filter(({ text }) => machine.test(text)).map(({ at }) => at)).toEqual([]);
});
