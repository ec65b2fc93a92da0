/**
 * A world for one test: a fresh home under /tmp with a real keeper, host, shims and shells, reached through the SDK's front
 * door. `end` leaves no process and no folder of it.
 */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { hostDown, type ListenWish, startHost } from "@holdfast/host/start";
import { OperatorKind, type Session } from "@holdfast/protocol";
import type { Event, HostClient, OpenSpec } from "@holdfast/sdk";
import { connect, files, folders, generateKey, homeFolder } from "@holdfast/sdk/node";
import { keeperStatus } from "@holdfast/shim";
import { onTestFinished } from "vitest";
import { freePort } from "./port.ts";
import { fact, kill, lives, ofFolder } from "./processes.ts";
import { program } from "./program.ts";

const kinds = { human: OperatorKind.HUMAN, service: OperatorKind.SERVICE, ai: OperatorKind.AI };

export const soak = process.env["HOLDFAST_SOAK"] === "1";

export interface WorldOptions {
  /** Called with the folder before anything is in it: mounts, modes. */
  readonly prepare?: (place: string) => void;
  /** Called when every process is gone, before the folder is removed. */
  readonly undo?: (place: string) => void;
  /** False: its host is started by the first `listen`, once and not twice. Default true. */
  readonly starts?: boolean;
}

const END_MS = 60_000;

