import { HoldError } from "@holdfast/sdk";
import { describe, expect, test } from "vitest";
import { hold, host, nowMs, session } from "../app/fake.ts";

const refused = (code: string, message: string) => () =>
  Promise.reject(Object.assign(new Error(message), { name: "HoldError", code }));
const note = <T>(seen: unknown[], what: readonly unknown[], answer: T): T => {
  seen.push(...what);
  return answer;
};

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

describe("attach", () => {
  test("takes the carrier that is built, and says which that is", async () => {
    expect((await hold("attach work --carrier unix", { client: host({}) })).code).toBe(3);
    const { code, err } = await hold("attach work --carrier ssh", { client: host({}) });
    expect([code, err.text]).toEqual([2, expect.stringMatching(/unix/)]);
  });
});
