import { mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoldError } from "@holdfast/sdk";
import { describe, expect, test } from "vitest";
import { commands } from "../spec/index.ts";
import { event, floor, hold, host, nowMs, replaying, type Sink, session } from "../app/fake.ts";

const refused = (code: string, message: string) => () =>
  Promise.reject(Object.assign(new Error(message), { name: "HoldError", code }));
const note = <T>(seen: unknown[], what: readonly unknown[], answer: T): T => {
  seen.push(...what);
  return answer;
};
const folder = () => mkdtempSync(join(tmpdir(), "hold-cli-"));

describe("the line", () => {
  test("an unknown command says what was meant and exits with 2", async () => {
    const { code, err, out } = await hold("atach work");
    expect([code, out.text]).toEqual([2, ""]);
    expect(err.text).toBe("[usage] there is no command `hold atach`; did you mean attach?; `hold help` lists them\n");
  });
  test("an unknown flag names the command's own page", async () => {
    const { code, err } = await hold("ls --al");
    expect(code).toBe(2);
    expect(err.text).toMatch(/^\[usage\] .*--al.*`hold help ls`/);
  });
  test("a missing argument, one too many, and a wrong duration exit with 2", async () => {
    for (const line of ["attach", "rename a b c", "wait work --idle 30", "new x --size 80", "ls --as"])
      expect((await hold(line)).code).toBe(2);
  });
  test("with --json a failure is one object on stderr, also when the line can't be read", async () => {
    for (const line of ["ls --json", "--json ls --nonsense", "show --json"]) {
      const { err, out } = await hold(line);
      expect(out.text).toBe("");
      expect(Object.keys(JSON.parse(err.text))).toEqual(["code", "message", "advice", "details", "exit"]);
    }
  });
  test("--as may stand before the command and after it", async () => {
    const seen: (string | undefined)[] = [];
    const { runLine } = await import("../app/main.ts");
    const { fakeContext, Sink } = await import("../app/fake.ts");
    for (const words of [
      ["--as", "ana", "ls"],
      ["ls", "--as=ana"],
      ["ls", "--as", "ana", "-a"],
    ]) {
      const out = new Sink(false);
      await runLine(
        words,
        (g) => {
          seen.push(g.as);
          return fakeContext(g, { client: host({}) }, out, out);
        },
        {},
        { out, err: out },
      );
    }
    expect(seen).toEqual(["ana", "ana", "ana"]);
  });
  test.each([
    ["no_such_session", 3],
    ["floor_held", 4],
    ["unreachable", 5],
    ["timed_out", 124],
    ["internal", 1],
  ] as const)("%s exits with %d", async (code, exit) => {
    const world = { client: host({ list: refused(code, "no") as never }) };
    expect((await hold("ls", world)).code).toBe(exit);
  });
  test("a name that nobody has is answered with the nearest that somebody has", async () => {
    const { code, err } = await hold("show wrok", { client: host({ listed: [session()] }) });
    expect([code, err.text]).toEqual([3, "[no_such_session] no session wrok here; did you mean work?\n"]);
  });
  test("a message of the host can't put escapes on the terminal", async () => {
    const { err } = await hold("ls", { client: host({ list: refused("internal", "a\x1b[2Jb") as never }) });
    expect(err.text).not.toContain("\x1b");
  });
});

test("who is a candidate is a list for programs", async () => {
  const details = { candidates: "ab12,ab34" };
  const client = host({
    show: () => Promise.reject(Object.assign(new Error("several"), { name: "HoldError", code: "ambiguous_session", details })),
  });
  const { code, err } = await hold("show ab --json", { client });
  expect([code, JSON.parse(err.text).details]).toEqual([3, { candidates: ["ab12", "ab34"] }]);
});

describe("ls and show", () => {
  test("people see a table, live sessions first; programs one object a line", async () => {
    const client = host({
      listed: [
        session({ id: "2", name: "old", state: 2, exit: { code: 3 } as never, lastActivityUnixMs: BigInt(nowMs) }),
        session(),
      ],
    });
    const { out } = await hold("ls -a", { client });
    expect(out.lines[0]).toMatch(/^NAME +ID +STATE/);
    expect(out.lines[1]).toMatch(/^work .*running .*nobody .*80x24 .*1m ago .*~\/src .*bash$/);
    expect(out.lines[2]).toMatch(/^old .*exit 3/);
    const json = await hold("ls -a --json", { client });
    expect(json.out.lines.map((l) => JSON.parse(l).name)).toEqual(["work", "old"]);
  });
  test("on a terminal no line is wider than it", async () => {
    const client = host({ listed: [session({ cwd: "/x".repeat(60), command: ["y".repeat(100)] })] });
    const { out } = await hold("ls", { client, tty: true, columns: 70 });
    for (const l of out.lines) expect(l.length).toBeLessThanOrEqual(70);
  });
  test("on a very narrow one the columns that say least are left out, and no row takes two lines", async () => {
    const client = host({
      listed: [session({ name: "a-name-that-is-long", cwd: "/x".repeat(60), command: ["y".repeat(100)] })],
    });
    for (const columns of [20, 30, 50]) {
      const { out } = await hold("ls", { client, tty: true, columns });
      for (const l of out.lines) expect([columns, l.length <= columns]).toEqual([columns, true]);
      expect(out.lines[0]).toMatch(/^NAME .*STATE/);
    }
  });
  test("nothing there is said on stderr, so that a script reads nothing", async () => {
    const { out, err, code } = await hold("ls", { client: host({}) });
    expect([code, out.text]).toEqual([0, ""]);
    expect(err.text).toContain("hold new");
  });
  test("`show` tells the state that the kernel knows", async () => {
    const client = host({
      listed: [session()],
      probe: async () => ({ state: "waiting_secret", cwd: "/tmp", processes: ["bash", "ssh"] }) as never,
    });
    expect((await hold("show work", { client })).out.text).toMatch(/state +running \(waiting secret\)[\s\S]*directory +\/tmp/);
  });
});

