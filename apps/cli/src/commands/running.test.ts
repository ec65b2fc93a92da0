import { HoldError } from "@holdfast/sdk";
import { describe, expect, test } from "vitest";
import { hold, host, session, type Sink } from "../app/fake.ts";

const refused = (code: string, message: string) => () =>
  Promise.reject(Object.assign(new Error(message), { name: "HoldError", code }));
const note = <T>(seen: unknown[], what: readonly unknown[], answer: T): T => {
  seen.push(...what);
  return answer;
};

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
