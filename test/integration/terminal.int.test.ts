/** What a terminal shows: the same screen after coming back, at another size, after a host's death; and one answer to a query. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Event, HostClient } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { fact } from "./world/processes.ts";
import { bytes, record, type World, world } from "./world/world.ts";

interface View {
  readonly lines: readonly string[];
  readonly cursor: readonly [number, number, boolean];
  readonly alternate: boolean;
  readonly vt: string;
}

async function view(client: HostClient, session: string): Promise<View> {
  const text = await client.screen(session);
  const { vt } = await client.screen(session, { vt: true });
  return {
    lines: text.lines,
    cursor: [text.cursorRow, text.cursorCol, text.cursorVisible],
    alternate: text.alternate,
    vt: Buffer.from(vt).toString("latin1"),
  };
}

/** Until the program has said nothing more for a moment: only then two looks may be compared. */
async function settled(client: HostClient, session: string): Promise<View> {
  await client.wait(session, { idleMs: 300, timeoutMs: 60_000 });
  return view(client, session);
}

const programs: readonly (readonly [string, string, (w: World) => readonly string[], string, string])[] = [
  [
    "vim",
    "/usr/bin/vim",
    (w) => [
      "vim",
      "-u",
      "NONE",
      "-N",
      "+set number hlsearch timeoutlen=50 ttimeoutlen=5",
      "+syntax on",
      "+/line 7",
      w.path("text"),
    ],
    "line 5",
    "ggOtyped here\u001b",
  ],
  ["less", "/usr/bin/less", (w) => ["less", "-N", "+40", w.path("text")], "line 45", "/line 99\r"],
];

test.each(programs.filter(([, path]) => existsSync(path)))(
  "%s looks the same to who comes back, at another size and after the host was killed",
  async (_name, _path, argv, first, keys) => {
    const w = await world();
    writeFileSync(
      w.path("text"),
      Array.from({ length: 200 }, (_, i) => `line ${i + 1} \t und ünïcode 漢字 ${"=".repeat(i % 50)}`).join("\n"),
    );
    const me = await w.connect();
    const session = await w.open(me, { command: argv(w), size: { cols: 90, rows: 28 } });
    await fact("it has drawn", async () => (await me.screen(session.id)).lines.some((l) => l.includes(first)));
    const one = await me.attach({ session: session.id, size: { cols: 90, rows: 28 } }, {});
    await one.input(bytes(keys));
    const before = await settled(me, session.id);
    expect([before.alternate, before.lines.length]).toEqual([true, 28]);
    await one.detach();
    expect(await view(me, session.id)).toEqual(before);

    // The same again, drawn from what the journal and a checkpoint say: another host.
    await w.killHost();
    const again = await w.connect();
    expect(await view(again, session.id)).toEqual(before);

    // Who attaches is given the same picture.
    let vt = "";
    const two = await again.attach(
      { session: session.id, observe: true },
      { snapshot: (s) => void (vt = Buffer.from(s.vt).toString("latin1")) },
    );
    await fact("the snapshot has come", () => vt !== "");
    expect(vt).toBe(before.vt);
    await two.detach();

    // And the program follows a smaller terminal, and back.
    const three = await again.attach({ session: session.id, size: { cols: 60, rows: 15 }, take: true }, {});
    await fact("it has drawn at the other size", async () => {
      const { size, lines } = await again.screen(session.id);
      return size?.cols === 60 && size.rows === 15 && lines.length === 15 && lines.some((l) => l.trim() !== "");
    });
    three.resize({ cols: 90, rows: 28 });
    await fact("it is back at its first size", async () => (await again.screen(session.id)).size?.cols === 90);
    // less keeps its place by lines; vim, whose cursor is at the top, draws what it drew at first, its last row apart.
    if (_name === "vim") {
      // Whether a blank at a line's end was printed or erased is vim's own affair.
      const top = (lines: readonly string[]): string =>
        lines
          .slice(0, 27)
          .map((l) => l.trimEnd())
          .join("\n");
      await fact("it shows what it showed", async () => top((await again.screen(session.id)).lines) === top(before.lines));
    }
  },
  120_000,
);

