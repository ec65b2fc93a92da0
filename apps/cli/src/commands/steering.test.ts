import { describe, expect, test } from "vitest";
import { floor, hold, host, session } from "../app/fake.ts";

const note = <T>(seen: unknown[], what: readonly unknown[], answer: T): T => {
  seen.push(...what);
  return answer;
};

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
