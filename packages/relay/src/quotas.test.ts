import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { Quotas, USUAL_LIMITS } from "./quotas.ts";
import { data, Host, Key, Scene } from "./test/scene.ts";

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return "done";
  } catch (fault) {
    return (fault as { code: string }).code;
  }
};

test("a fleet has so many hosts here at once: one that dials again is the one that it was, one that leaves makes room", () => {
  const quotas = Quotas.open(null);
  quotas.set("lab", { hosts: 2 });
  const [first] = [quotas.host("lab", "a"), quotas.host("lab", "b")];
  expect(codeOf(() => quotas.host("lab", "c"))).toBe("too_many");
  const again = quotas.host("lab", "a");
  first();
  first();
  expect(quotas.usedBy("lab").hosts).toBe(2);
  again();
  expect(codeOf(() => quotas.host("lab", "c"))).toBe("done");
  expect(codeOf(() => quotas.host("home", "d"))).toBe("done");
  expect(quotas.fullest).toBe(1);
});

test("a fleet beyond its rate waits as long as it is ahead, and what it did not use is saved up for a second", () => {
  let now = 0;
  const quotas = Quotas.open(null, () => now);
  quotas.set("lab", { bytesPerSecond: 1_000 });
  expect(quotas.passed("lab", 900)).toBe(0);
  expect(quotas.passed("lab", 600)).toBe(500);
  now = 500;
  expect(quotas.passed("lab", 100)).toBe(100);
  now = 100_000;
  expect([quotas.passed("lab", 1_000), quotas.passed("lab", 1)]).toEqual([0, 1]);
  expect(quotas.waitedMs).toBe(601);
  expect(quotas.usedBy("lab").passedBytes).toBe(2_601);
});

test("a fleet that is alone here has all of it; the usual rate binds where another is here, and one that was set always", () => {
  const quotas = Quotas.open(null, () => 0);
  const beyond = 3 * USUAL_LIMITS.bytesPerSecond;
  quotas.host("lab", "a");
  expect(quotas.passed("lab", beyond)).toBe(0);
  const leave = quotas.host("home", "b");
  expect(quotas.passed("lab", beyond)).toBe(2_000);
  leave();
  expect(quotas.passed("lab", beyond)).toBe(0);
  quotas.set("lab", { bytesPerSecond: beyond });
  expect(quotas.passed("lab", beyond)).toBeGreaterThan(0);
  quotas.set("lab", { bytesPerSecond: 0 });
  quotas.host("home", "b");
  expect(quotas.passed("lab", beyond)).toBe(0);
});

test("what was set is there again, what is no file of ours is said so, and as usual is as usual", () => {
  const folder = mkdtempSync(join(tmpdir(), "quotas-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "limits.json");
  const quotas = Quotas.open(path);
  quotas.set("lab", { hosts: 3 });
  expect(quotas.set("lab", { tunnels: 4 })).toEqual({ ...USUAL_LIMITS, hosts: 3, tunnels: 4 });
  expect(Quotas.open(path).limitsOf("lab")).toEqual({ ...USUAL_LIMITS, hosts: 3, tunnels: 4 });
  expect(codeOf(() => quotas.set("No Name", { hosts: 1 }))).toBe("bad_request");
  quotas.set("lab", {});
  expect(readFileSync(path, "utf8")).toBe("{}");
  writeFileSync(path, "{");
  expect(codeOf(() => Quotas.open(path))).toBe("internal");
});

test("one fleet's bounds leave another's hosts and tunnels alone", async () => {
  const scene = await Scene.start();
  const ana = new Key();
  const [lab, home] = [await scene.host("box", [ana], "lab"), await scene.host("box", [ana])];
  scene.relay.quotas.set("lab", { hosts: 1, tunnels: 1 });
  const second = await scene.dial(new Host(), { name: "two", token: await scene.token("lab") });
  await expect(second.registered()).rejects.toMatchObject({ code: "too_many" });
  const { near } = await scene.tunnel(ana, lab);
  expect((await (await scene.knock(ana, lab.id)).refused()).code).toBe("too_many");
  await scene.tunnel(ana, home);
  near.call.giveUp();
  await vi.waitFor(() => expect(scene.relay.quotas.usedBy("lab").tunnels).toBe(0), { timeout: 8_000 });
  await scene.tunnel(ana, lab);
});

test("a fleet that sends faster than its share is held back, byte for byte, and another's tunnel is not", async () => {
  const scene = await Scene.start();
  const ana = new Key();
  const [lab, home] = [await scene.host("box", [ana], "lab"), await scene.host("box", [ana])];
  scene.relay.quotas.set("lab", { bytesPerSecond: 512 * 1024 });
  const slow = await scene.tunnel(ana, lab);
  const quick = await scene.tunnel(ana, home);
  for (let i = 0; i < 32; i++) slow.near.call.write(data(Buffer.alloc(32 * 1024, 97 + (i % 26))));
  quick.near.call.write(data("ping"));
  await vi.waitFor(() => expect(quick.far.text).toBe("ping"), { timeout: 8_000, interval: 5 });
  await vi.waitFor(() => expect(slow.far.text.length).toBe(1024 * 1024), { timeout: 8_000, interval: 5 });
  expect(slow.far.text).toBe(Array.from({ length: 32 }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(32 * 1024)).join(""));
  // At what pace is told above, by a clock of the test's.
  expect(scene.relay.quotas.waitedMs).toBeGreaterThan(0);
});