test.runIf(existsSync("/usr/bin/htop"))("htop is drawn at once for who comes back", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { command: ["htop", "-d", "100"], size: { cols: 100, rows: 30 } });
  await fact("it has drawn", async () => (await me.screen(session.id)).lines.some((l) => l.includes("Load average")));
  let vt = "";
  await me.attach({ session: session.id, observe: true }, { snapshot: (s) => void (vt = Buffer.from(s.vt).toString("latin1")) });
  await fact("the snapshot shows it", () => vt.includes("Load average") && vt.includes("\u001b[?1049h"));
});

test("a query is answered exactly once with three clients attached, by the model and under its name; nobody is shown it, and it is never answered again", async () => {
  const w = await world();
  const me = await w.connect();
  const queries = ["\\033[c", "\\033[5n", "\\033[6n", "\\033[>c"];
  const script = `stty raw -echo; echo ready; exec 3>'${w.path("replies")}'; cat </dev/tty >&3 & until [ -e '${w.path("go")}' ]; do sleep 0.02; done; printf 'before${queries.join("")}after'; wait`;
  const session = await w.open(me, { script, size: { cols: 80, rows: 24 } });
  await me.wait(session.id, { match: "ready", fromSeq: 0 });
  const shown: string[] = ["", "", ""];
  for (let i = 0; i < 3; i++) {
    await (await w.connect()).attach(
      { session: session.id, size: { cols: 80, rows: 24 } },
      { output: (o) => void (shown[i] += Buffer.from(o.bytes).toString("latin1")) },
    );
  }
  writeFileSync(w.path("go"), "");
  const replies = (): string => readFileSync(w.path("replies"), "latin1");
  await fact("all of them are answered", () => /\u001b\[>[\d;]*c/.test(replies()));
  await fact("everybody has seen what is around them", () => shown.every((s) => s.includes("after")));
  for (const s of shown) expect(s.slice(s.indexOf("before"))).toBe("beforeafter");
  expect(replies()).toMatch(/^\u001b\[\?[\d;]+c\u001b\[0n\u001b\[\d+;\d+R\u001b\[>[\d;]+c$/);
  const once = replies();

  // A host that starts again, clients that come back, readers of the journal: none of them asks or answers anew.
  await w.killHost();
  const again = await w.connect();
  for (let i = 0; i < 2; i++) await again.attach({ session: session.id, size: { cols: 80, rows: 24 } }, {});
  await again.screen(session.id, { vt: true, scrollback: 100 });
  const journal = await record(again, session.id);
  expect(journal.output.toString("latin1")).not.toMatch(/\u001b\[(>?c|[56]n)/);
  await again.send(session.id, bytes("typed"), { take: true });
  await fact("the program reads what is typed next", () => replies().endsWith("typed"));
  expect(replies()).toBe(`${once}typed`);
  const answers = journal.events.filter((e: Event) => e.body?.kind.case === "input");
  expect(new Set(answers.map((e) => e.actor))).toEqual(new Set(["system:terminal"]));
  expect(answers.map((e) => Buffer.from(e.data).toString("latin1")).join("")).toBe(once);
});

test("a query that was asked while no host lived is not answered late", async () => {
  const w = await world();
  const me = await w.connect();
  const script = `stty raw -echo; echo ready; exec 3>'${w.path("replies")}'; cat </dev/tty >&3 & until [ -e '${w.path("go")}' ]; do sleep 0.02; done; printf 'asked\\033[c'; : >'${w.path("asked")}'; wait`;
  const session = await w.open(me, { script });
  await me.wait(session.id, { match: "ready", fromSeq: 0 });
  const { keeperPid, hostPid } = await w.status();
  process.kill(keeperPid, "SIGSTOP");
  process.kill(hostPid, "SIGKILL");
  writeFileSync(w.path("go"), "");
  await fact("it has asked", () => existsSync(w.path("asked")));
  const asked = performance.now();
  // The bytes carry the time at which the shim read them: older than 1 s is too late.
  await fact("more than a second has passed for it", () => performance.now() - asked > 1_200);
  process.kill(keeperPid, "SIGCONT");
  const again = await w.connect();
  await again.attach({ session: session.id, size: { cols: 80, rows: 24 } }, {});
  await fact("the screen shows what came with it", async () => (await again.screen(session.id)).lines.join("").includes("asked"));
  await again.send(session.id, bytes("typed"), { take: true });
  await fact("the program reads what is typed", () => readFileSync(w.path("replies"), "latin1").length > 0);
  expect(readFileSync(w.path("replies"), "latin1")).toBe("typed");
});
