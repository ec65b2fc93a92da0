/** What the relay's bench finds, and the table that shows it. Figures in, text out. */
import { percentile } from "./talking.ts";

/** Inputs of the model (bench/scale), as measured in one run; processor time is of the relay's process, memory its proportional set size. */
export interface RelayFigures {
  readonly hosts: number;
  readonly attachments: number;
  readonly baseKib: number;
  readonly kibPerHost: number;
  readonly kibPerAttachment: number;
  readonly cpuMsPerHostJoin: number;
  /** Everything until an operator is attached: TLS to the relay, the pass, the offer, TLS and handshake inside. */
  readonly cpuMsPerAttach: number;
  /** TLS to the relay and HTTP/2 on it, and nothing else. */
  readonly cpuMsPerDial: number;
  /** For a host's line that says nothing but its beats. */
  readonly idleCpuUsPerHostSecond: number;
  readonly idleCpuUsPerAttachmentSecond: number;
  /** Bytes of pieces, both ways, without HTTP/2 and TLS around them. */
  readonly idleBytesPerAttachmentSecond: number;
  readonly attachSeconds: number;
  readonly dialMs: { readonly p50: number; readonly p99: number };
  readonly mbPerCpuSecond: number;
  readonly mbPerSecond: number;
  readonly mbPerSecondOf8: number;
  readonly operatorKib: number;
  readonly hostKibPerAttachment: number;
  /** Of the end that pours: what it encrypts and sends in a second of its own processor time. */
  readonly hostMbPerCpuSecond: number;
  readonly storm: Storm | null;
  /** Null: not measured (`--nats`). */
  readonly crossing: Crossing | null;
}

/** Tunnels whose ends dialled two relays of a group, with NATS between. */
export interface Crossing {
  /** Of the group; each has a tunnel's host and the next one its operator. */
  readonly relays: number;
  /** The same relays, host and operator at the same one each. */
  readonly within: { readonly mbPerCpuSecond: number; readonly mbPerSecond: number };
  /** Of a second of all relays' processor time together. */
  readonly mbPerCpuSecond: number;
  readonly mbPerSecond: number;
  readonly natsCpuMsPerMb: number;
  /** Of both that a tunnel crosses. */
  readonly idleCpuUsPerAttachmentSecond: number;
  readonly natsCpuUsPerAttachmentSecond: number;
  readonly cpuMsPerAttach: number;
  readonly kibPerAttachment: number;
  readonly attachments: number;
}

export interface Storm {
  readonly attachments: number;
  /** From the new relay's start until all were attached again. */
  readonly seconds: number;
  readonly resumed: number;
  readonly anew: number;
  readonly dials: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly cpuMsPerAttachment: number;
}

/** Milliseconds of each key, by way and round. */
export type EchoRounds = Readonly<Record<string, readonly (readonly number[])[]>>;

export interface Found {
  readonly at: string;
  readonly machine: string;
  readonly versions: string;
  readonly load: { readonly before: string; readonly after: string };
  readonly relay: RelayFigures;
  readonly echo: { readonly idle: EchoRounds; readonly crowded: EchoRounds };
  /** Milliseconds of each run of a command. */
  readonly ls: Readonly<Record<string, readonly number[]>>;
}

export const number = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }) : "–";

/** The median over rounds of what each round's keys say. */
export function over(rounds: readonly (readonly number[])[] | undefined, share: number): number {
  return percentile(
    (rounds ?? []).map((took) => percentile(took, share)),
    0.5,
  );
}

/** Paired by round: what a busy minute did, it did to both. */
export function ratio(rounds: EchoRounds, above: string, below: string, share: number): number {
  const of = (name: string): number[] => (rounds[name] ?? []).map((took) => percentile(took, share));
  const under = of(below);
  return percentile(
    of(above).map((value, round) => value / under[round]!),
    0.5,
  );
}

export const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

function echoRows(rounds: EchoRounds, when: string): string[] {
  return (["p50", "p99"] as const).map((name) => {
    const share = name === "p50" ? 0.5 : 0.99;
    const ms = (way: string): string => number(over(rounds[way], share), 3);
    const times = (above: string, below: string): string => number(ratio(rounds, above, below, share), 2);
    return row(
      `echo ${name}, ms, ${when}`,
      ...["direct", "relay", "ssh", "ssh -J"].map(ms),
      times("relay", "direct"),
      times("ssh -J", "ssh"),
      times("relay", "ssh -J"),
    );
  });
}

function lsRow(ls: Found["ls"]): string {
  const ms = (way: string): number => percentile(ls[way] ?? [], 0.5);
  const cells = ["direct", "relay", "ssh", "ssh -J"].map((way) => number(ms(way), 0));
  const ratios = [ms("relay") / ms("direct"), ms("ssh -J") / ms("ssh"), ms("relay") / ms("ssh -J")];
  return row("`hold ls` from cold, ms", ...cells, ...ratios.map((value) => number(value, 2)));
}