describe("new", () => {
  const opening = (seen: object[]) => host({ open: async (spec) => note(seen, [spec], { session: session(), existed: false }) });
  test("prints the id alone where it does not attach, and passes on directory, environment and command", async () => {
    const seen: Record<string, unknown>[] = [];
    const { out, code } = await hold(
      ["new", "build", "-d", "--env", "A=1", "--env", "SHELL", "--size", "100x30", "--ttl", "2h", "--", "make", "-j4"],
      { client: opening(seen) },
    );
    expect([code, out.text]).toEqual([0, "01jdwork0000\n"]);
    expect(seen[0]).toMatchObject({
      name: "build",
      command: ["make", "-j4"],
      cwd: "/home/ana/src",
      env: { HOME: "/home/ana", A: "1" },
      size: { cols: 100, rows: 30 },
      pinnedSize: { cols: 100, rows: 30 },
      ttlMs: 7_200_000,
      kind: "pty",
    });
    expect(seen[0]!["env"]).not.toHaveProperty("SHELL");
  });
  test("what a name may be is the host's to say; an empty one, as of a variable that is not set, is refused here", async () => {
    const refusing = host({
      open: async () => {
        throw new HoldError("bad_request", 'session name "a b": letters and digits');
      },
    });
    const { code, err } = await hold(["new", "a b", "-d"], { client: refusing });
    expect([code, err.text]).toEqual([2, '[bad_request] session name "a b": letters and digits\n']);
    expect((await hold(["new", "", "-d"], { client: opening([]) })).code).toBe(2);
  });
  test("pipes need a command, -A a name, and `--` something behind it", async () => {
    for (const line of ["new x --pipes -d", "new -A -d", "new x -d --"])
      expect((await hold(line, { client: opening([]) })).code).toBe(2);
  });
});

describe("send", () => {
  const sending = (seen: { text: string; options: object }[]) =>
    host({
      listed: [session()],
      send: async (_s, bytes, options) =>
        note(seen, [{ text: Buffer.from(bytes).toString(), options: options ?? {} }], {
          n: 1,
          seq: 42,
          status: 1,
          bytes: bytes.length,
        }),
    });
  test("text, keys and Enter are one frame, in this order", async () => {
    const seen: { text: string; options: object }[] = [];
    const { out } = await hold(["send", "work", "ls", "--key", "C-a", "--enter", "--json"], { client: sending(seen) });
    expect(seen[0]!.text).toBe("ls\x01\r");
    expect(JSON.parse(out.text)).toEqual({ seq: 42, status: "applied", bytes: 4 });
  });
  test("Enter is a line feed to a session on pipes, and --eof is refused where there is a terminal", async () => {
    const seen: { text: string; options: object }[] = [];
    const client = host({ listed: [session({ kind: 2 })], send: sending(seen).send });
    await hold("send work hello --enter", { client });
    await hold("send work a --key Enter --eof", { client });
    expect(seen).toMatchObject([{ text: "hello\n" }, { text: "a\n", options: { eof: true } }]);
    const { code, err } = await hold("send work x --eof", { client: sending([]) });
    expect([code, err.text]).toEqual([2, expect.stringContaining("--key C-d")]);
  });
  test("Ctrl-C alone overtakes what is queued", async () => {
    const seen: { text: string; options: object }[] = [];
    await hold("send work --key C-c", { client: sending(seen) });
    expect(seen[0]!.options).toMatchObject({ interrupt: true });
  });
  test("standard input goes in as it is, also as a paste", async () => {
    const seen: { text: string; options: object }[] = [];
    await hold("send work --stdin --paste", { client: sending(seen), stdin: "a\nb" });
    expect(seen[0]).toMatchObject({ text: "a\nb", options: { paste: true } });
  });
  test("a key that there is not, and nothing at all, are errors of the line", async () => {
    expect((await hold("send work --key Entr", { client: sending([]) })).err.text).toContain("did you mean Enter");
    expect((await hold("send work", { client: sending([]) })).code).toBe(2);
  });
  test("an input that was cut says how much of it arrived", async () => {
    const client = host({ send: async () => ({ n: 1, seq: 7, status: 4, bytes: 2 }) });
    const { code, err } = await hold("send work hello", { client });
    expect(code).toBe(1);
    expect(err.text).toMatch(/^\[input_cut\] input 7 was cut: 2 of 5 bytes/);
  });
});

