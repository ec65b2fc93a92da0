/**
 * How Holdfast grows, on paper: numbers of relays, NATS servers, bytes and dollars for so many hosts and attachments, from what one relay and one
 * nats-server were measured to cost. Pure: figures in, figures out.
 *
 *   M1  A relay process has one core. The number of them is what the tightest of memory, processor time and connections asks for, planned with a share.
 *   M2  With several relays an operator's and a host's are the same one by chance. All other tunnels cross: two relays, and NATS between.
 *   M3  A cell is a group of relays with a NATS cluster of their own, which knows nothing of other cells. It is as large as the leader of its bucket, and
 *       the cluster, can bear.
 *   M4  A message in a cluster is handled by two servers, and a put by as many as there are replicas.
 */
import type { Group } from "./group.ts";
import { type Assumed, limitsOfCode, type Measured } from "./inputs.ts";

export interface Parts {
  readonly measured: Measured;
  readonly assumed: Assumed;
  readonly group: Group;
}

export interface Grown {
  readonly hosts: number;
  readonly attachments: number;
  readonly cells: number;
  readonly relays: number;
  readonly boundBy: "memory" | "processor" | "connections";
  readonly natsServers: number;
  readonly keys: number;
  readonly putsPerSecond: number;
  readonly getsPerSecond: number;
  readonly messagesPerSecond: number;
  readonly cores: number;
  readonly gib: number;
  readonly megabitsOut: number;
  readonly dollars: number;
  /** What one attachment costs a month. */
  readonly centsEach: number;
}

const HOUR_S = 3_600;
const DAY_S = 86_400;
const MONTH_S = 30 * DAY_S;
const KIB_PER_GIB = 1024 * 1024;

/** Of one process, microseconds of processor time a second, for each attachment with its share of hosts: idle, coming back, and what is shown. */
export function cpuUsPerAttachment({ measured: { relay }, assumed }: Parts): {
  readonly idle: number;
  readonly dials: number;
  readonly bytes: number;
} {
  const { attachmentsPerHost, linksBrokenPerAttachmentHour, hostLinesBrokenPerDay } = assumed;
  const idle = relay.idleCpuUsPerAttachmentSecond + relay.idleCpuUsPerHostSecond / attachmentsPerHost;
  const attach = (linksBrokenPerAttachmentHour / HOUR_S) * relay.cpuMsPerAttach * 1000;
  const join = ((hostLinesBrokenPerDay / DAY_S) * relay.cpuMsPerHostJoin * 1000) / attachmentsPerHost;
  return { idle, dials: attach + join, bytes: bytesPerAttachment(assumed) / relay.mbPerCpuSecond };
}

function bytesPerAttachment({ activeShare, activeBytesPerSecond }: Assumed): number {
  return activeShare * activeBytesPerSecond;
}

/** M2: both relays together, against a tunnel of one. Without a measurement twice. */
function crossed({ measured: { relay } }: Parts): {
  readonly idle: number;
  readonly bytes: number;
  readonly kib: number;
  readonly attach: number;
} {
  const { crossing } = relay;
  if (!crossing) return { idle: 2, bytes: 2, kib: 2, attach: 2 };
  return {
    idle: crossing.idleCpuUsPerAttachmentSecond / relay.idleCpuUsPerAttachmentSecond,
    bytes: relay.mbPerCpuSecond / crossing.mbPerCpuSecond,
    kib: crossing.kibPerAttachment / relay.kibPerAttachment,
    attach: crossing.cpuMsPerAttach / relay.cpuMsPerAttach,
  };
}

/** M1. `crossing`: share of the tunnels. */
function relaysFor(parts: Parts, attachments: number, crossing: number): Pick<Grown, "boundBy"> & { readonly count: number } {
  const { measured, assumed } = parts;
  const { relay } = measured;
  const { plannedShare, processGib, attachmentsPerHost } = assumed;
  const { idle, dials, bytes } = cpuUsPerAttachment(parts);
  const more = crossed(parts);
  const times = (factor: number): number => 1 - crossing + crossing * factor;
  const cpuUs = idle * times(more.idle) + dials * times(more.attach) + bytes * times(more.bytes);
  const kib = relay.kibPerAttachment * times(more.kib) + relay.kibPerHost / attachmentsPerHost;
  const needs = {
    processor: (attachments * cpuUs) / 1e6 / plannedShare,
    memory: (attachments * kib) / (processGib * KIB_PER_GIB * plannedShare - relay.baseKib),
    connections: (attachments * (1 + 1 / attachmentsPerHost)) / (limitsOfCode.connections * plannedShare),
  };
  const [[boundBy, most]] = Object.entries(needs).toSorted(([, a], [, b]) => b - a) as [[Grown["boundBy"], number]];
  return { boundBy, count: Math.max(1, Math.ceil(most)) };
}

