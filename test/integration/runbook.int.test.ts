/**
 * Cells in a live session: what notebooks §8.5 compares, row by row (R3), for `live` and `contained`.
 */
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { cells, fence, ran, sharedWorld } from "./world/runbook.ts";
import { bytes, random, say, soak } from "./world/world.ts";

const shared = sharedWorld();

type Wanted = readonly [code: number, output?: string | undefined, after?: string];
/** The last cell is shown; `next` is a cell that is run after it, whatever came of that. */
interface Row {
  readonly name: string;
  readonly cell: string;
  readonly next?: string;
  readonly live: Wanted;
  readonly contained?: Wanted;
}

const rows: readonly Row[] = [
  {
    name: "directory, alias, function, unexported variable and arrays persist",
    cell: "cd /tmp; alias hi='echo alias'; fn() { echo function; }; plain=unexported; declare -A map=([k]=associative); list=(a 'b c')",
    next: 'pwd; hi; fn; echo "$plain ${map[k]} ${list[1]}"; bash -c \'echo "[$plain]"\'',
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
    next: "echo next",
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
  { name: "return 5", cell: "echo before; return 5; echo after", next: "echo next", live: [5, "before\n", "next\n"] },
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
    next: "echo exact",
    live: [4, "", "exact\n"],
  },
  { name: "unset carries over", cell: "unset HOME", next: 'echo "[${HOME-gone}]"', live: [0, "", "[gone]\n"] },
  {
    name: "what a history would expand is text",
    cell: "echo 'a!b' \"!$\" !x; x='#!/bin/sh'; echo $x \\'",
    live: [0, "a!b !$ !x\n#!/bin/sh '\n"],
  },
  { name: "no positional parameters", cell: 'echo "$# [$1]"', live: [0, "0 []\n"] },
  { name: "a sourced file's failure", cell: "echo 'false; echo on' >failing.sh; . ./failing.sh\necho after", live: [1, ""] },
];

const modes = ["live", "contained"] as const;

async function rowIn(mode: (typeof modes)[number], row: Row, shell = "/bin/bash"): Promise<void> {
  const { w, me } = shared;
  const session = await w.open(me, { shell });
  const [code, output, after] = (mode === "contained" ? row.contained : undefined) ?? row.live;
  const options = { session: session.id, plan: { run: mode } } as const;
  const first = await ran(w, me, cells(row.cell), options);
  expect(first.results[0]).toMatchObject({ code });
  if (output !== undefined) expect(first.printed["one"]).toBe(output);
  if (row.next !== undefined) {
    const second = await ran(w, me, cells(row.next), options);
    expect(second.codes).toEqual([["one", 0]]);
    if (after !== undefined) expect(second.printed["one"]).toBe(after);
  }
  await me.kill(session.id, 0);
}

for (const mode of modes) test.each(rows.map((row) => [row.name, row] as const))(`${mode}: %s`, (_, row) => rowIn(mode, row));

test.each(modes)("zsh, %s: what a cell sets is there in the next, and codes and output are exact", async (mode) => {
  const { w, me } = shared;
  const session = await w.open(me, { shell: "/usr/bin/zsh", env: { ...w.env, ZDOTDIR: w.files } });
  const options = { session: session.id, plan: { run: mode } } as const;
  const done = await ran(
    w,
    me,
    cells(
      "cd /tmp; alias hi='echo alias'; fn() { echo function; }; plain=unexported; typeset -A map; map[k]=associative; export X='a b'",
      'pwd; hi; fn; echo "$plain ${map[k]}"; sh -c \'echo "[$plain] $X"\'',
      "echo 'a!b' \"it's\"",
      "echo before; return 5",
    ),
    options,
  );
  expect(done.codes.map(([, code]) => code)).toEqual([0, 0, 0, 5]);
  expect(done.printed["two"]).toBe("/tmp\nalias\nfunction\nunexported associative\n[] a b\n");
  expect([done.printed["three"], done.printed["four"]]).toEqual(["a!b it's\n", "before\n"]);
  const second = await ran(w, me, cells("echo a\nfalse\necho b"), options);
  expect([second.codes, second.printed["one"]]).toEqual([[["one", 1]], "a\n"]);
});

test("what ends the shell of a live cell ends the session with the code; contained it ends the cell alone, and what was set before stays", async () => {
  const { w, me } = shared;
  const before = readdirSync("/tmp").filter((name) => name.startsWith("holdfast-runbook-"));
  const endings = [
    ["exit 3", 3],
    ["set -e\nfalse\necho on", 1],
    ["exec sh -c 'exit 6'", 6],
  ] as const;
  for (const [script, code] of endings) {
    const live = await w.open(me, {});
    expect((await ran(w, me, cells(script), { session: live.id })).codes).toEqual([["one", code]]);
    expect((await me.wait(live.id, { exit: true })).exit?.code).toBe(code);
    expect(readdirSync("/tmp").filter((name) => name.startsWith("holdfast-runbook-"))).toEqual(before);
    const contained = await w.open(me, {});
    const options = { session: contained.id, plan: { run: "contained" } } as const;
    expect((await ran(w, me, cells("kept=1"), options)).codes).toEqual([["one", 0]]);
    expect((await ran(w, me, cells(script), options)).codes).toEqual([["one", code]]);
    expect((await ran(w, me, cells("echo $kept"), options)).printed["one"]).toBe("1\n");
    // `set -e` was the cell's.
    expect((await me.run(contained.id, { text: "false; case $- in *e*) exit 9 ;; esac; (exit 8)" })).code).toBe(8);
    await me.kill(contained.id, 0);
  }
  // What was set before an `exit` is taken over.
  const session = await w.open(me, {});
  const options = { session: session.id, plan: { run: "contained" } } as const;
  expect((await ran(w, me, cells("late=2; exit 3"), options)).codes).toEqual([["one", 3]]);
  expect((await ran(w, me, cells("echo $late"), options)).printed["one"]).toBe("2\n");
  await me.kill(session.id, 0);
});