describe("what hold exec ran", () => {
  test("is listed where one asks for it, and what has ended of it with what has ended", async () => {
    const sessions = [
      session({ id: "s1", name: "work" }),
      session({ id: "s2", name: "old", state: 2 }),
      session({ id: "c1", name: "make", parent: "s1" }),
      session({ id: "c2", name: "ls", state: 2, parent: "s1" }),
    ];
    const names = async (line: string): Promise<string[]> =>
      (await hold(`${line} --json`, { client: host({ listed: sessions }) })).out.lines
        .map((l) => JSON.parse(l).name as string)
        .sort();
    expect(await names("ls")).toEqual(["work"]);
    expect(await names("ls -a")).toEqual(["old", "work"]);
    expect(await names("ls --exec")).toEqual(["make", "work"]);
    expect(await names("ls -a --exec")).toEqual(["ls", "make", "old", "work"]);
  });
});

describe("run, exec and wait", () => {
  const ran = (result: object) =>
    host({
      listed: [session()],
      run: async (_s, _c, o) => {
        await o?.output?.(Buffer.from("out\n"));
        return { state: "ended", code: 0, fromOffset: 0, toOffset: 4, omittedBytes: 0, ...result } as never;
      },
    });
  test("run prints the command's output and exits with its code", async () => {
    const { code, out } = await hold("run work -- make test", { client: ran({ code: 3 }) });
    expect([code, out.text]).toEqual([3, "out\n"]);
  });
  test("a code that is not known is never 0", async () => {
    for (const result of [
      { code: null },
      { state: "not_run", code: null },
      { state: "incomplete", code: null },
      { state: "interrupted", code: null },
    ])
      expect((await hold("run work -- x", { client: ran(result) })).code).toBe(1);
    expect((await hold("run work -- x", { client: ran({ state: "timed_out", code: null }) })).code).toBe(124);
    expect((await hold("run work -- )", { client: ran({ state: "not_run", code: null }) })).err.text).toMatch(/^\[not_run\] /);
    expect((await hold("run work -- x", { client: ran({ code: null }) })).err.text).toMatch(/^\[code_unknown\] /);
  });
  test("a link that ends under a command says how to wait for it, for the command may run on", async () => {
    const client = host({
      listed: [session()],
      run: async () => {
        throw new HoldError("unreachable", "the link to the host ended");
      },
    });
    const { code, err } = await hold("run work -- x", { client });
    expect([code, err.text]).toEqual([5, expect.stringContaining("`hold wait work --command`")]);
    expect(err.text).toMatch(/^\[unreachable\] the link to the host ended/);
  });
  test("a command that is not UTF-8 is refused, and not typed as another", async () => {
    const { code, err } = await hold(["run", "work", "--", "\udcff"], { client: host({}) });
    expect([code, err.text]).toEqual([2, expect.stringContaining("not UTF-8")]);
  });
  test("one word is shell text, several are words", async () => {
    const seen: object[] = [];
    const client = host({
      listed: [session()],
      run: async (_s, c) =>
        note(seen, [c], { state: "ended", code: 0, fromOffset: 0, toOffset: 0, omittedBytes: 0, maskedBytes: 0, seq: 0 }),
    });
    await hold(["run", "work", "--", "cd x && ls"], { client });
    await hold(["run", "work", "--", "ls", "-l"], { client });
    expect(seen).toEqual([{ text: "cd x && ls" }, { words: ["ls", "-l"] }]);
  });
  test("exec keeps the two outputs apart and reports a signal as a shell would", async () => {
    const client = host({
      exec: async (_s, _a, o) => {
        await o?.output?.(1, Buffer.from("o"), 0);
        await o?.output?.(2, Buffer.from("e"), 0);
        return {
          exit: { signal: 9, core: false, userUs: 0n, systemUs: 0n, maxRssKib: 0n, atUnixMs: 0n, reason: "" },
          cwd: "/",
          environment: "prompt",
        } as never;
      },
    });
    const { code, out, err } = await hold("exec work -- kill -9 0", { client });
    expect([code, out.text, err.text]).toEqual([137, "o", "e"]);
  });
  test("X1: what a command prints for a reader that has gone away ends it, and the code is a closed pipe's", async () => {
    const streams: Sink[] = [];
    const ends: boolean[] = [];
    const client = host({
      exec: async (_s, _a, o) => {
        streams[0]!.gone!();
        ends.push(o!.end!.aborted);
        return { exit: { signal: 15 }, cwd: "/", environment: "prompt" } as never;
      },
    });
    const { code } = await hold("exec work -- yes", { client, streams });
    expect([code, ends]).toEqual([141, [true]]);
  });
  test("wait says which of its conditions fired, and 124 when none did", async () => {
    const client = (fired: string) =>
      host({ wait: async () => ({ fired, state: "idle_prompt", seq: 9n, code: 2, text: "" }) as never });
    expect((await hold("wait work --command", { client: client("command") })).out.text).toBe("command: exit 2 (idle prompt)\n");
    const late = await hold("wait work --exit --timeout 1s --json", { client: client("timeout") });
    expect([late.code, JSON.parse(late.out.text).fired]).toEqual([124, "timeout"]);
    const over = await hold("wait work --match up", { client: client("ended") });
    expect([over.code, over.out.text, over.err.text]).toEqual([
      1,
      "",
      expect.stringMatching(/^\[session_ended\] work has ended/),
    ]);
    const json = await hold("wait work --match up --json", { client: client("ended") });
    expect([json.code, JSON.parse(json.out.text).fired]).toEqual([1, "ended"]);
    expect((await hold("wait work", { client: client("exit") })).code).toBe(2);
    expect((await hold("wait work --match (", { client: client("match") })).code).toBe(2);
  });
});

