import { describe, expect, test } from "vitest";
import { hold, host, session } from "../app/fake.ts";

const refused = (code: string, message: string) => () =>
  Promise.reject(Object.assign(new Error(message), { name: "HoldError", code }));

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