/** Everything that the test needs of the machine; ended with the test. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const place = mkdtempSync(join(tmpdir(), "hold-world-"));
  onTestFinished(() => made.end(options.undo), END_MS);
  const made = new World(place);
  options.prepare?.(place);
  if (options.starts ?? true) await made.start();
  return made;
}

export class World {
  readonly place: string;
  readonly home: string;
  /** A folder for the test's own files; sessions begin here. */
  readonly files: string;
  /** What sessions run with: nothing of the caller's leaks in. */
  readonly env: Readonly<Record<string, string>>;
  readonly #clients = new Set<HostClient>();
  readonly #endings: (() => void)[] = [];
  #isStarted = false;

  constructor(place: string) {
    this.place = place;
    this.files = join(place, "files");
    const state = join(place, "state");
    const user = join(place, "user");
    for (const folder of [this.files, state, user]) mkdirSync(folder);
    const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`;
    this.env = {
      PATH: path,
      HOME: user,
      LANG: "C.UTF-8",
      HOLDFAST_HOME: state,
      XDG_CONFIG_HOME: join(user, ".config"),
      // One for all: what V8 has compiled of the command line costs each world a tenth of a second for each command otherwise.
      XDG_CACHE_HOME: join(tmpdir(), `hold-tests-cache-${userInfo().uid}`),
      HOLDFAST_WORLD: place,
    };
    this.home = homeFolder(this.env);
  }

  /** Starts the host (again), as the command line does. */
  start(timeoutMs = 60_000): Promise<void> {
    this.#isStarted = true;
    return startHost({ home: this.home, env: this.env, timeoutMs, program });
  }

  /** Has the host listen, on a free port that stays the same over its restarts; resolves with its address. */
  async listen(wish: Partial<ListenWish> = {}): Promise<string> {
    return (await this.#listens({ listen: { listen: `127.0.0.1:${await freePort()}`, ...wish } }))("websocket");
  }

  /** The same for ssh clients. */
  async listenSsh(): Promise<string> {
    return (await this.#listens({ ssh: `127.0.0.1:${await freePort()}` }))("ssh");
  }

  /** For clients of every carrier: the addresses by the carrier's name. */
  async listenForAll(): Promise<(carrier: "websocket" | "http" | "ssh") => string> {
    return this.#listens({ listen: { listen: `127.0.0.1:${await freePort()}` }, ssh: `127.0.0.1:${await freePort()}` });
  }

  async #listens(wishes: { readonly listen?: ListenWish; readonly ssh?: string }): Promise<(carrier: string) => string> {
    if (this.#isStarted) {
      const admin = await this.connect();
      await admin.down();
      this.close(admin);
      await hostDown({ home: this.home, end: false });
    }
    this.#isStarted = true;
    await startHost({ home: this.home, env: this.env, timeoutMs: 60_000, program, ...wishes });
    const { addresses, notices } = await (await this.connect()).status();
    return (carrier) => {
      const url = addresses[carrier];
      if (!url) throw new Error(`the host does not listen: ${notices.join("; ")}`);
      return url;
    };
  }

  // --- operators ---

  /** One link of an operator; the machine's user, an admin, when no name is given. Closed with the world. */
  async connect(as?: string, home = this.home): Promise<HostClient> {
    const client = await connect({ home, via: "sdk", startHost: () => this.start(), timeoutMs: 60_000, ...(as ? { as } : {}) });
    this.#clients.add(client);
    return client;
  }

  /** Adds an operator with a key of its own, and connects as it. */
  async operator(name: string, kind: keyof typeof kinds = "human", role = "operator"): Promise<HostClient> {
    const { publicKey } = generateKey(this.home, name);
    const admin = await this.connect();
    await admin.operatorAdd({ name, kind: kinds[kind], role, publicKey });
    return this.connect(name);
  }

  /** Opens a session in this world's folder and environment. */
  async open(client: HostClient, spec: OpenSpec & { readonly script?: string } = {}): Promise<Session> {
    const { script, ...rest } = spec;
    const { session } = await client.open({
      env: this.env,
      cwd: this.files,
      shell: "/bin/bash",
      ...(script ? { command: ["bash", "-c", script] } : {}),
      ...rest,
    });
    return session;
  }

  keyOf(operator: string): KeyObject {
    return createPrivateKey(readFileSync(join(folders.keys(this.home), `${operator}.key`)));
  }

  // --- the machine ---

  status(): ReturnType<typeof keeperStatus> {
    return keeperStatus(folders.run(this.home));
  }

  async hostPid(): Promise<number> {
    return fact("the keeper has a host", async () => (await this.status()).hostPid || null);
  }

  /** kill -9 of the host; resolves with the pid of the one that the keeper started in its place, once that serves. */
  async killHost(): Promise<number> {
    const before = await this.status();
    kill(before.hostPid);
    return this.nextHost(before.hostPid);
  }

  /** The host that came after `pid` and answers. */
  async nextHost(pid: number): Promise<number> {
    const look = async (): Promise<number | null> => {
      const { hostPid } = await this.status();
      if (hostPid === 0 || hostPid === pid) return null;
      // A host that is killed meanwhile is not the one: look again.
      const client = await connect({ home: this.home, timeoutMs: 5_000 });
      const answered = await client.status();
      client.close();
      return answered.pid === hostPid ? hostPid : null;
    };
    // A keeper whose host died often waits for 10 s before it starts the next one.
    return fact(`the keeper started another host than ${pid}, and it serves`, look).catch((fault: Error) => {
      throw new Error(`${fault.message}; the host's log ends:\n${this.log().slice(-2_000)}`);
    });
  }

  /** No host, and nothing that starts one, until {@link start}. */
  async noHost(): Promise<void> {
    const { keeperPid, hostPid } = await this.status();
    kill(keeperPid);
    kill(hostPid);
  }

  close(client: HostClient): void {
    this.#clients.delete(client);
    client.close();
  }

  log(): string {
    return readFileSync(files.log(this.home), "utf8");
  }

  path(name: string): string {
    return join(this.files, name);
  }

  /** Runs before the world's processes are ended. */
  atEnd(run: () => void): void {
    this.#endings.push(run);
  }

  async end(undo?: (place: string) => void): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const run of this.#endings.reverse()) run();
    // The keeper first: it would start the host again.
    const keeper = await this.status().catch(() => null);
    if (keeper) kill(keeper.keeperPid);
    await fact(
      `no process of ${this.place} is left`,
      () => {
        const left = ofFolder(this.place);
        for (const pid of left) kill(pid);
        return left.length === 0;
      },
      END_MS - 10_000,
    );
    if (keeper && lives(keeper.keeperPid)) throw new Error(`the keeper ${keeper.keeperPid} is still there`);
    undo?.(this.place);
    rmSync(this.place, { recursive: true, force: true });
  }
}

