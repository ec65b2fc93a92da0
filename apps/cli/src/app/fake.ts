/** A world for tests of commands: streams that remember, a clock that stands, and a host made of the methods that a test gives. */
import type { AttachHandlers, AttachOptions, Attachment, Event, Floor, HostClient, Session } from "@holdfast/sdk";
import type { KeptByRelay } from "@holdfast/sdk/node";
import type { Settings } from "../config/settings.ts";
import { paintFor } from "../show/colour.ts";
import { table } from "../spec/index.ts";
import type { AuditFinding, AuditRecord, Context, KeyStore, Output, RecordPage } from "./context.ts";
import type { Globals } from "./globals.ts";
import { type OwnedContext, runLine } from "./main.ts";

export class Sink implements Output {
  readonly isTty: boolean;
  readonly columns: number;
  readonly chunks: Buffer[] = [];
  constructor(isTty: boolean, columns = 100) {
    this.isTty = isTty;
    this.columns = columns;
  }
  write(data: string | Uint8Array): void {
    this.chunks.push(Buffer.from(data as string));
  }
  drained(): Promise<void> {
    return Promise.resolve();
  }
  /** What the command does when its reader goes away; a test calls it. */
  gone: (() => void) | undefined;
  whenGone(run: () => void): void {
    this.gone = run;
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
  get lines(): string[] {
    return this.text.split("\n").filter((l) => l !== "");
  }
}

export const nowMs = Date.UTC(2026, 0, 2, 12, 0, 0);

export const floor = (over: Partial<Floor> = {}): Floor =>
  ({
    mode: 1,
    holder: "",
    holderName: "",
    holderKind: 0,
    seat: "",
    epoch: 0n,
    expiresUnixMs: 0n,
    asking: [],
    aiPaused: false,
    ...over,
  }) as unknown as Floor;

export const session = (over: Partial<Session> = {}): Session =>
  ({
    id: "01jdwork0000",
    name: "work",
    kind: 1,
    state: 1,
    pid: 4711,
    createdUnixMs: BigInt(nowMs - 3_600_000),
    operators: [],
    floor: floor(),
    size: { cols: 80, rows: 24 },
    cwd: "/home/ana/src",
    command: ["bash"],
    group: "",
    seq: 12n,
    outputBytes: 2048n,
    sizePinned: false,
    lastActivityUnixMs: BigInt(nowMs - 60_000),
    incarnation: 1,
    syncInput: false,
    openedBy: "ana",
    running: "",
    parent: "",
    ...over,
  }) as unknown as Session;

export const event = (seq: number, kind: string, value: object = {}, over: Partial<Event> = {}): Event =>
  ({
    seq: BigInt(seq),
    actor: "op-ana",
    via: "cli",
    atUnixMs: BigInt(nowMs + seq),
    body: { kind: { case: kind, value } },
    stream: 0,
    offset: 0n,
    data: new Uint8Array(),
    payload: "",
    payloadBytes: 0,
    lsn: BigInt(seq),
    ...over,
  }) as unknown as Event;

/** A host that has the methods given; the others say that the test did not expect them. */
export function host(methods: Partial<HostClient> & { readonly listed?: readonly Session[] }): HostClient {
  const sessions = methods.listed ?? [];
  const find = (name: string) => {
    const found = sessions.find((s) => s.name === name || s.id === name);
    if (!found) throw Object.assign(new Error(`no session ${name} here`), { name: "HoldError", code: "no_such_session" });
    return found;
  };
  const base = {
    operator: { operator: { id: "op-me", name: "me" } },
    list: async () => [...sessions],
    show: async (name: string) => find(name),
    operatorList: async () => [],
    witness: { checked: async () => null, onAlarm: () => () => undefined },
    close: () => undefined,
    ...methods,
  };
  return new Proxy(base, {
    get(target, key) {
      if (key in target || typeof key === "symbol" || key === "then") return (target as Record<string | symbol, unknown>)[key];
      return () => Promise.reject(new Error(`the test's host has no ${String(key)}`));
    },
  }) as unknown as HostClient;
}

type Step =
  | { readonly output: string; readonly seq: number; readonly offset?: number; readonly stream?: number }
  | { readonly event: Event }
  | { readonly gap: readonly [number, number] };

/** `attach` of a host that replays these steps to whoever attaches, and then says nothing more. */
export function replaying(
  s: Session,
  steps: readonly Step[],
): (options: AttachOptions, handlers: AttachHandlers) => Promise<Attachment> {
  return async (options, handlers) => {
    const after = options.after ?? 0;
    void (async () => {
      await Promise.resolve();
      for (const step of steps) {
        if ("gap" in step) handlers.gap?.({ fromSeq: step.gap[0], toSeq: step.gap[1], reason: "retention" });
        else if ("event" in step) {
          if (Number(step.event.seq) > after) handlers.event?.(step.event);
        } else if (!options.noOutput && step.seq > after)
          await handlers.output?.({
            seq: step.seq,
            masked: 0,
            stream: step.stream ?? 0,
            offset: step.offset ?? 0,
            end: (step.offset ?? 0) + Buffer.byteLength(step.output),
            bytes: Buffer.from(step.output),
            atUnixMs: nowMs + step.seq,
          });
      }
      if (options.mode !== "replay") handlers.detached?.("ended");
    })();
    return {
      id: "att-1",
      session: s,
      floor: floor(),
      presence: [],
      observing: true,
      unansweredBytes: 0,
      detach: async () => undefined,
    } as unknown as Attachment;
  };
}

export interface World {
  readonly client?: HostClient;
  readonly tty?: boolean;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  readonly keys?: Partial<KeyStore>;
  readonly findings?: readonly AuditFinding[];
  readonly records?: readonly AuditRecord[];
  /** By the relay that leads to the host. */
  readonly kept?: KeptByRelay;
  /** The host is gone, and this is the page over its mirror. */
  readonly record?: RecordPage;
  readonly configFolder?: string;
  readonly home?: string;
  readonly passphrase?: string;
  readonly hostDown?: (options: { readonly end: boolean }) => Promise<boolean>;
  readonly cancelled?: AbortSignal;
  /** Is given standard output and standard error, for a test that acts on them while the command runs. */
  readonly streams?: Sink[];
}

export const defaults: Settings = {
  file: "/config/config.toml",
  prefix: "\x11",
  colour: "auto",
  screen: "alternate",
  statusMs: 2000,
  shell: undefined,
  floor: "turn",
  remoteSsh: "ssh",
  remoteHold: "hold",
  all: [],
  problems: [],
};

export function fakeContext(globals: Globals, world: World, out: Sink, err: Sink): OwnedContext {
  const env = world.env ?? { HOME: "/home/ana", SHELL: "/bin/bash" };
  const context: Context = {
    version: "0.0.0-test",
    env,
    cwd: "/home/ana/src",
    table,
    json: globals.json,
    as: globals.as,
    tail: globals.tail,
    input: {
      isTty: world.tty ?? false,
      async *bytes() {
        yield Buffer.from(world.stdin ?? "");
      },
      line: async () => world.stdin ?? null,
    },
    out,
    err,
    paint: paintFor(false, {}),
    errPaint: paintFor(false, {}),
    now: () => nowMs,
    home: async () => world.home ?? "/nowhere/home",
    configFolder: async () => world.configFolder ?? "/nowhere/config",
    settings: async () =>
      world.configFolder === undefined ? defaults : (await import("../config/settings.ts")).loadSettings(world.configFolder, env),
    client: async () => {
      if (!world.client) throw Object.assign(new Error("no host answers"), { name: "HoldError", code: "unreachable" });
      return world.client;
    },
    lookAtHost: () => Promise.reject(new Error("the test has no other host")),
    hostAnew: () => context.client(),
    join: () => Promise.reject(new Error("the test has no invitation")),
    logIn: () => Promise.reject(new Error("the test has no issuer")),
    connectAs: () => context.client(),
    connectBearing: () => context.client(),
    program: "/opt/holdfast/bin/hold",
    hostDown: async (options) => (await world.hostDown?.(options)) ?? false,
    relays: () => Promise.reject(new Error("the test has no relay")),
    findHosts: async () => [],
    outer: () => Promise.reject(new Error("the test has no terminal")),
    cancelled: world.cancelled ?? new AbortController().signal,
    keys: async () => ({
      names: async () => [],
      generate: async (name) => ({ publicKey: new Uint8Array(32), path: `/keys/${name}` }),
      discard: async () => undefined,
      ...world.keys,
    }),
    secret: async () => world.passphrase ?? "hunter2",
    newPassphrase: async () => world.passphrase ?? "correct horse battery",
    reconnect: () => context.client(),
    recordPage: async (_redeemMs, instead) => (globals.fromMirror || instead ? (world.record ?? null) : null),
    connectAt: () => context.client(),
    origin: undefined,
    remote: undefined,
    host: globals.host,
    relayUrls: globals.relay === undefined ? [] : [globals.relay],
    reach: () => {},
    bridge: async () => undefined,
    auditRecords: async () =>
      (async function* () {
        yield* world.records ?? [];
      })(),
    relayHeads: async () => world.kept ?? null,
    holdAlarms: () => () => undefined,
    verifyAudit: async () =>
      (async function* () {
        yield* world.findings ?? [];
      })(),
  };
  return { ...context, end: async () => undefined };
}

/** Runs one line in a world: `hold("ls --json", {client})`. Words are split at spaces; give an array for words that have some. */
export async function hold(line: string | readonly string[], world: World = {}): Promise<{ code: number; out: Sink; err: Sink }> {
  const out = new Sink(world.tty ?? false, world.columns);
  const err = new Sink(world.tty ?? false, world.columns);
  world.streams?.push(out, err);
  const words = typeof line === "string" ? line.split(" ").filter(Boolean) : line;
  const code = await runLine(words, (globals) => fakeContext(globals, world, out, err), world.env ?? {}, {
    out,
    err,
  });
  return { code, out, err };
}
