/** What the console's bench finds, and the tables that show it. Figures in, text out. */
import { type EchoRounds, number, over, ratio, row } from "../relay/figures.ts";
import { median, percentile } from "../relay/talking.ts";

/** Of one visit; milliseconds since its navigation began. */
export interface Paint {
  readonly first: number;
  readonly content: number;
  /** A session stands in the list. */
  readonly listed: number;
  /** Fetched until then. */
  readonly kib: number;
}

export interface Frames {
  readonly p99Ms: number;
  readonly longestMs: number;
  /** Of those that the display would have shown. */
  readonly droppedShare: number;
}

export interface Sample {
  /** Lines of output until then. */
  readonly lines: number;
  readonly heapMib: number;
  readonly pssMib: number;
  readonly nodes: number;
}

export interface Found {
  readonly at: string;
  readonly machine: string;
  readonly versions: string;
  readonly load: { readonly before: string; readonly after: string };
  /** By network and cache; each has its rounds. */
  readonly paint: Readonly<Record<string, readonly Paint[]>> | null;
  /** Milliseconds from navigation until the screen and the lines above it were exact. */
  readonly screen: {
    readonly lines: number;
    readonly above: number;
    readonly exact: readonly number[];
    readonly throttled: readonly number[];
  } | null;
  readonly flood: {
    readonly megabytes: number;
    /** That was over before. */
    readonly exact: readonly number[];
    /** That went on: until something of it was drawn, and from its end until the screen was exact. */
    readonly firstMs: readonly number[];
    readonly behindMs: readonly number[];
    readonly frames: readonly Frames[];
  } | null;
  readonly viewers: {
    readonly count: number;
    /** Milliseconds from the first navigation, one for each viewer. */
    readonly exact: readonly (readonly number[])[];
    /** By who looks on: nobody (`alone`), clients of the SDK (`clients`), pages in the same Chromium (`pages`). */
    readonly echo: EchoRounds;
  } | null;
  /** Milliseconds from a key's event. */
  readonly echo: { readonly buffer: EchoRounds; readonly drawn: EchoRounds } | null;
  readonly memory: {
    readonly minutes: number;
    readonly within: number;
    readonly real: number;
    readonly samples: readonly Sample[];
  } | null;
  readonly bundle: readonly { readonly what: string; readonly kib: number; readonly budgetKib: number }[] | null;
  readonly list: {
    readonly sessions: number;
    readonly listedMs: readonly number[];
    readonly frames: readonly Frames[];
    /** At the top, and after all was scrolled through. */
    readonly nodes: readonly [number, number];
  } | null;
}

/** Of what was drawn, one after the other: the first that has this hash, if none after it has another. NaN: there is none. */
export function exactAt(drawn: readonly { readonly at: number; readonly hash: number }[], hash: number): number {
  const last = drawn.findLastIndex((one) => one.hash !== hash);
  return drawn[last + 1]?.at ?? Number.NaN;
}

const FRAME_MS = 1_000 / 60;

/** A display that shows 60 frames a second drops one for each whole frame that two are further apart. */
export function framesOf(gaps: readonly number[]): Frames {
  const missed = gaps.reduce((sum, gap) => sum + Math.max(0, Math.round(gap / FRAME_MS) - 1), 0);
  return {
    p99Ms: percentile(gaps, 0.99),
    longestMs: gaps.reduce((most, gap) => Math.max(most, gap), 0),
    droppedShare: gaps.length === 0 ? Number.NaN : missed / (missed + gaps.length),
  };
}

/** The median, and where the rounds lay. */
function spread(all: readonly number[], digits = 0): string {
  if (all.length < 2) return number(median(all), digits);
  return `${number(median(all), digits)} (${number(Math.min(...all), digits)}–${number(Math.max(...all), digits)})`;
}

function paintRows(paint: Found["paint"]): string[] {
  return Object.entries(paint ?? {}).map(([how, runs]) => {
    const of = (what: keyof Paint): string => number(median(runs.map((run) => run[what])), 0);
    return row(how, of("first"), of("content"), of("listed"), of("kib"));
  });
}

const shares = [
  ["p50", 0.5],
  ["p99", 0.99],
] as const;

function echoRows(echo: Found["echo"]): string[] {
  const lines = (what: string, rounds: EchoRounds): string[] =>
    shares.map(([name, share]) => {
      const times = rounds["wetty"] ? number(ratio(rounds, "page", "wetty", share), 2) : "–";
      return row(`${what}, ${name}, ms`, number(over(rounds["page"], share), 1), number(over(rounds["wetty"], share), 1), times);
    });
  return echo
    ? [...lines("from a key until its echo is in the terminal", echo.buffer), ...lines("… until it is drawn", echo.drawn)]
    : [];
}

