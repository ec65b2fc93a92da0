/** What is measured, one after the other. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Box } from "./box.ts";
import type { Crossing, EchoRounds, RelayFigures, Storm } from "./figures.ts";
import { ends, folder, of, RelayProcess, say, started, timed, values, wants } from "./run.ts";
import { freePort, type Sshds } from "./ssh.ts";
import { median, Talking } from "./talking.ts";
import type { TypingWay } from "./typing.ts";

/** Systems in turn within a round, and the turn shifts from round to round. */
export async function echo(typing: Talking, ways: readonly string[], rounds: number): Promise<EchoRounds> {
  const found: Record<string, number[][]> = Object.fromEntries(ways.map((way) => [way, []]));
  for (let round = 0; round < rounds; round++)
    for (let i = 0; i < ways.length; i++) {
      const name = ways[(i + round) % ways.length]!;
      const { took } = await typing.ask<{ took: number[] }>({ name, keys: of("keys") });
      found[name]!.push(took);
    }
  return found;
}

export async function waysOf(box: Box, sshds: Sshds | null, typing: Talking): Promise<readonly string[]> {
  const ways: Record<string, TypingWay> = { direct: box.way("direct"), relay: box.way("relay") };
  if (sshds) {
    const argv = (through: boolean): readonly string[] => sshds.argv(through, "-tt", "far", "echo ready; exec cat");
    ways["ssh"] = { kind: "program", argv: argv(false) };
    ways["ssh -J"] = { kind: "program", argv: argv(true) };
  } else say("ssh left out: it needs openssh-server and openssh-client");
  for (const [name, way] of Object.entries(ways)) await typing.ask({ name, way });
  await echo(typing, Object.keys(ways), 1);
  return Object.keys(ways);
}

export function lsTimes(box: Box, sshds: Sshds | null, rounds: number): Record<string, number[]> {
  const found: Record<string, number[]> = { direct: [], relay: [], ssh: [], "ssh -J": [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of ["direct", "relay"] as const) found[name]!.push(box.ls(name));
    if (!sshds) continue;
    for (const through of [false, true]) found[through ? "ssh -J" : "ssh"]!.push(box.lsBy(sshds.argv(through, "far")));
  }
  return found;
}

type Bytes = Pick<RelayFigures, "mbPerCpuSecond" | "mbPerSecond" | "mbPerSecondOf8" | "hostMbPerCpuSecond">;

/** A host's end at one relay and an operator's at one, which may be the same. */
interface Way {
  readonly from: string;
  readonly to: string;
  /** Lets the host in. */
  readonly token: string;
}

/** A name is its host's for good: every pair that pours has one of its own. */
let pairs = 0;

/** Over every way at once, as many bytes over each as were asked for; `relays` are those whose time is measured, together. */
export async function pour(ways: readonly Way[], relays: readonly { readonly cpuMs: number }[], rounds: number): Promise<Bytes> {
  const sources = ways.map(({ from }) => ends("source", from));
  const sinks = ways.map(({ to }) => ends("sink", to));
  const names = ways.map(() => `pours${++pairs}`);
  for (const [i, { token }] of ways.entries()) {
    const { keyId } = await sinks[i]!.hear<{ keyId: string }>();
    await sources[i]!.ask({ token, name: names[i], keyId });
  }
  const bytes = of("megabytes") * 1e6;
  const all = (bytes * ways.length) / 1e6;
  const hostMs = (): number => sumOf(sources, ({ cpuSeconds }) => cpuSeconds * 1000);
  const found = { one: [] as number[], eight: [] as number[], perCpu: [] as number[], perHostCpu: [] as number[] };
  for (let round = 0; round < rounds; round++)
    for (const tunnels of [1, 8]) {
      const before = hostMs();
      const { cpuMs, seconds } = await timed(together(relays), () =>
        Promise.all(sinks.map((sink, i) => sink.ask({ host: names[i], bytes, tunnels }))),
      );
      found[tunnels === 1 ? "one" : "eight"].push(all / seconds);
      // The first round runs in code that is not compiled yet.
      if (round === 0 && rounds > 1) continue;
      found.perCpu.push(all / (cpuMs / 1000));
      found.perHostCpu.push(all / ((hostMs() - before) / 1000));
    }
  for (const process of [...sources, ...sinks]) await process.end();
  return {
    mbPerCpuSecond: median(found.perCpu),
    hostMbPerCpuSecond: median(found.perHostCpu),
    mbPerSecond: median(found.one),
    mbPerSecondOf8: median(found.eight),
  };
}

