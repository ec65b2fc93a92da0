import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { event, hold, host, replaying, session } from "../app/fake.ts";

const note = <T>(seen: unknown[], what: readonly unknown[], answer: T): T => {
  seen.push(...what);
  return answer;
};
const folder = () => mkdtempSync(join(tmpdir(), "hold-cli-"));

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