function crowdRows(viewers: Found["viewers"]): string[] {
  if (!viewers) return [];
  const { count, exact, echo } = viewers;
  const both = (who: string): string => shares.map(([, share]) => number(over(echo[who], share), 1)).join(", ");
  return [
    row(
      `… of ${count} pages that come at once: the first, ms`,
      spread(exact.map((all) => Math.min(...all))),
      "all in one Chromium, on this machine's cores",
    ),
    row("… the median one, ms", spread(exact.map(median)), ""),
    row("… the last, ms", spread(exact.map((all) => Math.max(...all))), ""),
    row("a key until its echo is drawn there, nobody else looking on, p50 and p99, ms", both("alone"), ""),
    row(`… ${count - 1} clients of the SDK looking on, ms`, both("clients"), "what the host has to do for them"),
    row(`… ${count - 1} more pages in the same Chromium looking on, ms`, both("pages"), `and all ${count} draw it`),
  ];
}

function screenRows({ screen, flood, viewers }: Found): string[] {
  return [
    ...(screen
      ? [
          row(
            "exact screen, ms",
            spread(screen.exact),
            `${number(screen.lines, 0)} coloured lines were printed; ${number(screen.above, 0)} above the screen are there too`,
          ),
          row("… fast 4G, ms", spread(screen.throttled), ""),
        ]
      : []),
    ...(flood
      ? [
          row(`… after a flood of ${number(flood.megabytes, 0)} MB that nobody watched, ms`, spread(flood.exact), ""),
          row("… while it is flooded: until something is drawn, ms", spread(flood.firstMs), ""),
          row("… from the flood's end until it is exact, ms", spread(flood.behindMs), "the page watched for 3 s"),
          row(
            "… frames apart during the flood, p99 and longest, ms",
            `${number(median(flood.frames.map(({ p99Ms }) => p99Ms)), 0)}, ${number(median(flood.frames.map(({ longestMs }) => longestMs)), 0)}`,
            `${number(100 * median(flood.frames.map(({ droppedShare }) => droppedShare)), 0)} % of the frames dropped`,
          ),
        ]
      : []),
    ...crowdRows(viewers),
  ];
}

function memoryRows(memory: Found["memory"]): string[] {
  if (!memory) return [];
  const { minutes, within, real, samples } = memory;
  const how = minutes === within ? "20 lines a second" : `${minutes} minutes of 20 lines a second, in ${within}`;
  return samples.map(({ lines, heapMib, pssMib, nodes }, i) =>
    row(
      i === 0 ? "memory before any output, MiB of heap, of PSS" : `… after ${number(lines, 0)} lines`,
      `${number(heapMib, 1)}, ${number(pssMib, 0)}`,
      `${number(nodes, 0)} nodes${i === 1 ? `; ${how}` : i === samples.length - 1 && real > 0 ? `; ${real} more minutes, as they are` : ""}`,
    ),
  );
}

function listRows(list: Found["list"]): string[] {
  if (!list) return [];
  const { sessions, listedMs, frames, nodes } = list;
  const of = (what: keyof Frames, digits: number): string => number(median(frames.map((one) => one[what])), digits);
  return [
    row(`${number(sessions, 0)} sessions: until they are listed, ms`, spread(listedMs), "from navigation"),
    row(
      "… frames apart while it is scrolled through, p99 and longest, ms",
      `${of("p99Ms", 1)}, ${of("longestMs", 0)}`,
      `${number(100 * median(frames.map((one) => one.droppedShare)), 1)} % of the frames dropped`,
    ),
    row("… nodes in the page, at the top and after that", nodes.map((n) => number(n, 0)).join(", "), ""),
  ];
}

/** As docs/benchmarks.md has them. */
export function tablesOf(found: Found): string {
  const { at, machine, versions, load, paint, echo, bundle } = found;
  const echoes = echoRows(echo);
  const figures = [
    ...screenRows(found),
    ...memoryRows(found.memory),
    ...listRows(found.list),
    ...(bundle ?? []).map(({ what, kib, budgetKib }) =>
      row(`fetched ${what}, KiB`, number(kib, 0), `budget ${number(budgetKib, 0)}`),
    ),
  ];
  return [
    `${at}, ${machine}; ${versions}; load average before ${load.before}, after ${load.after}.`,
    ...(paint
      ? [
          "",
          row("a visit, ms", "first paint", "first content", "sessions listed", "KiB"),
          row("---", "--:", "--:", "--:", "--:"),
          ...paintRows(paint),
        ]
      : []),
    ...(echoes.length > 0 ? ["", row("what", "page", "wetty", "page ÷ wetty"), row("---", "--:", "--:", "--:"), ...echoes] : []),
    ...(figures.length > 0 ? ["", row("what", "figure", "of"), row("---", "--:", "---"), ...figures] : []),
    "",
  ].join("\n");
}