const sumOf = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((sum, one) => sum + of(one), 0);

/** The time of all of them as if they were one. */
const together = (all: readonly { readonly cpuMs: number }[]): { readonly cpuMs: number } => ({
  get cpuMs() {
    return sumOf(all, ({ cpuMs }) => cpuMs);
  },
});

interface State {
  readonly attached: number;
  readonly resumed: number;
  readonly anew: number;
  readonly dials: { readonly made: number; readonly failed: Readonly<Record<string, number>> };
}

const STORM_MOST_S = 600;

async function storm(relay: RelayProcess, crowd: Talking, operators: number): Promise<Storm> {
  await relay.kill();
  await relay.start();
  const began = performance.now();
  const cpuMs = relay.cpuMs;
  for (;;) {
    await delay(500);
    const state = await crowd.ask<State>({ verb: "state" });
    const seconds = (performance.now() - began) / 1000;
    say(`  ${state.attached} attached again after ${seconds.toFixed(0)} s`);
    if (state.attached < operators && seconds < STORM_MOST_S) continue;
    const { resumed, anew, dials, attached } = state;
    return {
      attachments: attached,
      seconds,
      resumed,
      anew,
      dials: dials.made,
      failed: dials.failed,
      cpuMsPerAttachment: (relay.cpuMs - cpuMs) / operators,
    };
  }
}

/** How many relays share one nats-server. */
const RELAYS = 3;

/** Relays of one group: tunnels within each, then tunnels from each to the next. */
export async function crossings(): Promise<Crossing> {
  const at = `127.0.0.1:${await freePort()}`;
  const [, port = ""] = at.split(":");
  const server = started(new Talking("nats-server", ["-a", "127.0.0.1", "-p", port, "-js", "-sd", join(folder, "nats")]));
  await delay(1_000);
  const relays = Array.from({ length: RELAYS }, (_, n) => new RelayProcess(`relay-${n}`, ["--nats", `nats://${at}`]));
  for (const relay of relays) await relay.start();
  const [here] = relays as [RelayProcess];
  const next = (n: number): RelayProcess => relays[(n + 1) % RELAYS]!;
  const natsMs = (): number => server.cpuSeconds * 1000;
  const way = (to: (n: number) => RelayProcess) => async (from: RelayProcess, n: number) => ({
    ...{ from: from.url, to: to(n).url },
    token: (await here.tokens(1))[0]!,
  });
  const rounds = of("rounds");
  const within = await pour(await Promise.all(relays.map(way((n) => relays[n]!))), relays, rounds);
  const natsBefore = natsMs();
  const bytes = await pour(await Promise.all(relays.map(way(next))), relays, rounds);
  const natsCpuMsPerMb = (natsMs() - natsBefore) / (2 * rounds * of("megabytes") * RELAYS);
  say(
    `${RELAYS} relays poured: ${within.mbPerCpuSecond.toFixed(0)} MB within, ${bytes.mbPerCpuSecond.toFixed(0)} across, for a second of theirs`,
  );
  const attachments = of("operators") / 10;
  const [both, there] = [together([here, next(0)]), next(0)];
  const kibOf = (): number => here.pssKib + there.pssKib;
  const [hosts, people] = [ends("hosts", here.url), ends("operators", there.url)];
  await hosts.ask({ tokens: await here.tokens(attachments / 10), first: 0 });
  await delay(of("idle") * 1000);
  const kib = kibOf();
  const lines = await timed(both, () => delay(of("idle") * 1000));
  const made = await timed(both, () => people.ask({ verb: "attach", attachments, hosts: attachments / 10 }));
  await delay((of("idle") * 1000) / 2);
  const before = natsMs();
  const still = await timed(both, () => delay(of("idle") * 1000));
  const each = (ms: number): number => (ms * 1000) / attachments / still.seconds;
  return {
    ...{ attachments, natsCpuMsPerMb, relays: RELAYS, mbPerCpuSecond: bytes.mbPerCpuSecond, mbPerSecond: bytes.mbPerSecond },
    within: { mbPerCpuSecond: within.mbPerCpuSecond, mbPerSecond: within.mbPerSecond },
    idleCpuUsPerAttachmentSecond: each(still.cpuMs - (lines.cpuMs / lines.seconds) * still.seconds),
    natsCpuUsPerAttachmentSecond: each(natsMs() - before),
    cpuMsPerAttach: made.cpuMs / attachments,
    kibPerAttachment: (kibOf() - kib) / attachments,
  };
}