interface Nats {
  readonly keys: number;
  readonly putsPerSecond: number;
  readonly getsPerSecond: number;
  readonly messagesPerSecond: number;
  /** Of the leader of the bucket of hosts, busy with it alone. */
  readonly leaderCores: number;
  /** Of all servers, busy. */
  readonly cores: number;
  readonly gib: number;
}

/** Of one cell. */
function natsOf({ measured: { nats }, assumed, group }: Parts, attachments: number, relays: number): Nats {
  const { attachmentsPerHost, doorsPerHost, hostLinesBrokenPerDay, linksBrokenPerAttachmentHour } = assumed;
  const hosts = attachments / attachmentsPerHost;
  const claims = (hosts * hostLinesBrokenPerDay) / DAY_S;
  const crossing = attachments * (1 - 1 / relays);
  const knocks = (crossing * linksBrokenPerAttachmentHour) / HOUR_S;
  const keys = hosts * (1 + doorsPerHost);
  // A door is of one line: with a new line each is read and written again.
  const putsPerSecond = claims * (1 + doorsPerHost) + relays / group.aliveSeconds;
  const getsPerSecond = claims * doorsPerHost + hosts / group.lookSeconds + knocks * group.getsPerKnock;
  const pieces = assumed.activeShare * assumed.activePiecesPerSecond;
  const messagesPerSecond = crossing * (2 / group.pingSeconds + pieces) + claims * relays + 2 * knocks;
  const leaderUs = putsPerSecond * nats.cpuUsPerPut + getsPerSecond * nats.cpuUsPerGet;
  const cpuUs =
    putsPerSecond * nats.cpuUsPerPut * group.replicas +
    getsPerSecond * nats.cpuUsPerGet +
    // M4.
    2 * (messagesPerSecond * nats.cpuUsPerMessage + ((crossing * bytesPerAttachment(assumed)) / 1e6) * nats.cpuMsPerMb * 1000);
  const kib = keys * nats.kibPerKey * group.replicas + relays * nats.kibPerConnection + group.replicas * nats.baseKib;
  return {
    ...{ keys, putsPerSecond, getsPerSecond, messagesPerSecond },
    leaderCores: leaderUs / 1e6,
    cores: cpuUs / 1e6,
    gib: kib / KIB_PER_GIB,
  };
}

const serversFor = ({ assumed, group }: Parts, { cores }: Nats): number =>
  Math.max(group.replicas, Math.ceil(cores / assumed.plannedShare / assumed.natsServerCores));

