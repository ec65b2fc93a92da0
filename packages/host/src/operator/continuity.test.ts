import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { continuity as room, MonotonicMs } from "@holdfast/core";
import { expect, onTestFinished, test } from "vitest";
import { Continuity, continuityFile, type ContinuityStore, type GivenToken, type PlaceOwner } from "./continuity.ts";

const ANA: PlaceOwner = { attachment: "a1", session: "s1", operator: "ana", keyId: "aa" };
const MINUTE = 60_000;

/** One machine: its clocks, what is due, and a disk that keeps what was saved. */
class Machine {
  monoMs = 0;
  wallMs = 1_000_000;
  bootId = "boot 1";
  disk = "[]";
  full = false;
  readonly logged: string[] = [];
  #due: { at: number; run(): void }[] = [];
  /** Of this life of the host: one that died has no timers. */
  #startedAt = 0;

  host(store: ContinuityStore | null = this.store): Continuity {
    this.#due = [];
    this.#startedAt = this.monoMs;
    const clock = {
      monoMs: () => MonotonicMs(this.monoMs - this.#startedAt),
      monoNs: () => BigInt(Math.round(this.monoMs * 1e6)),
      wallMs: () => this.wallMs,
    };
    return new Continuity({
      ports: {
        clock,
        wakeAt: (at, run) => {
          this.#due.push({ at: at + this.#startedAt, run });
          return () => {};
        },
        log: (text) => void this.logged.push(text),
      },
      bootId: this.bootId,
      store,
    });
  }

  get store(): ContinuityStore {
    return {
      load: () => JSON.parse(this.disk) as unknown,
      save: async (all) => {
        if (this.full) throw new Error("ENOSPC");
        this.disk = JSON.stringify(all);
      },
    };
  }

  pass(ms: number): void {
    this.monoMs += ms;
    this.wallMs += ms;
    for (const due of this.#due.splice(0)) {
      if (due.at <= this.monoMs) due.run();
      else this.#due.push(due);
    }
  }
}

function given(continuity: Continuity, owner = ANA, graceMs = 10 * MINUTE): Promise<GivenToken> {
  return new Promise((resolve) => continuity.begin(owner, graceMs, "link 1", resolve));
}

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return "taken";
  } catch (fault) {
    return (fault as { code: string }).code;
  }
};

test("a place is kept for its whole time over any number of hosts' lives, and not a second longer", async () => {
  const machine = new Machine();
  const first = machine.host();
  const token = await given(first);
  first.lost("a1", "link 1");
  await expect.poll(() => machine.disk).toContain("interrupted");
  machine.pass(4 * MINUTE);
  const second = machine.host();
  machine.pass(4 * MINUTE);
  const third = machine.host();
  machine.pass(2 * MINUTE - 1_000);
  const early = machine.disk;
  expect(third.take(token, "aa", "link 2")).toEqual(ANA);
  machine.disk = early;
  machine.pass(2_000);
  const late = machine.host();
  expect(codeOf(() => late.take(token, "aa", "link 3"))).toBe("continuity_over");
  expect(second.size).toBe(1);
});

test("a clock that is set neither shortens nor lengthens the time, and one that stands before the token after a reboot ends it", async () => {
  const machine = new Machine();
  const host = machine.host();
  const token = await given(host);
  host.lost("a1", "link 1");
  await expect.poll(() => machine.disk).toContain("interrupted");
  machine.wallMs += 86_400_000;
  expect(codeOf(() => machine.host().take(token, "aa", "link 2"))).toBe("taken");
  machine.wallMs = 5;
  machine.bootId = "boot 2";
  expect(codeOf(() => machine.host().take(token, "aa", "link 2"))).toBe("continuity_over");
});

test("another device's key, a wrong secret and a made-up handle are refused alike, and the one whose place it is comes back", async () => {
  const host = new Machine().host();
  const token = await given(host);
  host.lost("a1", "link 1");
  const wrong = [
    () => host.take(token, "bb", "thief"),
    () => host.take({ ...token, secret: new Uint8Array(32) }, "aa", "thief"),
    () => host.take({ ...token, handle: new Uint8Array(16) }, "aa", "thief"),
    () => host.take({ ...token, n: 7 }, "aa", "thief"),
    () => host.take({ ...token, n: 2 ** 32 - 1 }, "aa", "thief"),
  ];
  for (const attempt of wrong) expect(codeOf(attempt)).toBe("continuity_unknown");
  expect(codeOf(() => host.take(token, "aa", "link 2"))).toBe("taken");
});

