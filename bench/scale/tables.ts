/** The tables of docs/scale.md, from the model. Each stands between two marks there, and a test keeps them the same. */
import type { Group } from "./group.ts";
import { assumed, limitsOfCode, type Measured } from "./inputs.ts";
import { attachmentsPerCell, breaks, cpuUsPerAttachment, grow, type Parts, watched } from "./model.ts";
import { type Outcome, storm } from "./storm.ts";

const number = (value: number, digits = 0): string =>
  Number.isFinite(value) ? value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }) : "–";
/** Two figures that mean something, for what is on paper. */
function about(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return value === 0 ? "0" : "–";
  const scale = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 1);
  const rounded = Math.round(value / scale) * scale;
  return number(rounded, rounded < 10 ? Math.max(0, 1 - Math.floor(Math.log10(Math.abs(value)))) : 0);
}
const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
const table = (heads: readonly string[], aligned: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(...heads), row(...aligned), ...rows.map((cells) => row(...cells))].join("\n");

function inputs({ at, machine, versions, load, relay, nats }: Measured): string {
  const measured: readonly (readonly string[])[] = [
    ["memory of a relay without anybody", number(relay.baseKib / 1024, 1), "MiB"],
    ["… for each host's line", number(relay.kibPerHost, 1), "KiB"],
    ["… for each idle attachment", number(relay.kibPerAttachment, 1), "KiB"],
    ["relay's processor time for an idle attachment", number(relay.idleCpuUsPerAttachmentSecond, 1), "µs a second"],
    ["… for a host's line", number(relay.idleCpuUsPerHostSecond, 1), "µs a second"],
    ["… to be dialled (TLS, HTTP/2)", number(relay.cpuMsPerDial, 2), "ms"],
    ["… until an operator is attached", number(relay.cpuMsPerAttach, 2), "ms"],
    ["… until a host is registered", number(relay.cpuMsPerHostJoin, 2), "ms"],
    ["bytes that a second of it passes on", number(relay.mbPerCpuSecond), "MB"],
    ["bytes of an idle attachment", number(relay.idleBytesPerAttachmentSecond, 1), "B/s"],
    ["bytes that a second of a host encrypts and sends", number(relay.hostMbPerCpuSecond), "MB"],
    ...(relay.crossing
      ? [
          [
            "two relays' processor time for an idle attachment that crosses",
            number(relay.crossing.idleCpuUsPerAttachmentSecond, 1),
            "µs a second",
          ],
          ["… until it is attached", number(relay.crossing.cpuMsPerAttach, 2), "ms"],
          ["… memory for it", number(relay.crossing.kibPerAttachment, 1), "KiB"],
          ["bytes that a second of both passes on", number(relay.crossing.mbPerCpuSecond), "MB"],
        ]
      : []),
    ["memory of an attachment at its host", number(relay.hostKibPerAttachment, 1), "KiB"],
    ["nats-server's processor time for a message of 200 B", number(nats.cpuUsPerMessage, 2), "µs"],
    ["… for a MB in pieces of 32 KiB", number(nats.cpuMsPerMb, 2), "ms"],
    ["… for a put, one replica, on disk", number(nats.cpuUsPerPut, 1), "µs"],
    ["… for a get from its leader", number(nats.cpuUsPerGet, 1), "µs"],
    ["a request and its answer, p50, p99", `${number(nats.requestUs.p50)}, ${number(nats.requestUs.p99)}`, "µs"],
    ["a put, p50, p99", `${number(nats.putUs.p50)}, ${number(nats.putUs.p99)}`, "µs"],
    ["memory for a key", number(nats.kibPerKey, 2), "KiB"],
    ["… for a connection", number(nats.kibPerConnection, 1), "KiB"],
  ];
  const a = assumed;
  const people: readonly (readonly string[])[] = [
    ["attachments of a host", number(a.attachmentsPerHost), ""],
    ["times that an attachment's link breaks", number(a.linksBrokenPerAttachmentHour), "an hour"],
    ["times that a host's line breaks", number(a.hostLinesBrokenPerDay), "a day"],
    ["attachments on whose screen something moves", number(a.activeShare * 100), "%"],
    ["… bytes of each", number(a.activeBytesPerSecond), "B/s"],
    ["… pieces of each", number(a.activePiecesPerSecond), "a second"],
    ["operators whom a host lets in", number(a.doorsPerHost), ""],
    ["share of a core and of memory that is planned with", number(a.plannedShare * 100), "%"],
    ["memory of a relay process", number(a.processGib), "GiB"],
    ["a core, a month", number(a.dollarsPerCore), "$"],
    ["a GiB of memory, a month", number(a.dollarsPerGib), "$"],
    ["a TB to the internet", number(a.dollarsPerTerabyteOut), "$"],
    ["cores of a NATS server", number(a.natsServerCores), ""],
    ["NATS servers of a cluster, at most", number(a.natsServers), ""],
  ];
  const aligned = ["---", "--:", "---"];
  return [
    `Measured ${at}, on ${machine}; ${versions}, nats-server ${nats.version.replace(/^\D*/, "")}; load average before ${load.before}, after ${load.after};`,
    `${number(relay.attachments)} attachments over ${number(relay.hosts)} hosts.`,
    "",
    table(["measured", "figure", "unit"], aligned, measured),
    "",
    table(["assumed", "figure", "unit"], aligned, people),
  ].join("\n");
}