function crossingRows(crossing: Crossing | null): string[] {
  if (!crossing) return [];
  const { relays, within } = crossing;
  return [
    row(
      `${relays} relays on NATS: MB for a second of their processor time`,
      number(within.mbPerCpuSecond, 0),
      `a host and an operator at each; ${relays} pairs at once`,
    ),
    row("… MB/s", number(within.mbPerSecond, 0), `all ends and ${relays} relays on two cores`),
    row(
      "… MB for a second, each operator at another relay than its host",
      number(crossing.mbPerCpuSecond, 0),
      "two relays pass on each byte",
    ),
    row("… MB/s", number(crossing.mbPerSecond, 0), "and nats-server too"),
    row("… nats-server's processor time for a MB, ms", number(crossing.natsCpuMsPerMb, 2), ""),
    row(
      "… processor time of 1,000 idle attachments, % of a core",
      number(crossing.idleCpuUsPerAttachmentSecond / 10, 1),
      `both relays; ${number(crossing.attachments, 0)} attached`,
    ),
    row("… of nats-server, % of a core", number(crossing.natsCpuUsPerAttachmentSecond / 10, 1), ""),
    row("… processor time to attach, ms", number(crossing.cpuMsPerAttach, 2), "both relays"),
    row("… memory of an idle attachment, KiB PSS", number(crossing.kibPerAttachment, 1), "both relays"),
  ];
}

function stormRows(storm: Storm | null, operators: number): string[] {
  if (!storm) return [];
  const failed = Object.entries(storm.failed).map(([code, n]) => `${number(n, 0)} ${code}`);
  return [
    row(
      "relay killed and started again: watched for, s",
      number(storm.seconds, 1),
      `${number(storm.attachments, 0)} of ${number(operators, 0)} attached again; ${number(storm.dials, 0)} dials${failed.length > 0 ? `, of which ${failed.join(", ")}` : ""}`,
    ),
    row("… took up their place, %", number((100 * storm.resumed) / storm.attachments, 1), "the others attached anew"),
    row("… relay's processor time for each, ms", number(storm.cpuMsPerAttachment, 2), ""),
  ];
}

/** Both tables, as docs/benchmarks.md has them. */
export function tableOf({ at, machine, versions, load, relay, echo, ls }: Found): string {
  const of = `${number(relay.attachments, 0)} attachments over ${number(relay.hosts, 0)} hosts`;
  return [
    `${at}, ${machine}; ${versions}; load average before ${load.before}, after ${load.after}.`,
    "",
    row("what", "direct", "relay", "ssh", "ssh -J", "relay ÷ direct", "ssh -J ÷ ssh", "relay ÷ ssh -J"),
    row("---", ...Array.from({ length: 7 }, () => "--:")),
    ...echoRows(echo.idle, "alone"),
    ...echoRows(echo.crowded, `${number(relay.attachments, 0)} attached`),
    lsRow(ls),
    "",
    row("one relay process", "figure", "of"),
    row("---", "--:", "---"),
    row("attached at once", number(relay.attachments, 0), `over ${number(relay.hosts, 0)} hosts; target 10,000`),
    row("… all attached after, s", number(relay.attachSeconds, 1), "32 at a time, both ends on this machine"),
    row(
      "… one of them, p50 and p99, ms",
      `${number(relay.dialMs.p50, 0)}, ${number(relay.dialMs.p99, 0)}`,
      "from dialling to the welcome",
    ),
    row("memory of an idle attachment, KiB PSS", number(relay.kibPerAttachment, 1), of),
    row("… of a host's line, KiB PSS", number(relay.kibPerHost, 1), ""),
    row("… of the relay without anybody, MiB PSS", number(relay.baseKib / 1024, 1), ""),
    row("… at an operator's end, KiB PSS", number(relay.operatorKib, 1), "all in one process"),
    row("… at the hosts' end, KiB PSS", number(relay.hostKibPerAttachment, 1), "all in one process"),
    row(
      "processor time of 1,000 idle attachments, % of a core",
      number(relay.idleCpuUsPerAttachmentSecond / 10, 1),
      "pings of both hops and of the ends",
    ),
    row("… of 1,000 hosts' lines, % of a core", number(relay.idleCpuUsPerHostSecond / 10, 1), ""),
    row("bytes of an idle attachment, B/s", number(relay.idleBytesPerAttachmentSecond, 1), "pieces, both ways"),
    row("processor time to attach, ms", number(relay.cpuMsPerAttach, 2), ""),
    row("… of it to be dialled, ms", number(relay.cpuMsPerDial, 2), "TLS and HTTP/2"),
    row("… for a host to join, ms", number(relay.cpuMsPerHostJoin, 2), ""),
    row("MB for a second of processor time", number(relay.mbPerCpuSecond, 0), "target 150 MB/s of a relay that has a core"),
    row("MB/s, one tunnel", number(relay.mbPerSecond, 0), "both ends and the relay on two cores"),
    row("MB/s, eight tunnels", number(relay.mbPerSecondOf8, 0), ""),
    ...stormRows(relay.storm, relay.attachments),
    ...crossingRows(relay.crossing),
    "",
  ].join("\n");
}
