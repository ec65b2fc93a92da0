import { expect, test } from "vitest";
import { discover } from "./discover.ts";

test("runbooks are found by their ending, folder by folder", () => {
  expect(discover({ files: ["z.run", "a/b.MDX", "a/b/c.runme", "x.txt", "a.dag", "q.qmd", "runme"] })).toEqual([
    "a/b/c.runme",
    "a/b.MDX",
    "a.dag",
    "q.qmd",
    "z.run",
  ]);
});

test("what git ignores is left out, a deeper file has the last word, and nothing comes back from an ignored folder", () => {
  const tree = {
    files: ["a.run", "out/a.run", "out/keep.run", "sub/x.run", "sub/keep/x.run", "sub/keep/y.run", "deep/out/b.run"],
    ignoreFiles: [
      { path: ".gitignore", text: "out/\n!out/keep.run\nx.run\r\n" },
      { path: "sub/keep/.gitignore", text: "!x.run\n/y.run\n" },
    ],
  };
  expect(discover(tree)).toEqual(["a.run", "sub/keep/x.run"]);
  expect(discover({ ...tree, gitIgnore: false }).length).toBe(tree.files.length);
  expect(discover({ ...tree, ignorePatterns: ["sub"] })).toEqual(["a.run"]);
});

test("installed packages are never looked into", () => {
  expect(discover({ files: ["node_modules/p/a.run", "x/.venv/a.run", "x/node_modules.run"], gitIgnore: false })).toEqual([
    "x/node_modules.run",
  ]);
});