test("an ERR trap of the user's own is there again after a cell, which was one command to it", async () => {
  const { w, me } = shared;
  const session = await w.open(me, {});
  expect((await me.run(session.id, { text: "trap 'echo trapped' ERR" })).code).toBe(0);
  const done = await ran(w, me, cells("false"), { session: session.id });
  let said = "";
  await me.run(session.id, { text: "false" }, { output: (part) => void (said += Buffer.from(part).toString()) });
  expect([done.codes, done.printed["one"], said]).toEqual([[["one", 1]], "trapped\n", "trapped\r\n"]);
  await me.kill(session.id, 0);
});

test("a document's own session that a cell ended with 0 is opened again for the next one, and that is said", async () => {
  const { w, me } = shared;
  const done = await ran(w, me, cells("x=1; exit 0", 'echo "[$x]"'));
  expect(done.codes).toEqual([
    ["one", 0],
    ["two", 0],
  ]);
  expect(done.printed["two"]).toBe("[]\n");
  expect(done.events.flatMap((event) => (event.type === "session" ? [event.how] : []))).toEqual(["opened", "opened", "again"]);
});

test.each(modes)("%s: ten megabytes are exact, and the end of them is in the result", async (mode) => {
  const { w, me } = shared;
  let bytes = 0;
  const session = await w.open(me, {});
  const script = "head -c 10000000 /dev/zero | tr '\\\\0' x; echo end";
  const done = await ran(w, me, cells(script), {
    session: session.id,
    plan: { run: mode },
    maxBytes: 4,
    told: (event) => void (event.type === "output" && (bytes += event.bytes.length)),
  });
  expect([done.codes, bytes]).toEqual([[["one", 0]], 10_000_005]);
  expect(done.results[0]?.output.endsWith("end\n")).toBe(true);
  await me.kill(session.id, 0);
});

test.each(modes)("%s: Ctrl-C of the run is 130, and the shell goes on", async (mode) => {
  const { w, me } = shared;
  const session = await w.open(me, {});
  const stop = new AbortController();
  const options = { session: session.id, plan: { run: mode } } as const;
  const done = await ran(w, me, cells("trap : USR1; echo begun; sleep 100; echo no"), {
    ...options,
    signal: stop.signal,
    told: (event) => void (event.type === "output" && stop.abort()),
  });
  expect([done.codes, done.results[0]?.problem]).toEqual([[["one", 130]], undefined]);
  expect((await ran(w, me, cells("echo on; false || echo still"), options)).printed["one"]).toBe("on\nstill\n");
  await me.kill(session.id, 0);
});

test.each(modes)(
  "%s: a cell that reads from the terminal gets what somebody attached types, and it is said that it waits",
  async (mode) => {
    const { w, me } = shared;
    const session = await w.open(me, {});
    const done = await ran(w, me, cells('read -r -p "name? " name; echo "got $name"'), {
      session: session.id,
      plan: { run: mode },
      told: async (event) => {
        if (event.type === "waiting" && event.code === "input_needed") await me.send(session.id, bytes("ana\r"), { take: true });
      },
    });
    expect([done.codes, done.printed["one"]]).toEqual([[["one", 0]], "name? ana\ngot ana\n"]);
    await me.kill(session.id, 0);
  },
);

test("no exit code is wrong: of cells that end in every way, live and contained, each has its own code and output", async () => {
  const { w, me } = shared;
  const dice = random();
  say(`seed ${dice.seed}`);
  const rounds = soak ? 625 : 4;
  const session = await w.open(me, {});
  for (let round = 0; round < rounds; round++) {
    const wanted: (readonly [code: number, output: string])[] = [];
    const scripts = Array.from({ length: 16 }, (_, n) => {
      const code = dice.below(3) === 0 ? 0 : 1 + dice.below(255);
      const lines = dice.below(40);
      const isContained = dice.below(2) === 0;
      const ways = [
        `(exit ${code})`,
        `return ${code}`,
        `bash -c 'exit ${code}'`,
        `f() { return ${code}; }; f`,
        isContained ? `exit ${code}` : `eval '(exit ${code})'`,
      ];
      wanted.push([code, Array.from({ length: lines }, (_, i) => `${n}-${i + 1}\n`).join("")]);
      const print = lines === 0 ? ":" : `for i in $(seq ${lines}); do echo "${n}-$i"; done`;
      return fence(`sh {"name":"c${n}","run":"${isContained ? "contained" : "live"}"}`, print, ways[dice.below(ways.length)]!);
    });
    for (const [n, [code, output]] of wanted.entries()) {
      const done = await ran(w, me, scripts[n]!, { session: session.id });
      expect([scripts[n], done.results[0]?.code, done.results[0]?.output]).toEqual([scripts[n], code, output]);
    }
  }
  say(`${rounds * 16} cells`);
  await me.kill(session.id, 0);
}, 3_600_000);