type Crowded = Omit<RelayFigures, keyof Bytes | "baseKib" | "crossing"> & { readonly crowded: EchoRounds };

export async function crowd(relay: RelayProcess, typing: Talking): Promise<Crowded> {
  const [n, operators] = wants("crowd") ? [of("hosts"), of("operators")] : [1, 1];
  const idle = of("idle") * 1000;
  const [hosts, people] = [ends("hosts", relay.url), ends("operators", relay.url)];
  const before = relay.pssKib;
  const tokens = await relay.tokens(n);
  const joined = await timed(relay, () => hosts.ask({ tokens, first: 0 }));
  say(`${n} hosts after ${joined.seconds.toFixed(0)} s`);
  const lines = await timed(relay, () => delay(idle));
  const dials = await timed(relay, () => people.ask({ verb: "dial", attachments: DIALS }));
  const [withHosts, hostsKib, peopleKib] = [relay.pssKib, hosts.pssKib, people.pssKib];
  const made = await timed(relay, () =>
    people.ask<{ seconds: number; dialMs: RelayFigures["dialMs"] }>({ verb: "attach", attachments: operators, hosts: n }),
  );
  say(`${operators} attached after ${made.seconds.toFixed(0)} s`);
  await delay(idle / 2);
  const bytes = await relay.passedBytes();
  const still = await timed(relay, () => delay(idle));
  const idleBytes = (await relay.passedBytes()) - bytes;
  const each = (now: number, then: number): number => (now - then) / operators;
  const held = [each(relay.pssKib, withHosts), each(hosts.pssKib, hostsKib), each(people.pssKib, peopleKib)] as const;
  say(
    `${operators} at rest: ${held.map((kib) => kib.toFixed(0)).join(", ")} KiB each at the relay, the hosts and the operators; ${(still.cpuMs / still.seconds / 10).toFixed(0)} % of a core; ${(made.cpuMs / operators).toFixed(2)} ms to attach`,
  );
  const crowded = await echo(typing, ["direct", "relay"], wants("echo") ? of("rounds") : 0);
  const lineUs = (lines.cpuMs * 1000) / n / lines.seconds;
  return {
    ...{ hosts: n, attachments: operators, crowded },
    kibPerHost: (withHosts - before) / n,
    kibPerAttachment: held[0],
    hostKibPerAttachment: held[1],
    operatorKib: held[2],
    cpuMsPerHostJoin: joined.cpuMs / n,
    cpuMsPerDial: dials.cpuMs / DIALS,
    cpuMsPerAttach: made.cpuMs / operators,
    idleCpuUsPerHostSecond: lineUs,
    idleCpuUsPerAttachmentSecond: ((still.cpuMs * 1000) / still.seconds - lineUs * n) / operators,
    idleBytesPerAttachmentSecond: idleBytes / operators / still.seconds,
    attachSeconds: made.value.seconds,
    dialMs: made.value.dialMs,
    storm: values["no-storm"] || !wants("crowd") ? null : await storm(relay, people, operators),
  };
}

const DIALS = 200;
