import { expect, test } from "vitest";
import { group } from "./group.ts";
import { assumed, limitsOfCode, type Measured } from "./inputs.ts";
import { attachmentsPerCell, breaks, grow, natsAt, type Parts, watched } from "./model.ts";

const measured: Measured = {
  ...{ at: "", machine: "", versions: "", load: { before: "", after: "" } },
  relay: {
    ...{ hosts: 1_000, attachments: 10_000, baseKib: 50_000, kibPerHost: 100, kibPerAttachment: 100 },
    ...{ cpuMsPerHostJoin: 2, cpuMsPerAttach: 4, cpuMsPerDial: 2 },
    ...{ idleCpuUsPerHostSecond: 30, idleCpuUsPerAttachmentSecond: 30, idleBytesPerAttachmentSecond: 10 },
    ...{ attachSeconds: 0, dialMs: { p50: 0, p99: 0 }, operatorKib: 100, hostKibPerAttachment: 100 },
    ...{ mbPerCpuSecond: 200, hostMbPerCpuSecond: 100, mbPerSecond: 100, mbPerSecondOf8: 100, storm: null, crossing: null },
  },
  nats: {
    ...{ version: "", baseKib: 20_000, cpuUsPerMessage: 2, cpuMsPerMb: 1, requestUs: { p50: 0, p99: 0 } },
    ...{ cpuUsPerPut: 30, putUs: { p50: 0, p99: 0 }, cpuUsPerGet: 15, kibPerKey: 1, kibPerConnection: 20 },
  },
};
const parts: Parts = { measured, assumed, group };
/** The same with one figure of the relay's another. */
const withRelay = (relay: Partial<Measured["relay"]>): Parts => ({
  ...parts,
  measured: { ...measured, relay: { ...measured.relay, ...relay } },
});

test("what fits into one relay needs no NATS; what does not has a relay to spare", () => {
  expect(grow(parts, 1_000)).toMatchObject({ cells: 1, relays: 1, natsServers: 0, putsPerSecond: 0 });
  const { relays, natsServers } = grow(parts, 100_000);
  expect(natsServers).toBe(3);
  expect(relays).toBeGreaterThan(2);
});

test("the tightest of memory, processor and connections says how many relays there are", () => {
  expect(grow(withRelay({ kibPerAttachment: 1_000 }), 100_000).boundBy).toBe("memory");
  expect(grow(withRelay({ idleCpuUsPerAttachmentSecond: 1_000 }), 100_000).boundBy).toBe("processor");
  const light = withRelay({ kibPerAttachment: 1, kibPerHost: 1, idleCpuUsPerAttachmentSecond: 0, idleCpuUsPerHostSecond: 0 });
  expect(grow({ ...light, assumed: { ...assumed, activeShare: 0, linksBrokenPerAttachmentHour: 0 } }, 1e6).boundBy).toBe(
    "connections",
  );
});

test("a cell is as large as its NATS can bear, and no larger", () => {
  const { byLeader, byServers } = attachmentsPerCell(parts);
  const most = Math.min(byLeader, byServers);
  expect(grow(parts, most)).toMatchObject({ cells: 1, natsServers: assumed.natsServers });
  expect(grow(parts, most + 1).cells).toBe(2);
  expect(natsAt(parts, byLeader).leaderCores).toBeLessThanOrEqual(assumed.plannedShare);
  expect(natsAt(parts, byLeader * 1.01).leaderCores).toBeGreaterThan(assumed.plannedShare);
});

test("pings that are half as often, and looks, make cells larger", () => {
  const slower = { ...parts, group: { ...group, pingSeconds: 2 * group.pingSeconds, lookSeconds: 2 * group.lookSeconds } };
  const [now, then] = [attachmentsPerCell(parts), attachmentsPerCell(slower)];
  expect([then.byLeader > now.byLeader, then.byServers > now.byServers]).toEqual([true, true]);
});

test("ten times the attachments cost about ten times the money, once there is more than one cell", () => {
  const [less, more] = [grow(parts, 1e6), grow(parts, 1e7)];
  expect(more.dollars / less.dollars).toBeGreaterThan(9);
  expect(more.dollars / less.dollars).toBeLessThan(11);
  expect(more.hosts).toBe(1e6);
});

test("more watchers than a host has tunnels are not let in; the host's cost grows with them, the tree's does not", () => {
  expect(watched(parts, limitsOfCode.tunnelsPerHost, 10_000).isAllowed).toBe(true);
  const many = watched(parts, 10_000, 10_000);
  expect(many).toMatchObject({ isAllowed: false, hostCores: 1, hostMegabits: 800, treeRelays: 1, treeLevels: 1 });
  expect(watched(parts, 100_000, 10_000)).toMatchObject({ hostCores: 10, treeRelays: 10, treeLevels: 2 });
});

test("what breaks first stands first, and each with the figure that it follows from", () => {
  const all = breaks(parts);
  expect(all.map(({ at }) => at)).toEqual(all.map(({ at }) => at).toSorted((a, b) => a - b));
  const memory = (p: Parts): number => breaks(p).find(({ what }) => what.includes("memory"))!.at;
  expect(memory(withRelay({ kibPerAttachment: 200 }))).toBeLessThan(memory(parts));
});