const SIZES = [1e4, 1e5, 1e6, 1e7] as const;

function growth(parts: Parts): string {
  const rows = SIZES.map((attachments) => {
    const g = grow(parts, attachments);
    return [
      ...[g.hosts, g.attachments].map((n) => number(n)),
      ...[about(g.cells), about(g.relays), g.boundBy, about(g.natsServers), about(g.keys), about(g.putsPerSecond)],
      ...[g.getsPerSecond, g.messagesPerSecond, g.cores, g.gib, g.megabitsOut, g.dollars].map(about),
      about(g.centsEach),
    ];
  });
  const heads = ["hosts", "attachments", "cells", "relays", "bound by", "NATS servers", "keys", "puts/s", "gets/s", "messages/s"];
  const more = ["cores", "GiB", "Mbit/s out", "$ a month", "¢ each"];
  const aligned = [...heads, ...more].map((head) => (head === "bound by" ? "---" : "--:"));
  return table([...heads, ...more], aligned, rows);
}

function where(parts: Parts): string {
  const { idle, dials, bytes } = cpuUsPerAttachment(parts);
  const all = idle + dials + bytes;
  const line = (what: string, value: number): readonly string[] => [what, number(value, 1), number((100 * value) / all)];
  return table(
    ["a relay's core, for each attachment", "µs a second", "%"],
    ["---", "--:", "--:"],
    [line("pings and beats", idle), line("links that break and come back", dials), line("what moves on screens", bytes)],
  );
}

interface Death {
  readonly what: string;
  readonly attachments: number;
  readonly relays: number;
  readonly downMs: number;
  readonly spare: number;
}

const DEATHS: readonly Death[] = [
  { what: "the only relay, back after 1 s", attachments: 1_000, relays: 1, downMs: 1_000, spare: 1 },
  { what: "the only relay, back after 1 s", attachments: 10_000, relays: 1, downMs: 1_000, spare: 1 },
  { what: "one of 5", attachments: 10_000, relays: 4, downMs: 0, spare: 0.5 },
  { what: "one of 21", attachments: 10_000, relays: 20, downMs: 0, spare: 0.5 },
];

function stormOf({ measured: { relay } }: Parts, death: Death): Outcome {
  const { cpuMsPerAttach, cpuMsPerDial, cpuMsPerHostJoin } = relay;
  const { attachments, relays, downMs, spare } = death;
  const hosts = attachments / assumed.attachmentsPerHost;
  const costs = {
    cpuMsPerAttach,
    cpuMsPerDial,
    cpuMsPerHostJoin,
    attemptMs: limitsOfCode.attemptMs,
    lateMs: limitsOfCode.lateMs,
  };
  return storm({ seed: 1, attachments, hosts, relays, downMs, spare, ...costs });
}

function storms(parts: Parts): string {
  const seconds = (ms: number): string => (Number.isFinite(ms) ? number(ms / 1000, 1) : "never");
  const rows = DEATHS.map((death) => {
    const { p50Ms, p99Ms, allMs, attempts, turnedAway, givenUp, mostDialsPerSecond } = stormOf(parts, death);
    const times = [p50Ms, p99Ms, allMs].map(seconds);
    return [
      death.what,
      number(death.attachments),
      ...times,
      number(attempts),
      number(turnedAway),
      number(givenUp),
      number(mostDialsPerSecond),
    ];
  });
  const heads = [
    "who dies",
    "attachments",
    "half back, s",
    "99 %, s",
    "all, s",
    "attempts",
    "turned away",
    "too late",
    "most dials a second of a relay",
  ];
  return table(heads, ["---", ...Array.from({ length: heads.length - 1 }, () => "--:")], rows);
}

/** A screen that scrolls slowly, as of a build. */
const SHOWN_BYTES = 10_000;

function hot(parts: Parts): string {
  const rows = [10, 100, 1_000, 4_096, 10_000, 100_000].map((watchers) => {
    const w = watched(parts, watchers, SHOWN_BYTES);
    return [
      ...[number(watchers), w.isAllowed ? "yes" : "**no**", number(w.hostCores, 2), about(w.hostMegabits), number(w.hostGib, 2)],
      ...[number(w.relayCores, 2), number(w.treeRelays), number(w.treeLevels)],
    ];
  });
  const heads = [
    "watchers",
    "let in",
    "host's cores",
    "host's Mbit/s out",
    "host's GiB",
    "relays' cores",
    "tree: relays",
    "tree: levels",
  ];
  return table(heads, ["--:", "---", ...Array.from({ length: 6 }, () => "--:")], rows);
}

function firsts(parts: Parts): string {
  const rows = breaks(parts).map(({ what, at, from, next }, i) => [String(i + 1), what, about(at), from, next]);
  return table(["", "what", "at so many attachments", "from", "then"], ["--:", "---", "--:", "---", "---"], rows);
}

/** By the name that the marks in the page have. */
export function tablesOf(measured: Measured, group: Group): Readonly<Record<string, string>> {
  const parts: Parts = { measured, assumed, group };
  const cell = Math.min(...Object.values(attachmentsPerCell(parts)));
  return {
    inputs: inputs(measured),
    growth: growth(parts),
    where: where(parts),
    cell: `A cell is ${about(cell)} attachments at most, of ${about(cell / assumed.attachmentsPerHost)} hosts.`,
    storms: storms(parts),
    hot: hot(parts),
    firsts: firsts(parts),
  };
}
