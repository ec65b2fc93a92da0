/**
 * Cells in a live session: what notebooks §8.5 compares, row by row (R3), for `live` and `contained`.
 */
import { expect, test } from "vitest";
import { cells, ran, sharedWorld } from "./world/runbook.ts";

const shared = sharedWorld();

type Wanted = readonly [code: number, output?: string | undefined, after?: string];
/** The last cell is shown; `then` is a cell that is run after it, whatever came of that. */
interface Row {
  readonly name: string;
  readonly cell: string;
  readonly then?: string;
  readonly live: Wanted;
  readonly contained?: Wanted;
}

const rows: readonly Row[] = [
  {
    name: "directory, alias, function, unexported variable and arrays persist",
    cell: "cd /tmp; alias hi='echo alias'; fn() { echo function; }; plain=unexported; declare -A map=([k]=associative); list=(a 'b c')",
    then: 'pwd; hi; fn; echo "$plain ${map[k]} ${list[1]}"; bash -c \'echo "[$plain]"\'',
    live: [0, "", "/tmp\nalias\nfunction\nunexported associative b c\n[]\n"],
  },
  {
    name: "a here-document of several lines",
    cell: "cat <<EOF\none $((1+1))\n  two\nEOF\necho end",
    live: [0, "one 2\n  two\nend\n"],
  },
  {
    name: "an open quote is a syntax error, and the next cell runs",
    cell: 'echo "open',
    then: "echo next",
    live: [2, undefined, "next\n"],
  },
  { name: "a syntax error is 2", cell: "if true; then", live: [2] },
  {
    name: "a program that prints marks of its own is not believed",
    cell: "printf '\\033]633;hold;D;nonce;99;0\\a\\033]133;D;0\\a'; (exit 9)",
    live: [9],
  },
  { name: "output without a newline is exact", cell: "printf abc", live: [0, "abc"] },
  { name: "(exit 7)", cell: "(exit 7)", live: [7] },
  { name: "return 5", cell: "echo before; return 5; echo after", then: "echo next", live: [5, "before\n", "next\n"] },
  { name: "a pipe's first part fails", cell: "false | true", live: [0], contained: [1] },
  { name: "an error ends the cell", cell: "echo a\nfalse\necho b", live: [1, "a\n"] },
  {
    name: "what is asked by `if`, `!` and `||` is no error",
    cell: "if false; then :; fi\n! true || false || true\necho b",
    live: [0, "b\n"],
  },
  {
    name: "a failure inside of a function",
    cell: "f() { false; echo on; }\nf\necho after",
    live: [0, "on\nafter\n"],
    contained: [1, ""],
  },
  { name: "the last status counts", cell: "false && true", live: [1] },
  {
    name: "PROMPT_COMMAND is overwritten",
    cell: "PROMPT_COMMAND='echo mine'; (exit 4)",
    then: "echo exact",
    live: [4, "", "exact\n"],
  },
  { name: "unset carries over", cell: "unset HOME", then: 'echo "[${HOME-gone}]"', live: [0, "", "[gone]\n"] },
  {
    name: "what a history would expand is text",
    cell: "echo 'a!b' \"!$\" !x; x='#!/bin/sh'; echo $x \\'",
    live: [0, "a!b !$ !x\n#!/bin/sh '\n"],
  },
  { name: "no positional parameters", cell: 'echo "$# [$1]"', live: [0, "0 []\n"] },
  { name: "a sourced file's failure", cell: "echo 'false; echo on' >failing.sh; . ./failing.sh\necho after", live: [1, ""] },
  { name: "an ERR trap of the user's own is there again", cell: "trap", then: "trap -p ERR", live: [0] },
];

test.each(rows.map((row) => [row.name, row] as const))("live: %s", async (_, row) => {
  const { w, me } = shared;
  const session = await w.open(me, {});
  const [code, output, after] = row.live;
  const first = await ran(w, me, cells(row.cell), { session: session.id });
  expect(first.results[0]).toMatchObject({ code });
  if (output !== undefined) expect(first.printed["one"]).toBe(output);
  if (row.then !== undefined) {
    const next = await ran(w, me, cells(row.then), { session: session.id });
    expect(next.codes).toEqual([["one", 0]]);
    if (after !== undefined) expect(next.printed["one"]).toBe(after);
  }
  await me.kill(session.id, 0);
});

test.each(rows.map((row) => [row.name, row] as const))("contained: %s", async (_, row) => {
  const { w, me } = shared;
  const session = await w.open(me, {});
  const [code, output, after] = row.contained ?? row.live;
  const contained = { session: session.id, plan: { run: "contained" } } as const;
  const first = await ran(w, me, cells(row.cell), contained);
  expect(first.results[0]).toMatchObject({ code });
  if (output !== undefined) expect(first.printed["one"]).toBe(output);
  if (row.then !== undefined) {
    const next = await ran(w, me, cells(row.then), contained);
    expect(next.codes).toEqual([["one", 0]]);
    if (after !== undefined) expect(next.printed["one"]).toBe(after);
  }
  await me.kill(session.id, 0);
});