/** M3: the largest number of attachments at which this holds. */
function largest(fits: (attachments: number) => boolean): number {
  let [low, high] = [1, 1e10];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Of a cell of so many, with as many relays as those ask for. */
export const natsAt = (parts: Parts, attachments: number): Nats =>
  natsOf(parts, attachments, relaysFor(parts, attachments, 1).count + 1);

/** M3. */
export function attachmentsPerCell(parts: Parts): { readonly byLeader: number; readonly byServers: number } {
  const { assumed } = parts;
  return {
    byLeader: largest((attachments) => natsAt(parts, attachments).leaderCores <= assumed.plannedShare),
    byServers: largest((attachments) => serversFor(parts, natsAt(parts, attachments)) <= assumed.natsServers),
  };
}

export function grow(parts: Parts, attachments: number): Grown {
  const { assumed, measured } = parts;
  const { relay } = measured;
  const cells = Math.ceil(attachments / Math.min(...Object.values(attachmentsPerCell(parts))));
  const each = attachments / cells;
  const alone = relaysFor(parts, each, 0);
  const isAlone = alone.count === 1 && cells === 1;
  const { boundBy, count } = isAlone ? alone : relaysFor(parts, each, 1);
  // One more, so that one may die.
  const relays = isAlone ? 1 : count + 1;
  const nats = natsOf(parts, each, relays);
  const natsServers = isAlone ? 0 : serversFor(parts, nats);
  const cores = cells * (relays + natsServers * assumed.natsServerCores);
  const times = isAlone ? 1 : crossed(parts).kib;
  const kibHeld =
    each * (relay.kibPerAttachment * times + relay.kibPerHost / assumed.attachmentsPerHost) + relays * relay.baseKib;
  const gib = cells * (kibHeld / KIB_PER_GIB / assumed.plannedShare + (isAlone ? 0 : Math.max(natsServers, nats.gib)));
  const shown = attachments * (bytesPerAttachment(assumed) + relay.idleBytesPerAttachmentSecond);
  const terabytes = (shown * MONTH_S) / 1e12;
  const dollars = cores * assumed.dollarsPerCore + gib * assumed.dollarsPerGib + terabytes * assumed.dollarsPerTerabyteOut;
  const ofCells = (value: number): number => (isAlone ? 0 : cells * value);
  return {
    ...{ hosts: attachments / assumed.attachmentsPerHost, attachments, cells, boundBy, cores, gib, dollars },
    relays: cells * relays,
    natsServers: cells * natsServers,
    keys: ofCells(nats.keys),
    putsPerSecond: ofCells(nats.putsPerSecond),
    getsPerSecond: ofCells(nats.getsPerSecond),
    messagesPerSecond: ofCells(nats.messagesPerSecond),
    megabitsOut: (shown * 8) / 1e6,
    centsEach: (dollars / attachments) * 100,
  };
}

export interface Watched {
  readonly watchers: number;
  readonly isAllowed: boolean;
  /** Today: the host has a channel for each of them, and encrypts for each. */
  readonly hostCores: number;
  readonly hostMegabits: number;
  readonly hostGib: number;
  readonly relayCores: number;
  /** Not built: one ciphertext, copied by relays. */
  readonly treeLevels: number;
  readonly treeRelays: number;
}

/** One session that so many watch, at so many bytes a second. */
export function watched({ measured: { relay }, assumed }: Parts, watchers: number, bytesPerSecond: number): Watched {
  const mb = (watchers * bytesPerSecond) / 1e6;
  const copiesPerRelay = Math.floor((relay.mbPerCpuSecond * assumed.plannedShare * 1e6) / bytesPerSecond);
  return {
    watchers,
    isAllowed: watchers <= limitsOfCode.tunnelsPerHost,
    hostCores: mb / relay.hostMbPerCpuSecond,
    hostMegabits: mb * 8,
    hostGib: (watchers * relay.hostKibPerAttachment) / KIB_PER_GIB,
    relayCores: mb / relay.mbPerCpuSecond,
    treeLevels: Math.max(1, Math.ceil(Math.log(watchers) / Math.log(Math.max(2, copiesPerRelay)))),
    treeRelays: Math.max(1, Math.ceil(watchers / copiesPerRelay)),
  };
}

export interface Break {
  readonly what: string;
  /** In attachments, of the assumed ten a host. */
  readonly at: number;
  readonly from: string;
  /** What is done about it. */
  readonly next: string;
}

/** In order of attachments. */
export function breaks(parts: Parts): readonly Break[] {
  const { measured, assumed, group } = parts;
  const { relay, nats } = measured;
  const { attachmentsPerHost, plannedShare, processGib } = assumed;
  const { idle, dials, bytes } = cpuUsPerAttachment(parts);
  const kib = relay.kibPerAttachment + relay.kibPerHost / attachmentsPerHost;
  const { byLeader, byServers } = attachmentsPerCell(parts);
  const all: readonly Break[] = [
    {
      what: "one relay: half its core, with links that break and screens that move",
      at: (plannedShare * 1e6) / (idle + dials + bytes),
      from: `${round(idle + dials + bytes)} µs a second each`,
      next: "a second relay, on NATS",
    },
    {
      what: "one relay: a minute of its core, when all come back after its death",
      at: 60_000 / relay.cpuMsPerAttach,
      from: `${relay.cpuMsPerAttach.toFixed(2)} ms to attach`,
      next: "more and smaller relays: who dies takes fewer along",
    },
    {
      what: "one relay: its memory",
      at: (processGib * KIB_PER_GIB - relay.baseKib) / kib,
      from: `${kib.toFixed(0)} KiB each with its share of a host, ${processGib} GiB a process`,
      next: "a second relay",
    },
    {
      what: "one relay: its connections",
      at: limitsOfCode.connections / (1 + 1 / attachmentsPerHost),
      from: `${limitsOfCode.connections.toLocaleString("en-US")} of a process (code)`,
      next: "a second relay",
    },
    {
      what: "one cell: messages of NATS",
      at: byServers,
      from: `${nats.cpuUsPerMessage.toFixed(1)} µs a message, ${assumed.natsServers} servers; a ping each ${group.pingSeconds} s from both relays of a tunnel`,
      next: "cells: fleets apart, each with relays and NATS of its own",
    },
    {
      what: "one cell: the leader of the bucket of hosts, half its core",
      at: byLeader,
      from: `${nats.cpuUsPerGet.toFixed(0)} µs a get, ${nats.cpuUsPerPut.toFixed(0)} µs a put; a look at each host each ${group.lookSeconds} s`,
      next: "cells",
    },
  ];
  return all.toSorted((a, b) => a.at - b.at);
}

const round = (value: number): string => value.toFixed(value < 10 ? 1 : 0);
