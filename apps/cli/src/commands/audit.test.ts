import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { event, hold, host, nowMs } from "../app/fake.ts";

const note = <T>(seen: unknown[], what: readonly unknown[], answer: T): T => {
  seen.push(...what);
  return answer;
};
const folder = () => mkdtempSync(join(tmpdir(), "hold-cli-"));

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