export interface Recorded {
  /** Output of the terminal, or of stdout and stderr, as the journal has it. */
  readonly output: Buffer;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Everything but output, in the order of seq. */
  readonly events: readonly Event[];
  readonly gaps: readonly { readonly fromSeq: number; readonly toSeq: number; readonly reason: string }[];
  /** Records of output whose bytes are gone: redacted. */
  readonly holes: readonly number[];
  /** Every seq was seen once, in order. */
  readonly lastSeq: number;
}

/** Reads a session's whole journal, up to what it is now, as `hold log` would. */
export async function record(client: HostClient, session: string): Promise<Recorded> {
  const head = Number((await client.show(session)).seq);
  const streams: Buffer[][] = [[], [], []];
  const ends = [0, 0, 0];
  const events: Event[] = [];
  const gaps: { fromSeq: number; toSeq: number; reason: string }[] = [];
  const holes: number[] = [];
  let lastSeq = 0;
  const follow = (seq: number): void => {
    if (seq !== lastSeq + 1) throw new Error(`seq ${seq} came after ${lastSeq}`);
    lastSeq = seq;
    if (seq >= head) done();
  };
  let done: () => void = () => {};
  let failed: (fault: unknown) => void = () => {};
  const whole = new Promise<void>((resolve, reject) => {
    done = resolve;
    failed = reject;
  });
  const told = (run: () => void): void => {
    try {
      run();
    } catch (fault) {
      failed(fault);
    }
  };
  const attachment = await client.attach(
    { session, mode: "replay", after: 0, observe: true, quiet: true },
    {
      output: ({ seq, stream, offset, bytes }) =>
        told(() => {
          if (offset !== ends[stream]) throw new Error(`stream ${stream}: offset ${offset} came after ${ends[stream]}`);
          streams[stream]!.push(Buffer.from(bytes));
          ends[stream] = offset + bytes.length;
          follow(seq);
        }),
      event: (e) =>
        told(() => {
          events.push(e);
          follow(Number(e.seq));
        }),
      gap: (gap) => {
        const { lost, fromSeq, reason } = gap;
        // A record whose bytes are gone: it begins where the one before ended, and the next where it ends.
        if (lost)
          return told(() => {
            if (lost.offset !== ends[lost.stream] || lost.end <= lost.offset || reason !== "redacted")
              throw new Error(`stream ${lost.stream}: ${lost.offset} to ${lost.end} ${reason} after ${ends[lost.stream]}`);
            holes.push(fromSeq);
            ends[lost.stream] = lost.end;
            follow(fromSeq);
          });
        gaps.push(gap);
        lastSeq = gap.toSeq;
        if (lastSeq >= head) done();
      },
      detached: (reason, error) => failed(new Error(`detached: ${reason} ${error?.message ?? ""}`)),
    },
  );
  await whole;
  await attachment.detach();
  const [output, stdout, stderr] = streams.map((parts) => Buffer.concat(parts)) as [Buffer, Buffer, Buffer];
  return { output, stdout, stderr, events, gaps, holes, lastSeq };
}

/** The code that a call is refused with; throws if it is not refused. */
export async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (fault) {
    return (fault as { code?: string }).code ?? `no code: ${String(fault)}`;
  }
  return "not refused";
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A seeded random number generator (mulberry32): the seed is printed, so that a failure can be run again. */
export function random(seed = Number(process.env["HOLDFAST_SEED"] ?? Math.trunc(Math.random() * 2 ** 31))): {
  readonly seed: number;
  below(n: number): number;
} {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return { seed, below: (n) => Math.floor(next() * n) };
}

export function say(text: string): void {
  process.stdout.write(`  ${text}\n`);
}
