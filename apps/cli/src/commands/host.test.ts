import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hold, host } from "../app/fake.ts";

const refused = (code: string, message: string) => () =>
  Promise.reject(Object.assign(new Error(message), { name: "HoldError", code }));
const note = <T>(seen: unknown[], what: readonly unknown[], answer: T): T => {
  seen.push(...what);
  return answer;
};
const folder = () => mkdtempSync(join(tmpdir(), "hold-cli-"));

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
