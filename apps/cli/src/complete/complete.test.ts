import { describe, expect, test } from "vitest";
import { commands, table } from "../spec/index.ts";
import { complete, type Names } from "./complete.ts";

const names: Names = {
  sessions: async () => [{ word: "build" }, { word: "work" }],
  operators: async () => [{ word: "ana" }],
  topics: async () => [{ word: "floor" }],
  settings: async () => [{ word: "attach.prefix" }],
  cells: async (file) => [{ word: file === undefined ? "of-the-tree" : `of-${file}` }],
  inFolder: async (session, folder) =>
    session === "build" && folder === "/etc/" ? [{ word: "hosts" }, { word: "hold/" }, { word: "ssl/" }] : [{ word: "src/" }],
};
const at = async (line: string) => {
  const answer = await complete(table, line.split(" "), names);
  return [...answer.candidates.map((c) => c.word), ...(answer.files ? [`:${answer.files}`] : [])];
};

describe("what may stand at the cursor", () => {
  test.each([
    ["at", ["attach"]],
    ["host ", ["up", "down", "status", "mirror", "trust", "logs", "install", "join", "leave"]],
    ["attach w", ["work"]],
    ["--as ana attach b", ["build"]],
    ["attach --as ", ["ana"]],
    ["new x --floor ", ["turn", "open"]],
    ["new x --cwd ", [":folders"]],
    ["attach --ob", ["--observe"]],
    [
      "attach work ",
      ["--observe", "--take", "--carrier", "--screen", "--as", "--host", "--relay", "--context", "--passphrase-fd", "--help"],
    ],
    ["--passphrase-fd 3 --host=wss://box attach b", ["build"]],
    ["attach --passphrase-fd ", []],
    ["signal work US", ["USR1", "USR2"]],
    ["run work -- ma", [":files"]],
    ["config get att", ["attach.prefix"]],
    ["log work --kind=op", ["--kind=opened", "--kind=operator_changed"]],
    ["help fl", ["floor"]],
    ["nonsense x", []],
    ["runbook run of", ["of-the-tree", ":files"]],
    ["runbook run a.run ", ["of-a.run"]],
    ["cp bu", ["build:", ":files"]],
    ["cp ./a build:/etc/ho", ["build:/etc/hosts", "build:/etc/hold/"]],
    ["cp build:", ["build:src/"]],
    ["cp box/build:/etc/", []],
    ["cp ana@box:build:/etc/", []],
  ])("hold %s", async (line, expected) => {
    expect(await at(line)).toEqual(expected);
  });
  test("every command's first word is offered, and no hidden one", async () => {
    const offered = await at("");
    for (const c of commands) expect(offered.includes(c.path[0]!)).toBe(!c.hidden);
  });
});