describe("a command that a signal stops here", () => {
  test("exits as a shell would say it, and tells that nothing was stopped on the host", async () => {
    const cancelled = AbortSignal.abort(2);
    const client = host({ wait: refused("cancelled", "the caller left") as never });
    const { code, err } = await hold("wait work --exit --json", { client, cancelled });
    expect(code).toBe(130);
    expect(JSON.parse(err.text)).toMatchObject({ code: "cancelled", exit: 130 });
  });
});

describe("the floor", () => {
  test.each([
    ["take work", "take"],
    ["release work", "release"],
    ["pass work ana", "pass"],
    ["ai pause work", "ai_pause"],
    ["ai resume work", "ai_resume"],
  ])("`hold %s` asks for %s", async (line, verb) => {
    const seen: unknown[] = [];
    const client = host({ floor: async (_s, v, to) => note(seen, [v, to], floor({ holder: "op", holderName: "ana" })) });
    const { out } = await hold(`${line} --json`, { client });
    expect(seen[0]).toBe(verb);
    expect(JSON.parse(out.text)).toMatchObject({ holder: "op", holderName: "ana" });
  });
});

describe("the journal", () => {
  const s = session({ seq: 6n });
  const steps = [
    { event: event(1, "opened", { name: "work", cwd: "/", command: ["bash"], shell: "bash", pinnedSize: [] }) },
    { gap: [2, 2] as const },
    { output: "hello\r\n", seq: 3, offset: 0 },
    { event: event(4, "input", { unit: "", interrupt: false, eof: false }, { data: Buffer.from("ls\r") }) },
    { event: event(5, "floorChanged", { holder: "op-ana", reason: "typed", epoch: 2n, from: "" }) },
    { output: "\x1b[31m", seq: 6, offset: 7 },
  ];
  const client = host({
    listed: [s],
    attach: replaying(s, steps),
    operatorList: async () => [{ id: "op-ana", name: "ana" }] as never,
  });
  test("redacting asks, is refused where nobody can be asked, and says how much it erased", async () => {
    const seen: unknown[] = [];
    const redacting = (count: number) => host({ listed: [s], redact: async (_s, what) => note(seen, [what], count) });
    expect((await hold("redact work --seq 3", { client: redacting(1) })).code).toBe(2);
    expect((await hold("redact work --seq 3 --json", { client: redacting(1) })).code).toBe(2);
    expect(seen).toEqual([]);
    expect((await hold("redact work --seq 3 -y", { client: redacting(1) })).err.text).toMatch(/^erased 1 payload;/);
    expect((await hold("redact work --seq 3 -y", { client: redacting(0) })).err.text).toMatch(/^nothing erased/);
  });
  test("of a job one of the two outputs may be had alone, and a terminal has one only", async () => {
    const job = session({ kind: 2, seq: 2n });
    const outputs = [
      { output: "out", seq: 1, offset: 0, stream: 1 },
      { output: "err", seq: 2, offset: 0, stream: 2 },
    ];
    const of = { client: host({ listed: [job], attach: replaying(job, outputs) }) };
    expect((await hold("log work --raw", of)).out.text).toBe("outerr");
    expect((await hold("log work --raw --stream stdout", of)).out.text).toBe("out");
    expect((await hold("log work --raw --stream stderr", of)).out.text).toBe("err");
    expect((await hold("log work --raw --stream stderr", { client })).code).toBe(2);
  });
  test("people read who did what, names instead of ids", async () => {
    const { out } = await hold("log work", { client });
    expect(out.lines).toHaveLength(5);
    expect(out.lines[3]).toMatch(/4 .* ana +typed ls\\r$/);
    expect(out.lines[1]).toContain("gap: 2 to 2");
  });
  test("programs get one object a line, and by kind or actor only what they asked for", async () => {
    const all = await hold("log work --json", { client });
    expect(all.out.lines.map((l) => JSON.parse(l).kind)).toEqual(["opened", "gap", "output", "input", "floor_changed", "output"]);
    const some = await hold("log work --json --kind input,floor_changed --actor ana", { client });
    expect(some.out.lines.map((l) => JSON.parse(l).kind)).toEqual(["gap", "input", "floor_changed"]);
  });
  test("a position behind the end and an operator that there is not are said to be that", async () => {
    const { code, err } = await hold("log work --from 99999", { client });
    expect([code, err.text]).toEqual([2, "[usage] the journal of work ends at 6: there is no position 99999\n"]);
    expect((await hold("log work --from 7", { client })).code).toBe(0);
    const nobody = await hold("log work --actor anna", { client });
    expect([nobody.code, nobody.err.text]).toEqual([1, expect.stringContaining("did you mean ana")]);
    expect((await hold("log work --actor system:host", { client })).code).toBe(0);
  });
  test("--raw is the output's bytes and nothing else", async () => {
    expect((await hold("log work --raw", { client })).out.text).toBe("hello\r\n\x1b[31m");
    expect((await hold("log work --raw --json", { client })).code).toBe(2);
  });
  test("an export is a recording that only its owner can read, and holds what was typed only if asked", async () => {
    const file = join(folder(), "x.cast");
    expect((await hold(["export", "work", "-o", file], { client })).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const plain = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((l) => JSON.parse(l));
    expect(plain[0]).toMatchObject({ version: 2, title: "work" });
    expect(plain.slice(1).map((e) => e[1])).toEqual(["o", "o"]);
    const { out } = await hold("export work --format asciicast-v3 --input --markers", { client });
    expect(out.lines.slice(1).map((l) => JSON.parse(l)[1])).toEqual(
      ["m", "o", "i", "m", "o"].slice(out.lines.length === 6 ? 0 : 1),
    );
  });
  test("as text it has no escapes", async () => {
    expect((await hold("export work --format text", { client })).out.text).toBe(
      "[gap: 2 to 2 is no longer kept: retention]\nhello\n",
    );
  });
});

describe("the record over all sessions", () => {
  test("verify names what is wrong and exits with 1", async () => {
    const wrong = { ok: false, file: "ledger/1", position: 4096, lsn: 12, session: "s", seq: 3, problem: "crc does not match" };
    const { code, out } = await hold("audit verify", { findings: [wrong] });
    expect(code).toBe(1);
    expect(out.lines[0]).toBe("WRONG  ledger/1:4096, lsn 12, session s, seq 3: crc does not match");
    expect((await hold("audit verify", { findings: [{ ok: true, file: "", position: 0, problem: "12 records" }] })).code).toBe(0);
  });
  test("verify names what witnesses say, where that is about no file", async () => {
    const finding = { ok: false, file: "", position: 0, problem: "witness: heads.txt holds no head" };
    expect((await hold("audit verify --witness heads.txt", { findings: [finding] })).out.lines[0]).toBe(
      "WRONG  witness: heads.txt holds no head",
    );
  });
  test("heads prints a line to keep; what a relay has kept and the host contradicts is a failure", async () => {
    const head = { lsn: 12, atUnixMs: nowMs, chain: new Uint8Array(32), signature: new Uint8Array(64) };
    const hostId = "0123456789abcdef0123456789abcdef";
    const client = (found: string) =>
      host({
        status: async () => ({ hostId }) as never,
        witness: { head: async () => head, compare: async () => found } as never,
      });
    const alone = await hold("audit heads", { client: client("later") });
    expect([alone.code, alone.out.text]).toEqual([0, `${hostId} 12 ${nowMs} ${"00".repeat(32)} ${"00".repeat(64)}\n`]);
    const kept = { hostId, heads: [{ ...head, lsn: 9 }], conflicts: [] };
    const agreed = await hold("audit heads", { client: client("later"), kept });
    expect([agreed.code, agreed.err.text]).toEqual([0, expect.stringContaining("kept it up to record 9")]);
    const denied = await hold("audit heads", { client: client("truncated"), kept });
    expect([denied.code, denied.err.text]).toEqual([
      1,
      expect.stringContaining("[witness_contradicted] the relay has kept record 9"),
    ]);
  });
  test("accept asks first, and says whether the host's alarms are over too", async () => {
    const accepted: string[] = [];
    const client = (atHost: boolean) =>
      host({
        witness: { checked: async () => null, accept: async () => note(accepted, ["accepted"], { atHost }) } as never,
      });
    expect((await hold("audit accept", { client: client(true) })).code).toBe(2);
    expect((await hold("audit accept", { client: client(true), tty: true, stdin: "n" })).code).toBe(1);
    expect(accepted).toEqual([]);
    const yes = await hold("audit accept", { client: client(true), tty: true, stdin: "y" });
    expect([yes.code, yes.err.text]).toEqual([0, expect.stringContaining("here and by the host")]);
    const own = await hold("audit accept --yes", { client: client(false) });
    expect([own.code, own.err.text]).toEqual([0, expect.stringContaining("until an admin of it accepts")]);
  });
  test("status and doctor tell of what contradicts the record", async () => {
    const alarm = {
      found: "truncated",
      by: "ana\x1b[2J",
      lastLsn: 8n,
      atUnixMs: BigInt(nowMs),
      head: { lsn: 12n, atUnixMs: BigInt(nowMs) },
    };
    const status = {
      addresses: {},
      uplinks: [],
      limits: {},
      notices: [],
      witnessAlarms: [alarm],
      lagUsP99: 0n,
      rssBytes: 0n,
      journalBytes: 0n,
    };
    const client = host({ status: async () => status as never });
    const shown = await hold("host status", { client });
    expect(shown.err.text).toMatch(/\[witness_contradicted\] the record contradicts record 12, signed .* and kept by ana/);
    expect(shown.err.text).not.toContain("\x1b");
    const { out } = await hold("doctor --json", { client, home: folder(), configFolder: folder() });
    const record = out.lines.map((l) => JSON.parse(l)).find((c) => c.what === "record");
    expect(record).toMatchObject({ state: "wrong", next: expect.stringContaining("hold audit accept") });
  });
  test("show leaves out what was printed, unless it is asked for", async () => {
    const records = [
      { session: "s", event: event(1, "attached", { client: "hold" }), own: null, lsn: 1 },
      { session: "s", event: { ...event(2, "x"), body: undefined } as never, own: null, lsn: 2 },
      { session: "host", event: null, own: { type: "frozen" }, lsn: 3 },
    ];
    expect((await hold("audit show --json", { records })).out.lines.map((l) => JSON.parse(l).kind)).toEqual([
      "attached",
      "journal",
    ]);
    expect((await hold("audit show --json --kind output", { records })).out.lines).toHaveLength(1);
    expect((await hold("audit show --since yesterday", { records })).code).toBe(2);
    const records2 = ["opened", "frozen", "of a newer version"].map((type, i) => ({
      session: "host",
      event: null,
      own: { type, life: 22, why: "ENOSPC\x1b[2J" },
      lsn: i + 1,
    }));
    const { out } = await hold("audit show", { records: records2 });
    expect(out.lines.map((l) => l.replace(/^host +/, ""))).toEqual([
      "journal opened, for the 22nd time",
      expect.stringMatching(/^journal frozen: ENOSPC.*\[2J$/),
      expect.stringContaining('"of a newer version"'),
    ]);
    expect(out.text).not.toContain("\x1b");
  });
});

describe("--json of what acts", () => {
  const acting = (seen: unknown[]) =>
    host({
      listed: [session()],
      signal: async (...a) => void seen.push(a),
      rename: async (...a) => void seen.push(a),
      resize: async (...a) => void seen.push(a),
      remove: async (...a) => void seen.push(a),
      operatorRevoke: async (...a) => void seen.push(a),
      operatorList: async () =>
        [
          { id: "ana", name: "ana", kind: 1, role: "operator", capabilities: [], keyIds: [], keys: [], protectedKeyIds: [] },
        ] as never,
    });
  test.each([
    ["signal work TERM --to tree", { id: "01jdwork0000", signal: "SIGTERM", number: 15, to: "tree" }],
    ["rename work deploy", { id: "01jdwork0000", state: "running" }],
    ["resize work 100x30", { id: "01jdwork0000", size: { cols: 80, rows: 24 } }],
    ["rm work", { id: "01jdwork0000", name: "work", removed: true }],
    ["operator revoke ana", { id: "ana", revoked: true }],
  ])("`hold %s` tells on what it acted", async (line, says) => {
    const seen: unknown[] = [];
    const { code, out } = await hold(`${line} --json`, { client: acting(seen) });
    expect([code, out.lines.length, seen.length]).toEqual([0, 1, 1]);
    expect(JSON.parse(out.text)).toMatchObject(says);
  });
  test("`hold config set` tells what it wrote and where", async () => {
    const configFolder = folder();
    const { out } = await hold("config set attach.prefix C-a --json", { configFolder });
    expect(JSON.parse(out.text)).toEqual({
      key: "attach.prefix",
      value: "C-a",
      source: "config",
      file: join(configFolder, "config.toml"),
    });
  });
  test("every command that changes something has it, but for those that are a terminal's or an editor's", () => {
    const without = commands.filter((c) => !("json" in c.flags) && !c.hidden).map((c) => c.path.join(" "));
    expect(without).toEqual([
      "attach",
      "export",
      "audit export",
      "mcp",
      "policy edit",
      "host logs",
      "host install",
      "config edit",
      "help",
      "completion",
    ]);
  });
});

describe("several sessions at once", () => {
  test("what can't be ended keeps none of the others from it, and the failure says what was done", async () => {
    const killed: string[] = [];
    const client = host({
      listed: ["s1", "s2", "s3"].map((name) => session({ name, id: name })),
      kill: async (name) => {
        if (name === "nosuch") return refused("no_such_session", 'no session "nosuch"')();
        killed.push(name);
        return session({ name, state: 2 });
      },
    });
    const { code, err } = await hold("kill s1 nosuch s2", { client });
    expect([code, killed]).toEqual([3, ["s1", "s2"]]);
    expect(err.text).toMatch(/no session "nosuch".*ended: s1, s2/);
    expect(JSON.parse((await hold("kill s1 nosuch s2 --json", { client })).err.text).details).toMatchObject({
      done: "s1,s2",
      failed: "nosuch",
    });
  });
  test("a link that is gone is the end of it, and what was not asked for is named", async () => {
    const client = host({ kill: refused("unreachable", "the link ended") as never });
    expect((await hold("kill a b", { client })).err.text).toMatch(/ended: none; not asked: b/);
  });
});

describe("host down", () => {
  const leaving = host({ status: async () => ({ running: 2 }) as never, down: async () => undefined });
  test("a host that answers is asked to go and waited for; one that does not is ended by its keeper", async () => {
    const asked: object[] = [];
    const hostDown = async (o: object) => note(asked, [o], true);
    const well = await hold("host down --json", { client: leaving, hostDown });
    expect([well.code, JSON.parse(well.out.text)]).toEqual([0, { down: true, ran: true, running: 2 }]);
    const ill = await hold("host down --json", { hostDown });
    expect([ill.code, JSON.parse(ill.out.text)]).toEqual([0, { down: true, ran: true, running: null }]);
    expect(asked).toEqual([{ end: false }, { end: true }]);
    expect(JSON.parse((await hold("host down --json")).out.text)).toEqual({ down: true, ran: false, running: null });
  });
  test("it fails while one is there still", async () => {
    const hostDown = refused("unreachable", "the host is not down: its keeper runs as pid 7") as never;
    const { code, err } = await hold("host down", { client: leaving, hostDown });
    expect([code, err.text]).toEqual([5, expect.stringContaining("pid 7")]);
  });
});

describe("attach", () => {
  test("takes the carrier that is built, and says which that is", async () => {
    expect((await hold("attach work --carrier unix", { client: host({}) })).code).toBe(3);
    const { code, err } = await hold("attach work --carrier ssh", { client: host({}) });
    expect([code, err.text]).toEqual([2, expect.stringMatching(/unix/)]);
  });
});

describe("operators", () => {
  test("add makes a key and gives it a kind and a role", async () => {
    const seen: object[] = [];
    const client = host({
      operatorAdd: async (o) =>
        note(seen, [o], {
          id: "op-bot",
          name: o.name,
          kind: 3,
          role: o.role,
          capabilities: [],
          addedUnixMs: 0n,
          addedBy: "",
          revoked: false,
          keyIds: [],
          keys: [],
          protectedKeyIds: [],
          onBehalfOf: "",
        }) as never,
    });
    const { out } = await hold("operator add bot --kind ai --on-behalf-of ana --json", { client });
    expect(seen[0]).toMatchObject({ name: "bot", kind: 3, role: "operator", onBehalfOf: "ana" });
    expect(JSON.parse(out.text)).toMatchObject({ id: "op-bot", kind: "ai", key: "/keys/bot" });
  });
  test("a key that is made here may be kept by a passphrase, one of elsewhere may be said to be kept; else it is not protected", async () => {
    const seen: { protected?: boolean }[] = [];
    const made: unknown[] = [];
    const client = host({
      operatorAdd: async (o) =>
        note(seen, [o], {
          id: o.name,
          name: o.name,
          kind: 1,
          role: o.role,
          capabilities: [],
          keyIds: [],
          protectedKeyIds: [],
        }) as never,
    });
    const keys = { generate: async (...a: unknown[]) => note(made, [a], { publicKey: new Uint8Array(32), path: "/k" }) };
    const raw = "00".repeat(32);
    await hold("operator add eva --role approver --passphrase", { client, keys, passphrase: "correct horse" });
    await hold(`operator add ben --role approver --public-key ${raw} --protected`, { client, keys });
    await hold("operator add ana", { client, keys });
    expect(seen.map((o) => o.protected)).toEqual([true, true, undefined]);
    expect(made).toEqual([
      ["eva", "correct horse"],
      ["ana", undefined],
    ]);
    for (const line of [`operator add x --public-key ${raw} --passphrase`, "operator add x --protected"])
      expect((await hold(line, { client, keys })).err.text).toContain("[usage]");
    expect(seen.length).toBe(3);
  });
  test("an operator that the host refuses leaves no key behind; one that it may have added keeps it", async () => {
    const discarded: string[] = [];
    const keys = { discard: async (path: string) => void discarded.push(path) };
    for (const code of ["not_permitted", "no_such_operator", "unreachable"])
      await hold("operator add zed --kind ai --on-behalf-of nosuch", {
        client: host({ operatorAdd: refused(code, "no") as never }),
        keys,
      });
    expect(discarded).toEqual(["/keys/zed", "/keys/zed"]);
  });
  test("a key that is there already is not written over", async () => {
    expect((await hold("operator add ana", { client: host({}), keys: { names: async () => ["ana"] } })).code).toBe(2);
  });
});

describe("redact", () => {
  test("text is looked for, and every event that holds it is erased once", async () => {
    const seen: object[] = [];
    const client = host({
      listed: [session()],
      search: async () => [{ seq: 4n }, { seq: 4n }, { seq: 9n }] as never,
      redact: async (_s, what) => note(seen, [what], 2),
    });
    const { out } = await hold("redact work --match hunter2 --reason leak --json -y", { client });
    expect(seen).toMatchObject([{ seqs: [4, 9], reason: "leak" }]);
    expect(JSON.parse(out.text)).toEqual({ redacted: 2 });
  });
  test("half a range and no aim at all are refused", async () => {
    for (const line of ["redact work", "redact work --from 3", "redact work --from 9 --to 3", "redact work --seq x"])
      expect((await hold(line, { client: host({}) })).code).toBe(2);
  });
});

describe("settings", () => {
  test("set writes a checked value, get and config read it back with its source", async () => {
    const configFolder = folder();
    const world = { client: host({}), configFolder };
    expect((await hold("config set attach.prefix C-a", world)).code).toBe(0);
    expect((await hold("config get attach.prefix", world)).out.text).toBe("C-a\n");
    expect(JSON.parse((await hold("config --json", world)).out.text).settings["attach.prefix"]).toEqual({
      value: "C-a",
      source: "config",
    });
    expect((await hold("config set attach.prefix hello", world)).code).toBe(2);
    expect((await hold("config set attach.prefx C-a", world)).err.text).toContain("did you mean attach.prefix");
  });
  test("C2, C3: a wrong value and an unknown key are told with their line, and stop only what uses them", async () => {
    const configFolder = folder();
    const file = join(configFolder, "config.toml");
    writeFileSync(file, '[attach]\nstatus = "5"\nprefx = "C-a"\n\n[bogus]\nx = 1\n');
    const world = { client: host({ listed: [session()], kill: async () => session({ state: 2 }) }), configFolder };
    for (const line of ["ls", "show work", "kill work", "config", "config get attach.prefix"])
      expect([line, (await hold(line, world)).code]).toEqual([line, 0]);
    const { problems } = JSON.parse((await hold("config --json", world)).out.text) as { problems: string[] };
    expect(problems).toEqual([
      `${file}:3: there is no setting "attach.prefx"; did you mean attach.prefix or attach.screen?`,
      `${file}:6: there is no setting "bogus.x"`,
      expect.stringMatching(/:2: attach\.status is "5" and must be a duration/),
    ]);
    expect((await hold("config", world)).err.text).toContain("attach.prefx");
    const settings = (await hold("doctor --json", { ...world, home: configFolder })).out.lines.map((l) => JSON.parse(l));
    expect(settings.find((c) => c.what === "settings")).toMatchObject({ state: "wrong" });
    const { loadSettings } = await import("../config/settings.ts");
    const read = await loadSettings(configFolder, {});
    expect(() => read.statusMs).toThrow("attach.status");
    expect(read.prefix).toBe("\x11");
  });
  test("the environment wins over the file", async () => {
    const { out } = await hold("config get attach.prefix --json", { configFolder: folder(), env: { HOLDFAST_PREFIX: "C-b" } });
    expect(JSON.parse(out.text)).toEqual({ key: "attach.prefix", value: "C-b", source: "environment" });
  });
});

describe("doctor", () => {
  test("every check says something, and each that found something the next step", async () => {
    const { out } = await hold("doctor --json", { home: folder(), configFolder: folder() });
    const checks = out.lines.map((l) => JSON.parse(l));
    expect(checks.map((c) => c.what)).toEqual([
      "node",
      "shim",
      "home",
      "machine id",
      "host",
      "record",
      "lingering",
      "cgroup",
      "disk",
      "terminal",
      "settings",
    ]);
    for (const c of checks) if (c.state === "wrong") expect(c.next).toBeTruthy();
    expect(checks.find((c) => c.what === "host")).toMatchObject({ state: "note", found: "none runs" });
  });
});