test("of 200 takers of one token at once one gets in", async () => {
  const host = new Machine().host();
  const token = await given(host);
  host.lost("a1", "link 1");
  const outcomes = Array.from({ length: 200 }, (_, i) => codeOf(() => host.take(token, "aa", `link ${i + 2}`)));
  expect(outcomes.filter((code) => code === "taken")).toHaveLength(1);
  expect(outcomes.filter((code) => code === "continuity_busy")).toHaveLength(199);
});

test("a used token is told of once, and ends the place for every host after this one", async () => {
  const machine = new Machine();
  const host = machine.host();
  const copied: string[] = [];
  host.onCopied = (owner) => void copied.push(owner.attachment);
  const token = await given(host);
  host.take(token, "aa", "link 2");
  const next = await new Promise<GivenToken>((resolve) => host.taken("a1", "link 2", resolve));
  host.acked("a1", next.n);
  expect(codeOf(() => host.take(token, "aa", "link 3"))).toBe("continuity_copied");
  expect(codeOf(() => host.take(next, "aa", "link 4"))).toBe("continuity_copied");
  expect(copied).toEqual(["a1"]);
  await expect.poll(() => machine.disk).toContain("copied");
  expect(codeOf(() => machine.host().take(next, "aa", "link 5"))).toBe("continuity_copied");
});

test("who is revoked has no place any more, and neither has one of their keys that is", async () => {
  const machine = new Machine();
  const host = machine.host();
  const mine = await given(host);
  const other = await given(host, { ...ANA, attachment: "a2", keyId: "bb" });
  host.revoked("ana", "bb");
  expect(codeOf(() => host.take(other, "bb", "link 2"))).toBe("continuity_unknown");
  expect(codeOf(() => host.take(mine, "aa", "link 3"))).toBe("taken");
  host.revoked("ana");
  expect(codeOf(() => host.take(mine, "aa", "link 4"))).toBe("continuity_unknown");
  await expect.poll(() => machine.disk).toBe("[]");
});

test("where the disk takes nothing no token is given, and the log says why", async () => {
  const machine = new Machine();
  machine.full = true;
  const host = machine.host();
  let told = false;
  host.begin(ANA, 10 * MINUTE, "link 1", () => {
    told = true;
  });
  await expect.poll(() => machine.logged.join()).toContain("ENOSPC");
  expect(told).toBe(false);
});

test("a session without grace keeps no place, and one with too much keeps it for a day", async () => {
  const host = new Machine().host();
  host.begin(ANA, 0, "link 1", () => expect.unreachable());
  expect(host.size).toBe(0);
  expect((await given(host, ANA, 1e12)).graceMs).toBe(room.MAX_GRACE_MS);
});

test("places are bounded: the interrupted make room, and clients that are there do not", async () => {
  const host = new Machine().host();
  for (let i = 0; i < 1_024; i++) host.begin({ ...ANA, attachment: `a${i}` }, MINUTE, `link ${i}`, () => {});
  host.begin({ ...ANA, attachment: "one more" }, MINUTE, "link", () => expect.unreachable());
  expect(host.size).toBe(1_024);
  host.lost("a7", "link 7");
  await expect(given(host, { ...ANA, attachment: "one more" })).resolves.toBeDefined();
  expect(host.size).toBe(1_024);
});

test("the file holds no secret and is its user's alone; one that can't be read costs places and nothing else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-continuity-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "continuity.json");
  const machine = new Machine();
  const token = await given(machine.host(continuityFile(path)));
  const text = readFileSync(path, "utf8");
  for (const encoding of ["hex", "base64", "base64url"] as const)
    expect(text).not.toContain(Buffer.from(token.secret).toString(encoding));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, "{ half");
  expect(machine.host(continuityFile(path)).size).toBe(0);
  expect(machine.logged.join()).toContain("can't be read");
});
